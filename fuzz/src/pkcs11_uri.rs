//! PKCS#11 addresses.

use chancery_pkcs11::Uri;

/// Reads the bytes as a PKCS#11 URI, which its canonical form must give again.
pub fn pkcs11_uri(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    match text.parse::<Uri>() {
        Ok(uri) => {
            let canonical = uri.to_string();
            let again: Uri = canonical.parse().unwrap_or_else(|error| panic!("{error}"));
            assert!(again == uri, "{canonical}");
            assert!(canonical.is_ascii() && !canonical.contains(char::is_whitespace));
            assert!(!canonical.contains("pin-value="), "no PIN gets into what is logged");
        }
        Err(error) => {
            assert!(error.offset() <= text.len());
            let shown = error.to_string();
            assert!(!shown.is_empty() && !shown.contains(char::is_control), "{shown:?}");
        }
    }
}
