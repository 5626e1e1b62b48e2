//! INF text and what it asks for.

use chancery_inf::Document;
use chancery_x509::RequestPolicy;

/// Reads the bytes as an INF, which written must give the same, and as a request for a certificate.
pub fn inf(data: &[u8]) {
    let Ok(document) = Document::from_bytes(data) else { return };
    let written = document.to_string();
    let again: Document = written.parse().unwrap_or_else(|error| panic!("{error} in {written:?}"));
    assert!(again.to_string() == written, "{written:?}");
    let wide = Document::from_bytes(&document.to_utf16le());
    assert!(wide.is_ok_and(|wide| wide.to_string() == written), "{written:?}");
    match RequestPolicy::from_inf(&document) {
        Ok((policy, notices)) => {
            assert!(notices.len() <= data.len());
            let _ = (policy.subject().to_string(), policy.key().template(), policy.scheme());
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
}
