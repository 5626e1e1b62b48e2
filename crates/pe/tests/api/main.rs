//! The crate as its users see it, on made and on real files.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic and says what it saw"
)]

mod corpus;
mod embedding;
mod layouts;
mod page_hashes;
mod passes;
mod removal;

use chancery_pe::{Layout, Outcome, Pass};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn layout(file: &[u8]) -> Layout {
    Layout::parse(&mut &file[..]).unwrap()
}

fn sha256(file: &[u8]) -> [u8; 32] {
    chancery_pe::authentihash::<Sha256>(&mut &file[..]).unwrap().into()
}

fn outcome(file: &[u8]) -> Outcome {
    let mut pass = Pass::new(&layout(file));
    pass.update(file).unwrap();
    pass.finish().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes ranges of a file one after the other, the plain way.
fn sha256_of_ranges(file: &[u8], ranges: &[std::ops::Range<u64>]) -> Sha256 {
    ranges.iter().fold(Sha256::new(), |hash, range| {
        hash.chain_update(&file[range.start as usize..range.end as usize])
    })
}

/// Executables of both word sizes, with any number of sections and an overlay of any length.
fn any_tiny_pe() -> impl Strategy<Value = Vec<u8>> {
    let data = |max| proptest::collection::vec(any::<u8>(), 0..max);
    (any::<bool>(), proptest::collection::vec(data(1500), 0..4), 5u32..=16, data(40)).prop_map(
        |(pe32_plus, sections, directories, overlay)| {
            tiny_pe(&TinyPe { pe32_plus, sections, directories, overlay, ..TinyPe::default() })
        },
    )
}
