//! `chancery store`

use std::fmt::Write as _;

use chancery::certstore::{
    Added, CertificateQuery, Element, Entry, IfPresent, PropertyId, RegistryFile, SystemStore,
    write_sst,
};
use chancery::key::without_pin_value;
use chancery::x509::to_pem;
use chancery::{Bound, Error, ErrorKind, KeyFinder, KeyWanted, write_new_file};

use crate::args::store::{ExportForm, FindKey, IfPresentName, InStore, Store};
use crate::exit::Exit;
use crate::json;
use crate::settings::{current, stores};
use crate::shown::{one_line, shown};
use crate::ui::Ui;

pub(crate) fn run(args: &Store, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        Store::List { store, folder } => {
            let stores = stores(folder.store_folder.as_deref())?;
            if let Some(store) = store {
                for entry in stores.open(store).entries()? {
                    let object = object(store, &entry, "store-entry");
                    ui.result(&object, || line(&entry));
                }
                return Ok(Exit::Done);
            }
            let all = stores.list()?;
            let width = all.iter().map(|store| store.to_string().len()).max().unwrap_or_default();
            for store in all {
                let count = stores.open(&store).entries()?.len();
                let object = serde_json::json!({
                    "schema": 1, "type": "store", "store": store.to_string(), "certificates": count,
                });
                ui.result(&object, || format!("{:<width$}  {count:>5}", store.to_string()));
            }
            Ok(Exit::Done)
        }
        Store::Show { which } => {
            let (_, entry) = find(which)?;
            ui.result(&object(&which.store, &entry, "store-entry"), || text(&which.store, &entry));
            Ok(Exit::Done)
        }
        Store::Add { store, files, if_present, folder } => {
            let stores = stores(folder.store_folder.as_deref())?;
            let if_present = match if_present {
                IfPresentName::Refuse => IfPresent::Refuse,
                IfPresentName::Keep => IfPresent::Keep,
                IfPresentName::Replace => IfPresent::Replace,
                IfPresentName::Inherit => IfPresent::Inherit,
            };
            for file in files {
                for stored in stores.add_file(store, file, if_present)? {
                    let what = match stored.added {
                        Added::Kept => "was in",
                        Added::Replaced => "replaced in",
                        _ => "added to",
                    };
                    tell(ui, store, &stored.entry, "added", what);
                }
            }
            Ok(Exit::Done)
        }
        Store::Remove { which } => {
            let query = CertificateQuery::any().with_id(&which.certificate);
            let stores = stores(which.folder.store_folder.as_deref())?;
            let mut store = stores.open(&which.store);
            // Copies of one certificate go together; several certificates are for the user to tell apart.
            let entry = match store.find(&query)? {
                chancery::key::Match::Many(all)
                    if all.windows(2).all(|pair| matches!(pair, [a, b] if a.der() == b.der())) =>
                {
                    all.into_iter().next()
                }
                _ => None,
            };
            let entry = match entry {
                Some(entry) => entry,
                None => stores.find_one(&which.store, &which.certificate)?,
            };
            store.remove(&entry.thumbprint())?;
            tell(ui, &which.store, &entry, "removed", "removed from");
            Ok(Exit::Done)
        }
        Store::Export { which, r#as, out } => {
            let (_, entry) = find(which)?;
            write_new_file(out, &exported(&which.store, entry, *r#as)?, false)?;
            let object =
                json::Written { schema: 1, r#type: "written", output: json::OutputName::new(out) };
            ui.success(&object, || format!("wrote {}", shown(out)));
            Ok(Exit::Done)
        }
        Store::Bind { store, file, chain, key, folder } => {
            let stores = stores(folder.store_folder.as_deref())?;
            let bound = with_key(key, |wanted| stores.bind_file(store, file, chain, &wanted))?;
            Ok(tell_bound(ui, store, &bound))
        }
        Store::Repair { which, inf, key } => {
            let stores = stores(which.folder.store_folder.as_deref())?;
            let (store, id) = (&which.store, which.certificate.as_str());
            let bound = with_key(key, |wanted| match inf {
                Some(inf) => stores.repair_by_inf(store, id, inf, wanted.finder),
                None => stores.repair(store, id, &wanted),
            })?;
            Ok(tell_bound(ui, store, &bound))
        }
        Store::Accept { file, chain, location, key, folder } => {
            let stores = stores(folder.store_folder.as_deref())?;
            let location = (*location).into();
            let bound = with_key(key, |wanted| stores.accept(location, file, chain, &wanted))?;
            let store = SystemStore::new(location, "My")
                .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
            Ok(tell_bound(ui, &store, &bound))
        }
    }
}

/// Runs work with what looks for keys.
fn with_key<T>(
    key: &FindKey,
    work: impl FnOnce(KeyWanted<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let keyring = key.access.keyring(true);
    let finder = KeyFinder::new(&keyring, current());
    let provider = key.provider.as_deref();
    work(KeyWanted { finder: &finder, place: key.key.as_ref(), provider })
}

fn find(which: &InStore) -> Result<(chancery::Stores, Entry), Error> {
    let stores = stores(which.folder.store_folder.as_deref())?;
    let entry = stores.find_one(&which.store, &which.certificate)?;
    Ok((stores, entry))
}

fn exported(store: &SystemStore, entry: Entry, form: ExportForm) -> Result<Vec<u8>, Error> {
    let failed = |error| {
        Error::new(ErrorKind::Unsupported, "cannot write the certificate").with_source(error)
    };
    match form {
        ExportForm::Der => Ok(entry.der().to_vec()),
        ExportForm::Pem => Ok(to_pem("CERTIFICATE", entry.der()).into_bytes()),
        ExportForm::Sst => write_sst(&[Element::Certificate(entry)])
            .map_err(|error: chancery::certstore::FormatError| failed(error)),
        ExportForm::Reg => {
            let mut file = RegistryFile::default();
            file.stores.insert(store.clone(), vec![Element::Certificate(entry)]);
            file.to_bytes().map_err(failed)
        }
    }
}

fn subject(entry: &Entry) -> String {
    entry.certificate().map_or_else(
        |error| format!("(cannot be read: {error})"),
        |certificate| certificate.subject().to_string(),
    )
}

fn key_of(entry: &Entry) -> Option<String> {
    match entry.key_binding() {
        Ok(binding) => binding.map(|binding| binding.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

/// One line in columns: the thumbprint, the last day, whether a key is bound, the subject.
fn line(entry: &Entry) -> String {
    let last_day = entry.certificate().map_or_else(
        |_| "-".to_owned(),
        |certificate| certificate.not_after().to_string().chars().take(10).collect(),
    );
    let key = if key_of(entry).is_some() { "key" } else { "-" };
    let archived = if entry.is_archived() { "  (archived)" } else { "" };
    format!("{}  {last_day:<10}  {key:<3}  {}{archived}", entry.thumbprint(), subject(entry))
}

fn text(store: &SystemStore, entry: &Entry) -> String {
    let mut text = format!("{store}: {}", subject(entry));
    let mut line = |name: &str, value: String| {
        let _ = write!(text, "\n  {name:<12} {}", one_line(&value));
    };
    if let Ok(certificate) = entry.certificate() {
        line("issuer", certificate.issuer().to_string());
        line("serial", json::hex(certificate.serial()));
        line("not before", certificate.not_before().to_string());
        line("not after", certificate.not_after().to_string());
    }
    line("sha1", entry.thumbprint().to_string());
    line("sha256", json::hex(&entry.thumbprint_sha256()));
    if let Ok(Some(name)) = entry.friendly_name() {
        line("name", name);
    }
    match entry.key_binding() {
        Ok(Some(binding)) => {
            let container = binding.container.unwrap_or_default();
            line("container", without_pin_value(&container).into_owned());
            line("provider", binding.provider.unwrap_or_default());
            line("flags", format!("{:#x}", binding.flags));
            line("key spec", binding.key_spec.to_string());
        }
        Ok(None) => line("key", "none is bound".into()),
        Err(error) => line("key", error.to_string()),
    }
    let known = [PropertyId::FRIENDLY_NAME, PropertyId::KEY_PROVIDER_INFO];
    for (id, value) in entry.properties().iter().filter(|(id, _)| !known.contains(id)) {
        line("property", format!("{id}, {} bytes", value.len()));
    }
    text
}

fn object(store: &SystemStore, entry: &Entry, kind: &'static str) -> serde_json::Value {
    let binding = entry.key_binding().ok().flatten();
    let binding = binding.map(|binding| {
        serde_json::json!({
            "container": binding.container.as_deref().map(without_pin_value), "provider": binding.provider,
            "provider_type": binding.provider_type, "flags": binding.flags,
            "key_spec": binding.key_spec,
        })
    });
    let certificate = entry.certificate().ok();
    serde_json::json!({
        "schema": 1, "type": kind, "store": store.to_string(), "subject": subject(entry),
        "serial": certificate.map(|certificate| json::hex(certificate.serial())),
        "thumbprint": format!("{:#}", entry.thumbprint()),
        "thumbprint_sha256": json::hex(&entry.thumbprint_sha256()),
        "friendly_name": entry.friendly_name().ok().flatten(), "archived": entry.is_archived(),
        "key_binding": binding,
        "properties": entry.properties().iter().map(|(id, _)| id.number()).collect::<Vec<_>>(),
    })
}

fn tell(ui: &mut Ui, store: &SystemStore, entry: &Entry, kind: &'static str, what: &str) {
    ui.success(&object(store, entry, kind), || {
        format!("{}  {}  {what} {store}", entry.thumbprint(), subject(entry))
    });
}

fn tell_bound(ui: &mut Ui, store: &SystemStore, bound: &Bound) -> Exit {
    let mut result = object(store, &bound.entry, "bound");
    result["key"] = bound.key.clone().into();
    ui.success(&result, || {
        let done = match &bound.key {
            Some(key) => format!("bound to {key}, proved by a signature"),
            None => "properties set".to_owned(),
        };
        format!("{}  {}  in {store}, {done}", bound.entry.thumbprint(), subject(&bound.entry))
    });
    for stored in &bound.chain {
        ui.note(&format!(
            "{}  {}  in {}",
            stored.entry.thumbprint(),
            subject(&stored.entry),
            stored.store
        ));
    }
    for root in &bound.roots {
        ui.note(&format!(
            "root left out, for you to trust:  chancery store add LocalMachine/Root FILE   ({})",
            root.subject()
        ));
    }
    Exit::Done
}
