//! Sources of PINs that need nobody to type: files, the environment, and what the caller has.

#[cfg(feature = "keyring")]
mod stored;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chancery_key::{KeyError, KeyErrorKind, Pin, PinPurpose, PinRequest, PinSource};
use zeroize::Zeroizing;

use crate::{Error, ErrorKind};

#[cfg(feature = "keyring")]
pub use stored::StoredPin;

/// The longest PIN read, in bytes. Longer input is a wrong file.
const MAX_PIN_LEN: u64 = 4096;

fn required(request: &PinRequest, why: String) -> KeyError {
    KeyError::new(KeyErrorKind::AuthRequired, format!("no {request}: {why}"))
}

/// Reads a source to its end, and takes its first line for the PIN.
fn read_pin(mut source: impl Read, request: &PinRequest, name: &str) -> Result<Pin, KeyError> {
    // Room for all of it from the start: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(8192));
    (&mut source)
        .take(MAX_PIN_LEN + 2)
        .read_to_end(&mut bytes)
        .map_err(|error| required(request, format!("{name} cannot be read")).with_source(error))?;
    if bytes.len() as u64 > MAX_PIN_LEN {
        return Err(required(request, format!("{name} is longer than any PIN")));
    }
    Ok(Pin::from_line(core::mem::take(&mut *bytes)))
}

/// A PIN in a file, or in anything else that opens by a path, as `/dev/fd/3`.
#[derive(Clone, Debug)]
pub struct FilePin(PathBuf);

impl FilePin {
    /// Names the file. It is read when the PIN is needed, and its first line is the PIN.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

impl PinSource for FilePin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        let name = self.0.display().to_string();
        let file = File::open(&self.0).map_err(|error| {
            required(request, format!("{name} cannot be opened")).with_source(error)
        })?;
        read_pin(file, request, &name).map(|pin| pin.with_origin(format!("the file {name}")))
    }
}

/// A PIN in the file that an address names as its `pin-source`.
#[derive(Debug)]
pub(crate) struct AddressPin(FilePin);

impl AddressPin {
    /// Reads `file:/run/pin`, `file:///run/pin` or a path.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a command, which RFC 7512 section 2.4 knows and we do not run, and for any other scheme.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            let text =
                format!("the `pin-source` of the address {why}; it names a file, as file:/run/pin");
            Err(Error::new(ErrorKind::Usage, text))
        };
        if text.starts_with('|') {
            return wrong("is a command, and none is run");
        }
        let path = text.strip_prefix("file:").unwrap_or(text);
        let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        // A single letter is a drive.
        let scheme = path.split_once(':').map_or("", |(scheme, _)| scheme);
        if path.is_empty() || path.starts_with("//") {
            return wrong("names no file of this machine");
        }
        if scheme.len() > 1
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            return wrong("has a scheme that is not known");
        }
        Ok(Self(FilePin::new(path.into())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.0
    }
}

impl PinSource for AddressPin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        let origin = format!("the file {}, which the address names", self.0.0.display());
        Ok(self.0.pin(request)?.with_origin(origin))
    }
}

/// A PIN in an environment variable.
#[derive(Clone, Debug)]
pub struct EnvironmentPin(String);

impl EnvironmentPin {
    /// Names the variable.
    #[must_use]
    pub const fn new(variable: String) -> Self {
        Self(variable)
    }
}

/// Names a variable in a message, unless somebody may have typed the PIN in the place of its name.
fn variable(name: &str) -> String {
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if is_name { format!("the variable {name}") } else { "the variable of the name given".into() }
}

impl PinSource for EnvironmentPin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        match std::env::var(&self.0) {
            Ok(value) => Ok(Pin::new(value.into_bytes()).with_origin(variable(&self.0))),
            Err(_) => Err(required(request, format!("{} is not set", variable(&self.0)))),
        }
    }
}

/// A token's PIN in one of the variables that HSM clients take theirs from: `HSM_PIN`, then AWS CloudHSM's
/// `CLOUDHSM_PIN` and `n3fips_password`, which are `user:password`.
#[derive(Clone, Debug)]
pub struct HsmEnvironmentPin {
    otherwise: Arc<dyn PinSource>,
}

/// The variables, and whether each is `user:password` in any case.
const HSM_VARIABLES: [(&str, bool); 3] =
    [("HSM_PIN", false), ("CLOUDHSM_PIN", true), ("n3fips_password", true)];

impl HsmEnvironmentPin {
    /// Tells whether any of the variables is set; then whichever token asks is given the same.
    #[must_use]
    pub fn is_set() -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        HSM_VARIABLES.iter().any(|(name, _)| is_set(name))
    }

    /// Asks `otherwise` where none of the variables is set, and for whatever is no token.
    #[must_use]
    pub fn or(otherwise: Arc<dyn PinSource>) -> Self {
        Self { otherwise }
    }
}

impl PinSource for HsmEnvironmentPin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        let is_of_token =
            matches!(request.purpose, PinPurpose::TokenUser { .. } | PinPurpose::KeyUse { .. });
        let set = HSM_VARIABLES.iter().filter(|_| is_of_token).find_map(|(name, has_user)| {
            let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
            Some((name, has_user, value))
        });
        match set {
            None => self.otherwise.pin(request),
            // A password alone would be refused, and cost a try.
            Some((name, true, value)) if !value.contains(':') => {
                let _wiped = Zeroizing::new(value);
                Err(required(request, format!("the variable {name} is not `user:password`")))
            }
            Some((name, _, value)) => {
                Ok(Pin::new(value.into_bytes()).with_origin(format!("the variable {name}")))
            }
        }
    }
}

/// A PIN the caller already has, handed out once for each time it was given.
#[derive(Debug)]
pub struct GivenPin(Mutex<Vec<Pin>>);

impl GivenPin {
    /// Hands out this PIN, once.
    #[must_use]
    pub fn new(pin: Pin) -> Self {
        Self(Mutex::new(vec![pin]))
    }
}

impl PinSource for GivenPin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        let mut left = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        left.pop().ok_or_else(|| required(request, "the one given was used".into()))
    }
}

/// Makes a passphrase of 160 random bits, in letters and digits that are hard to confuse.
///
/// # Errors
/// [`crate::ErrorKind::Io`] where the system has no random numbers.
pub fn random_passphrase() -> Result<Zeroizing<String>, Error> {
    // 32 characters: 5 bits each, without a bias.
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(random.as_mut()).map_err(|error| {
        Error::new(ErrorKind::Io, "the system has no random numbers").with_source(error)
    })?;
    let mut text = Zeroizing::new(String::with_capacity(32));
    for byte in random.iter() {
        text.extend(ALPHABET.get(usize::from(byte & 0x1f)).map(|letter| char::from(*letter)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn request() -> PinRequest {
        PinRequest::new(PinPurpose::TokenUser { token: "build".into() })
    }

    #[test]
    fn a_file_gives_its_first_line_each_time() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"\xef\xbb\xbf12 34\r\nsecond\n").unwrap();
        let source = FilePin::new(file.path().into());
        for _ in 0..2 {
            assert_eq!(source.pin(&request()).unwrap().expose_secret(), b"12 34");
        }
    }

    #[test]
    fn a_missing_or_huge_file_is_no_pin() {
        let error = FilePin::new("no/such/file".into()).pin(&request()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRequired);
        assert!(error.to_string().contains("no/such/file"), "{error}");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[b'1'; 5000]).unwrap();
        assert!(FilePin::new(file.path().into()).pin(&request()).is_err());
    }

    #[test]
    fn an_address_names_a_file_and_no_command() {
        for text in ["file:/run/pin", "file:///run/pin", "/run/pin"] {
            assert_eq!(AddressPin::new(text).unwrap().0.0, PathBuf::from("/run/pin"), "{text}");
        }
        assert_eq!(AddressPin::new("C:/pin").unwrap().0.0, PathBuf::from("C:/pin"));
        for text in ["|cat /run/pin", "", "file:", "file://host/pin", "http://host/pin", "env:PIN"]
        {
            assert_eq!(AddressPin::new(text).unwrap_err().kind(), ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn a_given_pin_is_given_once() {
        let source = GivenPin::new(Pin::new(b"1234".to_vec()));
        assert_eq!(source.pin(&request()).unwrap().expose_secret(), b"1234");
        assert_eq!(source.pin(&request()).unwrap_err().kind(), KeyErrorKind::AuthRequired);
    }

    #[test]
    fn passphrases_differ_and_are_long() {
        let (one, other) = (random_passphrase().unwrap(), random_passphrase().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(*one, *other);
    }
}
