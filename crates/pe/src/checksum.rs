//! The PE checksum, kept in parts so that a changed file need not be read again.

use crate::field::len_of;

/// The checksum of one file, in parts: what stays when a signature is put in or taken out, and what
/// goes.
///
/// The parts are one's complement sums of little-endian 16-bit words, in which four bytes of the
/// checksum field count as zero; the checksum is their sum plus the file's length (ImageHlp,
/// `CheckSumMappedFile`). A last odd byte counts as a word with a zero high byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumState {
    /// Everything before the certificate table but the checksum and the directory entry.
    content: Sum,
    /// The directory entry.
    entry: Sum,
    /// The certificate table and whatever follows it.
    tail: Sum,
    content_end: u64,
    file_len: u64,
}

impl ChecksumState {
    pub(crate) const fn new(content_end: u64, file_len: u64) -> Self {
        Self { content: Sum(0), entry: Sum(0), tail: Sum(0), content_end, file_len }
    }

    /// Returns the checksum of the file that was read, as its header should have it.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.content.plus(self.entry).plus(self.tail).with_len(self.file_len)
    }

    /// Tells whether this is the state of a file whose content and whole have these lengths.
    pub(crate) const fn is_of(&self, content_end: u64, file_len: u64) -> bool {
        self.content_end == content_end && self.file_len == file_len
    }

    /// Returns the checksum after the directory entry and everything behind the content are replaced.
    pub(crate) fn replaced(&self, entry_offset: u64, entry: &[u8], tail: &[u8]) -> u32 {
        let mut sum = self.content;
        sum.add(entry_offset, entry);
        sum.add(self.content_end, tail);
        sum.with_len(self.content_end.saturating_add(len_of(tail)))
    }

    /// Returns the checksum after the directory entry is replaced and everything from `len` on is gone: the
    /// table, and zeros before it.
    pub(crate) fn truncated(&self, entry_offset: u64, entry: &[u8], len: u64) -> u32 {
        let mut sum = self.content;
        sum.add(entry_offset, entry);
        sum.with_len(len)
    }

    /// Adds bytes behind the headers, which may be content or table.
    pub(crate) fn add(&mut self, offset: u64, data: &[u8]) {
        if offset < self.content_end {
            self.content.add(offset, data);
        } else {
            self.tail.add(offset, data);
        }
    }

    pub(crate) fn add_entry(&mut self, offset: u64, data: &[u8]) {
        self.entry.add(offset, data);
    }
}

/// A one's complement sum of 16-bit words, folded. Zero only if every word was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sum(u16);

impl Sum {
    /// Adds bytes that lie at a file offset.
    fn add(&mut self, offset: u64, data: &[u8]) {
        for block in data.chunks(BLOCK_LEN) {
            let words = sum_of_words(block);
            // Words that begin at an odd offset are two halves of the file's words. In one's
            // complement, swapping the bytes of every word swaps the bytes of the sum (RFC 1071
            // section 2 B). BLOCK_LEN is even, so all blocks have the parity of the first.
            *self = self.plus(Self(if offset & 1 == 0 { words } else { words.swap_bytes() }));
        }
    }

    fn plus(self, other: Self) -> Self {
        Self(fold(u64::from(self.0).saturating_add(other.0.into())))
    }

    /// Adds the file's length, which overflows as it does in ImageHlp.
    fn with_len(self, len: u64) -> u32 {
        let low = u32::try_from(len & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        low.wrapping_add(self.0.into())
    }
}

/// How much is added up before folding: few enough bytes that no accumulator overflows.
const BLOCK_LEN: usize = 1 << 20;

fn sum_of_words(block: &[u8]) -> u16 {
    // Sums of 32-bit words are as good: 2^16 is 1 modulo 2^16 - 1. Eight at a time, independent of
    // each other, so that the compiler makes vectors of them.
    let mut sums = [0u64; 8];
    let (chunks, rest) = block.as_chunks::<32>();
    let mut last = [0; 32];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    for chunk in chunks.iter().chain(core::iter::once(&last)) {
        let (words, _) = chunk.as_chunks::<4>();
        for (sum, word) in sums.iter_mut().zip(words) {
            *sum = sum.wrapping_add(u32::from_le_bytes(*word).into());
        }
    }
    fold(sums.into_iter().fold(0, u64::wrapping_add))
}

/// Adds the four 16-bit digits with end-around carry, until one is left.
fn fold(mut sum: u64) -> u16 {
    while sum > u64::from(u16::MAX) {
        sum = (sum & u64::from(u16::MAX)).wrapping_add(sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// The definition: one word after the other, the carry added at once.
    fn word_by_word(data: &[u8]) -> u32 {
        let mut sum = 0u32;
        for pair in data.chunks(2) {
            sum += u32::from(pair[0]) | pair.get(1).map_or(0, |high| u32::from(*high) << 8);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        sum + data.len() as u32
    }

    proptest! {
        #[test]
        fn is_the_sum_word_by_word_in_any_chunks(
            data in proptest::collection::vec(any::<u8>(), 0..300),
            cuts in proptest::collection::vec(0usize..300, 0..5),
            content_end in 0u64..300,
        ) {
            let mut state = ChecksumState::new(content_end, data.len() as u64);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(data.len())).collect();
            cuts.extend([0, data.len(), (content_end as usize).min(data.len())]);
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                state.add(pair[0] as u64, &data[pair[0]..pair[1]]);
            }
            prop_assert_eq!(state.value(), word_by_word(&data));
        }
    }

    #[test]
    fn many_blocks_at_an_odd_offset_are_as_one() {
        let data: Vec<u8> = (0..BLOCK_LEN * 2 + 4).map(|at| (at / 3 * 7) as u8).collect();
        let mut state = ChecksumState::new(0, data.len() as u64);
        state.add(0, &data[..1]);
        state.add(1, &data[1..]);
        assert_eq!(state.value(), word_by_word(&data));
    }

    #[test]
    fn all_ones_stay_all_ones() {
        let data = alloc::vec![0xFF; 4 << 20];
        let mut sum = Sum(0);
        sum.add(0, &data);
        assert_eq!(sum, Sum(0xFFFF));
        assert_eq!(sum.with_len(u64::from(u32::MAX)), 0xFFFE, "the length wraps around");
    }
}
