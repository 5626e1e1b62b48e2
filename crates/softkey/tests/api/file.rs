//! Key files on disk.

use std::fs;

use chancery_key::{EcCurve, KeyErrorKind, Pin, SigningKey};
use chancery_softkey::{MAX_KEY_FILE_LEN, SoftKey};

use super::support::{Passphrase, chain, ec};

#[test]
fn a_created_file_opens_again_and_is_the_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("release.pem");
    let key = ec(EcCurve::P256);
    key.create_file(&path, &Pin::new(b"x".to_vec())).unwrap();
    let opened = SoftKey::open_file(&path, &Passphrase::new("x")).unwrap();
    assert_eq!(opened.public_key(), key.public_key());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("release.pem");
    fs::write(&path, "precious").unwrap();
    let error = ec(EcCurve::P256).create_file(&path, &Pin::new(b"x".to_vec())).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::AlreadyExists);
    assert_eq!(error.to_string(), format!("{} is already there", path.display()));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    #[cfg(unix)]
    {
        let link = dir.path().join("link.pem");
        std::os::unix::fs::symlink(dir.path().join("nowhere"), &link).unwrap();
        let error = ec(EcCurve::P256).create_file(&link, &Pin::new(b"x".to_vec())).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AlreadyExists, "a dangling link is not followed");
        assert!(!dir.path().join("nowhere").exists());
    }
}

#[test]
fn errors_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.pem");
    let error = SoftKey::open_file(&missing, &Passphrase::none()).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::NotFound);
    assert_eq!(error.to_string(), format!("cannot read {}", missing.display()));

    let error = SoftKey::open_file(dir.path(), &Passphrase::none()).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Io, "a directory");

    let text = dir.path().join("text.pem");
    fs::write(&text, "hello").unwrap();
    let error = SoftKey::open_file(&text, &Passphrase::none()).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Malformed);
    let expected =
        format!("cannot open the key in {}: there is no private key in it", text.display());
    assert_eq!(chain(&error), expected);

    let nowhere = dir.path().join("missing/release.pem");
    let error = ec(EcCurve::P256).create_file(&nowhere, &Pin::new(b"x".to_vec())).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Io);
}

#[test]
fn a_file_is_read_up_to_the_limit_and_not_beyond() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.pem");
    let key = ec(EcCurve::P256);
    let pem = key.danger_to_plain_pem().unwrap();
    let limit = usize::try_from(MAX_KEY_FILE_LEN).unwrap();
    let padded = |len: usize| format!("{}{}", *pem, "\n".repeat(len - pem.len()));
    fs::write(&path, padded(limit)).unwrap();
    assert!(SoftKey::open_file(&path, &Passphrase::none()).is_ok());
    fs::write(&path, padded(limit + 1)).unwrap();
    let error = SoftKey::open_file(&path, &Passphrase::none()).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Malformed);
    assert!(error.to_string().contains("is longer than the 1048576 bytes of a key file"));
}
