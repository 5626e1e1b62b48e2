//! The parts that signing and verifying are made of, each on its own: `cargo bench -p chancery-benches`.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark ends where anything fails")]

use std::hint::black_box;

use chancery_authenticode::{
    PeSubject, Request, Subject, TrustAnchors, Verifier, oid, requested_measurement,
};
use chancery_benches::{program, rsa_key, signed};
use chancery_cms::{SignedData, SignedDataBuilder};
use chancery_key::{DigestAlgorithm, PublicKey, SignatureScheme};
use chancery_keymatch::{Modulus, pair};
use chancery_pe::{Layout, Pass};
use chancery_x509::Time;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// As many keys as a busy token has.
const KEYS: u64 = 1000;

criterion_group!(all, reading, signed_data, verifying, matching);
criterion_main!(all);

/// What is computed while a file is read.
fn reading(criterion: &mut Criterion) {
    let file = program();
    let layout = Layout::parse(&mut file.as_slice()).unwrap();
    let mut group = criterion.benchmark_group("read 1 MiB");
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("checksum", |bencher| {
        bencher.iter(|| {
            let mut pass = Pass::new(&layout);
            pass.update(black_box(&file)).unwrap();
            pass.finish().unwrap().checksum.value()
        });
    });
    for digest in DigestAlgorithm::ALL {
        group.bench_function(format!("checksum, {digest} digest"), |bencher| {
            let request = Request::digests([digest]);
            bencher.iter(|| measure(&file, &request));
        });
    }
    group.bench_function("checksum, sha256 digest and page hashes", |bencher| {
        let sha256 = DigestAlgorithm::Sha256;
        let mut request = Request::digests([sha256]);
        request.page_hashes.push(sha256);
        bencher.iter(|| measure(&file, &request));
    });
    group.finish();
}

fn measure(file: &[u8], request: &Request) -> usize {
    let mut subject = PeSubject::parse(black_box(file)).unwrap();
    let measurement = subject.measure(request, &mut |_| Ok(())).unwrap();
    measurement.authentihash().len()
}

fn signed_data(criterion: &mut Criterion) {
    let signed = signed();
    let (signature, signer) = (&signed.signature, &signed.signer);
    criterion.bench_function("SignedData, parse", |bencher| {
        bencher.iter(|| SignedData::from_der_prefix(black_box(signature)).unwrap().0.signers.len());
    });
    let (content, _) = SignedData::from_der_prefix(signature).unwrap();
    let content = content.content.as_ref().unwrap().raw.to_vec();
    let scheme = SignatureScheme::EcdsaSha256;
    criterion.bench_function("SignedData, write without signing", |bencher| {
        bencher.iter(|| {
            let builder = SignedDataBuilder::new(oid::SPC_INDIRECT_DATA, content.clone()).unwrap();
            let message = builder.message(scheme.digest());
            builder.assemble(signer, &[signer], scheme, &message, &[7; 70]).unwrap().len()
        });
    });
}

fn verifying(criterion: &mut Criterion) {
    let signed = signed();
    let file = signed.file.as_slice();
    let verifier = Verifier::new(TrustAnchors::new(vec![signed.root]), Time::now().unwrap());
    let mut group = criterion.benchmark_group("verify a P-256 signature");
    group.bench_function("of 1 MiB", |bencher| {
        bencher.iter(|| {
            let mut subject = PeSubject::parse(black_box(file)).unwrap();
            let embedded = subject.embedded().unwrap();
            let request = requested_measurement(&embedded);
            let measurement = subject.measure(&request, &mut |_| Ok(())).unwrap();
            verifier.verify(&embedded, &measurement).verdict
        });
    });
    group.bench_function("without hashing the file", |bencher| {
        let mut subject = PeSubject::parse(file).unwrap();
        let embedded = subject.embedded().unwrap();
        let request = requested_measurement(&embedded);
        let measurement = subject.measure(&request, &mut |_| Ok(())).unwrap();
        bencher.iter(|| verifier.verify(black_box(&embedded), &measurement).verdict);
    });
    group.finish();
}

/// One certificate's key among many.
fn matching(criterion: &mut Criterion) {
    let keys: Vec<PublicKey> = (0..KEYS).map(rsa_key).collect();
    let wanted = Modulus::of(&rsa_key(KEYS / 2)).unwrap();
    let mut group = criterion.benchmark_group("match among 1000 RSA keys");
    group.bench_function("one modulus", |bencher| {
        bencher.iter(|| {
            let fits = |key: &&PublicKey| key.modulus() == Some(black_box(&wanted).as_bytes());
            keys.iter().filter(fits).count()
        });
    });
    group.bench_function("each of 1000 public keys", |bencher| {
        bencher.iter(|| pair(black_box(&keys), &keys).len());
    });
    group.finish();
}
