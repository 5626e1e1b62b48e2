//! The system stores of a Windows: each step in a process of its own, so that nothing is seen but what was kept.

use std::path::Path;
use std::process::Command;

use chancery_certstore::{
    Added, CertificateQuery, CertificateStore, Element, Entry, IfPresent, KeyBinding, Location,
    PropertyId, RegistryFile, StoreErrorKind, SystemStore, Thumbprint, WindowsStore,
};
use chancery_key::Match;
use chancery_x509::Certificate;

use super::support::make;

const NAME: &str = "Grüße ✓ 🔑";

/// Variables that tell a step which store and which certificate it is about.
const STEP: &str = "CHANCERY_TEST_STEP";
const STORE: &str = "CHANCERY_TEST_STORE";
const FILE: &str = "CHANCERY_TEST_CERTIFICATE";

fn binding() -> KeyBinding {
    let mut binding = KeyBinding::new("release ✓", "Some Cryptographic Provider");
    binding.provider_type = 24;
    binding.key_spec = 2;
    binding
}

fn bound(certificate: &Certificate) -> Entry {
    let mut entry = Entry::new(certificate.clone());
    entry.properties_mut().set_text(PropertyId::FRIENDLY_NAME, NAME);
    let value = binding().encode().unwrap();
    entry.properties_mut().set(PropertyId::KEY_PROVIDER_INFO, value);
    entry
}

/// Takes one step in a process of its own.
fn take(step: &str, store: &SystemStore, certificate: &Path) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "windows::a_step", "--ignored", "--nocapture"])
        .env(STEP, step)
        .env(STORE, store.to_string())
        .env(FILE, certificate)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{step} in {store}: {said}");
    assert!(said.contains("1 passed"), "{step} in {store}: {said}");
}

#[test]
#[ignore = "a step that the other tests take in processes of their own"]
fn a_step() {
    let [step, store, file] = [STEP, STORE, FILE].map(|name| std::env::var(name).unwrap());
    let certificate = Certificate::from_der(&std::fs::read(file).unwrap()).unwrap();
    let mut store = WindowsStore::new(store.parse().unwrap());
    let sha1 = Thumbprint::of(certificate.as_der());
    let by_sha1 = CertificateQuery::any().with_sha1(sha1);
    let by_serial = CertificateQuery::any().with_serial(certificate.serial());
    let found = |query| store.find(query).unwrap();
    let friendly_name =
        |query| found(query).one().unwrap().friendly_name().unwrap().unwrap_or_default();
    match step.as_str() {
        "add" => {
            assert_eq!(store.add(bound(&certificate), IfPresent::Refuse).unwrap(), Added::New);
        }
        "refuse" => {
            let error = store.add(Entry::new(certificate), IfPresent::Refuse).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
        }
        "find" => {
            for query in [&by_sha1, &by_serial] {
                let entry = found(query).one().unwrap();
                assert_eq!(entry.der(), certificate.as_der());
                assert_eq!(entry.key_binding().unwrap(), Some(binding()));
                assert_eq!(entry.friendly_name().unwrap().as_deref(), Some(NAME));
            }
        }
        "rename" => {
            let mut value = Entry::new(certificate);
            value.properties_mut().set_text(PropertyId::FRIENDLY_NAME, "another");
            let value = value.properties().get(PropertyId::FRIENDLY_NAME).map(<[u8]>::to_vec);
            store.update(&sha1, &[(PropertyId::FRIENDLY_NAME, value)]).unwrap();
        }
        "find renamed" => {
            assert_eq!(friendly_name(&by_sha1), "another");
            assert_eq!(found(&by_sha1).one().unwrap().key_binding().unwrap(), Some(binding()));
        }
        "replace" => {
            let entry = Entry::new(certificate);
            assert_eq!(store.add(entry, IfPresent::Replace).unwrap(), Added::Replaced);
        }
        "find bare" => {
            let entry = found(&by_serial).one().unwrap();
            assert_eq!(entry.key_binding().unwrap(), None);
            assert_eq!(entry.friendly_name().unwrap(), None);
        }
        "remove" => assert_eq!(store.remove(&sha1).unwrap().der(), certificate.as_der()),
        "miss" => {
            assert_eq!(found(&by_sha1), Match::None);
            assert_eq!(found(&by_serial), Match::None);
            assert_eq!(store.remove(&sha1).unwrap_err().kind(), StoreErrorKind::NotFound);
        }
        other => panic!("no step {other}"),
    }
}

/// Takes steps with a new certificate, whose serial number nobody else has.
fn walk(location: Location, name: &str, number: u8, steps: &[&str]) {
    let store = SystemStore::new(location, name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.cer");
    std::fs::write(&file, make(number).as_der()).unwrap();
    for step in steps {
        take(step, &store, &file);
    }
}

const ALL: [&str; 11] = [
    "miss",
    "add",
    "find",
    "refuse",
    "find",
    "rename",
    "find renamed",
    "replace",
    "find bare",
    "remove",
    "miss",
];

#[test]
fn the_users_personal_store_keeps_what_is_done_to_it() {
    walk(Location::CurrentUser, "My", 0x31, &ALL);
}

#[test]
fn the_users_roots_keep_what_is_done_to_them() {
    walk(Location::CurrentUser, "Root", 0x32, &ALL);
}

#[test]
fn the_computers_personal_store_keeps_what_is_done_to_it() {
    walk(Location::LocalMachine, "My", 0x33, &ALL);
}

#[test]
fn the_computers_roots_keep_what_is_done_to_them() {
    walk(Location::LocalMachine, "Root", 0x34, &ALL);
}

#[test]
fn a_store_that_nobody_made_is_empty() {
    let name = SystemStore::new(Location::CurrentUser, "Chancery nobody made it").unwrap();
    assert_eq!(WindowsStore::new(name).entries().unwrap(), []);
}

/// Runs the system's `reg`.
fn reg(args: &[&str]) {
    let output = Command::new("reg").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn what_the_store_keeps_in_the_registry_is_what_was_put_into_it() {
    // A store of the computer: those of a user are in files on Microsoft's Windows.
    let name = SystemStore::new(Location::LocalMachine, "ChanceryExport").unwrap();
    let entry = bound(&make(0x35));
    let mut store = WindowsStore::new(name.clone());
    store.add(entry.clone(), IfPresent::Refuse).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.reg");
    let key = format!(r"{}\{}", Location::LocalMachine.registry_key(), name.name());
    reg(&["export", &key, file.to_str().unwrap(), "/y"]);
    reg(&["delete", &key, "/f"]);
    let exported = RegistryFile::from_bytes(&std::fs::read(&file).unwrap()).unwrap();
    let [Element::Certificate(kept)] = exported.stores[&name].as_slice() else {
        panic!("{:?}", exported.stores);
    };
    assert_eq!(kept.der(), entry.der());
    for (id, value) in entry.properties().iter() {
        assert_eq!(kept.properties().get(id), Some(value), "property {id}");
    }
}

#[test]
fn what_we_write_for_the_registry_is_in_the_store_when_it_is_imported() {
    let name = SystemStore::new(Location::LocalMachine, "ChanceryImport").unwrap();
    let entry = bound(&make(0x36));
    let mut file = RegistryFile::default();
    file.stores.insert(name.clone(), vec![Element::Certificate(entry.clone())]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("import.reg");
    std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
    reg(&["import", path.to_str().unwrap()]);
    let found = WindowsStore::new(name.clone()).entries().unwrap();
    let key = format!(r"{}\{}", Location::LocalMachine.registry_key(), name.name());
    reg(&["delete", &key, "/f"]);
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(found.der(), entry.der());
    assert_eq!(found.key_binding().unwrap(), Some(binding()));
    assert_eq!(found.friendly_name().unwrap().as_deref(), Some(NAME));
}
