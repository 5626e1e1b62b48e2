//! Keys and certificates, and whether they belong together.

use std::collections::BTreeMap;

use chancery_key::KeyInfo;
use chancery_x509::Time;

use super::{Finding, FindingName, Kept};

/// Lists what is to be said of everything a token holds.
pub(super) fn findings(
    token: &str,
    keys: &[KeyInfo],
    certificates: &[Kept],
    now: Time,
) -> Vec<Finding> {
    let mut found = Vec::new();
    if keys.is_empty() {
        let what = "there is no private key that this PIN can see";
        found.push(Finding::warning(FindingName::NoKeys, token, what));
    }
    found.extend(keys.iter().map(of_key));
    found.extend(doubles(keys));
    for kept in certificates {
        found.extend(of_certificate(kept, keys, now));
    }
    found
}

fn of_key(key: &KeyInfo) -> Finding {
    let subject = key.address.as_str();
    let Some(public_key) = &key.public_key else {
        let what = "the token does not tell the public half: no public key object, and no certificate, has its CKA_ID";
        return Finding::problem(FindingName::KeyWithoutPublicHalf, subject, what);
    };
    let algorithm = public_key.algorithm();
    if !key.can_sign {
        let what = format!("{algorithm}, not for signing (CKA_SIGN is false)");
        return Finding::note(FindingName::KeyNotForSigning, subject, what);
    }
    if key.never_extractable == Some(false) {
        let what = format!("{algorithm}, but it can be, or could have been, read out of the token");
        return Finding::warning(FindingName::KeyExtractable, subject, what);
    }
    Finding::fine(FindingName::Key, subject, algorithm.to_string())
}

/// Finds keys that one address cannot tell apart, and keys that are there twice.
fn doubles(keys: &[KeyInfo]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut by_id: BTreeMap<&[u8], Vec<&KeyInfo>> = BTreeMap::new();
    let mut by_label: BTreeMap<&str, Vec<&KeyInfo>> = BTreeMap::new();
    let mut by_public_key: BTreeMap<&[u8], Vec<&KeyInfo>> = BTreeMap::new();
    for key in keys {
        if let Some(id) = key.id.as_deref().filter(|id| !id.is_empty()) {
            by_id.entry(id).or_default().push(key);
        }
        if let Some(label) = key.label.as_deref().filter(|label| !label.is_empty()) {
            by_label.entry(label).or_default().push(key);
        }
        if let Some(public_key) = &key.public_key {
            by_public_key.entry(public_key.spki_der()).or_default().push(key);
        }
    }
    for (id, same) in several(by_id) {
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let what = format!("{} keys have the identifier {id}: {}", same.len(), addresses(&same));
        found.extend(
            first(&same).map(|subject| Finding::problem(FindingName::KeysShareId, subject, what)),
        );
    }
    for (label, same) in several(by_label) {
        let what = format!("{} keys have the label `{label}`: {}", same.len(), addresses(&same));
        found.extend(
            first(&same)
                .map(|subject| Finding::warning(FindingName::KeysShareLabel, subject, what)),
        );
    }
    for (_, same) in several(by_public_key) {
        let what = format!("one key is there {} times: {}", same.len(), addresses(&same));
        found.extend(
            first(&same).map(|subject| Finding::warning(FindingName::KeyTwice, subject, what)),
        );
    }
    found
}

fn several<K>(groups: BTreeMap<K, Vec<&KeyInfo>>) -> impl Iterator<Item = (K, Vec<&KeyInfo>)> {
    groups.into_iter().filter(|(_, same)| same.len() > 1)
}

fn first(keys: &[&KeyInfo]) -> Option<String> {
    keys.first().map(|key| key.address.clone())
}

fn addresses(keys: &[&KeyInfo]) -> String {
    keys.iter().map(|key| format!("`{}`", key.address)).collect::<Vec<_>>().join(", ")
}

fn of_certificate(kept: &Kept, keys: &[KeyInfo], now: Time) -> Vec<Finding> {
    let subject = kept.address.as_str();
    let Some(certificate) = &kept.certificate else {
        let what = "what is kept there is no certificate that can be read";
        return vec![Finding::warning(FindingName::CertificateUnreadable, subject, what)];
    };
    let mut found = Vec::new();
    let name = certificate.subject();
    let own: Vec<_> =
        keys.iter().filter(|key| key.public_key.as_ref() == kept.public_key()).collect();
    if let Some(key) = own.first() {
        if own.iter().all(|key| key.id != kept.id) {
            let what = format!(
                "`{name}` belongs to `{}`, and has another CKA_ID: programs that go by it do not find the two together",
                key.address
            );
            found.push(Finding::warning(FindingName::CertificateIdDiffers, subject, what));
        } else {
            let what = format!("`{name}` belongs to `{}`", key.address);
            found.push(Finding::fine(FindingName::Pair, subject, what));
        }
        if !certificate.may_sign_code() {
            let what = format!("`{name}` is not for signing code");
            found.push(Finding::warning(FindingName::CertificateNotForCodeSigning, subject, what));
        }
    } else if !certificate.is_ca() {
        // The key of a certificate kept for the chain is elsewhere, as it should be.
        let what = format!("no private key of the token belongs to `{name}`");
        found.push(Finding::problem(FindingName::CertificateWithoutKey, subject, what));
    }
    if !certificate.is_valid_at(now) {
        let what = format!(
            "`{name}` is valid from {} to {}, and not now",
            certificate.not_before(),
            certificate.not_after()
        );
        found.push(Finding::warning(FindingName::CertificateNotValidNow, subject, what));
    }
    found
}
