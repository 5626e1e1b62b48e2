//! The verbs of `certutil` over stores, and over what their keys are in.

use std::path::Path;

use chancery::certstore::{Added, CertificateQuery, Entry, IfPresent, SystemStore};
use chancery::key::{KeyQuery, Match};
use chancery::{
    Error, ErrorKind, KeyFinder, KeyWanted, PKCS11_PROVIDER, ProviderKeys, read_certificate_file,
    read_crls,
};

use super::dump::print_certificate;
use super::files::write;
use super::{Failure, between, store_of};
use crate::compat::certificate_text::{self, print_own_signature, simple_name};
use crate::compat::console::{remark, say};
use crate::compat::credentials::keyring;
use crate::compat::grammar::Line;
use crate::settings::{current, stores};

/// Prints the name of a store as it was typed, and what it is called.
fn heading(typed: &str, store: &SystemStore) {
    say(&format!("{typed} \"{}\"", store.display_name()));
}

pub(super) fn add(line: &Line) -> Result<(), Failure> {
    let [typed, file] = line.operands()?;
    let store = store_of(line, typed)?;
    heading(typed, &store);
    let file = Path::new(file);
    let stores = stores(None)?;
    let what = |added| match added {
        Added::Kept => "already in store",
        _ => "added to store",
    };
    let has_lists = read_crls(file).is_ok();
    if has_lists {
        for (crl, added) in stores.add_revocation_lists(&store, file)? {
            say(&format!("CRL \"{}\" {}.", simple_name(crl.issuer()), what(added)));
        }
    }
    // A file can have both.
    if has_lists && read_certificate_file(file).is_err() {
        return Ok(());
    }
    let if_present = if line.has("f") { IfPresent::Replace } else { IfPresent::Keep };
    for stored in stores.add_file(&store, file, if_present)? {
        let Ok(certificate) = stored.entry.certificate() else { continue };
        print_own_signature(certificate);
        let name = simple_name(certificate.subject());
        say(&format!("Certificate \"{name}\" {}.", what(stored.added)));
    }
    Ok(())
}

pub(super) fn delete(line: &Line) -> Result<(), Failure> {
    let [typed, id] = line.operands()?;
    let store = store_of(line, typed)?;
    heading(typed, &store);
    let stores = stores(None)?;
    let entry = stores.find_one(&store, id)?;
    stores.open(&store).remove(&entry.thumbprint()).map_err(Error::from)?;
    say("Deleting Certificate 0");
    certificate_text::print(&entry, 0);
    Ok(())
}

pub(super) fn list(line: &Line) -> Result<(), Failure> {
    let operands = between(line, 0, 3)?;
    let typed = operands.first().copied().unwrap_or("My");
    let store = store_of(line, typed)?;
    heading(typed, &store);
    let found = chosen(&store, operands.get(1).copied())?;
    let keyring = keyring(None);
    let finder = KeyFinder::new(&keyring, current());
    for (index, entry) in &found {
        certificate_text::print(entry, *index);
        if let (true, Ok(certificate)) = (line.has("v"), entry.certificate()) {
            print_certificate(certificate, true);
        }
        // A key that is gone is told where it would be, and does not keep the rest from being listed.
        if (!is_of_others(&store) || has_binding(entry))
            && let Err(error) = certificate_text::print_key(entry, &finder)
        {
            crate::compat::console::explain(&error);
        }
        say("");
    }
    if operands.len() < 2 {
        for (index, crl) in stores(None)?.revocation_lists(&store)?.iter().enumerate() {
            certificate_text::print_list(crl, index);
        }
    }
    if let Some(file) = operands.get(2) {
        let [(_, entry)] = found.as_slice() else {
            let message = format!("{} certificates fit, where one goes to a file", found.len());
            return Err(Error::new(ErrorKind::Usage, message).into());
        };
        write(line, Path::new(file), entry.der())?;
    }
    Ok(())
}

fn has_binding(entry: &Entry) -> bool {
    entry.key_binding().is_ok_and(|binding| binding.is_some())
}

/// Tells whether a store has the certificates of others, for whom no key is expected.
fn is_of_others(store: &SystemStore) -> bool {
    !["My", "REQUEST"].contains(&store.name())
}

/// Lists the certificates of a store with their places; with a text those it names, by place, hash, serial number or
/// part of the subject.
fn chosen(store: &SystemStore, id: Option<&str>) -> Result<Vec<(usize, Entry)>, Failure> {
    let opened = stores(None)?.open(store);
    let all = opened.entries().map_err(Error::from)?;
    let all: Vec<(usize, Entry)> = all.into_iter().enumerate().collect();
    let Some(id) = id else { return Ok(all) };
    if let Some(entry) = id.parse::<usize>().ok().and_then(|index| all.get(index)) {
        return Ok(vec![entry.clone()]);
    }
    let query = CertificateQuery::any().with_id(id);
    let found: Vec<_> = all.into_iter().filter(|(_, entry)| query.matches(entry)).collect();
    if found.is_empty() {
        // The store's own words for it.
        stores(None)?.find_one(store, id)?;
    }
    Ok(found)
}

pub(super) fn repair(line: &Line) -> Result<(), Failure> {
    let operands = between(line, 2, 3)?;
    let [typed, id, ..] = operands[..] else { return Ok(()) };
    let store = store_of(line, typed)?;
    heading(typed, &store);
    let stores = stores(None)?;
    let keyring = keyring(None);
    let finder = KeyFinder::new(&keyring, current());
    let found = stores.find_one(&store, id)?;
    let bound = match (operands.get(2), line.value("csp")) {
        (Some(inf), None) => stores.repair_by_inf(&store, id, Path::new(inf), &finder)?,
        (Some(_), Some(_)) => {
            let message = "-csp and an INF contradict each other: leave one out";
            return Err(Error::new(ErrorKind::Usage, message).into());
        }
        (None, name) => {
            let provider = match name {
                Some(name) => ProviderKeys::of_provider(name, current(), &keyring)?,
                None => ProviderKeys::only(current(), &keyring)?,
            };
            let finder = KeyFinder::new(provider.keyring(), current());
            let certificate = found.certificate();
            let certificate =
                certificate.map_err(|error| Error::of_certificate("repair it", error))?;
            let query = KeyQuery::any().with_public_key(certificate.public_key().clone());
            let place = match Match::from(provider.find(&query)?) {
                Match::One(key) => Some(provider.address_of(&key.info.address)),
                _ => None,
            };
            let name = Some(provider.name());
            let wanted = KeyWanted { finder: &finder, place: place.as_ref(), provider: name };
            stores.repair(&store, id, &wanted)?
        }
    };
    certificate_text::print(&bound.entry, 0);
    if let Some(key) = &bound.key {
        remark(&format!("the key at {key} is the certificate's, proved by a signature"));
    }
    Ok(())
}

pub(super) fn containers(line: &Line) -> Result<(), Failure> {
    let wanted = between(line, 0, 1)?.first().copied();
    let keyring = keyring(None);
    let provider = match line.value("csp") {
        Some(name) => ProviderKeys::of_provider(name, current(), &keyring)?,
        None => ProviderKeys::only(current(), &keyring)?,
    };
    say(&format!("{}:", provider.name()));
    let mut shown = false;
    for key in provider.find(&KeyQuery::any())? {
        if wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&key.container)) {
            let kind = key.info.public_key.as_ref().map(|public| public.algorithm());
            say(&format!("  {}\n  {}\n", key.container, certificate_text::algorithm(kind)));
            shown = true;
        }
    }
    match wanted {
        Some(wanted) if !shown => {
            let kind = ErrorKind::Key(chancery::key::KeyErrorKind::NotFound);
            let message = format!("{} has no container `{wanted}`", provider.name());
            Err(Error::new(kind, message).into())
        }
        _ => Ok(()),
    }
}

pub(super) fn providers(line: &Line) -> Result<(), Failure> {
    let [] = line.operands()?;
    for name in current().providers.keys() {
        say(&format!("Provider Name: {name}\n"));
    }
    say(&format!("Provider Name: {PKCS11_PROVIDER}\n"));
    Ok(())
}
