//! What is computed in Rust beside what AWS-LC makes of it:
//! `cargo bench -p chancery-benches --features aws-lc-rs --bench aws_lc`.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark ends where anything fails")]

use std::hint::black_box;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use chancery_benches::program;
use chancery_key::{DigestAlgorithm, EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// More signatures than are known again (see `chancery_sigverify::verify`), so that each is computed.
const SIGNATURES: usize = 5000;

criterion_group!(all, hashing, verifying);
criterion_main!(all);

fn hashing(criterion: &mut Criterion) {
    let file = program();
    let mut group = criterion.benchmark_group("hash 1 MiB");
    group.throughput(Throughput::Bytes(file.len() as u64));
    for (digest, theirs) in [
        (DigestAlgorithm::Sha1, &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY),
        (DigestAlgorithm::Sha256, &aws_lc_rs::digest::SHA256),
        (DigestAlgorithm::Sha384, &aws_lc_rs::digest::SHA384),
    ] {
        group.bench_function(format!("{digest}, in Rust"), |bencher| {
            bencher.iter(|| chancery_sigverify::digest(digest, black_box(&file)));
        });
        group.bench_function(format!("{digest}, by AWS-LC"), |bencher| {
            bencher.iter(|| aws_lc_rs::digest::digest(theirs, black_box(&file)));
        });
    }
    group.finish();
}

fn verifying(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    let rsa: &'static dyn VerificationAlgorithm = &RSA_PKCS1_2048_8192_SHA256;
    for (algorithm, scheme, theirs) in [
        (
            KeyAlgorithm::Ec(EcCurve::P256),
            SignatureScheme::EcdsaSha256,
            &ECDSA_P256_SHA256_ASN1 as _,
        ),
        (KeyAlgorithm::Rsa { bits: 2048 }, SignatureScheme::RsaPkcs1Sha256, rsa),
    ] {
        let key = SoftKey::generate(algorithm).unwrap();
        let sign = |number: usize| {
            let message = number.to_le_bytes();
            (message, key.sign(scheme, &message).unwrap().as_bytes().to_vec())
        };
        let signed: Vec<_> = (0..SIGNATURES).map(sign).collect();
        let public_key = key.public_key();
        let mut next = signed.iter().cycle();
        group.bench_function(format!("{algorithm}, in Rust"), |bencher| {
            bencher.iter(|| {
                let (message, signature) = next.next().unwrap();
                chancery_sigverify::verify(public_key, scheme, message, signature).unwrap();
            });
        });
        let theirs = UnparsedPublicKey::new(theirs, public_key.spki_der());
        group.bench_function(format!("{algorithm}, by AWS-LC"), |bencher| {
            bencher.iter(|| {
                let (message, signature) = next.next().unwrap();
                theirs.verify(message, signature).unwrap();
            });
        });
    }
    group.finish();
}
