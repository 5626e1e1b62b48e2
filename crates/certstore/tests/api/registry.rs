//! Files of regedit.

use chancery_certstore::{Element, FormatError, PropertyId, RegistryFile, Thumbprint};

use crate::support::bound;

fn file() -> RegistryFile {
    let mut file = RegistryFile::default();
    file.stores.insert("LocalMachine/My".parse().unwrap(), vec![Element::Certificate(bound(0))]);
    file
}

#[test]
fn a_certificate_is_under_its_hash_and_carries_it() {
    let text = file().to_text().unwrap();
    let thumbprint = bound(0).thumbprint();
    let key = format!(
        "[HKEY_LOCAL_MACHINE\\Software\\Microsoft\\SystemCertificates\\My\\Certificates\\{thumbprint}]"
    );
    assert!(text.starts_with("Windows Registry Editor Version 5.00\r\n\r\n["), "{text}");
    assert!(text.contains(&key), "{text}");
    assert!(text.contains("\"Blob\"=hex:03,00,00,00,01,00,00,00,14,00,00,00,"), "{text}");
    assert!(text.lines().all(|line| line.len() < 200), "{text}");
    let read = RegistryFile::from_bytes(text.as_bytes()).unwrap();
    let element = &read.stores[&"LocalMachine/My".parse().unwrap()][0];
    assert_eq!(element.properties().get(PropertyId::SHA1_HASH), Some(&thumbprint.as_bytes()[..]));
}

#[test]
fn other_keys_comments_and_either_case_are_passed_over() {
    let text = file().to_text().unwrap();
    let blob = text.split_once("\"Blob\"=").unwrap().1;
    let path = format!(
        "hkey_local_machine\\SOFTWARE\\microsoft\\systemcertificates\\MY\\certificates\\{:#}",
        bound(0).thumbprint()
    );
    let text = format!(
        "REGEDIT4\n\n; a comment\n[HKEY_LOCAL_MACHINE\\Software\\Other]\n\"Blob\"=hex:01,\\\n  02\n\
         @=\"text\"\n\n[{path}]\n\"Other\"=dword:00000001\n\"blob\"=hex(3):{}",
        blob.strip_prefix("hex:").unwrap().replace('\r', "")
    );
    let read = RegistryFile::from_bytes(text.as_bytes()).unwrap();
    assert_eq!(read.stores.len(), 1);
    let elements = &read.stores[&"LocalMachine/My".parse().unwrap()];
    assert_eq!(elements[0].der(), bound(0).der());
}

#[test]
fn a_certificate_under_another_hash_is_passed_over_and_named() {
    let own = bound(0).thumbprint().to_string();
    let other = bound(1).thumbprint().to_string();
    let text = file().to_text().unwrap().replace(&own, &other);
    let read = RegistryFile::from_bytes(text.as_bytes()).unwrap();
    assert!(read.stores.is_empty());
    assert_eq!(read.misnamed.len(), 1);
    assert!(read.misnamed[0].ends_with(&other));
    let text = file().to_text().unwrap().replace("\\Certificates\\", "\\CRLs\\");
    assert_eq!(RegistryFile::from_bytes(text.as_bytes()).unwrap().misnamed.len(), 1);
}

#[test]
fn broken_files_are_refused_with_their_line() {
    let text = file().to_text().unwrap();
    for other in ["", "hello", "[HKEY_LOCAL_MACHINE]", "Windows Registry Editor Version 6.00"] {
        assert_eq!(RegistryFile::from_bytes(other.as_bytes()), Err(FormatError::RegistryHeader));
    }
    let line = |text: &str| match RegistryFile::from_bytes(text.as_bytes()) {
        Err(FormatError::RegistryLine { line, .. } | FormatError::RegistryBlob { line, .. }) => {
            line
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(line(&text.replace("]\r\n", "\r\n")), 3);
    assert_eq!(line(&text.replace("hex:03,", "hex:03,xx,")), 4);
    assert_eq!(line(&text.replace("hex:03,00", "hex:03,0000")), 4);
    assert_eq!(line(&text.replace("hex:03,", "hex:04,04,")), 4);
    assert_eq!(line(&text.replace("[HKEY", "[-HKEY")), 3);
    let cut = text.find(",\\\r\n").unwrap() + 2;
    assert_eq!(line(&text[..cut]), 4);
    let wide = file().to_bytes().unwrap();
    assert_eq!(
        RegistryFile::from_bytes(&wide[..wide.len() - 1]),
        Err(FormatError::RegistryEncoding)
    );
}

#[test]
fn a_thumbprint_is_read_as_people_paste_it() {
    let wanted = bound(0).thumbprint();
    let upper = wanted.to_string();
    let pairs: Vec<&str> = (0..40).step_by(2).map(|at| &upper[at..at + 2]).collect();
    for text in [
        upper.clone(),
        upper.to_lowercase(),
        pairs.join(" "),
        pairs.join(":"),
        format!("\u{200e}{}", pairs.join(" ").to_lowercase()),
        format!(" {upper}\u{200f}\r\n"),
    ] {
        assert_eq!(text.parse::<Thumbprint>(), Ok(wanted), "{text:?}");
    }
    for bad in ["", &upper[1..], &format!("{upper}00"), &upper.replace(&upper[..1], "g")] {
        assert!(bad.parse::<Thumbprint>().is_err(), "{bad:?}");
    }
}
