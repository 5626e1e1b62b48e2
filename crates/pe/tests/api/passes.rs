//! Digests and the checksum.

use chancery_pe::{Error, Layout, Pass, SeekSource, Sink, authentihash};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use proptest::prelude::*;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::{any_tiny_pe, layout, outcome, sha256, sha256_of_ranges};

proptest! {
    #[test]
    fn the_digest_is_that_of_its_ranges_and_zeros(file in any_tiny_pe()) {
        let plain = sha256_of_ranges(&file, &layout(&file).flat_ranges());
        let mut unpadded = Sha256::new();
        let mut pass = Pass::new(&layout(&file)).without_padding().hash_into(&mut unpadded);
        pass.update(&file).unwrap();
        pass.finish().unwrap();
        prop_assert_eq!(unpadded.finalize(), plain.clone().finalize());
        let zeros = vec![0; file.len().next_multiple_of(8) - file.len()];
        prop_assert_eq!(&sha256(&file), &*plain.chain_update(zeros).finalize());
    }

    #[test]
    fn chunks_do_not_matter(
        file in any_tiny_pe(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(file.len())).collect();
        cuts.extend([0, file.len()]);
        cuts.sort_unstable();
        let (mut a, mut b) = (Sha256::new(), Sha1::new());
        let mut pass = Pass::new(&layout(&file)).hash_into(&mut a).hash_into(&mut b);
        for pair in cuts.windows(2) {
            pass.update(&file[pair[0]..pair[1]]).unwrap();
        }
        prop_assert_eq!(pass.finish().unwrap().checksum.value(), outcome(&file).checksum.value());
        prop_assert_eq!(&*a.finalize(), &sha256(&file));
        prop_assert_eq!(b.finalize(), authentihash::<Sha1>(&mut file.as_slice()).unwrap());
    }

    #[test]
    fn neither_digest_nor_checksum_depends_on_the_checksum_field(
        file in any_tiny_pe(), field in any::<[u8; 4]>(),
    ) {
        let mut other = file.clone();
        let at = layout(&file).checksum_offset() as usize;
        other[at..at + 4].copy_from_slice(&field);
        prop_assert_eq!(sha256(&other), sha256(&file));
        prop_assert_eq!(outcome(&other).checksum.value(), outcome(&file).checksum.value());
        prop_assert_eq!(layout(&other).stored_checksum(), u32::from_le_bytes(field));
    }

    #[test]
    fn every_other_byte_counts(file in any_tiny_pe(), at in any::<prop::sample::Index>()) {
        let covered: Vec<u64> = layout(&file).flat_ranges().into_iter().flatten().collect();
        let at = covered[at.index(covered.len())] as usize;
        // Changes of the headers could change the layout; their bytes are covered all the same.
        let changed = {
            let mut bytes = file.clone();
            bytes[at] ^= 1;
            bytes
        };
        let ranges = layout(&file).flat_ranges();
        prop_assert_ne!(
            sha256_of_ranges(&changed, &ranges).finalize(),
            sha256_of_ranges(&file, &ranges).finalize()
        );
        if at >= 512 {
            prop_assert_ne!(sha256(&changed), sha256(&file));
        }
    }

    #[test]
    fn the_section_reading_is_hashed_like_the_flat_one_where_they_agree(file in any_tiny_pe()) {
        let layout = layout(&file);
        prop_assert!(layout.readings_agree());
        let mut hash = Sha256::new();
        prop_assert!(layout.feed_section_order(&mut file.as_slice(), &mut hash).unwrap());
        prop_assert_eq!(&*hash.finalize(), &sha256(&file));
    }
}

#[test]
fn a_caller_chooses_its_hashes_at_run_time() {
    enum Chosen {
        Sha1(Sha1),
        Sha256(Sha256),
    }
    impl Sink for Chosen {
        fn update(&mut self, data: &[u8]) {
            match self {
                Self::Sha1(hash) => Digest::update(hash, data),
                Self::Sha256(hash) => Digest::update(hash, data),
            }
        }
    }
    let file = tiny_pe(&TinyPe::default());
    let mut chosen = [Chosen::Sha1(Sha1::new()), Chosen::Sha256(Sha256::new())];
    let mut pass = Pass::new(&layout(&file));
    for hash in &mut chosen {
        pass = pass.hash_into(hash);
    }
    pass.update(&file).unwrap();
    pass.finish().unwrap();
    let [Chosen::Sha1(a), Chosen::Sha256(b)] = chosen else { panic!("the order stays") };
    assert_eq!(a.finalize(), authentihash::<Sha1>(&mut file.as_slice()).unwrap());
    assert_eq!(b.finalize()[..], sha256(&file));
}

#[test]
fn refuses_more_and_fewer_bytes_than_the_file_has() {
    let file = tiny_pe(&TinyPe::default());
    let mut pass = Pass::new(&layout(&file));
    pass.update(&file).unwrap();
    let more = pass.update(&[0]);
    assert!(matches!(more, Err(Error::LengthMismatch { expected: 1024, found: 1025 })));
    assert!(pass.finish().is_ok(), "what was refused was not taken");

    let mut pass = Pass::new(&layout(&file));
    pass.update(&file[..1000]).unwrap();
    let fewer = pass.finish();
    assert!(matches!(fewer, Err(Error::LengthMismatch { expected: 1024, found: 1000 })));
}

#[test]
fn refuses_a_file_that_has_grown_since() {
    let mut file = tiny_pe(&TinyPe::default());
    let layout = layout(&file);
    file.push(0);
    let fed = layout.feed(&mut file.as_slice(), &mut Pass::new(&layout));
    assert!(matches!(fed, Err(Error::LengthMismatch { expected: 1024, found: 1025 })));
}

#[test]
fn a_file_longer_than_the_buffer_is_read_in_order() {
    let sections = vec![(0..700_001u32).map(|i| (i % 251) as u8).collect()];
    let file = tiny_pe(&TinyPe { sections, overlay: vec![9; 3], ..TinyPe::default() });
    let mut source = SeekSource::new(std::io::Cursor::new(&file)).unwrap();
    let layout = Layout::parse(&mut source).unwrap();
    let mut hash = Sha256::new();
    let mut pass = Pass::new(&layout).hash_into(&mut hash);
    layout.feed(&mut source, &mut pass).unwrap();
    assert_eq!(pass.finish().unwrap().checksum.value(), outcome(&file).checksum.value());
    let padded = sha256_of_ranges(&file, &layout.flat_ranges()).chain_update([0; 5]);
    assert_eq!(hash.finalize(), padded.finalize());
}
