//! Certificates of others: what is refused, and what is not.

use chancery_key::{EcCurve, SignatureScheme as S, SigningKey};
use chancery_softkey::SoftKey;
use chancery_x509::asn1::{self, tag};
use chancery_x509::{
    Certificate, Error, Profile, SerialNumber, algorithm_identifier, oid, read_certificates, to_pem,
};

use super::forge::{Forge, extension, extensions, unknown_oid, utc_time, version};
use super::support::{ec, issue, p256, root, root_identity, rsa};

const TRUE: [u8; 3] = [1, 1, 0xff];
const FALSE: [u8; 3] = [1, 1, 0];

/// Reads what a forger of this key writes.
fn read(change: impl FnOnce(&mut Forge)) -> Result<Certificate, Error> {
    let key = p256();
    let mut forge = Forge::new(key.public_key());
    change(&mut forge);
    Certificate::from_der(&forge.sign(&key))
}

fn what(result: Result<Certificate, Error>) -> &'static str {
    match result {
        Err(Error::Der { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_changed_byte_is_noticed() {
    let p256 = p256();
    for (key, scheme) in [(&p256 as &dyn SigningKey, S::EcdsaSha256), (rsa(), S::RsaPkcs1Sha256)] {
        let certificate = root("CN=Root,O=Example Ltd", key, scheme);
        for offset in 0..certificate.as_der().len() {
            for mask in [0xff, 0x01, 0x80] {
                let mut der = certificate.as_der().to_vec();
                der[offset] ^= mask;
                if let Ok(changed) = Certificate::from_der(&der) {
                    let verified = changed.verify_signature(key.public_key());
                    assert!(verified.is_err(), "byte {offset} ^ {mask:#x}");
                    assert!(!changed.is_self_signed());
                }
            }
        }
    }
}

#[test]
fn a_certificate_cut_anywhere_or_followed_by_anything_is_refused() {
    let certificate = root("CN=Root", &p256(), S::EcdsaSha256);
    let der = certificate.as_der();
    for len in 0..der.len() {
        assert!(Certificate::from_der(&der[..len]).unwrap_err().offset().is_some(), "{len} bytes");
    }
    let error = Certificate::from_der(&[der, &[0]].concat()).unwrap_err();
    assert_eq!(error.offset(), Some(der.len()));
}

#[test]
fn another_issuers_key_verifies_nothing() {
    let (ca, other) = (root_identity("CN=Root"), root_identity("CN=Root"));
    let leaf = issue(&ca, Profile::CodeSigning, "CN=Leaf", &p256()).unwrap();
    assert!(leaf.verify_signature(ca.certificate().public_key()).is_ok());
    for wrong in [other.certificate().public_key(), leaf.public_key(), rsa().public_key()] {
        assert!(matches!(leaf.verify_signature(wrong), Err(Error::Signature(_))));
    }
    let p384 = ec(EcCurve::P384);
    assert!(matches!(leaf.verify_signature(p384.public_key()), Err(Error::Signature(_))));
}

#[test]
fn versions_are_1_to_3_and_allow_what_they_allow() {
    let id = asn1::tlv(tag::context(1), &[&[0, 1]]);
    let list = extensions(&[extension(unknown_oid(1), &[], b"x")]);
    for number in 0..=2 {
        assert!(read(|forge| forge.version = version(number)).is_ok(), "version {number}");
    }
    assert!(read(|forge| forge.version = Vec::new()).is_ok());
    assert_eq!(what(read(|forge| forge.version = version(3))), "version 1 to 3");
    assert_eq!(what(read(|forge| forge.version = version(0x80))), "version 1 to 3");
    let two = asn1::tlv(tag::context_constructed(0), &[&[2, 1, 2, 2, 1, 2]]);
    assert_eq!(what(read(|forge| forge.version = two)), "end of data");
    for number in 0..=1 {
        let refused = read(|forge| (forge.version, forge.tail) = (version(number), list.clone()));
        assert_eq!(what(refused), "version 3 where there are extensions");
    }
    let refused = read(|forge| (forge.version, forge.tail) = (version(0), id.clone()));
    assert_eq!(what(refused), "version 2 or 3 where there are unique identifiers");
    assert!(read(|forge| (forge.version, forge.tail) = (version(1), id.clone())).is_ok());
}

#[test]
fn fields_stand_in_their_order_and_once() {
    let id = |number| asn1::tlv(tag::context(number), &[&[0, 1]]);
    let list = extensions(&[extension(unknown_oid(1), &[], b"x")]);
    assert!(read(|forge| forge.tail = [id(1), id(2), list.clone()].concat()).is_ok());
    for tail in [
        [id(2), id(1)].concat(),
        [id(1), id(1)].concat(),
        [list.clone(), id(1)].concat(),
        [list.clone(), list.clone()].concat(),
        vec![5, 0],
    ] {
        assert_eq!(what(read(|forge| forge.tail = tail)), "end of data");
    }
}

#[test]
fn serial_numbers_are_integers_of_any_sign() {
    for serial in [&[0][..], &[1], &[0x80], &[0, 0xff], &[0x7f; 40]] {
        let certificate = read(|forge| forge.serial = serial.to_vec()).unwrap();
        assert_eq!(certificate.serial(), serial);
    }
    for bad in [&[][..], &[0, 1], &[0xff, 0x80]] {
        let refused = read(|forge| forge.serial = bad.to_vec());
        assert_eq!(what(refused), "shortest form of integer", "{bad:?}");
    }
}

#[test]
fn times_are_in_utc_with_seconds() {
    let end = utc_time("450101000000Z");
    for bad in [
        utc_time("2501010000Z"),
        utc_time("250101000000"),
        utc_time("250101000000+0100"),
        utc_time("251301000000Z"),
        utc_time("250230000000Z"),
        utc_time("250101240000Z"),
        asn1::tlv(tag::GENERALIZED_TIME, &[b"20250101000000.5Z"]),
        asn1::tlv(tag::GENERALIZED_TIME, &[b"00000101000000Z"]),
        asn1::tlv(tag::UTF8_STRING, &[b"250101000000Z"]),
    ] {
        let refused = read(|forge| forge.times = [bad, end.clone()].concat());
        assert_eq!(what(refused), "a time in UTC with seconds");
    }
    let three = read(|forge| forge.times = [end.clone(), end.clone(), end.clone()].concat());
    assert_eq!(what(three), "end of data");
    let backwards = [utc_time("450101000000Z"), utc_time("250101000000Z")].concat();
    let never = read(|forge| forge.times = backwards).unwrap();
    assert!(!never.is_valid_at(never.not_before()) && !never.is_valid_at(never.not_after()));
}

#[test]
fn a_flag_is_true_or_false_in_der() {
    let critical = |flag: &[u8]| {
        let list = [extension(unknown_oid(1), flag, b"x")];
        read(|forge| forge.tail = extensions(&list))
            .map(|certificate| certificate.extensions().iter().next().unwrap().critical)
    };
    assert!(critical(&TRUE).unwrap());
    assert!(!critical(&[]).unwrap());
    assert!(!critical(&FALSE).unwrap(), "the default, written out");
    for bad in [&[1, 1, 1][..], &[1, 0], &[1, 2, 0, 0], &[1, 2, 0xff, 0xff]] {
        assert!(critical(bad).unwrap_err().offset().is_some(), "{bad:?}");
    }
    assert!(critical(&[TRUE, TRUE].concat()).is_err());

    let is_ca = |flag: &[u8]| {
        let list = [extension(oid::BASIC_CONSTRAINTS, &TRUE, &asn1::sequence(&[flag]))];
        read(|forge| forge.tail = extensions(&list)).unwrap().is_ca()
    };
    assert!(is_ca(&TRUE));
    for not in [&FALSE[..], &[], &[1, 1, 1], &[1, 0]] {
        assert!(!is_ca(not), "{not:?}");
    }
}

#[test]
fn extensions_are_bounded_different_and_at_least_one() {
    let with = |list: &[Vec<u8>]| read(|forge| forge.tail = extensions(list));
    assert_eq!(what(with(&[])), "at least one extension");
    let many: Vec<_> = (0..129).map(|number| extension(unknown_oid(number), &[], b"")).collect();
    assert_eq!(with(&many[..128]).unwrap().extensions().iter().count(), 128);
    assert!(matches!(with(&many), Err(Error::Limit { what: "extensions", limit: 128 })));
    let twice = with(&[many[0].clone(), many[1].clone(), many[0].clone()]);
    assert!(matches!(twice, Err(Error::DuplicateExtension(found)) if found == unknown_oid(0)));
}

#[test]
fn what_is_longer_than_any_certificate_is_refused_unread() {
    let padding = |len| vec![extension(unknown_oid(1), &[], &vec![0; len])];
    assert!(read(|forge| forge.tail = extensions(&padding(120 * 1024))).is_ok());
    let refused = read(|forge| forge.tail = extensions(&padding(128 * 1024)));
    assert!(matches!(refused, Err(Error::Limit { what: "bytes of certificate", .. })));
}

#[test]
fn the_algorithms_inside_and_outside_agree() {
    let refused = read(|forge| forge.algorithm = algorithm_identifier(S::EcdsaSha384));
    assert!(matches!(refused, Err(Error::AlgorithmMismatch)));
    // The same algorithm in another encoding is another too: RFC 5280 compares the fields.
    let with_null = asn1::algorithm_with_null(&oid::ECDSA_WITH_SHA256);
    let refused = read(|forge| forge.algorithm = with_null);
    assert!(matches!(refused, Err(Error::AlgorithmMismatch)));
}

#[test]
fn an_unknown_algorithm_is_read_and_verifies_nothing() {
    let key = p256();
    let md5_with_rsa =
        asn1::algorithm_with_null(&const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"));
    let mut forge = Forge::new(key.public_key());
    forge.algorithm.clone_from(&md5_with_rsa);
    let der = forge.sign(&key);
    let parts: Vec<_> =
        asn1::Tlv::parse(&der).unwrap().reader().map(|part| part.unwrap().raw).collect();
    let der = asn1::sequence(&[parts[0], &md5_with_rsa, parts[2]]);
    let certificate = Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.scheme(), None);
    assert!(matches!(certificate.verify_signature(key.public_key()), Err(Error::UnknownAlgorithm)));
}

#[test]
fn usage_decides_only_where_it_can_be_read() {
    let may_sign = |usage: &[u8], purposes: &[u8]| {
        let list = [
            extension(oid::KEY_USAGE, &TRUE, usage),
            extension(oid::EXTENDED_KEY_USAGE, &[], purposes),
        ];
        read(|forge| forge.tail = extensions(&list)).unwrap().may_sign_code()
    };
    let purpose = |oid| asn1::sequence(&[&asn1::object_identifier(&oid)]);
    let code = purpose(oid::CODE_SIGNING);
    assert!(may_sign(&[3, 2, 7, 0x80], &code));
    for usage in [&[3, 2, 1, 6][..], &[3, 1, 0], &[3, 2, 6, 0xff], &[5, 0], &[3, 2, 7, 0x80, 0]] {
        assert!(!may_sign(usage, &code), "{usage:?}");
    }
    for purposes in [
        purpose(oid::TIME_STAMPING),
        purpose(oid::ANY_EXTENDED_KEY_USAGE),
        asn1::sequence(&[]),
        asn1::sequence(&[&[5, 0]]),
        [&code[..], &[0]].concat(),
    ] {
        assert!(!may_sign(&[3, 2, 7, 0x80], &purposes), "{purposes:x?}");
    }
    assert!(read(|_| {}).unwrap().may_sign_code(), "without extensions every use is allowed");
}

#[test]
fn a_file_holds_certificates_in_pem_or_der() {
    let certificates = [p256(), p256()].map(|key: SoftKey| root("CN=Root", &key, S::EcdsaSha256));
    let [one, other] = certificates.each_ref().map(|each| to_pem("CERTIFICATE", each.as_der()));
    let read = read_certificates(format!("{one}remark\n{other}").as_bytes()).unwrap();
    assert_eq!(read, certificates);
    assert_eq!(read_certificates(certificates[0].as_der()).unwrap(), certificates[..1]);
    let broken = to_pem("CERTIFICATE", &[0x30, 0]);
    assert!(read_certificates(format!("{one}{broken}").as_bytes()).is_err());
    let key_only = to_pem("PUBLIC KEY", certificates[0].public_key().spki_der());
    let refused = read_certificates(key_only.as_bytes()).unwrap_err();
    assert!(matches!(&refused, Error::OtherDocument { found, .. } if found == "a public key"));
    assert!(matches!(read_certificates(b"remark"), Err(Error::NoDocument { .. })));
}

#[test]
fn a_negative_serial_number_is_read_and_is_none_we_issue() {
    let certificate = read(|forge| forge.serial = vec![0xff, 0x01]).unwrap();
    assert_eq!(certificate.serial(), [0xff, 0x01]);
    assert_eq!(SerialNumber::from_contents(certificate.serial()), None);
}

#[test]
fn a_pem_of_a_hundred_megabytes_is_refused_by_its_length() {
    // A block that never ends, and one whose certificate is too long: neither is read further than it must.
    let endless = format!("-----BEGIN CERTIFICATE-----\n{}", "A".repeat(100 << 20));
    assert!(matches!(read_certificates(endless.as_bytes()), Err(Error::Pem { line: 1 })));
    let long = to_pem("CERTIFICATE", &asn1::sequence(&[&vec![0; 1 << 20]]));
    assert!(matches!(read_certificates(long.as_bytes()), Err(Error::Limit { .. })));
}
