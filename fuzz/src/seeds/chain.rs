//! Certificates one after the other, from leaf to anchor, and revocation lists between them.

use chancery_x509::asn1::{self, tag};
use chancery_x509::{Certificate, Identity, Profile, algorithm_identifier};

use super::Seeds;
use crate::identity::{SCHEME, builder, p256};

pub(super) fn seeds() -> Seeds {
    let (root_key, ca_key, leaf_key) = (p256(2), p256(3), p256(4));
    let root = builder(Profile::RootCa, "CN=Root", &root_key, 2);
    let root = root.self_signed(&root_key, SCHEME).expect("its own key");
    let root_identity = Identity::new(root_key, root.clone(), &[]).expect("one key");
    let ca = builder(Profile::IntermediateCa, "CN=Issuer", &ca_key, 3);
    let ca = ca.issued_by(&root_identity, SCHEME).expect("a root issues");
    let ca_identity = Identity::new(ca_key, ca.clone(), &[]).expect("one key");
    let leaf = builder(Profile::CodeSigning, "CN=Signer", &leaf_key, 4);
    let leaf = leaf.issued_by(&ca_identity, SCHEME).expect("an issuer issues");

    let join = |parts: &[&[u8]]| parts.concat();
    let (leaf_der, ca_der, root_der) = (leaf.as_der(), ca.as_der(), root.as_der());
    let clean = list(&ca_identity, &[]);
    let revoking = list(&ca_identity, &[leaf.serial()]);
    Seeds::from([
        ("anchor-alone", root_der.to_vec()),
        ("chain", join(&[leaf_der, ca_der, root_der])),
        ("clean", join(&[leaf_der, ca_der, &clean, root_der])),
        ("empty", Vec::new()),
        ("gap", join(&[leaf_der, root_der])),
        ("list-alone", clean),
        ("revoked", join(&[leaf_der, ca_der, &revoking, root_der])),
        ("twice", join(&[leaf_der, ca_der, ca_der, leaf_der, root_der])),
    ])
}

/// Writes a `CertificateList` (RFC 5280 section 5.1) of a CA, valid as long as its certificate.
fn list(ca: &Identity, serials: &[&[u8]]) -> Vec<u8> {
    let issuer: &Certificate = ca.certificate();
    let time = |text: &[u8]| asn1::tlv(tag::UTC_TIME, &[text]);
    let entries: Vec<Vec<u8>> = serials
        .iter()
        .map(|serial| {
            asn1::sequence(&[&asn1::tlv(tag::INTEGER, &[serial]), &time(b"260101000000Z")])
        })
        .collect();
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let revoked = if entries.is_empty() { Vec::new() } else { asn1::sequence(&entries) };
    let algorithm = algorithm_identifier(SCHEME);
    let tbs = asn1::sequence(&[
        &asn1::unsigned_integer(&[1]),
        &algorithm,
        issuer.subject().as_der(),
        &time(b"260101000000Z"),
        &time(b"491231235959Z"),
        &revoked,
    ]);
    let signature = ca.key().sign(SCHEME, &tbs).expect("the key of the CA");
    asn1::sequence(&[&tbs, &algorithm, &asn1::bit_string(signature.as_bytes())])
}
