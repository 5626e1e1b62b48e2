//! Signed files changed at random, seeded, to find a change that is not noticed.
//!
//! What may change without harm is decided here and not by the verifier: a file that is still valid has to have
//! every byte outside the three holes of its digest, and of each signature it still has the content, the signed
//! attributes, the signature value and the signer's certificate.

mod random;

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use chancery_authenticode::{PeSubject, Subject, Verdict, Verifier, oid};
use chancery_cms::SignedData;
use chancery_x509::asn1::Tlv;

use self::random::Random;
use crate::judge_bytes;
use crate::pitfalls::Course;

/// What came of many changes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tally {
    /// How many changed files were verified.
    pub cases: usize,
    /// How many are no executables any more.
    pub unreadable: usize,
    /// How many are still valid, and have everything that is protected.
    pub harmless: usize,
    /// Valid although something protected changed, by number of the case: there should be none.
    pub fooled: Vec<usize>,
    /// Panics, by number of the case: there should be none.
    pub panics: Vec<usize>,
    /// The longest a case took, and its number.
    pub slowest: (Duration, usize),
    /// The longest changed file, in bytes.
    pub largest: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.unreadable += other.unreadable;
        self.harmless += other.harmless;
        self.fooled.extend(other.fooled);
        self.panics.extend(other.panics);
        self.slowest = self.slowest.max(other.slowest);
        self.largest = self.largest.max(other.largest);
    }
}

/// What no change may touch in one signature: content, signed attributes, signature value, certificate.
type Protected = [Vec<u8>; 4];

/// A valid file and what is protected in it.
#[derive(Debug)]
struct Original {
    file: Vec<u8>,
    covered: Vec<Range<usize>>,
    signatures: BTreeSet<Protected>,
    table: Range<usize>,
}

impl Original {
    fn new(file: Vec<u8>) -> Self {
        let subject = PeSubject::parse(file.as_slice()).unwrap();
        let small = |range: &Range<u64>| {
            usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
        };
        let covered = subject.layout().flat_ranges().iter().map(small).collect();
        let table = small(&subject.layout().table_range().unwrap());
        let signatures = protected(&file);
        Self { file, covered, signatures, table }
    }

    /// Tells whether a changed file has everything that is protected.
    fn is_whole_in(&self, changed: &[u8]) -> bool {
        let covered = self.covered.iter().all(|range| {
            changed.get(range.clone()).is_some_and(|bytes| bytes == &self.file[range.clone()])
        });
        let signatures = protected(changed);
        covered && !signatures.is_empty() && signatures.is_subset(&self.signatures)
    }
}

/// Returns what is protected in each signature of a file.
fn protected(file: &[u8]) -> BTreeSet<Protected> {
    let mut found = BTreeSet::new();
    let embedded = PeSubject::parse(file).and_then(|mut subject| subject.embedded());
    for signature in embedded.map(|embedded| embedded.signatures).unwrap_or_default() {
        let Ok((outer, _)) = SignedData::from_der_prefix(&signature.bytes) else { continue };
        found.extend(parts(&outer));
        for signer in &outer.signers {
            let unsigned = signer.unsigned_attributes.iter();
            let nested = unsigned.flat_map(|all| all.values(oid::NESTED_SIGNATURE));
            for value in nested {
                found.extend(SignedData::from_der(value.raw).ok().and_then(|one| parts(&one)));
            }
        }
    }
    found
}

fn parts(signed: &SignedData<'_>) -> Option<Protected> {
    let [signer] = signed.signers.as_slice() else { return None };
    let bag = signed.read_certificates().readable;
    let certificate = bag.iter().find(|one| signer.identifier.names(one))?;
    Some([
        signed.content?.raw.to_vec(),
        signer.signed_attributes.as_ref()?.signed_bytes(),
        signer.signature.to_vec(),
        certificate.as_der().to_vec(),
    ])
}

/// Changes the valid files of a course `count` times and verifies each changed file, on all processors.
///
/// A case depends on the seed and its number alone.
#[must_use]
pub fn run(course: &Course, count: usize, seed: u64) -> Tally {
    let valid = course.pitfalls.iter().filter(|one| one.verdict == "valid");
    let originals: Vec<Original> = valid.map(|one| Original::new(one.file.clone())).collect();
    let verifier = course.verifier();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                let (originals, verifier) = (&originals, &verifier);
                scope.spawn(move || {
                    let mut tally = Tally::default();
                    for case in (first..count).step_by(threads) {
                        try_case(originals, verifier, seed, case, &mut tally);
                    }
                    tally
                })
            })
            .collect();
        for worker in workers {
            tally.add(worker.join().unwrap());
        }
    });
    tally
}

fn try_case(
    originals: &[Original],
    verifier: &Verifier,
    seed: u64,
    case: usize,
    tally: &mut Tally,
) {
    let mut random = Random::new(seed, case);
    let original = &originals[random.below(originals.len())];
    let changed = change(original, &mut random);
    tally.cases += 1;
    tally.largest = tally.largest.max(changed.len());
    if changed == original.file {
        tally.harmless += 1;
        return;
    }
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| judge_bytes(&changed, verifier)));
    tally.slowest = tally.slowest.max((began.elapsed(), case));
    match outcome {
        Err(_) => tally.panics.push(case),
        Ok(Err(_)) => tally.unreadable += 1,
        Ok(Ok(report)) if report.verdict == Verdict::Valid => {
            if original.is_whole_in(&changed) {
                tally.harmless += 1;
            } else {
                tally.fooled.push(case);
            }
        }
        Ok(Ok(_)) => {}
    }
}

/// Changes a file in one of the ways that have fooled somebody.
fn change(original: &Original, random: &mut Random) -> Vec<u8> {
    let mut file = original.file.clone();
    match random.below(10) {
        // Any byte, a byte of the signature, a byte of the headers.
        0 | 1 => {
            let at = random.below(file.len());
            file[at] ^= random.nonzero();
        }
        2 | 3 => {
            let at = original.table.start + random.below(original.table.len());
            file[at] ^= random.nonzero();
        }
        4 => {
            let at = random.below(512.min(file.len()));
            file[at] ^= random.nonzero();
        }
        // A field of the headers with a value at the edge.
        5 => {
            let at = random.below(128) * 4;
            let edges = [0, 1, 7, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, u32::MAX];
            let value: u32 = edges[random.below(edges.len())];
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        // Something cut off, something added.
        6 => file.truncate(random.below(file.len())),
        7 => {
            let many = 1 + random.below(64);
            file.extend(std::iter::repeat_with(|| random.nonzero()).take(many));
        }
        _ => restructure(original, &mut file, random),
    }
    file
}

/// Changes one value of the signature's ASN.1: its tag, its length, its place, or what is in it.
fn restructure(original: &Original, file: &mut Vec<u8>, random: &mut Random) {
    let start = original.table.start + 8;
    let mut nodes = Vec::new();
    collect(&original.file[start..original.table.end], start, &mut nodes);
    let node = nodes[random.below(nodes.len())].clone();
    let other = nodes[random.below(nodes.len())].clone();
    match random.below(6) {
        0 => file[node.start] ^= random.nonzero(),
        1 => file[node.start + 1] = random.nonzero(),
        2 => {
            let at = node.start + random.below(node.len());
            file[at..node.end].fill(0);
        }
        3 => {
            let bytes = original.file[other].to_vec();
            file.splice(node, bytes);
        }
        4 => {
            file.drain(node);
        }
        _ => {
            let bytes = original.file[node.clone()].to_vec();
            file.splice(node.end..node.end, bytes);
        }
    }
}

/// Lists where each value of some DER stands, those inside others too.
fn collect(der: &[u8], base: usize, nodes: &mut Vec<Range<usize>>) {
    let Ok(tlv) = Tlv::parse_prefix(der) else { return };
    nodes.push(base..base + tlv.raw.len());
    let header = tlv.raw.len() - tlv.contents.len();
    if tlv.tag & 0x20 == 0 {
        return;
    }
    let mut offset = 0;
    while offset < tlv.contents.len() {
        let rest = &tlv.contents[offset..];
        let Ok(child) = Tlv::parse_prefix(rest) else { return };
        collect(child.raw, base + header + offset, nodes);
        offset += child.raw.len();
    }
}
