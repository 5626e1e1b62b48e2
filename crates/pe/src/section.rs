//! Section headers.

use core::ops::Range;

use crate::field::u32_at;

/// Length of a section header in bytes (PE/COFF, "Section Table").
pub(crate) const SECTION_HEADER_LEN: usize = 40;

/// One entry of the section table, as it is written there: nothing in it has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    name: [u8; 8],
    virtual_size: u32,
    virtual_address: u32,
    raw_size: u32,
    raw_offset: u32,
}

impl Section {
    pub(crate) fn read(header: &[u8]) -> Option<Self> {
        Some(Self {
            name: *header.first_chunk()?,
            virtual_size: u32_at(header, 8)?,
            virtual_address: u32_at(header, 12)?,
            raw_size: u32_at(header, 16)?,
            raw_offset: u32_at(header, 20)?,
        })
    }

    /// Returns the name up to its first zero byte, in whatever encoding it was written.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.name.split(|byte| *byte == 0).next().unwrap_or(&self.name)
    }

    /// Returns the length in memory in bytes (`VirtualSize`).
    #[must_use]
    pub const fn virtual_size(&self) -> u32 {
        self.virtual_size
    }

    /// Returns the address in memory relative to the image base (`VirtualAddress`).
    #[must_use]
    pub const fn virtual_address(&self) -> u32 {
        self.virtual_address
    }

    /// Returns the place in the file (`PointerToRawData`, `SizeOfRawData`), which may be empty and
    /// may lie outside the file.
    #[must_use]
    pub fn raw_range(&self) -> Range<u64> {
        let start = u64::from(self.raw_offset);
        start..start.saturating_add(self.raw_size.into())
    }
}
