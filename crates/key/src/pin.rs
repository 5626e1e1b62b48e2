//! PINs and passphrases: asked for once, zeroised, never printable.

use core::fmt;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::KeyError;

/// A PIN or passphrase. Wiped from memory when dropped; neither cloned, compared nor printed.
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// Takes over the bytes of a PIN, normally UTF-8 without a terminating NUL.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Takes over bytes read from a file, a descriptor or a pipe, less one trailing line ending.
    ///
    /// Editors and `echo` add the line ending; a PIN that really ends in two keeps one.
    #[must_use]
    pub fn from_line(bytes: Vec<u8>) -> Self {
        let mut bytes = Zeroizing::new(bytes);
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        Self(bytes)
    }

    /// Shows the secret to the one call that needs it.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
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
        let copy = |pin: &Pin| Pin::new(pin.expose_secret().to_vec());
        if let Some((_, pin)) = known.iter().find(|(purpose, _)| *purpose == request.purpose) {
            return Ok(copy(pin));
        }
        let pin = self.source.pin(request)?;
        let given = copy(&pin);
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
    fn one_line_ending_is_trimmed_and_no_more() {
        for (given, pin) in [
            ("1234\n", "1234"),
            ("1234\r\n", "1234"),
            ("1234", "1234"),
            ("1234\n\n", "1234\n"),
            (" 12 34 ", " 12 34 "),
            ("\n", ""),
        ] {
            assert_eq!(Pin::from_line(given.into()).expose_secret(), pin.as_bytes(), "{given:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", Pin::new(b"1234".to_vec()));
        assert!(!shown.contains("1234") && !shown.contains('4'), "{shown}");
    }
}
