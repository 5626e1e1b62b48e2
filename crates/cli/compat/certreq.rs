//! `certreq`: requests to an authority, and its answers.

mod options;

use std::path::Path;

use chancery::authenticode::Verdict;
use chancery::authority::Terms;
use chancery::certstore::{Entry, IfPresent, Location, StoreErrorKind, SystemStore};
use chancery::chain::{Purpose, TrustAnchors};
use chancery::x509::{Certificate, Identity, Profile, to_pem};
use chancery::{
    ContentVerifier, Error, ErrorKind, KeyFinder, KeyWanted, Product, ProviderKeys,
    countersign_request, read_request_inf, read_submitted_request, replace_file,
    request_in_container, write_new_file,
};

pub(super) use self::options::TOOL;
use super::certificate_text::{hex, serial};
use super::certutil::files::{authority, now};
use super::console::{explain, remark, say};
use super::credentials::keyring;
use super::dates;
use super::grammar::{Line, Misread};
use super::hresult::HResult;
use crate::settings::{current, stores};

pub(super) fn run(args: &[String]) -> u32 {
    let line = match TOOL.read_marked(args) {
        Ok(line) => line,
        Err(Misread(message)) => {
            say(&format!("CertReq: {message}"));
            return HResult::INVALID_ARGUMENT.code;
        }
    };
    match perform(&line) {
        Ok(()) => 0,
        Err(error) => {
            let number = HResult::of(&error);
            say(&format!("Certificate Request Processor: {}", number.sentence()));
            say(&number.numbers());
            explain(&error);
            number.code
        }
    }
}

fn perform(line: &Line) -> Result<(), Error> {
    match line.verb.name {
        "new" => new(line),
        "accept" => accept(line),
        "submit" => submit(line),
        "sign" => sign(line),
        _ => retrieve(line),
    }
}

/// Prints what a person reads and a script that asked for quiet does not.
fn tell(line: &Line, text: &str) {
    if !line.has("q") {
        say(text);
    }
}

fn operands<const N: usize>(line: &Line) -> Result<[&str; N], Error> {
    line.operands().map_err(|Misread(message)| Error::new(ErrorKind::Usage, message))
}

fn write(line: &Line, file: &str, contents: &[u8]) -> Result<(), Error> {
    match line.has("f") {
        true => replace_file(Path::new(file), contents),
        false => write_new_file(Path::new(file), contents, false),
    }
}

/// Writes a request as certreq does, in Base64 unless -binary is there.
fn write_request(line: &Line, file: &str, der: &[u8]) -> Result<(), Error> {
    if line.has("binary") {
        return write(line, file, der);
    }
    let pem = to_pem("NEW CERTIFICATE REQUEST", der);
    write(line, file, pem.replace('\n', "\r\n").as_bytes())
}

fn refuse_existing(line: &Line, file: &str) -> Result<(), Error> {
    if !Path::new(file).exists() || line.has("f") {
        return Ok(());
    }
    let message = format!("{file} is there; -f puts the new one in its place");
    Err(Error::new(ErrorKind::Usage, message))
}

fn new(line: &Line) -> Result<(), Error> {
    let [inf, out] = operands(line)?;
    // Before a key is made that nobody would have asked for.
    refuse_existing(line, out)?;
    let (policy, notices) = read_request_inf(Path::new(inf))?;
    for notice in &notices {
        remark(&notice.to_string());
    }
    let wish = policy.key();
    let of_machine = (wish.machine || line.has("machine")) && !line.has("user");
    let location = if of_machine { Location::LocalMachine } else { Location::CurrentUser };
    let keyring = keyring(None);
    let provider = match &wish.provider {
        Some(name) => ProviderKeys::of_provider(name, current(), &keyring)?,
        None => ProviderKeys::only(current(), &keyring)?,
    };
    let container = wish.container.clone().map_or_else(new_container, Ok)?;
    let (major, minor) = provider.library_version()?;
    tell(line, &format!("\t\tSDK Version: {major}.{minor:02}"));
    let now = now()?;
    let (product, key) = request_in_container(&policy, &container, &provider, now)?;
    let stores = stores(None)?;
    let binding = provider.binding(&container, of_machine);
    match product {
        Product::Request(request) => {
            let name = policy.friendly_name();
            stores.remember_bound_request(location, &request, &binding, name, &*key, now)?;
            write_request(line, out, request.as_der())?;
            tell(line, "\nCertReq: Request Created");
        }
        Product::SelfSigned(certificate) => {
            let store = SystemStore::new(location, "My")
                .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
            stores.add_bound(
                &store,
                Entry::new((*certificate).clone()),
                &binding,
                IfPresent::Refuse,
            )?;
            write(line, out, certificate.as_der())?;
            print_installed(line, &certificate);
            tell(line, "\nCertReq: Certificate Created and Installed");
        }
        _ => return Err(Error::new(ErrorKind::Unsupported, "the INF asks for something new")),
    }
    Ok(())
}

/// Names a container for a key that the INF does not name.
fn new_container() -> Result<String, Error> {
    let random = chancery::x509::SerialNumber::random()
        .map_err(|error| Error::of_certificate("name the key", error))?;
    let octets = random.as_octets().iter().skip(4).take(8).copied().collect::<Vec<u8>>();
    Ok(format!("CNG-{}", hex(&octets)))
}

fn accept(line: &Line) -> Result<(), Error> {
    let [file] = operands(line)?;
    let keyring = keyring(None);
    let finder = KeyFinder::new(&keyring, current());
    let wanted = KeyWanted { finder: &finder, place: None, provider: None };
    let stores = stores(None)?;
    // The request says whose it was, unless an option does.
    let location = stores.location_of_request(locations(line)?, Path::new(file))?;
    let bound = stores.accept(location, Path::new(file), &[], &wanted)?;
    if let Ok(certificate) = bound.entry.certificate() {
        print_installed(line, certificate);
    }
    for root in &bound.roots {
        remark(&format!(
            "the root `{}` is left for you to trust:  certutil -addstore Root FILE",
            root.subject()
        ));
    }
    Ok(())
}

/// Whose stores are meant: by an option, else both.
fn locations(line: &Line) -> Result<&'static [Location], Error> {
    match (line.has("user"), line.has("machine")) {
        (true, true) => {
            let message = "-user and -machine contradict each other: leave one out";
            Err(Error::new(ErrorKind::Usage, message))
        }
        (true, false) => Ok(&[Location::CurrentUser]),
        (false, true) => Ok(&[Location::LocalMachine]),
        (false, false) => Ok(&[Location::LocalMachine, Location::CurrentUser]),
    }
}

fn print_installed(line: &Line, certificate: &Certificate) {
    tell(line, "Installed Certificate:");
    tell(line, &format!("  Serial Number: {}", serial(certificate)));
    let subject = certificate.subject().windows(chancery::x509::WindowsForm::X500);
    tell(line, &format!("  Subject: {subject}"));
    tell(line, &format!("  NotBefore: {}", dates::certutil(certificate.not_before())));
    tell(line, &format!("  NotAfter: {}", dates::certutil(certificate.not_after())));
    tell(line, &format!("  Thumbprint: {}", hex(&certificate.thumbprint_sha1())));
}

fn submit(line: &Line) -> Result<(), Error> {
    let authority = authority(line.value("config"))?;
    let (request, certificate, chain) = match line.operands.as_slice() {
        [request, certificate] => (request, certificate, None),
        [request, certificate, chain] => (request, certificate, Some(chain)),
        all => {
            let message =
                format!("-submit takes {}, and {} were given", line.verb.operands, all.len());
            return Err(Error::new(ErrorKind::Usage, message));
        }
    };
    for file in [Some(certificate), chain].into_iter().flatten() {
        // Before the certificate is issued, since then it counts.
        refuse_existing(line, file)?;
    }
    let submitted = read_submitted_request(Path::new(request))?;
    if let Some(signature) = &submitted.countersigned {
        check_countersignature(signature)?;
    }
    let request = submitted.request;
    let terms = Terms::new(profile(line)?);
    let (issued, _) = authority.issue(&request, &terms, &keyring(None), now()?)?;
    let id = authority.issued()?.len();
    tell(line, &format!("RequestId: {id}\nRequestId: \"{id}\""));
    tell(line, "Certificate retrieved(Issued) Issued");
    write_answer(line, certificate, &issued)?;
    match chain {
        Some(chain) => {
            let above = std::iter::once(authority.certificate()).chain(authority.chain());
            let all = std::iter::once(&issued).chain(above);
            let text: String = all.map(|one| to_pem("CERTIFICATE", one.as_der())).collect();
            write(line, chain, text.as_bytes())
        }
        None => Ok(()),
    }
}

/// Insists that who signed a request beside its requester leads to a root of the stores.
fn check_countersignature(signature: &[u8]) -> Result<(), Error> {
    let stores = stores(None)?;
    let anchors = TrustAnchors::new(stores.roots()?);
    let report = ContentVerifier::new(anchors, now()?, Purpose::Any)
        .with_certificates(stores.issuers(Location::LocalMachine)?)
        .verify(signature, None)?;
    if report.verdict == Verdict::Valid {
        return Ok(());
    }
    let reasons: Vec<_> = report.signatures.iter().flat_map(|one| one.reasons.clone()).collect();
    let text =
        format!("the signature of another certificate over the request: {}", reasons.join(", "));
    Err(Error::new(ErrorKind::Refused, text))
}

fn sign(line: &Line) -> Result<(), Error> {
    let [request, out] = operands(line)?;
    refuse_existing(line, out)?;
    let Some(id) = line.value("cert") else {
        let message = "say which certificate signs: -cert ID, by its hash or serial number; certutil -store My lists them";
        return Err(Error::new(ErrorKind::Usage, message));
    };
    let identity = signer(line, id)?;
    let signed = countersign_request(Path::new(request), &identity)?;
    write_request(line, out, &signed)?;
    tell(line, "CertReq: Request Signed");
    Ok(())
}

/// Finds the certificate that signs a request of somebody else, and its key.
fn signer(line: &Line, id: &str) -> Result<Identity, Error> {
    let stores = stores(None)?;
    let keyring = keyring(None);
    let finder = KeyFinder::new(&keyring, current());
    let kind = ErrorKind::Store(StoreErrorKind::NotFound);
    let mut missing = Error::new(kind, format!("no certificate `{id}`"));
    for location in locations(line)? {
        let store = SystemStore::new(*location, "My")
            .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
        match stores.identity(&store, id, &finder) {
            Err(error) if error.kind() == kind => missing = error,
            found => return found.map(|(identity, _)| identity),
        }
    }
    Err(missing)
}

/// What the certificate is for: by `-attrib CertificateTemplate:NAME`, code signing without.
fn profile(line: &Line) -> Result<Profile, Error> {
    let Some(attributes) = line.value("attrib") else { return Ok(Profile::CodeSigning) };
    let value = attributes
        .split_once(':')
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("CertificateTemplate"));
    match value.map(|(_, template)| template.trim().to_ascii_lowercase()).as_deref() {
        Some("codesigning") => Ok(Profile::CodeSigning),
        Some("webserver") => Ok(Profile::TlsServer),
        Some("subca") => Ok(Profile::IntermediateCa),
        _ => Err(Error::new(
            ErrorKind::Usage,
            format!(
                "-attrib `{attributes}`: CertificateTemplate:CodeSigning, :WebServer and :SubCA are known"
            ),
        )),
    }
}

fn write_answer(line: &Line, file: &str, certificate: &Certificate) -> Result<(), Error> {
    if line.has("binary") {
        return write(line, file, certificate.as_der());
    }
    let pem = to_pem("CERTIFICATE", certificate.as_der());
    write(line, file, pem.replace('\n', "\r\n").as_bytes())
}

fn retrieve(line: &Line) -> Result<(), Error> {
    let [id, file] = operands(line)?;
    let authority = authority(line.value("config"))?;
    let all = authority.issued()?;
    let issued = id.parse::<usize>().ok().and_then(|id| all.get(id.checked_sub(1)?));
    let issued = issued.ok_or_else(|| {
        let message = format!("`{id}` is no request of the authority: it has {}", all.len());
        Error::new(ErrorKind::Usage, message)
    })?;
    tell(line, &format!("RequestId: {id}\nCertificate retrieved(Issued) Issued"));
    write_answer(line, file, &authority.issued_certificate(issued)?)
}
