//! Store files among other processes, and folders of them.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use chancery_certstore::{
    Added, CertificateStore, Element, Entry, IfPresent, List, Properties, PropertyId, SstFile,
    StoreErrorKind, StoreFolder,
};

use crate::support::{bound, certificates};

/// Tells the process of this test what to do, and with which file.
const CHILD: &str = "CHANCERY_CERTSTORE_TEST_FILE";

fn child(test: &str, path: &Path) -> std::process::Child {
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Adds and removes certificates for ever.
#[test]
fn a_writer_that_is_killed_leaves_a_whole_store() {
    if let Some(path) = env::var_os(CHILD) {
        let mut store = SstFile::new(path);
        loop {
            store.add(bound(1), IfPresent::Replace).unwrap();
            store.remove(&bound(1).thumbprint()).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sst");
    let mut store = SstFile::new(&path);
    let mut changes_seen = 0;
    for round in 0..8 {
        let mut first = Entry::new(certificates()[0].clone());
        first.properties_mut().set_text(PropertyId::FRIENDLY_NAME, &format!("round {round}"));
        store.add(first.clone(), IfPresent::Replace).unwrap();
        let before = fs::read(&path).unwrap();
        let mut writer = child("files::a_writer_that_is_killed_leaves_a_whole_store", &path);
        // Until it has written something, and then to some place in its work.
        while fs::read(&path).unwrap() == before {
            assert!(writer.try_wait().unwrap().is_none(), "the writer ended by itself");
            sleep(Duration::from_millis(1));
        }
        changes_seen += 1;
        sleep(Duration::from_millis(7 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let mut entries = store.entries().unwrap();
        assert_eq!(entries.remove(0), first);
        // The certificate of that process, or none.
        assert!(entries.len() <= 1);
        for entry in entries {
            store.remove(&entry.thumbprint()).unwrap();
        }
        // The dead writer's lock is gone with it.
        assert_eq!(store.entries().unwrap(), [first]);
    }
    assert_eq!(changes_seen, 8);
}

#[test]
fn writers_wait_for_each_other_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sst");
    std::thread::scope(|scope| {
        for index in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let mut store = SstFile::new(path);
                store.add(bound(index), IfPresent::Refuse).unwrap();
                for number in 0..10 {
                    let name = format!("{index}-{number}");
                    let mut properties = Properties::new();
                    properties.set_text(PropertyId::DESCRIPTION, &name);
                    let value = properties.remove(PropertyId::DESCRIPTION);
                    let change = (PropertyId::DESCRIPTION, value);
                    store.update(&bound(index).thumbprint(), &[change]).unwrap();
                }
            });
        }
    });
    let entries = SstFile::new(&path).entries().unwrap();
    assert_eq!(entries.len(), 4);
    for entry in entries {
        let text = entry.properties().text(PropertyId::DESCRIPTION).unwrap().unwrap();
        assert!(text.ends_with("-9"), "{text}");
    }
}

/// Holds the lock, as a writer in the middle of its work does.
#[test]
fn a_store_that_another_process_changes_is_readable_and_says_so_to_writers() {
    if let Some(path) = env::var_os(CHILD) {
        let mut name = path.clone();
        name.push(".lock");
        let lock = fs::File::options().write(true).create(true).truncate(false).open(name).unwrap();
        fs4::FileExt::lock(&lock).unwrap();
        fs::write(Path::new(&path).with_extension("ready"), "").unwrap();
        sleep(Duration::from_secs(3600));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sst");
    let mut store = SstFile::new(&path);
    store.add(bound(0), IfPresent::Refuse).unwrap();
    let name = "files::a_store_that_another_process_changes_is_readable_and_says_so_to_writers";
    let mut holder = child(name, &path);
    while !path.with_extension("ready").exists() {
        assert!(holder.try_wait().unwrap().is_none(), "the holder ended by itself");
        sleep(Duration::from_millis(5));
    }
    let mut impatient = SstFile::new(&path).with_patience(Duration::from_millis(50));
    let error = impatient.add(bound(1), IfPresent::Refuse).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    assert!(error.to_string().contains("store.sst"), "{error}");
    assert_eq!(store.entries().unwrap(), [bound(0)]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    impatient.add(bound(1), IfPresent::Refuse).unwrap();
    assert_eq!(store.entries().unwrap().len(), 2);
}

#[test]
fn lists_stay_where_certificates_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SstFile::new(folder.path().join("store.sst"));
    let list = Element::RevocationList(List::new(b"list".to_vec(), Properties::new()));
    store.write(&[list.clone(), Element::Certificate(bound(0))]).unwrap();
    store.add(bound(1), IfPresent::Refuse).unwrap();
    let elements = store.read().unwrap();
    assert_eq!(elements.len(), 3);
    assert_eq!(elements[2], list);
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the store and its lock alone: {names:?}");
}

#[test]
fn a_change_that_changes_nothing_does_not_touch_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sst");
    let mut store = SstFile::new(&path);
    store.add(bound(0), IfPresent::Refuse).unwrap();
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    store.add(bound(0), IfPresent::Keep).unwrap();
    store.add(bound(0), IfPresent::Refuse).unwrap_err();
    store.remove(&bound(1).thumbprint()).unwrap_err();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("real.sst"), folder.path().join("link.sst"));
    SstFile::new(&path).add(bound(0), IfPresent::Refuse).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    SstFile::new(&link).add(bound(1), IfPresent::Refuse).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
    assert_eq!(chancery_certstore::read_sst(&fs::read(&path).unwrap()).unwrap().len(), 2);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sst");
    fs::write(&path, "hello").unwrap();
    let mut store = SstFile::new(&path);
    assert_eq!(store.entries().unwrap_err().kind(), StoreErrorKind::Malformed);
    let error = store.add(bound(0), IfPresent::Refuse).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Malformed);
    assert_eq!(fs::read(&path).unwrap(), b"hello");
}

#[test]
fn a_folder_has_stores_by_location_and_name() {
    let folder = tempfile::tempdir().unwrap();
    let stores = StoreFolder::new(folder.path().join("stores"));
    assert_eq!(stores.list().unwrap(), []);
    let my = "LocalMachine/My".parse().unwrap();
    assert_eq!(stores.open(&my).entries().unwrap(), []);
    stores.open(&my).add(bound(0), IfPresent::Refuse).unwrap();
    stores.open(&"currentuser/root".parse().unwrap()).add(bound(1), IfPresent::Refuse).unwrap();
    let listed: Vec<String> = stores.list().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["CurrentUser/Root", "LocalMachine/My"]);
    assert!(folder.path().join("stores/LocalMachine/My.sst").exists());

    // Written in another case by hand, it is the same store.
    let by_hand = folder.path().join("stores/LocalMachine");
    fs::rename(by_hand.join("My.sst"), by_hand.join("MY.sst")).unwrap();
    assert_eq!(stores.open(&my).entries().unwrap(), [bound(0)]);
}

#[test]
fn a_revocation_list_is_added_once_and_stays_when_certificates_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SstFile::new(folder.path().join("CA.sst"));
    let list = |octets: &[u8]| List::new(octets.to_vec(), Properties::default());
    let added =
        |store: &mut SstFile, octets: &[u8]| store.add_revocation_list(list(octets)).unwrap();
    assert_eq!(added(&mut store, &[0x30, 0]), Added::New);
    assert_eq!(added(&mut store, &[0x30, 0]), Added::Kept);
    assert_eq!(added(&mut store, &[0x30, 1, 0]), Added::New);
    store.add(bound(1), IfPresent::Refuse).unwrap();
    store.remove(&bound(1).thumbprint()).unwrap();
    let lists: Vec<_> = store.read().unwrap().iter().map(|one| one.der().to_vec()).collect();
    assert_eq!(lists, [vec![0x30, 0], vec![0x30, 1, 0]]);
    assert!(store.entries().unwrap().is_empty());
}
