//! Numbers that look random and depend on a seed: SplitMix64 (Steele, Lea, Flood 2014).

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Starts the sequence of one case.
    pub(super) fn new(seed: u64, case: usize) -> Self {
        let mut start = Self(seed);
        start.0 = start.next() ^ u64::try_from(case).unwrap_or(u64::MAX);
        start.next();
        start
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`; 0 where that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// Returns a byte that is not 0.
    pub(super) fn nonzero(&mut self) -> u8 {
        self.next().to_le_bytes()[0].max(1)
    }
}
