//! Where a key is, as one text for every kind of place.

use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

use chancery_key::without_pin_value;
use chancery_pkcs11::Uri;

/// The address of a key: `file:release.pem`, an RFC 7512 URI, `pkcs11:token=build;object=release`, or
/// a key in Windows, `cng:provider=...;container=release`.
///
/// `pkcs12:release.p12` is read too and is the same as `file:release.p12`: a file says itself what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAddress {
    /// A key file.
    File(PathBuf),
    /// A key on a PKCS#11 token.
    Pkcs11(Box<Uri>),
    /// A key in Windows. Read everywhere, opened there alone.
    Cng(Box<chancery_cng::Address>),
}

/// Why a text is no key address.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyAddressError {
    /// It begins with none of the schemes we know.
    UnknownScheme(String),
    /// `file:` with nothing after it.
    NoPath,
    /// A PKCS#11 URI that breaks RFC 7512.
    Pkcs11(chancery_pkcs11::UriError),
    /// A `cng:` address that names no key as Windows names them.
    Cng(chancery_cng::AddressError),
}

impl fmt::Display for KeyAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownScheme(text) => {
                let text = without_pin_value(text);
                write!(f, "`{text}` begins with none of `file:`, `pkcs11:` and `cng:`")
            }
            Self::NoPath => f.write_str("`file:` names no file"),
            Self::Pkcs11(_) => f.write_str("not a PKCS#11 URI"),
            Self::Cng(_) => f.write_str("not the address of a key in Windows"),
        }
    }
}

impl core::error::Error for KeyAddressError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Pkcs11(error) => Some(error),
            Self::Cng(error) => Some(error),
            _ => None,
        }
    }
}

impl FromStr for KeyAddress {
    type Err = KeyAddressError;

    fn from_str(text: &str) -> Result<Self, KeyAddressError> {
        if let Some(path) = text.strip_prefix("file:").or_else(|| text.strip_prefix("pkcs12:")) {
            // `file:///path` is the same file as `file:/path` (RFC 8089 section 2).
            let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
            if path.is_empty() {
                return Err(KeyAddressError::NoPath);
            }
            return Ok(Self::File(path.into()));
        }
        if text.starts_with("pkcs11:") {
            let uri = text.parse().map_err(KeyAddressError::Pkcs11)?;
            return Ok(Self::Pkcs11(Box::new(uri)));
        }
        if text.starts_with("cng:") {
            let address = text.parse().map_err(KeyAddressError::Cng)?;
            return Ok(Self::Cng(Box::new(address)));
        }
        Err(KeyAddressError::UnknownScheme(text.into()))
    }
}

impl fmt::Display for KeyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Pkcs11(uri) => uri.fmt(f),
            Self::Cng(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written) in [
            ("file:key.pem", "file:key.pem"),
            ("file:///etc/key.pem", "file:/etc/key.pem"),
            ("pkcs12:key.p12", "file:key.p12"),
            ("pkcs11:token=build;object=release", "pkcs11:token=build;object=release"),
            ("cng:provider=P;container=release", "cng:provider=P;container=release"),
        ] {
            assert_eq!(text.parse::<KeyAddress>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn a_bare_path_and_an_empty_one_are_refused() {
        for bad in ["key.pem", "", "file:", "pkcs12:", "PKCS11:token=a", "cng:"] {
            assert!(bad.parse::<KeyAddress>().is_err(), "{bad}");
        }
    }
}
