//! Putting signatures into an executable, as edits.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::certificates::{MAX_CERTIFICATES, push_certificate};
use crate::checksum::ChecksumState;
use crate::field::{len_of, padding_to_8, slice_len};
use crate::layout::Layout;
use crate::patch::Edit;
use crate::table::{CertificateTable, TableFault};

/// Why a signature can be neither put in nor taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmbedError {
    /// The file has fewer than five data directories.
    NoSlot,
    /// The checksum or the certificate directory entry lies in the section table, and writing it
    /// would damage a section header.
    SlotInSectionTable,
    /// There is a certificate table that a signer would not have written.
    MalformedTable {
        /// What is wrong with it.
        reason: TableFault,
        /// The file offset the directory entry gives.
        offset: u32,
        /// The size the directory entry gives.
        size: u32,
    },
    /// A section's data reaches beyond the end of the file, and would take in the table.
    SectionPastEnd,
    /// There is no signature to take out.
    NotSigned,
    /// The padding to take out was measured in another file.
    ForeignPadding,
    /// No signature was given to put in.
    NoCertificates,
    /// More than [`MAX_CERTIFICATES`] signatures were given.
    TooManyCertificates,
    /// The result would not fit into the 32-bit offsets of the format.
    TooLarge,
    /// The checksum is another file's.
    ForeignChecksum,
}

impl fmt::Display for EmbedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSlot => "the executable has no directory entry for a signature",
            Self::SlotInSectionTable => "a field to be written lies in the section table",
            Self::MalformedTable { reason, offset, size } => {
                return write!(
                    f,
                    "the certificate table at offset {offset:#x} of {size} bytes is malformed: {reason}"
                );
            }
            Self::SectionPastEnd => "a section reaches beyond the end of the file",
            Self::NotSigned => "the executable has no signature",
            Self::ForeignPadding => "the padding was measured in another file",
            Self::NoCertificates => "no signature was given",
            Self::TooManyCertificates => "too many signatures for one executable",
            Self::TooLarge => "the signed executable would be larger than 4 GiB - 1, which is all its offsets reach",
            Self::ForeignChecksum => "the checksum was computed over another file",
        })
    }
}

impl core::error::Error for EmbedError {}

impl Layout {
    /// Tells whether signatures can be put into the file, before there is one to put in.
    ///
    /// # Errors
    /// What [`embed`](Self::embed) would say of this file.
    pub fn check_embeddable(&self) -> Result<(), EmbedError> {
        self.entry_to_write()?;
        if self.sections_end() > self.content_end() {
            return Err(EmbedError::SectionPastEnd);
        }
        if u32::try_from(self.file_len()).is_err() {
            return Err(EmbedError::TooLarge);
        }
        Ok(())
    }

    /// Writes the edits that put these signatures into the file, in place of any it has.
    ///
    /// Each blob is the DER of a signature and becomes one `WIN_CERTIFICATE`; ordinary programs have
    /// one. `checksum` is the [`Outcome`](crate::Outcome)'s of a pass over the same file: the new
    /// checksum is made from it, and nothing is read again.
    ///
    /// # Errors
    /// An [`EmbedError`]; nothing is ever half embedded.
    pub fn embed(
        &self,
        certificates: &[&[u8]],
        checksum: &ChecksumState,
    ) -> Result<Vec<Edit>, EmbedError> {
        let entry_offset = self.writable_entry(checksum)?;
        if certificates.is_empty() {
            return Err(EmbedError::NoCertificates);
        }
        if certificates.len() > MAX_CERTIFICATES {
            return Err(EmbedError::TooManyCertificates);
        }
        self.check_embeddable()?;
        let padding = padding_to_8(self.content_end());
        let mut tail = vec![0; slice_len(padding)];
        for certificate in certificates {
            push_certificate(&mut tail, certificate).ok_or(EmbedError::TooLarge)?;
        }
        let table_offset = self.content_end().saturating_add(padding);
        let table_len = len_of(&tail).saturating_sub(padding);
        let (Ok(offset), Ok(size), Ok(_)) = (
            u32::try_from(table_offset),
            u32::try_from(table_len),
            u32::try_from(table_offset.saturating_add(table_len)),
        ) else {
            return Err(EmbedError::TooLarge);
        };
        let entry = [offset.to_le_bytes(), size.to_le_bytes()].concat();
        Ok(self.edits(entry_offset, entry, tail, checksum))
    }

    pub(crate) fn writable_entry(&self, checksum: &ChecksumState) -> Result<u64, EmbedError> {
        let entry_offset = self.entry_to_write()?;
        if !checksum.is_of(self.content_end(), self.file_len()) {
            return Err(EmbedError::ForeignChecksum);
        }
        Ok(entry_offset)
    }

    fn entry_to_write(&self) -> Result<u64, EmbedError> {
        let (Some(directory), table) = (self.certificate_directory(), self.certificate_table())
        else {
            return Err(EmbedError::NoSlot);
        };
        if let CertificateTable::Malformed { reason, offset, size } = *table {
            return Err(EmbedError::MalformedTable { reason, offset, size });
        }
        let entry = directory.entry_offset..directory.entry_offset.saturating_add(8);
        let sum = self.checksum_offset()..self.checksum_offset().saturating_add(4);
        if [&sum, &entry].into_iter().any(|field| overlap(field, self.section_table())) {
            return Err(EmbedError::SlotInSectionTable);
        }
        Ok(entry.start)
    }

    fn edits(
        &self,
        entry_offset: u64,
        entry: Vec<u8>,
        tail: Vec<u8>,
        checksum: &ChecksumState,
    ) -> Vec<Edit> {
        let sum = checksum.replaced(entry_offset, &entry, &tail);
        vec![
            Edit::overwrite(self.checksum_offset(), sum.to_le_bytes().to_vec()),
            Edit::overwrite(entry_offset, entry),
            Edit::new(self.content_end()..self.file_len(), tail),
        ]
    }
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

    use super::*;
    use crate::source::{Source, SourceError};

    /// A small executable followed by zeros, too many to have in memory.
    struct Sparse {
        head: Vec<u8>,
        len: u64,
    }

    impl Source for Sparse {
        fn len(&self) -> u64 {
            self.len
        }

        fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
            self.head.as_slice().read_exact_at(offset, buf)
        }
    }

    #[test]
    fn refuses_a_result_beyond_4_gib() {
        let head = tiny_pe(&TinyPe::default());
        for (len, expected) in [
            ((1 << 32) - 24, None),
            ((1 << 32) - 16, Some(EmbedError::TooLarge)),
            (1 << 33, Some(EmbedError::TooLarge)),
        ] {
            let layout = Layout::parse(&mut Sparse { head: head.clone(), len }).unwrap();
            let checksum = ChecksumState::new(len, len);
            assert_eq!(layout.embed(&[b"signed!!"], &checksum).err(), expected, "{len:#x}");
        }
    }
}
