//! Changes to one file, as data. Nothing here knows PE.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::field::{len_of, slice_len};
#[cfg(feature = "std")]
use crate::source::{Source, SourceError};

/// The replacement of one range of a file by other bytes, fewer, as many or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    range: Range<u64>,
    bytes: Vec<u8>,
}

impl Edit {
    /// Replaces a range. An empty range inserts, no bytes delete.
    #[must_use]
    pub const fn new(range: Range<u64>, bytes: Vec<u8>) -> Self {
        Self { range, bytes }
    }

    /// Replaces as many bytes from `offset` on as are given.
    #[must_use]
    pub fn overwrite(offset: u64, bytes: Vec<u8>) -> Self {
        Self { range: offset..offset.saturating_add(len_of(&bytes)), bytes }
    }

    /// Returns the range of the original file that goes.
    #[must_use]
    pub const fn range(&self) -> &Range<u64> {
        &self.range
    }

    /// Returns the bytes that come.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn keeps_length(&self) -> bool {
        self.range.end.checked_sub(self.range.start) == Some(len_of(&self.bytes))
    }
}

/// The digest that tells one file from another, by whichever rule its format has.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseDigest {
    algorithm: Cow<'static, str>,
    value: Vec<u8>,
}

impl BaseDigest {
    /// Names a digest: the algorithm as in `sha256`, and its value.
    #[must_use]
    pub fn new(algorithm: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) -> Self {
        Self { algorithm: algorithm.into(), value: value.into() }
    }

    /// Returns the algorithm's name.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

impl fmt::Display for BaseDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.algorithm)?;
        self.value.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BaseDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseDigest({self})")
    }
}

/// Changes to one file and no other: it carries the length and the digest of the file it was made
/// for.
///
/// Its edits are in order, do not overlap and lie inside the file; only one at the very end can make
/// the file longer than it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    base_len: u64,
    base_digest: BaseDigest,
    final_len: u64,
    edits: Vec<Edit>,
}

impl Patch {
    /// Puts edits together to a patch for the file of this length and digest.
    ///
    /// # Errors
    /// [`PatchError::Unordered`] and [`PatchError::OutsideBase`] for edits that are not as described
    /// above.
    pub fn new(
        base_len: u64,
        base_digest: BaseDigest,
        edits: Vec<Edit>,
    ) -> Result<Self, PatchError> {
        let mut kept = 0u64;
        let mut end = 0;
        let mut added = 0u64;
        for (index, edit) in edits.iter().enumerate() {
            let Range { start, end: edit_end } = edit.range;
            let Some(between) = start.checked_sub(end) else {
                return Err(PatchError::Unordered { index });
            };
            if edit_end < start {
                return Err(PatchError::Unordered { index });
            }
            if edit_end > base_len {
                return Err(PatchError::OutsideBase { index });
            }
            kept = kept.saturating_add(between);
            added = added.saturating_add(len_of(&edit.bytes));
            end = edit_end;
        }
        let final_len = base_len.saturating_sub(end).saturating_add(kept).saturating_add(added);
        Ok(Self { base_len, base_digest, final_len, edits })
    }

    /// Returns the length of the file this is for.
    #[must_use]
    pub const fn base_len(&self) -> u64 {
        self.base_len
    }

    /// Returns the digest of the file this is for.
    #[must_use]
    pub const fn base_digest(&self) -> &BaseDigest {
        &self.base_digest
    }

    /// Returns the length of the file that results.
    #[must_use]
    pub const fn final_len(&self) -> u64 {
        self.final_len
    }

    /// Returns the edits, in order.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Tells whether nothing moves: each edit keeps its length but for one that reaches to the end.
    /// Such a patch can be written into the file itself, followed by setting its length.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.edits.iter().all(|edit| edit.keeps_length() || edit.range.end == self.base_len)
    }

    /// Checks that a file is the one this patch was made for.
    ///
    /// # Errors
    /// [`PatchError::ForeignLength`], [`PatchError::ForeignDigest`].
    pub fn check_base(&self, len: u64, digest: &BaseDigest) -> Result<(), PatchError> {
        self.check_len(len)?;
        if *digest != self.base_digest {
            return Err(PatchError::ForeignDigest);
        }
        Ok(())
    }

    /// Makes the changed file in memory. Of what [`check_base`](Self::check_base) checks, only the
    /// length is checked here: the digest's rule is the caller's.
    ///
    /// # Errors
    /// [`PatchError::ForeignLength`].
    pub fn apply(&self, base: &[u8]) -> Result<Vec<u8>, PatchError> {
        self.check_len(len_of(base))?;
        // The length is a sum of lengths of slices in memory, but let growth decide if it is not.
        let mut out = Vec::with_capacity(slice_len(self.final_len).min(MAX_PREALLOCATION));
        for piece in self.pieces() {
            match piece {
                Piece::Base(range) => out.extend(
                    base.get(slice_len(range.start)..slice_len(range.end)).unwrap_or_default(),
                ),
                Piece::New(bytes) => out.extend(bytes),
            }
        }
        Ok(out)
    }

    /// Writes the changed file, reading the original through one bounded buffer.
    ///
    /// # Errors
    /// [`PatchError::ForeignLength`], [`PatchError::Read`], [`PatchError::Write`]; what was written
    /// by then is to be thrown away.
    #[cfg(feature = "std")]
    pub fn write_to(
        &self,
        base: &mut impl Source,
        out: &mut impl std::io::Write,
    ) -> Result<(), PatchError> {
        self.check_len(base.len())?;
        let mut buffer = alloc::vec![0; slice_len(self.base_len.min(COPY_BUFFER_LEN))];
        for piece in self.pieces() {
            match piece {
                Piece::New(bytes) => out.write_all(bytes).map_err(PatchError::Write)?,
                Piece::Base(mut range) => {
                    while range.start < range.end {
                        let left = slice_len(range.end.saturating_sub(range.start));
                        let len = left.min(buffer.len());
                        let chunk = buffer.get_mut(..len).unwrap_or_default();
                        base.read_exact_at(range.start, chunk).map_err(PatchError::Read)?;
                        out.write_all(chunk).map_err(PatchError::Write)?;
                        range.start = range.start.saturating_add(len_of(chunk));
                    }
                }
            }
        }
        Ok(())
    }

    fn check_len(&self, found: u64) -> Result<(), PatchError> {
        if found != self.base_len {
            return Err(PatchError::ForeignLength { expected: self.base_len, found });
        }
        Ok(())
    }

    /// Returns what the new file is made of, in order.
    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut end = 0;
        let tail_start = self.edits.last().map_or(0, |edit| edit.range.end);
        self.edits
            .iter()
            .flat_map(move |edit| {
                let kept = end..edit.range.start;
                end = edit.range.end;
                [Piece::Base(kept), Piece::New(&edit.bytes)]
            })
            .chain(core::iter::once(Piece::Base(tail_start..self.base_len)))
    }
}

/// Why a patch could not be made or applied.
#[derive(Debug)]
#[non_exhaustive]
pub enum PatchError {
    /// An edit begins before the one before it ends, or ends before it begins.
    Unordered {
        /// Which edit, counted from zero.
        index: usize,
    },
    /// An edit reaches beyond the end of the file.
    OutsideBase {
        /// Which edit, counted from zero.
        index: usize,
    },
    /// The file is not as long as the one the patch was made for.
    ForeignLength {
        /// The length of the file the patch was made for.
        expected: u64,
        /// The length of this one.
        found: u64,
    },
    /// The file's digest is not that of the one the patch was made for.
    ForeignDigest,
    /// The bytes are no patch, or not a whole one.
    Malformed {
        /// Where it fails, counted from the first byte.
        offset: u64,
    },
    /// The original cannot be read.
    #[cfg(feature = "std")]
    Read(SourceError),
    /// The result cannot be written.
    #[cfg(feature = "std")]
    Write(std::io::Error),
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unordered { index } => {
                write!(f, "edit {index} overlaps the one before it or ends before it begins")
            }
            Self::OutsideBase { index } => write!(f, "edit {index} reaches outside the file"),
            Self::ForeignLength { expected, found } => {
                write!(f, "the patch is for a file of {expected} bytes, this one has {found}")
            }
            Self::ForeignDigest => f.write_str("the patch is for a file with another digest"),
            Self::Malformed { offset } => write!(f, "the patch is malformed at offset {offset}"),
            #[cfg(feature = "std")]
            Self::Read(_) => f.write_str("the original cannot be read"),
            #[cfg(feature = "std")]
            Self::Write(_) => f.write_str("the patched file cannot be written"),
        }
    }
}

impl core::error::Error for PatchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            #[cfg(feature = "std")]
            Self::Read(error) => Some(error),
            #[cfg(feature = "std")]
            Self::Write(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(feature = "std")]
const COPY_BUFFER_LEN: u64 = 256 << 10;

/// How much memory is asked for at once before there are bytes to fill it.
const MAX_PREALLOCATION: usize = 1 << 30;

enum Piece<'a> {
    Base(Range<u64>),
    New(&'a [u8]),
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    #[cfg(feature = "std")]
    use proptest::prelude::*;

    use super::*;

    fn digest() -> BaseDigest {
        BaseDigest::new("sha256", [0xAB; 2])
    }

    fn patch(edits: Vec<Edit>) -> Result<Patch, PatchError> {
        Patch::new(10, digest(), edits)
    }

    #[test]
    fn replaces_inserts_deletes_and_extends() {
        let patch = patch(vec![
            Edit::overwrite(0, b"AB".to_vec()),
            Edit::new(3..5, Vec::new()),
            Edit::new(6..6, b"--".to_vec()),
            Edit::new(9..10, b"end".to_vec()),
        ])
        .unwrap();
        assert_eq!(patch.apply(b"0123456789").unwrap(), b"AB25--678end");
        assert_eq!(patch.final_len(), 12);
        assert!(!patch.is_in_place());
    }

    #[test]
    fn refuses_edits_out_of_order_or_outside() {
        let unordered = vec![Edit::new(4..6, vec![]), Edit::new(5..7, vec![])];
        assert!(matches!(patch(unordered), Err(PatchError::Unordered { index: 1 })));
        #[expect(clippy::reversed_empty_ranges, reason = "this is what must be refused")]
        let reversed = vec![Edit::new(6..4, vec![])];
        assert!(matches!(patch(reversed), Err(PatchError::Unordered { index: 0 })));
        let outside = vec![Edit::new(4..6, vec![]), Edit::new(8..11, vec![])];
        assert!(matches!(patch(outside), Err(PatchError::OutsideBase { index: 1 })));
    }

    #[test]
    fn refuses_any_other_file() {
        let patch = patch(vec![]).unwrap();
        assert!(patch.check_base(10, &digest()).is_ok());
        let found = patch.check_base(11, &digest());
        assert!(matches!(found, Err(PatchError::ForeignLength { expected: 10, found: 11 })));
        for other in [BaseDigest::new("sha256", [0xAB, 0xAC]), BaseDigest::new("sha1", [0xAB; 2])] {
            assert!(matches!(patch.check_base(10, &other), Err(PatchError::ForeignDigest)));
        }
        assert!(matches!(patch.apply(b"012345678"), Err(PatchError::ForeignLength { .. })));
    }

    #[test]
    fn knows_what_can_be_written_in_place() {
        let same = Edit::overwrite(2, vec![1, 2]);
        assert!(patch(vec![same.clone(), Edit::new(8..10, vec![0; 9])]).unwrap().is_in_place());
        assert!(!patch(vec![Edit::new(0..1, vec![]), same]).unwrap().is_in_place());
    }

    #[test]
    fn a_digest_is_shown_as_algorithm_and_hex() {
        assert_eq!(std::format!("{:?}", digest()), "BaseDigest(sha256:abab)");
    }

    #[cfg(feature = "std")]
    proptest! {
        #[test]
        fn writes_what_it_applies(
            base in proptest::collection::vec(any::<u8>(), 0..50),
            cuts in proptest::collection::vec(0usize..50, 0..6),
            bytes in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            let mut cuts: Vec<u64> =
                cuts.into_iter().map(|cut| cut.min(base.len()) as u64).collect();
            cuts.sort_unstable();
            let edits: Vec<Edit> = cuts
                .chunks_exact(2)
                .map(|pair| Edit::new(pair[0]..pair[1], bytes.clone()))
                .collect();
            let patch = Patch::new(base.len() as u64, digest(), edits).unwrap();
            let applied = patch.apply(&base).unwrap();
            let mut written = Vec::new();
            patch.write_to(&mut base.as_slice(), &mut written).unwrap();
            prop_assert_eq!(applied.len() as u64, patch.final_len());
            prop_assert_eq!(applied, written);
        }
    }
}
