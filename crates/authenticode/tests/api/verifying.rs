//! Ways to fool a verifier, each by the name it is reported under.

use chancery_authenticode::{ChainStatus, PeSubject, Request, Subject, Verdict, oid};
use chancery_key::{DigestAlgorithm, SignatureScheme as S};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_x509::asn1;

use super::support::{
    embed, measure, p256_signer, plain_signature, program, reasons, signer, try_verify, verify,
    verify_with,
};
use chancery_examiner::forge::{ForgedSignature, PE_IMAGE_DATA, UNKNOWN, indirect_data};

fn digest(algorithm: DigestAlgorithm) -> Vec<u8> {
    let measurement = measure(&program(), &Request::digests([algorithm]));
    measurement.digest(algorithm).unwrap().to_vec()
}

/// Verifies a signature with one change, which its signer made and trusts.
fn verdict_of(change: impl FnOnce(&mut ForgedSignature)) -> (Verdict, Vec<&'static str>) {
    let identity = p256_signer();
    let mut forged = ForgedSignature::new(&identity, &digest(DigestAlgorithm::Sha256));
    change(&mut forged);
    let report = verify_with(&[&forged.by(&identity)], &identity);
    (report.verdict, reasons(&report))
}

#[test]
fn the_forge_makes_what_is_valid() {
    assert_eq!(verdict_of(|_| {}), (Verdict::Valid, vec![]));
}

#[test]
fn any_changed_byte_of_the_program_is_noticed() {
    let identity = p256_signer();
    let program = program();
    let file = embed(&program, &[&plain_signature(&program, &identity)]);
    let holes = [64 + 88..64 + 92, 64 + 168..64 + 176];
    let table = program.len()..file.len();
    for offset in (0..table.start).filter(|offset| !holes.iter().any(|hole| hole.contains(offset)))
    {
        let mut changed = file.clone();
        changed[offset] ^= 0xff;
        let report = try_verify(&changed, &[identity.certificate()]);
        assert!(report.is_err() || report.unwrap().verdict != Verdict::Valid, "byte {offset}");
    }
}

#[test]
fn a_digest_of_another_file_or_another_hash_is_no_digest_of_this() {
    let mismatch = (Verdict::Invalid, vec!["digest-mismatch"]);
    let (sha1, sha256) = (DigestAlgorithm::Sha1, DigestAlgorithm::Sha256);
    let content = |oid, digest: &[u8]| indirect_data(&PE_IMAGE_DATA, &oid, digest);
    let other = content(sha256.oid(), &[7; 32]);
    assert_eq!(verdict_of(|forged| forged.content = other), mismatch);
    let unknown = content(UNKNOWN, &digest(sha256));
    assert_eq!(
        verdict_of(|forged| forged.content = unknown),
        (Verdict::Unsupported, vec!["unsupported-digest-algorithm"])
    );
    let short = content(sha256.oid(), &digest(sha1));
    assert_eq!(verdict_of(|forged| forged.content = short).0, Verdict::Unsupported);
    let weaker = content(sha1.oid(), &digest(sha1));
    assert_eq!(
        verdict_of(|forged| forged.content = weaker).1,
        ["sha1-digest", "digest-algorithms-differ"]
    );
}

#[test]
fn declared_algorithms_are_the_ones_in_use() {
    let sha256 = DigestAlgorithm::Sha256.oid();
    for declared in
        [vec![], vec![DigestAlgorithm::Sha512.oid()], vec![sha256, sha256], vec![UNKNOWN]]
    {
        let found = verdict_of(|forged| forged.digest_algorithms = declared);
        assert_eq!(found, (Verdict::Invalid, vec!["digest-algorithms-differ"]));
    }
}

#[test]
fn content_of_another_type_says_nothing_of_the_file() {
    let found = verdict_of(|forged| forged.content_type = chancery_cms::oid::DATA);
    assert_eq!(found.0, Verdict::Invalid);
    assert!(found.1.contains(&"not-indirect-data"));

    let digest = digest(DigestAlgorithm::Sha256);
    let sha256 = DigestAlgorithm::Sha256.oid();
    let another = asn1::sequence(&[&asn1::object_identifier(&UNKNOWN)]);
    let content = indirect_data(&another, &sha256, &digest);
    let found = verdict_of(|forged| forged.content = content);
    assert_eq!(found, (Verdict::Invalid, vec!["another-format"]));

    let good = indirect_data(&PE_IMAGE_DATA, &sha256, &digest);
    let inner = asn1::Tlv::parse(&good).unwrap().contents;
    for content in [
        asn1::octet_string(&good),
        asn1::sequence(&[inner, &[5, 0]]),
        asn1::sequence(&[]),
        asn1::tlv(asn1::tag::SET, &[inner]),
    ] {
        let found = verdict_of(|forged| forged.content = content);
        assert_eq!(found.0, Verdict::Malformed);
        assert!(found.1.contains(&"bad-indirect-data"));
    }
}

#[test]
fn there_is_exactly_one_signer() {
    for count in [0, 2, 16] {
        let found = verdict_of(|forged| forged.signers = count);
        assert_eq!(found, (Verdict::Invalid, vec!["not-exactly-one-signer"]));
    }
    let found = verdict_of(|forged| forged.signers = 17);
    assert_eq!(found, (Verdict::Malformed, vec!["not-signed-data"]));
}

#[test]
fn the_signers_certificate_is_in_the_signature() {
    let missing = (Verdict::Invalid, vec!["signer-certificate-missing"]);
    assert_eq!(verdict_of(|forged| forged.certificates.clear()), missing);
    // Another certificate of the same issuer and serial number, in the place of the signer's.
    let impostor = p256_signer().certificate().as_der().to_vec();
    let found = verdict_of(|forged| forged.certificates = vec![impostor]);
    assert_eq!(found.0, Verdict::Invalid);
    assert!(found.1.contains(&"signature-mismatch"));
    let found = verdict_of(|forged| forged.certificates.push(vec![0x30, 0]));
    assert_eq!(found, (Verdict::Valid, vec!["unreadable-certificates"]));
}

#[test]
fn versions_other_than_1_are_named() {
    for version in [0, 3] {
        let found = verdict_of(|forged| forged.version = version);
        assert_eq!(found, (Verdict::Valid, vec!["version-not-1"]));
    }
}

#[test]
fn what_no_signature_covers_is_named() {
    let with = |oid| verdict_of(|forged| forged.unsigned = vec![(oid, vec![vec![5, 0]])]);
    assert_eq!(with(UNKNOWN), (Verdict::Untrusted, vec!["unknown-unsigned-attribute"]));
    for stamp in [oid::RFC3161_COUNTER_SIGNATURE, chancery_cms::oid::COUNTER_SIGNATURE] {
        assert_eq!(with(stamp), (Verdict::Invalid, vec!["timestamp-invalid"]));
    }
}

#[test]
fn nothing_hides_behind_a_signature() {
    let identity = p256_signer();
    let program = program();
    let bytes = plain_signature(&program, &identity);
    let found = |rest: &[u8]| {
        let report = verify_with(&[&[&bytes[..], rest].concat()], &identity);
        (report.verdict, reasons(&report))
    };
    for zeros in 0..8 - bytes.len() % 8 {
        assert_eq!(found(&vec![0; zeros]), (Verdict::Valid, vec![]), "{zeros} zeros");
    }
    assert_eq!(found(&[0; 16]), (Verdict::Invalid, vec!["excess-padding"]));
    for rest in [&[1][..], &[0, 0, 0, 1], &[0xff; 100]] {
        assert_eq!(found(rest), (Verdict::Invalid, vec!["data-after-signature"]));
    }
    assert_eq!(verify_with(&[b"not a signature"], &identity).verdict, Verdict::Malformed);
}

#[test]
fn an_entry_of_another_type_is_no_matter_of_support() {
    let identity = p256_signer();
    let program = program();
    let bytes = plain_signature(&program, &identity);
    let mut file = embed(&program, &[&bytes, &bytes]);
    let report = verify(&file, &[identity.certificate()]);
    assert_eq!(
        (report.verdict, reasons(&report)),
        (Verdict::Valid, vec!["several-certificate-entries"])
    );
    let embedded = PeSubject::parse(file.as_slice()).unwrap().embedded().unwrap();
    let type_at = usize::try_from(embedded.signatures[1].offset).unwrap() - 2;
    file[type_at] = 1;
    let report = verify(&file, &[identity.certificate()]);
    assert_eq!(report.verdict, Verdict::Invalid, "{:?}", reasons(&report));
    assert!(reasons(&report).contains(&"unknown-type"));
    assert_eq!(report.signatures.len(), 1);
}

#[test]
fn efi_programs_have_several_entries() {
    let identity = p256_signer();
    let program = tiny_pe(&TinyPe { subsystem: 10, ..TinyPe::default() });
    let bytes = plain_signature(&program, &identity);
    let report = verify(&embed(&program, &[&bytes, &bytes]), &[identity.certificate()]);
    assert_eq!((report.verdict, reasons(&report)), (Verdict::Valid, vec![]));
    assert_eq!(report.signatures.len(), 2);
}

#[test]
fn who_is_not_trusted_is_untrusted() {
    let (identity, stranger) = (p256_signer(), p256_signer());
    let program = program();
    let file = embed(&program, &[&plain_signature(&program, &identity)]);
    for (anchors, chain, reason) in [
        (vec![], ChainStatus::NotChecked, "no-trust-anchors"),
        (vec![stranger.certificate()], ChainStatus::Untrusted, "chain-untrusted"),
    ] {
        let report = verify(&file, &anchors);
        assert_eq!((report.verdict, reasons(&report)), (Verdict::Untrusted, vec![reason]));
        assert_eq!(report.signatures[0].chain, chain);
        assert!(report.signatures[0].signature_valid && report.signatures[0].digest_matches);
    }
    assert_eq!(verify(&file, &[identity.certificate()]).verdict, Verdict::Valid);
}

#[test]
fn the_gravest_finding_decides() {
    let identity = signer(super::support::p256(), S::EcdsaSha256);
    let forged = ForgedSignature::new(&identity, &[7; 32]);
    let report = verify(&embed(&program(), &[&forged.by(&identity)]), &[]);
    assert_eq!(report.verdict, Verdict::Invalid, "no trust, and the wrong digest");
    let with_rest = [&forged.by(&identity)[..], &[1]].concat();
    let report = verify(&embed(&program(), &[&with_rest, b"junk"]), &[]);
    assert_eq!(report.verdict, Verdict::Malformed);
}
