//! A certificate as certutil prints it.

use chancery::certstore::Entry;
use chancery::chain::Crl;
use chancery::key::{DigestAlgorithm, KeyAlgorithm, without_pin_value};
use chancery::sigverify::digest;
use chancery::x509::{Certificate, Name, WindowsForm};
use chancery::{Error, KeyFinder};

use super::console::say;
use super::dates;

/// Writes octets in lower-case hex.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Writes a serial number as certutil does: without a leading zero octet.
pub(super) fn serial(certificate: &Certificate) -> String {
    match certificate.serial() {
        [0, rest @ ..] if !rest.is_empty() => hex(rest),
        all => hex(all),
    }
}

/// The name that people know somebody by.
pub(super) fn simple_name(name: &Name) -> String {
    name.common_name().unwrap_or_else(|| name.windows(WindowsForm::X500).to_string())
}

/// Prints what a listing has of a revocation list.
pub(super) fn print_list(crl: &Crl, index: usize) {
    say(&format!("================ CRL {index} ================"));
    print_list_contents(crl);
    say("");
}

/// Prints what is in a revocation list, but for its entries.
pub(super) fn print_list_contents(crl: &Crl) {
    say(&format!("Issuer: {}", crl.issuer().windows(WindowsForm::X500)));
    say(&format!(" ThisUpdate: {}", dates::certutil(crl.this_update())));
    match crl.next_update() {
        Some(time) => say(&format!(" NextUpdate: {}", dates::certutil(time))),
        None => say(" NextUpdate: EMPTY"),
    }
    if let Some(number) = crl.number() {
        say(&format!("CRL Number: {}", hex(number)));
    }
    say(&format!("CRL Entries: {}", crl.len()));
    let hash = digest(DigestAlgorithm::Sha1, crl.as_der());
    say(&format!("CRL Hash(sha1): {}", hex(&hash)));
}

/// Prints what every listing has of a certificate.
pub(super) fn print(entry: &Entry, index: usize) {
    say(&format!("================ Certificate {index} ================"));
    let Ok(certificate) = entry.certificate() else {
        say("Cannot read the certificate.");
        return;
    };
    let name = |name: &Name| name.windows(WindowsForm::X500).to_string();
    say(&format!("Serial Number: {}", serial(certificate)));
    say(&format!("Issuer: {}", name(certificate.issuer())));
    say(&format!(" NotBefore: {}", dates::certutil(certificate.not_before())));
    say(&format!(" NotAfter: {}", dates::certutil(certificate.not_after())));
    say(&format!("Subject: {}", name(certificate.subject())));
    print_root(certificate);
    say(&format!("Cert Hash(sha1): {}", hex(&certificate.thumbprint_sha1())));
}

fn print_root(certificate: &Certificate) {
    if certificate.is_self_issued() {
        say("Root Certificate: Subject matches Issuer");
        print_own_signature(certificate);
    } else {
        say("Non-root Certificate");
    }
}

/// Says whether a certificate that names itself as its issuer is also signed with its own key.
pub(super) fn print_own_signature(certificate: &Certificate) {
    if certificate.is_self_issued() {
        say(match certificate.is_self_signed() {
            true => "Signature matches Public Key",
            false => "Signature does not match Public Key",
        });
    }
}

/// Prints what a store says of a certificate's key and what the key itself says: a signature over random bytes is the
/// test. An error is printed in the place of its result.
pub(super) fn print_key(entry: &Entry, finder: &KeyFinder<'_>) -> Result<(), Error> {
    let binding = match entry.key_binding() {
        Ok(Some(binding)) => binding,
        Ok(None) => {
            say("  No key provider information");
            say("Cannot find the certificate and private key for decryption.");
            return Ok(());
        }
        Err(error) => {
            say(&format!("  Key provider information cannot be read: {error}"));
            return Ok(());
        }
    };
    let container = binding.container.as_deref().unwrap_or_default();
    say(&format!("  Key Container = {}", without_pin_value(container)));
    say(&format!("  Provider = {}", binding.provider.as_deref().unwrap_or_default()));
    let bound = finder.bound_key(entry).and_then(|bound| bound.prove().map(|()| bound));
    match bound {
        Ok(bound) => {
            if finder.never_leaves(&bound) == Some(true) {
                say("Private key is NOT exportable");
            }
            say("Signature test passed");
            Ok(())
        }
        Err(error) => {
            say("Missing stored keyset");
            say("Signature test FAILED");
            Err(error)
        }
    }
}

/// The name certutil has for a kind of key.
pub(super) const fn algorithm(key: Option<KeyAlgorithm>) -> &'static str {
    match key {
        Some(KeyAlgorithm::Rsa { .. }) => "RSA",
        Some(KeyAlgorithm::Ec(chancery::key::EcCurve::P256)) => "ECDSA_P256",
        Some(KeyAlgorithm::Ec(chancery::key::EcCurve::P384)) => "ECDSA_P384",
        Some(KeyAlgorithm::Ec(_)) => "ECDSA_P521",
        _ => "Unknown",
    }
}
