//! A patch as bytes, so that who makes it and who applies it need not be one process.

use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use crate::field::{len_of, slice_len};
use crate::patch::{BaseDigest, Edit, Patch, PatchError};

/// What the bytes of a patch begin with: the name and the version of the form.
const MAGIC: &[u8; 8] = b"CHPATCH1";

impl Patch {
    /// Writes the patch as bytes for [`from_bytes`](Self::from_bytes).
    ///
    /// Numbers are little-endian, and a length is eight bytes before what it measures:
    ///
    /// ```text
    /// "CHPATCH1"  base length: u64  algorithm: length, ASCII  digest: length, bytes  edits: u64
    /// then for each edit:  start: u64  end: u64  bytes: length, bytes
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::from(MAGIC);
        push_number(&mut out, self.base_len());
        push_bytes(&mut out, self.base_digest().algorithm().as_bytes());
        push_bytes(&mut out, self.base_digest().value());
        push_number(&mut out, u64::try_from(self.edits().len()).unwrap_or(u64::MAX));
        for edit in self.edits() {
            push_number(&mut out, edit.range().start);
            push_number(&mut out, edit.range().end);
            push_bytes(&mut out, edit.bytes());
        }
        out
    }

    /// Reads a patch that another process wrote.
    ///
    /// Whoever wrote it decides every byte of the result, so it is to be trusted no more than they are:
    /// check [`check_base`](Self::check_base) before it is applied, and the file that results after.
    ///
    /// # Errors
    /// [`PatchError::Malformed`] with the offset; [`PatchError::Unordered`] and
    /// [`PatchError::OutsideBase`] as for [`new`](Self::new).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PatchError> {
        let mut reader = Reader { bytes, offset: 0 };
        if reader.take(len_of(MAGIC))? != MAGIC {
            return Err(PatchError::Malformed { offset: 0 });
        }
        let base_len = reader.number()?;
        let at = reader.offset;
        let algorithm = str::from_utf8(reader.sized()?)
            .ok()
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or(PatchError::Malformed { offset: at })?;
        let base_digest = BaseDigest::new(String::from(algorithm), reader.sized()?);
        let count = reader.number()?;
        let mut edits = Vec::new();
        for _ in 0..count {
            let range = reader.number()?..reader.number()?;
            edits.push(Edit::new(range, reader.sized()?.to_vec()));
        }
        if !reader.is_empty() {
            return Err(PatchError::Malformed { offset: reader.offset });
        }
        Self::new(base_len, base_digest, edits)
    }
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend(number.to_le_bytes());
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_number(out, len_of(bytes));
    out.extend(bytes);
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> Reader<'a> {
    fn is_empty(&self) -> bool {
        self.offset >= len_of(self.bytes)
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], PatchError> {
        let end = self.offset.checked_add(len).filter(|end| *end <= len_of(self.bytes));
        let end = end.ok_or(PatchError::Malformed { offset: self.offset })?;
        let taken = self.bytes.get(slice_len(self.offset)..slice_len(end)).unwrap_or_default();
        self.offset = end;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, PatchError> {
        let at = self.offset;
        let bytes = self.take(8)?.first_chunk().copied();
        bytes.map(u64::from_le_bytes).ok_or(PatchError::Malformed { offset: at })
    }

    fn sized(&mut self) -> Result<&'a [u8], PatchError> {
        let len = self.number()?;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn patch() -> Patch {
        let edits = vec![Edit::overwrite(2, vec![1, 2]), Edit::new(8..10, vec![7; 5])];
        Patch::new(10, BaseDigest::new("sha256", [0xAB; 32]), edits).unwrap()
    }

    #[test]
    fn is_read_as_it_was_written() {
        assert_eq!(Patch::from_bytes(&patch().to_bytes()).unwrap(), patch());
    }

    #[test]
    fn the_form_does_not_change() {
        let edits = vec![Edit::new(1..3, vec![9])];
        let patch = Patch::new(258, BaseDigest::new("md5", [0xAB]), edits).unwrap();
        let numbers = |number: u8| [number, 0, 0, 0, 0, 0, 0, 0];
        let expected = [
            &b"CHPATCH1"[..],
            &[2, 1, 0, 0, 0, 0, 0, 0],
            &numbers(3),
            b"md5",
            &numbers(1),
            &[0xAB],
            &numbers(1),
            &numbers(1),
            &numbers(3),
            &numbers(1),
            &[9],
        ];
        assert_eq!(patch.to_bytes(), expected.concat());
    }

    #[test]
    fn no_part_of_one_is_one_and_nothing_follows_it() {
        let whole = patch().to_bytes();
        for len in 0..whole.len() {
            assert!(Patch::from_bytes(&whole[..len]).is_err(), "{len}");
        }
        let longer = [&whole[..], &[0]].concat();
        let end = len_of(&whole);
        assert!(
            matches!(Patch::from_bytes(&longer), Err(PatchError::Malformed { offset }) if offset == end)
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let mut longer = patch().to_bytes();
        longer[16] = 0xFF;
        assert!(matches!(Patch::from_bytes(&longer), Err(PatchError::Malformed { offset: 24 })));
        let mut renamed = patch().to_bytes();
        renamed[24] = b' ';
        assert!(matches!(Patch::from_bytes(&renamed), Err(PatchError::Malformed { offset: 16 })));
        let mut newer = patch().to_bytes();
        newer[7] = b'2';
        assert!(matches!(Patch::from_bytes(&newer), Err(PatchError::Malformed { offset: 0 })));
        let mut shorter_base = patch().to_bytes();
        shorter_base[8] = 9;
        let read = Patch::from_bytes(&shorter_base);
        assert!(matches!(read, Err(PatchError::OutsideBase { index: 1 })));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(mut bytes: Vec<u8>, at in 0usize..100, to: u8) {
            let mut changed = patch().to_bytes();
            if let Some(byte) = changed.get_mut(at) {
                *byte = to;
            }
            bytes.splice(..0, *MAGIC);
            for bytes in [bytes, changed] {
                if let Ok(patch) = Patch::from_bytes(&bytes) {
                    prop_assert_eq!(patch.to_bytes(), bytes);
                }
            }
        }
    }
}
