//! `docs/inf-keys.md` is the table that reading goes by.

use std::fs;
use std::path::Path;

use chancery_x509::{RequestPolicy, Treatment};

fn table() -> String {
    let mut table = String::from("| section | key | values | | what it does, or why nothing |\n");
    table.push_str("|---|---|---|---|---|\n");
    for key in RequestPolicy::keys() {
        let name = if key.name() == "*" { "every other key" } else { key.name() };
        table.push_str(&format!(
            "| `[{}]` | {name} | {} | {} | {} |\n",
            key.section(),
            key.values(),
            key.treatment().name(),
            key.meaning(),
        ));
    }
    table
}

/// `CHANCERY_BLESS=1` writes the table instead of comparing it.
#[test]
fn the_document_has_the_table_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/inf-keys.md");
    let text = fs::read_to_string(&path).unwrap();
    let is_row = |line: &&str| line.starts_with('|');
    if std::env::var_os("CHANCERY_BLESS").is_some_and(|value| value == "1") {
        let before = text.lines().take_while(|line| !is_row(line));
        let after = text.lines().skip_while(|line| !is_row(line)).skip_while(is_row);
        let lines = |lines: &mut dyn Iterator<Item = &str>| -> String {
            lines.map(|line| format!("{line}\n")).collect()
        };
        let (mut before, mut after) = (before, after);
        fs::write(&path, [lines(&mut before), table(), lines(&mut after)].concat()).unwrap();
        return;
    }
    let written: String = text.lines().filter(is_row).map(|line| format!("{line}\n")).collect();
    assert!(
        written == table(),
        "docs/inf-keys.md is not the table of the code; CHANCERY_BLESS=1 writes it"
    );
}

#[test]
fn every_row_says_something_and_is_there_once() {
    let mut seen = std::collections::HashSet::new();
    for key in RequestPolicy::keys() {
        assert!(seen.insert((key.section(), key.name())), "{key:?}");
        assert!(key.meaning().ends_with('.') && !key.values().is_empty(), "{key:?}");
        assert!(!key.values().contains('|') && !key.meaning().contains('|'), "{key:?}");
    }
}

/// The keys of `[NewRequest]` that certreq documents.
#[test]
fn every_key_certreq_documents_has_a_row() {
    let documented = "Subject X500NameFlags Exportable ExportableEncrypted HashAlgorithm KeyAlgorithm KeyLength \
        KeyContainer UseExistingKeySet KeySpec KeyUsage KeyUsageProperty KeyProtection MachineKeySet NotBefore \
        NotAfter ValidityPeriod ValidityPeriodUnits PrivateKeyArchive EncryptionAlgorithm EncryptionLength \
        ProviderName ProviderType RenewalCert RequesterName RequestType SecurityDescriptor \
        AlternateSignatureAlgorithm Silent SMIME SuppressDefaults FriendlyName SubjectNameFlags";
    let known: Vec<&str> = RequestPolicy::keys()
        .iter()
        .filter(|key| key.section() == "NewRequest" && key.treatment() != Treatment::Refused)
        .map(|key| key.name())
        .collect();
    assert_eq!(known, documented.split_whitespace().collect::<Vec<_>>());
}
