//! Where the attribute certificate table is, or why it is nowhere.

use core::fmt;
use core::ops::Range;

/// The largest certificate table [`Layout::read_table`](crate::Layout::read_table) reads, in bytes.
/// Signatures take kilobytes; installers that hide a payload there take megabytes.
pub const MAX_TABLE_LEN: u64 = 128 << 20;

/// Data directory 4, the certificate table's, as it is written (PE/COFF, "Optional Header Data
/// Directories"). Unlike every other directory it holds a file offset, not an address in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateDirectory {
    /// Where the eight bytes of the entry are in the file.
    pub entry_offset: u64,
    /// The file offset of the table.
    pub offset: u32,
    /// The length of the table in bytes.
    pub size: u32,
}

/// What the certificate directory says about the table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the cases, and callers handle each")]
pub enum CertificateTable {
    /// The file has fewer than five data directories: it can carry no signature.
    NoSlot,
    /// The entry is zero: the file is unsigned.
    Absent,
    /// The table is these bytes, the last ones of the file.
    Present(Range<u64>),
    /// The entry says something that a signer would not write.
    ///
    /// The digest is still defined, see [`Layout::flat_ranges`](crate::Layout::flat_ranges).
    Malformed {
        /// What is wrong with it, the most severe first.
        reason: TableFault,
        /// The file offset the entry gives.
        offset: u32,
        /// The size the entry gives.
        size: u32,
    },
}

/// What is wrong with a certificate directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFault {
    /// A size, and offset zero.
    ZeroOffset,
    /// An offset, and size zero.
    ZeroSize,
    /// The table begins at or after the end of the file.
    OutsideFile,
    /// The table begins before the headers end.
    InsideHeaders,
    /// The table begins in the file and ends after it.
    PastEndOfFile,
    /// Bytes follow the table.
    DataAfterTable,
    /// The table does not begin on a multiple of eight.
    Misaligned,
    /// A section's data reaches into the table, so that code would be mapped from bytes no digest
    /// covers.
    OverlapsSection,
}

impl TableFault {
    /// Returns the stable kebab-case name used in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ZeroOffset => "table-at-zero-offset",
            Self::ZeroSize => "table-of-zero-size",
            Self::OutsideFile => "table-outside-file",
            Self::InsideHeaders => "table-inside-headers",
            Self::PastEndOfFile => "table-past-end-of-file",
            Self::DataAfterTable => "data-after-table",
            Self::Misaligned => "table-misaligned",
            Self::OverlapsSection => "table-overlaps-section",
        }
    }
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroOffset => "it has a size and no offset",
            Self::ZeroSize => "it has an offset and no size",
            Self::OutsideFile => "it begins outside the file",
            Self::InsideHeaders => "it begins inside the headers",
            Self::PastEndOfFile => "it ends after the file",
            Self::DataAfterTable => "data follows it",
            Self::Misaligned => "it does not begin on a multiple of eight",
            Self::OverlapsSection => "a section reaches into it",
        })
    }
}

/// What the entry must be judged against.
pub(crate) struct Surroundings {
    pub(crate) file_len: u64,
    pub(crate) headers_end: u64,
    /// The end of the last section's data.
    pub(crate) sections_end: u64,
}

/// Judges a directory entry: the table, and the bytes the digest leaves out for it.
///
/// A table that begins in the file behind its headers is left out as far as it reaches, whatever
/// else is wrong; any other entry is taken for none. This reading reproduces the digests that the
/// signatures in such files carry.
pub(crate) fn locate(
    directory: CertificateDirectory,
    around: &Surroundings,
) -> (CertificateTable, Option<Range<u64>>) {
    let CertificateDirectory { offset, size, .. } = directory;
    if offset == 0 && size == 0 {
        return (CertificateTable::Absent, None);
    }
    let malformed = |reason| CertificateTable::Malformed { reason, offset, size };
    let start = u64::from(offset);
    let end = start.saturating_add(size.into());
    let unreadable = if offset == 0 {
        Some(TableFault::ZeroOffset)
    } else if size == 0 {
        Some(TableFault::ZeroSize)
    } else if start >= around.file_len {
        Some(TableFault::OutsideFile)
    } else if start < around.headers_end {
        Some(TableFault::InsideHeaders)
    } else {
        None
    };
    if let Some(reason) = unreadable {
        return (malformed(reason), None);
    }

    let range = start..end.min(around.file_len);
    let table = if end > around.file_len {
        malformed(TableFault::PastEndOfFile)
    } else if end < around.file_len {
        malformed(TableFault::DataAfterTable)
    } else if !start.is_multiple_of(8) {
        malformed(TableFault::Misaligned)
    } else if start < around.sections_end {
        malformed(TableFault::OverlapsSection)
    } else {
        CertificateTable::Present(range.clone())
    };
    (table, Some(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(offset: u32, size: u32) -> (CertificateTable, Option<Range<u64>>) {
        locate(
            CertificateDirectory { entry_offset: 0, offset, size },
            &Surroundings { file_len: 1000, headers_end: 200, sections_end: 800 },
        )
    }

    #[test]
    fn a_table_at_the_end_is_present() {
        assert_eq!(judged(0, 0), (CertificateTable::Absent, None));
        assert_eq!(judged(800, 200), (CertificateTable::Present(800..1000), Some(800..1000)));
    }

    #[test]
    fn every_fault_has_its_name_and_its_reading() {
        for (offset, size, expected, skipped) in [
            (0, 8, TableFault::ZeroOffset, None),
            (800, 0, TableFault::ZeroSize, None),
            (1000, 8, TableFault::OutsideFile, None),
            (u32::MAX, u32::MAX, TableFault::OutsideFile, None),
            (192, 808, TableFault::InsideHeaders, None),
            (800, u32::MAX, TableFault::PastEndOfFile, Some(800..1000)),
            (800, 192, TableFault::DataAfterTable, Some(800..992)),
            (804, 196, TableFault::Misaligned, Some(804..1000)),
            (792, 208, TableFault::OverlapsSection, Some(792..1000)),
        ] {
            let (table, range) = judged(offset, size);
            let malformed = CertificateTable::Malformed { reason: expected, offset, size };
            assert_eq!(table, malformed, "{}", expected.name());
            assert_eq!(range, skipped, "{}", expected.name());
        }
    }
}
