//! Which certificate signs, and where its key is.

use std::path::Path;

use chancery::certstore::{CertificateQuery, Entry, Location, SystemStore, Thumbprint};
use chancery::x509::{Certificate, Identity, oid};
use chancery::{
    BoundKey, Error, ErrorKind, KeyAddress, KeyFinder, Objection, OpenedKey, ProviderKeys, Signer,
    read_certificate_file, stored_identity_certificates,
};

use super::{Stop, now};
use crate::compat::certificate_text::simple_name;
use crate::compat::console::{complain, remark, say};
use crate::compat::credentials::{HeldPin, keyring};
use crate::compat::dates;
use crate::compat::grammar::{Line, Misread};
use crate::settings::{current, stores};

/// What Windows components are signed for (szOID_NT5_CRYPTO).
const WINDOWS_COMPONENTS: &str = "1.3.6.1.4.1.311.10.3.6";

/// The certificate that a line chooses.
pub(super) struct Chosen {
    certificate: Certificate,
    /// Whether it was chosen for another purpose than signing code.
    other_purpose: bool,
    place: Place,
    /// Those of /ac, and of the file that the certificate is in.
    others: Vec<Certificate>,
}

/// Where the certificate was found.
enum Place {
    /// In a store, which says where the key is.
    Store(SystemStore, Box<Entry>),
    /// In a PKCS#12 file with its key.
    Pkcs12(BoundKey),
    /// In a file, with its key in a container.
    Container(BoundKey),
    /// In a file, without a key.
    Alone,
}

impl Chosen {
    pub(super) const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificate and those above it, without its key.
    pub(super) fn signer(&self) -> Result<Signer, Error> {
        let mut others = self.others.clone();
        others.extend(stores(None)?.issuers(Location::LocalMachine)?);
        Ok(Signer::new(self.certificate.clone(), &others))
    }

    /// Says what speaks against signing with it, and refuses where that cannot be survived.
    pub(super) fn objections(&self) -> Result<Vec<Objection>, Error> {
        let mut all = self.signer()?.check(&[], now()?, true)?;
        all.retain(|one| !(self.other_purpose && one.name.contains("purpose")));
        Ok(all)
    }

    /// Opens the key.
    pub(super) fn open(self) -> Result<(Identity, String), Error> {
        let stores = stores(None)?;
        let (entry, store, bound) = match self.place {
            Place::Store(store, entry) => {
                let keyring = keyring(None);
                let bound = KeyFinder::new(&keyring, current()).bound_key(&entry)?;
                (*entry, store, bound)
            }
            Place::Pkcs12(bound) | Place::Container(bound) => {
                let store = machine_store("My")?;
                (Entry::new(self.certificate), store, bound)
            }
            Place::Alone => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "the file of /f has no key: name its container, /csp PROVIDER /kc CONTAINER, or choose a \
                     certificate of a store, /sha1 HASH",
                ));
            }
        };
        let address = bound.address.clone();
        Ok((stores.identity_of(&store, &entry, bound, self.others)?, address))
    }
}

fn machine_store(name: &str) -> Result<SystemStore, Error> {
    SystemStore::new(Location::LocalMachine, name)
        .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))
}

/// Chooses by the options of a line.
pub(super) fn choose(line: &Line) -> Result<Chosen, Stop> {
    let mut others = Vec::new();
    for file in line.values("ac") {
        others.extend(read_certificate_file(Path::new(file))?);
    }
    line.not_both("kc", "k")?;
    if let Some(file) = line.value("f") {
        for option in ["sha1", "n", "i", "r", "s", "sm"] {
            line.not_both("f", option)?;
        }
        return from_file(line, Path::new(file), others);
    }
    for option in ["p", "csp", "kc", "k"] {
        if line.has(option) {
            return Err(Misread(format!("/{option} goes with /f FILE")).into());
        }
    }
    from_store(line, others)
}

fn from_file(line: &Line, file: &Path, mut others: Vec<Certificate>) -> Result<Chosen, Stop> {
    let container = line.value("kc").or_else(|| line.value("k"));
    if container.is_some() != line.has("csp") {
        return Err(Misread("/csp PROVIDER and /kc CONTAINER go together".to_owned()).into());
    }
    let is_pkcs12 = file
        .extension()
        .is_some_and(|end| ["pfx", "p12"].iter().any(|known| end.eq_ignore_ascii_case(known)));
    if is_pkcs12 {
        let held = line.value("p").map(|password| {
            remark("others can read the arguments of a process; better: chancery sign --pin-file");
            HeldPin::new(password)
        });
        let address = KeyAddress::File(file.to_owned());
        let keyring = keyring(held.or_else(|| Some(HeldPin::new(""))));
        let OpenedKey { key, certificates: stored, .. } =
            keyring.open_with_certificates(&address)?;
        let none: [&Path; 0] = [];
        let (certificate, more) =
            stored_identity_certificates(key.public_key(), stored, &address, &none)?;
        others.extend(more);
        let place = Place::Pkcs12(BoundKey::new(address.to_string(), key));
        return fit(line, Chosen { certificate, other_purpose: false, place, others });
    }
    let mut all = read_certificate_file(file)?;
    let certificate = match Signer::from_files(file, &[] as &[&Path])? {
        Some(signer) => signer.certificate,
        None => {
            let message = format!("{} has several signers: give one", file.display());
            return Err(Error::new(ErrorKind::Usage, message).into());
        }
    };
    others.append(&mut all);
    let place = match (line.value("csp"), container) {
        (Some(provider), Some(container)) => {
            let keyring = keyring(None);
            let finder = KeyFinder::new(&keyring, current());
            let binding =
                ProviderKeys::of_provider(provider, current(), &keyring)?.binding(container, false);
            Place::Container(finder.key_by_binding(&binding, &certificate)?)
        }
        _ => Place::Alone,
    };
    fit(line, Chosen { certificate, other_purpose: false, place, others })
}

/// The number of the purpose that /u or /uw asks for; that of signing code without them.
fn purpose(line: &Line) -> Result<String, Misread> {
    line.not_both("u", "uw")?;
    match line.value("u") {
        None if line.has("uw") => Ok(WINDOWS_COMPONENTS.to_owned()),
        None => Ok(oid::CODE_SIGNING.to_string()),
        Some(name) if name.eq_ignore_ascii_case("Code Signing") => {
            Ok(oid::CODE_SIGNING.to_string())
        }
        Some(number) => Ok(number.to_owned()),
    }
}

fn misread_purpose(number: &str) -> Misread {
    Misread(format!("/u {number}: a purpose is named by its number, {}, say", oid::CODE_SIGNING))
}

/// Insists that the certificate of a file is for the purpose that /u or /uw asks for.
fn fit(line: &Line, mut chosen: Chosen) -> Result<Chosen, Stop> {
    if !line.has("u") && !line.has("uw") {
        return Ok(chosen);
    }
    let purpose = purpose(line)?;
    let number = purpose.parse().map_err(|_| misread_purpose(&purpose))?;
    if chosen.certificate.allows_purpose(number) {
        chosen.other_purpose = number != oid::CODE_SIGNING;
        return Ok(chosen);
    }
    complain("SignTool Error: No certificates were found that met all the given criteria.");
    remark(&format!(
        "`{}` is not for the purpose {purpose} that /u asks for",
        chosen.certificate.subject()
    ));
    Err(Stop::Said)
}

/// Tells whether the root above a certificate has a text in its subject.
pub(super) fn root_has(certificate: &Certificate, others: &[Certificate], text: &str) -> bool {
    let signer = Signer::new(certificate.clone(), others);
    let root = signer.chain.last().unwrap_or(&signer.certificate).subject().to_string();
    root.to_lowercase().contains(&text.to_lowercase())
}

fn from_store(line: &Line, others: Vec<Certificate>) -> Result<Chosen, Stop> {
    let location = if line.has("sm") { Location::LocalMachine } else { Location::CurrentUser };
    let store = SystemStore::new(location, line.value("s").unwrap_or("My"))
        .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
    let mut query = CertificateQuery::any();
    if let Some(text) = line.value("sha1") {
        let thumbprint: Thumbprint =
            text.parse().map_err(|error| Misread(format!("/sha1 {text}: {error}")))?;
        query = query.with_sha1(thumbprint);
    }
    if let Some(part) = line.value("n") {
        query = query.with_subject(part);
    }
    if let Some(part) = line.value("i") {
        query = query.with_issuer(part);
    }
    let purpose = purpose(line)?;
    let number = purpose.parse().map_err(|_| misread_purpose(&purpose))?;
    let mut found = stores(None)?.signing_candidates(&store, &query, number, now()?)?;
    if let Some(text) = line.value("r") {
        let above = [others.clone(), stores(None)?.issuers(location)?].concat();
        found.retain(|entry| entry.certificate().is_ok_and(|one| root_has(one, &above, text)));
    }
    if line.has("debug") {
        say(&format!("\nAfter the filters of {store}, {} certs were left.", found.len()));
    }
    if found.len() > 1 && !line.has("a") {
        complain(
            "SignTool Error: Multiple certificates were found that meet all the given criteria.",
        );
        complain(
            "\tUse /a to have the one that is valid longest chosen, or /sha1 with the hash of one of these:",
        );
        for certificate in found.iter().filter_map(|entry| entry.certificate().ok()) {
            complain(&block(certificate, 1));
        }
        return Err(Stop::Said);
    }
    let Some(entry) = found.into_iter().next() else {
        complain("SignTool Error: No certificates were found that met all the given criteria.");
        remark(&format!(
            "a certificate in {store} counts where a key is bound to it, it is valid now and is for {}; \
             see them:  certutil {}-store {}",
            if number == oid::CODE_SIGNING { "signing code" } else { purpose.as_str() },
            if line.has("sm") { "" } else { "-user " },
            store.name()
        ));
        return Err(Stop::Said);
    };
    let certificate = match entry.certificate() {
        Ok(certificate) => certificate.clone(),
        Err(error) => return Err(Error::of_certificate("sign with it", error).into()),
    };
    let other_purpose = number != oid::CODE_SIGNING;
    Ok(Chosen { certificate, other_purpose, place: Place::Store(store, Box::new(entry)), others })
}

/// A certificate as SignTool prints it, further in for each level.
pub(super) fn block(certificate: &Certificate, level: usize) -> String {
    let indent = "    ".repeat(level);
    let hash: String =
        certificate.thumbprint_sha1().iter().map(|octet| format!("{octet:02X}")).collect();
    format!(
        "{indent}Issued to: {}\n{indent}Issued by: {}\n{indent}Expires:   {}\n{indent}SHA1 hash: {hash}\n",
        simple_name(certificate.subject()),
        simple_name(certificate.issuer()),
        dates::signtool(certificate.not_after()),
    )
}
