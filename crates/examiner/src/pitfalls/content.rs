//! What is in a signature.

use chancery_authenticode::{SignOptions, nest, oid};
use chancery_cms::oid as cms_oid;
use chancery_key::{DigestAlgorithm, SignatureScheme};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_x509::asn1::{self, Tlv};
use const_oid::ObjectIdentifier;

use super::Pitfall;
use super::world::{World, digest, key, plain};
use crate::forge::{
    ForgedCertificate, ForgedSignature, PE_IMAGE_DATA, UNKNOWN, attribute, indirect_data,
};

const MD5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.5");

pub(super) fn pitfalls(world: &World) -> Vec<Pitfall> {
    let signature = world.signature();
    let changed = |change: &dyn Fn(&mut ForgedSignature)| {
        let mut forged = world.forged(&world.program);
        change(&mut forged);
        world.with(&forged.by(&world.signer))
    };
    let sha256 = DigestAlgorithm::Sha256.oid();
    let content =
        |oid: ObjectIdentifier, digest: &[u8]| indirect_data(&PE_IMAGE_DATA, &oid, digest);
    let another = tiny_pe(&TinyPe { overlay: vec![7; 16], ..TinyPe::default() });
    let for_another = world.forged(&another).by(&world.signer);
    let nested = |inner: &[u8]| world.with(&nest(&signature, inner).unwrap());
    let mut carrier = ForgedCertificate::new("CN=Nobody", "CN=Nobody", &key());
    carrier = carrier.with(UNKNOWN, false, &asn1::octet_string(&[0x41; 4096]));
    let carrier = carrier.by(&key()).as_der().to_vec();
    let sha1 = SignOptions::new(SignatureScheme::RsaPkcs1Sha1);
    let mut all = vec![
        Pitfall::new(
            "T6-nested-for-another-file",
            nested(&for_another),
            "invalid",
            Some("digest-mismatch"),
        ),
        Pitfall::new(
            "T6-nested-in-nested",
            nested(&nest(&signature, &signature).unwrap()),
            "invalid",
            Some("nested-too-deep"),
        ),
        Pitfall::new(
            "T7-unknown-unsigned-attribute",
            changed(&|forged| {
                forged.unsigned = vec![(UNKNOWN, vec![asn1::octet_string(&[0x41; 4096])])];
            }),
            "untrusted",
            Some("unknown-unsigned-attribute"),
        ),
        Pitfall::new(
            "T8-certificate-for-nothing",
            changed(&|forged| forged.certificates.push(carrier.clone())),
            "valid",
            Some("unused-certificates"),
        ),
        Pitfall::new(
            "T12-digest-too-long",
            changed(&|forged| forged.content = content(sha256, &[7; 64])),
            "unsupported",
            Some("unsupported-digest-algorithm"),
        ),
        Pitfall::new(
            "T14-another-hash-declared",
            changed(&|forged| forged.digest_algorithms = vec![DigestAlgorithm::Sha512.oid()]),
            "invalid",
            Some("digest-algorithms-differ"),
        ),
        Pitfall::new(
            "T14-no-hash-declared",
            changed(&|forged| forged.digest_algorithms.clear()),
            "invalid",
            Some("digest-algorithms-differ"),
        ),
        Pitfall::new(
            "T14-another-hash-of-the-file",
            changed(&|forged| {
                let sha512 = DigestAlgorithm::Sha512;
                forged.content = content(sha512.oid(), &digest(&world.program, sha512));
            }),
            "invalid",
            Some("digest-algorithms-differ"),
        ),
        Pitfall::new(
            "T21-sha1",
            world.with(&plain(&world.program, &world.rsa_signer(), &sha1)),
            "untrusted",
            Some("sha1-digest"),
        ),
        Pitfall::new(
            "T21-md5",
            changed(&|forged| forged.content = content(MD5, &[7; 16])),
            "unsupported",
            Some("unsupported-digest-algorithm"),
        ),
    ];
    all.extend(attributes(world));
    all
}

/// Signed attributes that bind the content wrongly, or not (T15, T16).
fn attributes(world: &World) -> Vec<Pitfall> {
    let forged = world.forged(&world.program);
    let hash = |bytes: &[u8]| {
        asn1::octet_string(&chancery_sigverify::digest(DigestAlgorithm::Sha256, bytes))
    };
    let inner = hash(Tlv::parse(&forged.content).unwrap().contents);
    let kind = asn1::object_identifier(&oid::SPC_INDIRECT_DATA);
    let content_type = attribute(&cms_oid::CONTENT_TYPE, &kind);
    let message_digest = attribute(&cms_oid::MESSAGE_DIGEST, &inner);
    let with = |name, attributes: &[&[u8]], reason| {
        let signed = Some(attributes.concat());
        let forged = ForgedSignature { signed, ..forged.clone() };
        Pitfall::new(name, world.with(&forged.by(&world.signer)), "invalid", Some(reason))
    };
    let outer = attribute(&cms_oid::MESSAGE_DIGEST, &hash(&forged.content));
    let twice = attribute(&cms_oid::MESSAGE_DIGEST, &[&inner[..], &inner].concat());
    let data = attribute(&cms_oid::CONTENT_TYPE, &asn1::object_identifier(&cms_oid::DATA));
    let (missing, other) = ("message-digest-mismatch", "content-type-mismatch");
    vec![
        with("T15-digest-over-the-tag-too", &[&content_type, &outer], missing),
        with("T16-no-message-digest", &[&content_type], missing),
        with(
            "T16-two-message-digests",
            &[&content_type, &message_digest, &message_digest],
            missing,
        ),
        with("T16-message-digest-of-two-values", &[&content_type, &twice], missing),
        with("T16-no-content-type", &[&message_digest], other),
        with("T16-two-content-types", &[&content_type, &content_type, &message_digest], other),
        with("T16-another-content-type", &[&data, &message_digest], other),
    ]
}
