//! Every timestamp of every real file, found by its bytes whatever the format around it.

use base64ct::{Base64, Encoding};
use chancery_chain::{Policy, RevocationMode, TrustAnchors, validate};
use chancery_cms::{SignedData, oid as cms_oid};
use chancery_testkit::corpus::corpus;
use chancery_timestamp::{Reason, TimestampReport, TimestampVerifier, oid};
use chancery_x509::{Certificate, Time};
use const_oid::ObjectIdentifier;

const NESTED_SIGNATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.4.1");

/// Finds each SignedData that is in no other.
fn signatures(bytes: &[u8]) -> Vec<&[u8]> {
    // A SEQUENCE of 256 bytes to 64 KiB that begins with id-signedData.
    let id = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(window) = bytes.get(at..at + 4 + id.len()) {
        let starts = window.starts_with(&[0x30, 0x82]) && window.ends_with(id);
        match SignedData::from_der_prefix(&bytes[at..]) {
            Ok((signed, _)) if starts => {
                found.push(signed.raw);
                at += signed.raw.len();
            }
            _ => {
                at +=
                    1 + bytes[at + 1..].iter().position(|byte| *byte == 0x30).unwrap_or(bytes.len())
            }
        }
    }
    found
}

/// Decodes the signature block of a script, which is in comments.
fn script(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let block = text.split("# SIG # Begin signature block").nth(1).unwrap_or_default();
    let block = block.split("# SIG # End").next().unwrap_or_default();
    let lines = block.lines().filter_map(|line| line.trim().strip_prefix("# "));
    Base64::decode_vec(&lines.collect::<String>()).unwrap()
}

/// Finds where the certificates of a program begin: it may carry other signed programs before that.
fn certificate_table(program: &[u8]) -> usize {
    let number = |at: usize| {
        let bytes = program.get(at..at + 4).unwrap_or(&[0; 4]);
        u32::from_le_bytes(bytes.try_into().unwrap()) as usize
    };
    let optional_header = number(0x3c) + 24;
    let is_64_bit = program.get(optional_header + 1) == Some(&2);
    let table = number(optional_header + if is_64_bit { 144 } else { 128 });
    // Some are malformed on purpose; those carry nothing else.
    if table < program.len() { table } else { 0 }
}

/// Inflates `AppxSignature.p7x` of a package.
fn package(archive: &[u8]) -> Vec<u8> {
    let name = b"AppxSignature.p7x";
    // The local header: 30 bytes, the name, the extra field, the data.
    let at = archive.windows(name.len()).position(|window| window == name).unwrap();
    let extra = usize::from(archive[at - 2]) + 256 * usize::from(archive[at - 1]);
    let data = &archive[at + name.len() + extra..];
    miniz_oxide::inflate::decompress_to_vec(data).unwrap()
}

/// Trusts the end of whatever path the certificates make, and allows what was usual at the time.
fn verifier_of(certificates: &[Certificate], signer: &Certificate, now: Time) -> TimestampVerifier {
    let mut policy = Policy::time_stamping(now);
    policy.allow_sha1 = true;
    policy.min_rsa_bits = 1024;
    policy.revocation = RevocationMode::Off;
    let path = validate(signer, certificates, &TrustAnchors::none(), &[], &policy).path;
    let anchor = path.last().unwrap_or(signer).clone();
    TimestampVerifier::new(TrustAnchors::new(vec![anchor]), now).with_policy(policy)
}

/// What was found about one timestamp.
struct Found {
    named: String,
    report: TimestampReport,
    has_nonce: bool,
    /// By SHA-1, which only a lenient policy bears with.
    weak: bool,
}

/// Judges the timestamps of one signature.
fn judge(signed: &SignedData<'_>, now: Time) -> Vec<Found> {
    let mut found = Vec::new();
    let outer = signed.read_certificates().readable;
    let signer = &signed.signers[0];
    for attribute in signer.unsigned_attributes.iter().flat_map(|attributes| attributes.iter()) {
        for value in &attribute.values {
            let judge =
                |verifier: &TimestampVerifier, certificates: &[Certificate]| match attribute.oid {
                    oid::RFC3161_COUNTER_SIGNATURE => {
                        verifier.token(value.raw, signer.signature, certificates)
                    }
                    _ => verifier.counter_signature(value.raw, certificates, signer.signature),
                };
            let certificates = match attribute.oid {
                oid::RFC3161_COUNTER_SIGNATURE => {
                    let token = SignedData::from_der(value.raw).unwrap();
                    [token.read_certificates().readable, outer.clone()].concat()
                }
                cms_oid::COUNTER_SIGNATURE => outer.clone(),
                _ => continue,
            };
            let nobody = TimestampVerifier::new(TrustAnchors::none(), now);
            let strict = judge(&nobody, &certificates);
            assert!(strict.holds(), "{:?}", strict.reasons);
            let weak = [Reason::WeakDigest, Reason::WeakImprint];
            let weak = strict.reasons.iter().any(|reason| weak.contains(reason));
            let server = strict.signer.unwrap();
            let verifier = verifier_of(&certificates, &server, now);
            let mut report = judge(&verifier, &certificates);
            if !report.is_valid() {
                let oddities = [Reason::BareHashSignature, Reason::PurposeNotCritical];
                let odd: Vec<Reason> =
                    oddities.into_iter().filter(|one| report.reasons.contains(one)).collect();
                let verifier = verifier.tolerating_bare_hash().tolerating_purpose_not_critical();
                report = judge(&verifier, &certificates);
                assert_eq!(report.tolerated, odd);
            }
            let digest = report.digest_algorithm.map(|digest| digest.name()).unwrap_or("unknown");
            let day = report.time.unwrap().to_string()[..10].to_owned();
            found.push(Found {
                named: format!("{}/{digest}@{day}", report.kind),
                has_nonce: report.info.as_ref().is_some_and(|info| info.nonce.is_some()),
                weak,
                report,
            });
        }
    }
    found
}

#[test]
fn every_timestamp_of_the_corpus_is_what_the_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let now = Time::parse_rfc3339("2026-11-01").unwrap();
    let (mut stamps, mut files, mut nonces) = (0, 0, 0);
    let (mut bare, mut not_critical, mut weak) = (0, 0, 0);
    let mut invalid = Vec::new();
    for file in &corpus.files {
        let Some(listed) = file.column("timestamps") else { continue };
        let mut bytes = std::fs::read(&file.path).unwrap();
        let bytes = match file.kind.as_str() {
            "appx" => package(&bytes),
            // UTF-16, and without a timestamp.
            "script" if listed == "none" => continue,
            "script" => script(&bytes),
            "pe" => bytes.split_off(certificate_table(&bytes)),
            _ => bytes,
        };
        let mut named = Vec::new();
        for primary in signatures(&bytes) {
            let primary = SignedData::from_der(primary).unwrap();
            let unsigned = primary.signers[0].unsigned_attributes.clone();
            let nested: Vec<SignedData<'_>> = unsigned
                .iter()
                .flat_map(|attributes| attributes.values(NESTED_SIGNATURE))
                .map(|value| SignedData::from_der(value.raw).unwrap())
                .collect();
            for signature in [&primary].into_iter().chain(&nested) {
                let found = judge(signature, now);
                let names: Vec<&str> = found.iter().map(|one| one.named.as_str()).collect();
                named.push(if names.is_empty() { "none".into() } else { names.join(" ") });
                for one in found {
                    stamps += 1;
                    weak += usize::from(one.weak);
                    nonces += usize::from(one.has_nonce);
                    let tolerated = |reason| usize::from(one.report.tolerated.contains(&reason));
                    bare += tolerated(Reason::BareHashSignature);
                    not_critical += tolerated(Reason::PurposeNotCritical);
                    if !one.report.is_valid() {
                        invalid.push((
                            file.name.clone(),
                            one.report.reasons,
                            one.report.chain_findings,
                        ));
                    }
                }
            }
        }
        if file.kind == "ole" {
            // An installer carries signed programs; its own signature is the last.
            named.drain(..named.len() - 1);
        }
        files += 1;
        assert_eq!(named.join(" | "), listed, "{}", file.name);
    }
    println!(
        "{stamps} timestamps in {files} files: {bare} over a bare hash, {not_critical} by a server \
         whose purpose is not critical, {weak} by SHA-1, {nonces} with a nonce"
    );
    assert_eq!(invalid, []);
    assert!(stamps > 50 && bare > 4 && weak > 10, "{stamps}, {bare}, {weak}");
}
