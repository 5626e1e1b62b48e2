//! The system stores of a Windows: each step in a process of its own, so that nothing is seen but what was kept.

use std::path::Path;
use std::process::Command;

use chancery_certstore::{
    Added, CertificateQuery, CertificateStore, Element, Entry, IfPresent, KeyBinding, Location,
    PropertyId, ProviderParameter, RegistryFile, StoreErrorKind, SystemStore, Thumbprint,
    WindowsStore, provider_flag, write_blob, write_sst,
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
fn reg(args: &[&str]) -> Result<(), String> {
    let output = Command::new("reg").args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{args:?}: {said}")) }
}

/// A store that is not there before a test, nor after it.
struct OwnStore(SystemStore);

impl OwnStore {
    fn new(location: Location, name: &str) -> Self {
        let own = Self(SystemStore::new(location, name).unwrap());
        own.delete();
        own
    }

    fn open(&self) -> WindowsStore {
        WindowsStore::new(self.0.clone())
    }

    /// Returns the one certificate in it.
    fn only(&self) -> Entry {
        let mut entries = self.open().entries().unwrap();
        assert_eq!(entries.len(), 1);
        entries.remove(0)
    }

    fn key(&self) -> String {
        format!(r"{}\{}", self.0.location().registry_key(), self.0.name())
    }

    fn delete(&self) {
        // It may well not be there.
        let _ = reg(&["delete", &self.key(), "/f"]);
    }
}

impl Drop for OwnStore {
    fn drop(&mut self) {
        self.delete();
    }
}

#[test]
fn what_the_store_keeps_in_the_registry_is_what_was_put_into_it() {
    // A store of the computer: those of a user are in files on Microsoft's Windows.
    let store = OwnStore::new(Location::LocalMachine, "ChanceryExport");
    let entry = bound(&make(0x35));
    store.open().add(entry.clone(), IfPresent::Refuse).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.reg");
    reg(&["export", &store.key(), file.to_str().unwrap(), "/y"]).unwrap();
    let exported = RegistryFile::from_bytes(&std::fs::read(&file).unwrap()).unwrap();
    let [Element::Certificate(kept)] = exported.stores[&store.0].as_slice() else {
        panic!("{:?}", exported.stores);
    };
    assert_eq!(kept.der(), entry.der());
    for (id, value) in entry.properties().iter() {
        assert_eq!(kept.properties().get(id), Some(value), "property {id}");
    }
}

#[test]
fn what_we_write_for_the_registry_is_in_the_store_when_it_is_imported() {
    let store = OwnStore::new(Location::LocalMachine, "ChanceryImport");
    let entry = bound(&make(0x36));
    let mut file = RegistryFile::default();
    file.stores.insert(store.0.clone(), vec![Element::Certificate(entry.clone())]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("import.reg");
    std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
    reg(&["import", path.to_str().unwrap()]).unwrap();
    let found = store.only();
    assert_eq!(found.der(), entry.der());
    assert_eq!(found.key_binding().unwrap(), Some(binding()));
    assert_eq!(found.friendly_name().unwrap().as_deref(), Some(NAME));
}

/// One property of each form there is: text, DER, bytes, a structure that Windows rebuilds with pointers, and one
/// that only its program knows. Wine takes none of those that are empty or of a user's own.
fn with_every_kind_of_property(certificate: &Certificate) -> Entry {
    let mut entry = bound(certificate);
    let mut binding = binding();
    binding.flags = provider_flag::MACHINE_KEYSET | provider_flag::SILENT;
    let properties = entry.properties_mut();
    properties.set(PropertyId::KEY_PROVIDER_INFO, binding.encode().unwrap());
    properties.set_text(PropertyId::DESCRIPTION, "what it is for");
    // id-kp-codeSigning
    let purposes = *b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03";
    properties.set(PropertyId::ENHANCED_KEY_USAGE, purposes);
    properties.set(PropertyId::KEY_IDENTIFIER, [0x5a; 20]);
    // CERT_RENEWAL_PROP_ID
    let long: Vec<u8> = (0..=u8::MAX).cycle().take(10_000).collect();
    properties.set(PropertyId::new(64).unwrap(), long);
    entry
}

#[test]
fn every_property_that_we_serialize_comes_back_from_windows_byte_by_byte() {
    let store = OwnStore::new(Location::LocalMachine, "ChanceryProperties");
    let entry = with_every_kind_of_property(&make(0x37));
    // The element of a store file that we wrote is what Windows gets.
    let sst = write_sst(&[Element::Certificate(entry.clone())]).unwrap();
    let element = write_blob(&Element::Certificate(entry.clone())).unwrap();
    assert_eq!(sst[8..sst.len() - 12], element);
    store.open().add(entry.clone(), IfPresent::Refuse).unwrap();

    let found = store.only();
    let mut in_our_order = Entry::new(found.certificate().unwrap().clone());
    for (id, _) in entry.properties().iter() {
        let value = found.properties().get(id).unwrap_or_else(|| panic!("property {id} is gone"));
        in_our_order.properties_mut().set(id, value);
    }
    assert!(write_blob(&Element::Certificate(in_our_order)).unwrap() == element);
    // Beside them there is what Windows computes: the SHA-1, by which the registry names it.
    let added = found.properties().iter().map(|(id, _)| id);
    let added: Vec<_> = added.filter(|id| entry.properties().get(*id).is_none()).collect();
    assert_eq!(added, [PropertyId::SHA1_HASH]);
}

#[test]
fn the_parameters_of_a_binding_come_back_from_windows() {
    let store = OwnStore::new(Location::LocalMachine, "ChanceryParameters");
    let mut binding = binding();
    binding.parameters = vec![
        ProviderParameter { parameter: 16, flags: 1, data: b"some".to_vec() },
        ProviderParameter { parameter: 17, flags: 0, data: Vec::new() },
    ];
    let mut entry = Entry::new(make(0x39));
    entry.properties_mut().set(PropertyId::KEY_PROVIDER_INFO, binding.encode().unwrap());
    store.open().add(entry, IfPresent::Refuse).unwrap();
    // Not byte by byte: wine puts the parameters before the names.
    assert_eq!(store.only().key_binding().unwrap(), Some(binding));
}

#[test]
fn a_store_is_listed_from_the_first_certificate_on() {
    let store = OwnStore::new(Location::CurrentUser, "ChanceryListed");
    let is_listed = || WindowsStore::list().unwrap().contains(&store.0);
    assert!(!is_listed());
    store.open().add(bound(&make(0x38)), IfPresent::Refuse).unwrap();
    assert!(is_listed());
    store.delete();
    assert!(!is_listed());
}
