//! Every byte of a signature that can be changed without being noticed, and no other.

use std::ops::Range;

use chancery_cms::{SignedData, add_unsigned_value};
use chancery_key::SignatureScheme;
use chancery_x509::asn1::Tlv;

use super::support::{UNKNOWN, alone, holds, rsa, sign, with_chain};

fn parts(tlv: Tlv<'_>) -> Vec<Tlv<'_>> {
    tlv.reader().map(Result::unwrap).collect()
}

/// Returns where parts of a SignedData are that no signature covers and that may change: each with
/// its name.
fn free_ranges(der: &[u8]) -> Vec<(&'static str, Range<usize>)> {
    let range = |tlv: Tlv<'_>| tlv.offset..tlv.offset + tlv.raw.len();
    let contents = |tlv: Tlv<'_>| tlv.offset + tlv.raw.len() - tlv.contents.len()..range(tlv).end;
    let explicit = parts(Tlv::parse(der).unwrap())[1];
    let fields = parts(explicit.only().unwrap());
    let signer = parts(fields[4].only().unwrap());

    let signed = SignedData::from_der(der).unwrap();
    let identifier = signed.signers[0].identifier;
    let certificates = signed.read_certificates().readable;
    let mut free = vec![
        // The numbers are read and judged by nobody here.
        ("version", contents(fields[0])),
        ("signer's version", contents(signer[0])),
        // Declared up front for who hashes in one pass: what counts is in the signer.
        ("digest algorithms", contents(fields[1])),
        // Whether the content is an OCTET STRING or another primitive is for the content type to say.
        ("tag of the content", {
            let content = parts(fields[2])[1].only().unwrap();
            content.offset..content.offset + 1
        }),
    ];
    for (tlv, certificate) in parts(fields[3]).into_iter().zip(&certificates) {
        if identifier.names(certificate) {
            // Of the signer's certificate the issuer, the serial number and the key are used.
            let tbs = parts(parts(tlv)[0]);
            let key = parts(tbs[6])[1];
            let name = "signer's certificate";
            free.push((name, contents(tlv).start..range(tbs[1]).start));
            free.push((name, range(tbs[1]).end..range(tbs[3]).start));
            free.push((name, range(tbs[3]).end..range(key).start));
            free.push((name, range(key).end..range(tlv).end));
        } else {
            free.push(("another certificate", range(tlv)));
        }
    }
    free.extend(signer.get(6).map(|unsigned| ("unsigned attributes", range(*unsigned))));
    free
}

/// Flips bits of each byte in turn and asserts that the signature holds only where it is free to change;
/// returns the names of the parts where it did.
fn tolerated(der: &[u8]) -> Vec<&'static str> {
    assert!(holds(der));
    let free = free_ranges(der);
    let mut names = Vec::new();
    for offset in 0..der.len() {
        for mask in [0xff, 0x01, 0x02, 0x80] {
            let mut changed = der.to_vec();
            changed[offset] ^= mask;
            if holds(&changed) {
                let part = free.iter().find(|(_, range)| range.contains(&offset));
                let (name, _) = part.unwrap_or_else(|| panic!("byte {offset} ^ {mask:#x} holds"));
                names.push(*name);
            }
        }
    }
    names.dedup();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_is_signed() {
    let identity = with_chain();
    let der = sign(&identity, SignatureScheme::EcdsaSha256);
    let der = add_unsigned_value(&der, UNKNOWN, &[4, 3, 1, 2, 3]).unwrap();
    assert_eq!(
        tolerated(&der),
        [
            "another certificate",
            "digest algorithms",
            "signer's certificate",
            "signer's version",
            "tag of the content",
            "unsigned attributes",
            "version",
        ]
    );
}

#[test]
fn a_changed_byte_is_noticed_under_rsa_too() {
    let identity = alone(rsa(), SignatureScheme::RsaPkcs1Sha256);
    let der = sign(&identity, SignatureScheme::RsaPkcs1Sha256);
    assert_eq!(
        tolerated(&der),
        [
            "digest algorithms",
            "signer's certificate",
            "signer's version",
            "tag of the content",
            "version",
        ]
    );
}
