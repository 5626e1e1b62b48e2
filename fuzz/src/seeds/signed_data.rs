//! Signatures by themselves: as we make them, at the limits, and put together otherwise.

use chancery_authenticode::nest;
use chancery_cms::{SignedData, SignedDataBuilder, add_unsigned_value, oid};
use chancery_key::SignatureScheme;
use chancery_x509::Identity;
use chancery_x509::asn1::{self, Tlv, tag};
use const_oid::ObjectIdentifier;

use super::Seeds;
use super::certificate::rsa_certificate;
use super::key_file::rsa;
use super::pe::program;
use super::sign_verify::signature;
use crate::identity::{SCHEME, SIGNER};

const NESTED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.4.1");

pub(super) fn seeds() -> Seeds {
    let der = signature(&program(), false);
    let mut ber = der.clone();
    ber[1] = 0x80;
    let nested = nest(&der, &der).expect("one signer");
    let rsa = Identity::new(rsa(), rsa_certificate(), &[]).expect("one key");
    let data = SignedDataBuilder::new(oid::DATA, asn1::octet_string(b"content")).expect("DER");
    let rsa_sha512 = data.sign(&rsa, SignatureScheme::RsaPkcs1Sha512).expect("it signs");
    let mut seeds = Seeds::from([
        ("another-content-type", asn1::sequence(&[&asn1::object_identifier(&oid::DATA)])),
        ("ber-indefinite", [&ber[..2], &der[4..], &[0, 0]].concat()),
        ("ber-long-length", [&[0x30, 0x83, 0], &der[2..]].concat()),
        ("data-content", data.sign(&SIGNER, SCHEME).expect("it signs")),
        ("nested", nested),
        ("padded", [&der[..], &[0; 5]].concat()),
        ("page-hashes", signature(&program(), true)),
        ("rsa-sha512", rsa_sha512),
        ("truncated", der[..der.len() / 2].to_vec()),
        ("with-description", der.clone()),
    ]);
    seeds.extend(at_the_limits(&der));
    seeds.extend(rebuilt(&der));
    seeds
}

/// As many unsigned attributes, and as many values, as are read.
fn at_the_limits(der: &[u8]) -> Seeds {
    let (mut attributes, mut values) = (der.to_vec(), der.to_vec());
    for number in 0..64_u32 {
        let oid = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473")
            .push_arc(number)
            .expect("it is short");
        let value = asn1::unsigned_integer(&number.to_be_bytes());
        attributes = add_unsigned_value(&attributes, oid, &value).expect("one signer");
        values = add_unsigned_value(&values, NESTED, &value).expect("one signer");
    }
    Seeds::from([("unsigned-64-attributes", attributes), ("unsigned-64-values", values)])
}

/// What is made of the parts of a signature in another way.
fn rebuilt(der: &[u8]) -> Seeds {
    let read = SignedData::from_der(der).expect("a signature");
    let [signer] = read.signers.as_slice() else { unreachable!("there is one signer") };
    let content = read.content.map(|content| content.raw.to_vec()).unwrap_or_default();
    let fields: Vec<&[u8]> = Tlv::parse(signer.raw)
        .expect("DER")
        .reader()
        .map(|field| field.expect("DER").raw)
        .collect();
    let without_attributes = [&fields[..3], &fields[4..]].concat();
    let by_key = {
        let id = SIGNER.certificate().extensions().subject_key_identifier();
        let id = id.ok().flatten().unwrap_or_default();
        let id = asn1::tlv(tag::context(0), &[id]);
        asn1::sequence(&[&[&fields[..1], &[&id[..]], &fields[2..]].concat().concat()])
    };
    // The first attribute twice, and one with two values.
    let attributes = Tlv::parse(fields[3]).expect("DER");
    let first = attributes.reader().next().expect("an attribute").expect("DER").raw;
    let twice = asn1::tlv(tag::context_constructed(0), &[first, attributes.contents]);
    let duplicate =
        asn1::sequence(&[&[&fields[..3], &[&twice[..]], &fields[4..]].concat().concat()]);
    let empty_unsigned = asn1::tlv(tag::context_constructed(1), &[]);
    let empty_unsigned = asn1::sequence(&[&fields.concat(), &empty_unsigned]);
    let certificate = SIGNER.certificate().as_der();
    let one = signer.raw;
    Seeds::from([
        ("attribute-twice", assembled(&content, &[certificate], &[&duplicate])),
        ("certificate-broken", assembled(&content, &[&[0x30, 0], certificate], &[one])),
        ("certificates-65", assembled(&content, &[certificate; 65], &[one])),
        ("detached", assembled(&[], &[certificate], &[one])),
        ("no-certificates", assembled(&content, &[], &[one])),
        ("no-signed-attributes", {
            let signer = asn1::sequence(&without_attributes);
            assembled(&content, &[certificate], &[&signer])
        }),
        ("no-signers", assembled(&content, &[certificate], &[])),
        ("signer-by-key", assembled(&content, &[certificate], &[&by_key])),
        ("signers-17", assembled(&content, &[certificate], &[one; 17])),
        ("signers-two", assembled(&content, &[certificate], &[one, one])),
        ("unsigned-empty", assembled(&content, &[certificate], &[&empty_unsigned])),
    ])
}

/// Writes a SignedData of these parts.
fn assembled(content: &[u8], certificates: &[&[u8]], signers: &[&[u8]]) -> Vec<u8> {
    let sha256 = asn1::algorithm_with_null(&SCHEME.digest().oid());
    let explicit = match content {
        [] => Vec::new(),
        content => asn1::tlv(tag::context_constructed(0), &[content]),
    };
    let content_type = chancery_authenticode::oid::SPC_INDIRECT_DATA;
    let signed_data = asn1::sequence(&[
        &asn1::unsigned_integer(&[1]),
        &asn1::tlv(tag::SET, &[&sha256]),
        &asn1::sequence(&[&asn1::object_identifier(&content_type), &explicit]),
        &asn1::tlv(tag::context_constructed(0), certificates),
        &asn1::tlv(tag::SET, signers),
    ]);
    asn1::sequence(&[
        &asn1::object_identifier(&oid::SIGNED_DATA),
        &asn1::tlv(tag::context_constructed(0), &[&signed_data]),
    ])
}
