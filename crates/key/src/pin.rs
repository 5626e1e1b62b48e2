//! PINs and passphrases: asked for once, zeroised, never printable.

use core::fmt;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::KeyError;

/// A PIN or passphrase. Wiped from memory when dropped; neither cloned, compared nor printed.
pub struct Pin {
    secret: Zeroizing<Vec<u8>>,
    origin: Option<String>,
}

impl Pin {
    /// Takes over the bytes of a PIN, normally UTF-8 without a terminating NUL.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { secret: Zeroizing::new(bytes), origin: None }
    }

    /// Takes over the first line of what was read from a file, a descriptor or a pipe, without its ending and without a
    /// mark of UTF-8 before it.
    ///
    /// Editors add the one and the other, and a token would count a try for either.
    #[must_use]
    pub fn from_line(bytes: Vec<u8>) -> Self {
        const MARK: &[u8] = "\u{feff}".as_bytes();
        let mut bytes = Zeroizing::new(bytes);
        if bytes.starts_with(MARK) {
            bytes.drain(..MARK.len());
        }
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            bytes.truncate(end);
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        Self { secret: bytes, origin: None }
    }

    /// Says where the PIN is from, as in `the file /run/pin`, for the message where it is refused.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Returns where the PIN is from, where its source said.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Tells whether there is a control character in it, which nobody types: the rest of a file in another encoding, or
    /// of several lines.
    #[must_use]
    pub fn has_control_characters(&self) -> bool {
        self.secret.iter().any(u8::is_ascii_control)
    }

    fn copy(&self) -> Self {
        Self { secret: self.secret.clone(), origin: self.origin.clone() }
    }

    /// Shows the secret to the one call that needs it.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(***)")
    }
}

/// Cuts a text where a `pin-value` begins (RFC 7512 section 2.4), which refused addresses may have: for messages that
/// repeat what cannot be read.
#[must_use]
pub fn without_pin_value(text: &str) -> Cow<'_, str> {
    const NAMES: [&str; 3] = ["pin-value", "pin_value", "pinvalue"];
    let lower = text.to_ascii_lowercase();
    let end =
        NAMES.iter().filter_map(|name| Some(lower.find(name)?.saturating_add(name.len()))).min();
    // The same bytes but for the case of letters, so the same offsets.
    match end.and_then(|end| text.get(..end)) {
        Some(before) => Cow::Owned(format!("{before}=...")),
        None => Cow::Borrowed(text),
    }
}

/// What a PIN is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinPurpose {
    /// The normal user's PIN of a token, by label.
    TokenUser {
        /// The token's label.
        token: String,
    },
    /// The PIN that a key with `CKA_ALWAYS_AUTHENTICATE` wants before every signature.
    KeyUse {
        /// The token's label.
        token: String,
        /// The key's label or address.
        key: String,
    },
    /// The passphrase of an encrypted key file that exists.
    OpenFile {
        /// The file, as the user named it.
        file: String,
    },
    /// The passphrase for a key file about to be written.
    ProtectFile {
        /// The file, as the user named it.
        file: String,
    },
}

/// A request for one PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinRequest {
    /// What the PIN is for.
    pub purpose: PinPurpose,
    /// What the token says of earlier wrong tries, for a person to read before typing.
    pub warning: Option<String>,
}

impl PinRequest {
    /// Makes a request without a warning.
    #[must_use]
    pub const fn new(purpose: PinPurpose) -> Self {
        Self { purpose, warning: None }
    }

    /// Adds what a person should know before typing.
    #[must_use]
    pub fn with_warning(mut self, warning: impl Into<String>) -> Self {
        self.warning = Some(warning.into());
        self
    }
}

impl fmt::Display for PinRequest {
    /// Writes what is asked for, as a prompt would: ``PIN of token `build` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.purpose {
            PinPurpose::TokenUser { token } => write!(f, "PIN of token `{token}`"),
            PinPurpose::KeyUse { token, key } => {
                write!(f, "PIN of token `{token}` to use key `{key}` once")
            }
            PinPurpose::OpenFile { file } => write!(f, "passphrase of {file}"),
            PinPurpose::ProtectFile { file } => write!(f, "new passphrase for {file}"),
        }
    }
}

/// Where PINs come from: a prompt, a file, the environment, a credential store, a callback.
///
/// A backend calls it at most once per login. A PIN that was refused is never asked for again in the
/// same run: cards lock after three.
pub trait PinSource: fmt::Debug + Send + Sync {
    /// Obtains one PIN.
    ///
    /// # Errors
    /// [`KeyErrorKind::AuthRequired`](crate::KeyErrorKind::AuthRequired) where there is none to be had.
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError>;
}

impl<P: PinSource + ?Sized> PinSource for &P {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        (**self).pin(request)
    }
}

impl<P: PinSource + ?Sized> PinSource for std::sync::Arc<P> {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        (**self).pin(request)
    }
}

/// Asks another source once for each purpose, and gives the same PIN again when it is wanted again.
///
/// Made for keys that want their PIN before every signature, where the person or pipe behind the source has it
/// once. What is remembered is wiped with this value.
#[derive(Debug)]
pub struct RememberedPins<S> {
    source: S,
    known: Mutex<Vec<(PinPurpose, Pin)>>,
}

impl<S: PinSource> RememberedPins<S> {
    /// Remembers what this source gives.
    #[must_use]
    pub const fn new(source: S) -> Self {
        Self { source, known: Mutex::new(Vec::new()) }
    }
}

impl<S: PinSource> PinSource for RememberedPins<S> {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        // Held while asking, so that two threads do not both ask.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pin)) = known.iter().find(|(purpose, _)| *purpose == request.purpose) {
            return Ok(pin.copy());
        }
        let pin = self.source.pin(request)?;
        let given = pin.copy();
        known.push((request.purpose.clone(), pin));
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Gives a PIN once, and another that is wrong ever after.
    #[derive(Debug, Default)]
    struct Once(AtomicBool);

    impl PinSource for Once {
        fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
            let pin = if self.0.swap(true, Ordering::Relaxed) { b"0000" } else { b"1234" };
            Ok(Pin::new(pin.to_vec()))
        }
    }

    #[test]
    fn a_remembered_pin_is_asked_for_once_for_each_purpose() {
        let pins = RememberedPins::new(Once::default());
        let give = |key: &str| {
            let purpose = PinPurpose::KeyUse { token: "build".into(), key: key.into() };
            pins.pin(&PinRequest::new(purpose)).unwrap().expose_secret().to_vec()
        };
        assert_eq!([give("a"), give("a")], [b"1234", b"1234"]);
        assert_eq!(give("b"), b"0000", "another purpose is another question");
        assert!(!format!("{pins:?}").contains("1234"));
    }

    #[test]
    fn the_first_line_is_taken_and_no_mark_of_its_encoding() {
        for (given, pin) in [
            ("1234\n", "1234"),
            ("1234\r\n", "1234"),
            ("1234", "1234"),
            ("1234\n\n", "1234"),
            ("1234\nsecond\n", "1234"),
            ("1234\r\nsecond", "1234"),
            ("\u{feff}1234\r\n", "1234"),
            ("\u{feff}\u{feff}1", "\u{feff}1"),
            (" 12 34 ", " 12 34 "),
            ("\n", ""),
        ] {
            assert_eq!(Pin::from_line(given.into()).expose_secret(), pin.as_bytes(), "{given:?}");
        }
    }

    #[test]
    fn a_pin_says_where_it_is_from_and_what_is_odd() {
        let pin = Pin::new(b"12\x0034".to_vec()).with_origin("the file a");
        assert_eq!(pin.copy().origin(), Some("the file a"));
        assert!(pin.has_control_characters());
        assert!(!Pin::from_line("1 ü\n".into()).has_control_characters());
    }

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", Pin::new(b"1234".to_vec()));
        assert!(!shown.contains("1234") && !shown.contains('4'), "{shown}");
    }
}
