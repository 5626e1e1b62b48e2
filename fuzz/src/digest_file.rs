//! What is carried from a file to a key.

use chancery_authenticode::{DigestFile, PreparedSignature};

/// Reads the bytes as a digest file, and as a prepared signature by itself: what is read is written and read
/// again, and what does not fit together is not signed.
pub fn digest_file(data: &[u8]) {
    if let Ok(file) = DigestFile::from_der(data) {
        assert!(!file.file_name.contains(char::is_control));
        let again = DigestFile::from_der(&file.to_der());
        assert_eq!(again.ok().as_ref(), Some(&file), "what we write is read");
        check(&file.prepared);
    }
    if let Ok(prepared) = PreparedSignature::from_content_info(data) {
        assert_eq!(prepared.content_info(), data);
        check(&prepared);
    }
}

fn check(prepared: &PreparedSignature) {
    let (algorithm, digest) = prepared.digest();
    assert_eq!(digest.len(), algorithm.output_len());
    assert_eq!(prepared.scheme().digest(), *algorithm);
    assert_eq!(prepared.message_digest().len(), algorithm.output_len());
    assert!(prepared.complete(b"no signature").is_err());
}
