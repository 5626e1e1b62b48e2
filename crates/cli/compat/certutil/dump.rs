//! `certutil -dump`, and what `-v` adds to a listing: what is in a file.

use std::path::Path;

use chancery::certstore::{Element, read_sst};
use chancery::cms::{SignedData, SignerInfo};
use chancery::key::{DigestAlgorithm, KeyAlgorithm, PublicKey};
use chancery::sigverify::digest;
use chancery::x509::{
    Certificate, Extensions, Name, UnverifiedRequest, WindowsForm, read_documents,
};
use chancery::{Error, describe_extensions, read_certificate_file, read_crls, read_small_file};

use super::Failure;
use crate::compat::certificate_text::{hex, print_list_contents, print_own_signature, serial};
use crate::compat::console::say;
use crate::compat::dates;
use crate::compat::grammar::Line;

/// What a file of a store begins with.
const STORE: &[u8] = b"\0\0\0\0CERT";

pub(super) fn run(line: &Line) -> Result<(), Failure> {
    let [file] = line.operands()?;
    let path = Path::new(file);
    let bytes = read_small_file(path)?;
    let is_verbose = line.has("v");
    if bytes.starts_with(STORE) {
        return dump_store(path, &bytes, is_verbose);
    }
    if let Ok(request) = UnverifiedRequest::from_file_contents(&bytes) {
        print_request(&request, is_verbose);
        return Ok(());
    }
    if let Ok(lists) = read_crls(path) {
        for list in lists {
            say("X509 Certificate Revocation List:");
            print_list_contents(&list);
            say("");
        }
        return Ok(());
    }
    let documents = read_documents(&bytes).unwrap_or_default();
    let signed = documents.iter().find_map(|one| SignedData::from_der(&one.der).ok());
    if let Some(signed) = signed {
        dump_signed_data(&signed, is_verbose);
        return Ok(());
    }
    for certificate in read_certificate_file(path)? {
        print_certificate(&certificate, is_verbose);
    }
    Ok(())
}

fn dump_store(path: &Path, bytes: &[u8], is_verbose: bool) -> Result<(), Failure> {
    let elements = read_sst(bytes).map_err(|error| Error::malformed(path, error))?;
    for (index, element) in elements.iter().enumerate() {
        match element {
            Element::Certificate(entry) => {
                crate::compat::certificate_text::print(entry, index);
                if let Ok(certificate) = entry.certificate()
                    && is_verbose
                {
                    print_certificate(certificate, is_verbose);
                }
                if let Ok(Some(binding)) = entry.key_binding() {
                    let part = |text: &Option<String>| text.clone().unwrap_or_default();
                    say(&format!("  Key Container = {}", part(&binding.container)));
                    say(&format!("  Provider = {}", part(&binding.provider)));
                }
            }
            Element::RevocationList(list) => {
                say(&format!("================ CRL {index} ================"));
                match chancery::chain::Crl::from_der(list.der()) {
                    Ok(list) => print_list_contents(&list),
                    Err(_) => say("Cannot read the revocation list."),
                }
            }
            Element::TrustList(list) => {
                say(&format!("================ CTL {index} ================"));
                say(&format!("CTL Hash(sha1): {}", sha1(list.der())));
            }
            _ => {}
        }
        say("");
    }
    Ok(())
}

fn sha1(bytes: &[u8]) -> String {
    hex(&digest(DigestAlgorithm::Sha1, bytes))
}

/// Prints a name below a title, a line for each part.
pub(super) fn print_name(title: &str, name: &Name) {
    say(&format!("{title}:"));
    for line in name.windows(WindowsForm::Lines).to_string().lines() {
        say(&format!("    {line}"));
    }
    say("");
}

fn print_request(request: &UnverifiedRequest, is_verbose: bool) {
    say("PKCS10 Certificate Request:\nVersion: 1");
    print_name("Subject", request.subject());
    print_key(request.public_key());
    let attributes = request.attributes();
    say(&format!("Request Attributes: {}", attributes.len()));
    for (index, attribute) in attributes.iter().enumerate() {
        let number = attribute.oid.to_string();
        let name = attribute_name(&number).map(|name| format!(" ({name})")).unwrap_or_default();
        say(&format!("  Attribute[{index}]: {number}{name}"));
        for (place, value) in attribute.values.iter().enumerate() {
            say(&format!("    Value[{index}][{place}], Length = {:x}", value.len()));
        }
    }
    say("");
    print_extensions(request.extensions(), is_verbose);
    say(&format!("Signature Algorithm: {}", request.signature_algorithm()));
    say(match request.clone().verify() {
        Ok(_) => "Signature matches Public Key",
        Err(_) => "Signature does not match Public Key",
    });
    print_key_ids(request.public_key());
}

/// Names an attribute of a request, as certutil does (MS-WCCE section 2.2.2.7).
fn attribute_name(number: &str) -> Option<&'static str> {
    Some(match number {
        "1.2.840.113549.1.9.14" | "1.3.6.1.4.1.311.2.1.14" => "Certificate Extensions",
        "1.3.6.1.4.1.311.13.2.1" => "Enrollment Name Value Pair",
        "1.3.6.1.4.1.311.13.2.2" => "Enrollment CSP",
        "1.3.6.1.4.1.311.13.2.3" => "OS Version",
        "1.3.6.1.4.1.311.21.20" => "Client Information",
        "1.2.840.113549.1.9.7" => "Challenge Password",
        _ => return None,
    })
}

/// Prints everything in a certificate.
pub(super) fn print_certificate(certificate: &Certificate, is_verbose: bool) {
    say("X509 Certificate:");
    say(&format!("Serial Number: {}", serial(certificate)));
    say(&format!("Signature Algorithm: {}", certificate.signature_algorithm()));
    print_name("Issuer", certificate.issuer());
    say(&format!(" NotBefore: {}", dates::certutil(certificate.not_before())));
    say(&format!(" NotAfter: {}\n", dates::certutil(certificate.not_after())));
    print_name("Subject", certificate.subject());
    print_key(certificate.public_key());
    print_extensions(certificate.extensions(), is_verbose);
    match certificate.is_self_issued() {
        true => say("Root Certificate: Subject matches Issuer"),
        false => say("Non-root Certificate"),
    }
    print_own_signature(certificate);
    print_key_ids(certificate.public_key());
    say(&format!("Cert Hash(sha1): {}", hex(&certificate.thumbprint_sha1())));
    say(&format!("Cert Hash(sha256): {}\n", hex(&certificate.thumbprint_sha256())));
}

fn print_key(key: &PublicKey) {
    let algorithm = key.algorithm();
    let (number, name) = match algorithm {
        KeyAlgorithm::Rsa { .. } => ("1.2.840.113549.1.1.1", "RSA"),
        KeyAlgorithm::Ec(_) => ("1.2.840.10045.2.1", "ECC"),
        _ => return say(&format!("Public Key Algorithm:\n    {algorithm}\n")),
    };
    say(&format!("Public Key Algorithm:\n    Algorithm ObjectId: {number} {name}"));
    match algorithm {
        KeyAlgorithm::Rsa { bits } => say(&format!("Public Key Length: {bits} bits\n")),
        other => say(&format!("Public Key: {other}\n")),
    }
}

fn print_extensions(extensions: &Extensions, is_verbose: bool) {
    let described = describe_extensions(extensions);
    say(&format!("Certificate Extensions: {}", described.len()));
    for (extension, described) in extensions.iter().zip(described) {
        let flags = if extension.critical { "1(Critical)" } else { "0" };
        say(&format!(
            "    {}: Flags = {flags}, Length = {:x}",
            extension.oid,
            extension.value.len()
        ));
        if let (Some(name), true) = (described.name, is_verbose || described.is_understood) {
            say(&format!("    {name}"));
        }
        if is_verbose || described.is_understood {
            for value in described.values {
                say(&format!("        {value}"));
            }
        }
        say("");
    }
}

fn print_key_ids(key: &PublicKey) {
    say(&format!("Key Id Hash(rfc-sha1): {}", sha1(key.subject_public_key())));
    say(&format!("Key Id Hash(sha1): {}", sha1(key.spki_der())));
}

fn dump_signed_data(signed: &SignedData<'_>, is_verbose: bool) {
    say(&format!("PKCS7 Message:\n  CMSG_SIGNED(2)\n  Version: {}", signed.version));
    say(&format!("  Content Type: {}", signed.content_type));
    match signed.content {
        Some(content) => say(&format!("PKCS7 Message Content: {} bytes", content.contents.len())),
        None => say("No Content"),
    }
    say(&format!("\nSigner Count: {}", signed.signers.len()));
    let certificates = signed.read_certificates().readable;
    for (index, signer) in signed.signers.iter().enumerate() {
        print_signer(index, signer, &certificates);
    }
    say(&format!("\nCertificates: {}", signed.certificates.len()));
    for (index, certificate) in certificates.iter().enumerate() {
        say(&format!("---------------- Certificate {index} ----------------"));
        print_certificate(certificate, is_verbose);
    }
}

fn print_signer(index: usize, signer: &SignerInfo<'_>, certificates: &[Certificate]) {
    let found = certificates.iter().find(|one| signer.identifier.names(one));
    let name = found.map(|one| one.subject().windows(WindowsForm::X500).to_string());
    say(&format!(
        "Signer Info[{index}]: {}",
        name.as_deref().unwrap_or("its certificate is not here")
    ));
    let hash = signer.digest().map_or("unknown", |digest| digest.name());
    say(&format!("  Hash Algorithm: {hash}"));
    let count = |attributes: Option<usize>| attributes.unwrap_or_default();
    let of =
        |all: &Option<chancery::cms::Attributes<'_>>| all.as_ref().map(|all| all.iter().count());
    say(&format!("  Authenticated Attributes: {}", count(of(&signer.signed_attributes))));
    say(&format!("  Unauthenticated Attributes: {}", count(of(&signer.unsigned_attributes))));
}
