//! Attributes that decide, and tricks with them.

use chancery_cms::{SignedData, oid};
use chancery_key::DigestAlgorithm;
use chancery_x509::asn1;

use super::support::{CONTENT, Forge, UNKNOWN, attribute, check, holds, p256};

#[test]
fn the_forge_makes_what_holds() {
    let identity = p256();
    assert!(holds(&Forge::new(&identity).sign(&identity)));
}

#[test]
fn an_attribute_that_decides_is_there_once_with_one_value() {
    let identity = p256();
    let good = Forge::new(&identity);
    let [content_type, message_digest] =
        good.signed_attributes.clone().unwrap().try_into().unwrap();
    let data = asn1::object_identifier(&oid::DATA);
    let other = asn1::object_identifier(&UNKNOWN);
    let hash = asn1::octet_string(&chancery_sigverify::digest(DigestAlgorithm::Sha256, CONTENT));
    let wrong = asn1::octet_string(&[0; 32]);
    let bits = asn1::bit_string(&chancery_sigverify::digest(DigestAlgorithm::Sha256, CONTENT));
    let types = |values: &[&[u8]]| attribute(oid::CONTENT_TYPE, values);
    let digests = |values: &[&[u8]]| attribute(oid::MESSAGE_DIGEST, values);
    // The attributes, and which of the two decisions still hold.
    let cases = [
        (vec![content_type.clone(), message_digest.clone()], (true, true)),
        (vec![message_digest.clone(), content_type.clone()], (true, true)),
        (vec![content_type.clone(), content_type.clone(), message_digest.clone()], (false, true)),
        (vec![content_type.clone(), message_digest.clone(), message_digest.clone()], (true, false)),
        (vec![types(&[&data, &data]), message_digest.clone()], (false, true)),
        (vec![types(&[&data, &other]), message_digest.clone()], (false, true)),
        (vec![types(&[]), message_digest.clone()], (false, true)),
        (vec![types(&[&other]), message_digest.clone()], (false, true)),
        (vec![types(&[&hash]), message_digest.clone()], (false, true)),
        (vec![content_type.clone(), digests(&[&hash, &wrong])], (true, false)),
        (vec![content_type.clone(), digests(&[&hash]), digests(&[&wrong])], (true, false)),
        (vec![content_type.clone(), digests(&[&wrong])], (true, false)),
        (vec![content_type.clone(), digests(&[&bits])], (true, false)),
        (vec![content_type.clone(), digests(&[])], (true, false)),
        (vec![content_type.clone()], (true, false)),
        (vec![message_digest.clone()], (false, true)),
        (vec![], (false, false)),
    ];
    for (index, (list, expected)) in cases.into_iter().enumerate() {
        let forged = Forge { signed_attributes: Some(list), ..good.clone() }.sign(&identity);
        let found = check(&forged).unwrap();
        assert!(found.signature_valid, "{index}: signed over these very attributes");
        let decided = (found.content_type_matches, found.message_digest_matches);
        assert_eq!(decided, expected, "{index}");
        assert_eq!(found.holds(), expected == (true, true), "{index}");
    }
}

#[test]
fn without_attributes_the_signature_is_over_data_and_nothing_else() {
    let identity = p256();
    let bare = Forge { signed_attributes: None, ..Forge::new(&identity) };
    assert!(holds(&bare.sign(&identity)));
    let typed = Forge { content_type: UNKNOWN, ..bare.clone() };
    let found = check(&typed.sign(&identity)).unwrap();
    assert!(found.signature_valid && !found.content_type_matches && !found.holds());

    // The attributes of one signature do not pass as the content of another that has none.
    let signed = Forge::new(&identity);
    let attributes = asn1::tlv(0x31, &[&signed.signed_attributes.clone().unwrap().concat()]);
    let signer = signed.signer(&identity);
    let signer = asn1::Tlv::parse(&signer).unwrap();
    let parts: Vec<&[u8]> = signer.reader().map(|part| part.unwrap().raw).collect();
    let stripped = asn1::sequence(&[parts[0], parts[1], parts[2], parts[4], parts[5]]);
    for content_type in [UNKNOWN, oid::SIGNED_DATA] {
        let content = asn1::octet_string(&attributes);
        let confused = Forge { content_type, content, ..signed.clone() };
        let found = check(&confused.assemble(std::slice::from_ref(&stripped))).unwrap();
        assert!(found.signature_valid && !found.holds());
    }
}

#[test]
fn algorithms_that_disagree_or_are_unknown_hold_nothing() {
    use chancery_key::SignatureScheme as S;
    use chancery_x509::{algorithm_identifier, oid as x509_oid};
    let identity = p256();
    let good = Forge::new(&identity);
    let named = |algorithm| Forge { signature_algorithm: algorithm, ..good.clone() };
    let key_type_alone = asn1::sequence(&[
        &asn1::object_identifier(&x509_oid::EC_PUBLIC_KEY),
        &asn1::object_identifier(&chancery_key::EcCurve::P256.oid()),
    ]);
    assert!(holds(&named(key_type_alone).sign(&identity)), "the digest algorithm has the hash");
    for algorithm in [
        algorithm_identifier(S::EcdsaSha384),
        algorithm_identifier(S::EcdsaSha1),
        algorithm_identifier(S::RsaPkcs1Sha256),
        algorithm_identifier(S::RsaPssSha256),
        asn1::algorithm_with_null(&x509_oid::RSA_ENCRYPTION),
        asn1::algorithm_with_null(&UNKNOWN),
    ] {
        let found = check(&named(algorithm).sign(&identity)).unwrap();
        assert!(!found.signature_valid && !found.holds());
    }
    for digest in [DigestAlgorithm::Sha1.oid(), DigestAlgorithm::Sha512.oid(), UNKNOWN] {
        let digest_algorithm = asn1::algorithm_with_null(&digest);
        let found = check(&Forge { digest_algorithm, ..good.clone() }.sign(&identity)).unwrap();
        assert_eq!(found.scheme, None);
        assert!(!found.signature_valid && !found.message_digest_matches && !found.holds());
    }
}

#[test]
fn values_of_a_type_are_found_in_all_attributes_of_it() {
    let identity = p256();
    let null: &[u8] = &[5, 0];
    let unsigned = [attribute(UNKNOWN, &[null, null]), attribute(UNKNOWN, &[null])].concat();
    let tail = asn1::tlv(0xa1, &[&unsigned]);
    let der = Forge { tail, ..Forge::new(&identity) }.sign(&identity);
    let signed = SignedData::from_der(&der).unwrap();
    let attributes = signed.signers[0].unsigned_attributes.as_ref().unwrap();
    assert_eq!(attributes.iter().count(), 2);
    assert_eq!(attributes.values(UNKNOWN).count(), 3);
    assert_eq!(attributes.single(UNKNOWN), None);
    assert_eq!(attributes.values(oid::SIGNING_TIME).count(), 0);
}
