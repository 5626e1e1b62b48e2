//! The headers of an executable.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::error::Error;
use crate::field::{slice_len, u16_at, u32_at};
use crate::section::{SECTION_HEADER_LEN, Section};
use crate::source::Source;
use crate::table::{CertificateDirectory, CertificateTable, MAX_TABLE_LEN, Surroundings, locate};

/// Where everything that matters to a signature is in one executable.
///
/// Read from the headers alone, as bytes in the file: nothing is mapped, and what the Windows loader
/// would refuse may still have a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    file_len: u64,
    pe_offset: u64,
    machine: u16,
    is_pe32_plus: bool,
    section_alignment: u32,
    file_alignment: u32,
    size_of_headers: u32,
    stored_checksum: u32,
    subsystem: u16,
    number_of_directories: u32,
    section_table: Range<u64>,
    sections: Vec<Section>,
    directory: Option<CertificateDirectory>,
    table: CertificateTable,
    table_range: Option<Range<u64>>,
}

impl Layout {
    /// Reads the headers.
    ///
    /// The number of data directories is taken from `NumberOfRvaAndSizes` alone, as the Windows
    /// loader does: `SizeOfOptionalHeader` only says where the section table is, and there are
    /// working executables in which it is zero.
    ///
    /// # Errors
    /// [`Error::NotPe`], [`Error::PeHeaderOutside`] and [`Error::NoPeSignature`] for files of another
    /// kind; [`Error::UnknownMagic`] for ROM images; [`Error::Truncated`] where a header ends after
    /// the file; [`Error::Source`] where the bytes cannot be had.
    pub fn parse(source: &mut impl Source) -> Result<Self, Error> {
        let file_len = source.len();
        let pe_offset = read_pe_offset(source, file_len)?;
        let header = read_up_to(source, pe_offset, MAX_HEADERS_LEN, file_len)?;
        let truncated = Error::Truncated { header: "PE header", offset: pe_offset };
        let Some(fixed) = FixedHeaders::read(&header) else {
            return Err(truncated);
        };
        if fixed.signature != PE_SIGNATURE {
            return Err(Error::NoPeSignature { offset: pe_offset });
        }
        let is_pe32_plus = match fixed.magic {
            PE32_MAGIC => false,
            PE32_PLUS_MAGIC => true,
            magic => {
                return Err(Error::UnknownMagic { offset: pe_offset.saturating_add(24), magic });
            }
        };
        let count_at = if is_pe32_plus { 132 } else { 116 };
        let Some(number_of_directories) = u32_at(&header, count_at) else {
            return Err(truncated);
        };
        let directory = if number_of_directories > CERTIFICATE_DIRECTORY {
            // The count is followed by eight bytes for each directory.
            let entry_at = if is_pe32_plus { 168 } else { 152 };
            let (Some(offset), Some(size)) =
                (u32_at(&header, entry_at), u32_at(&header, entry_at.saturating_add(4)))
            else {
                return Err(truncated);
            };
            let distance: u64 = if is_pe32_plus { 168 } else { 152 };
            Some(CertificateDirectory {
                entry_offset: pe_offset.saturating_add(distance),
                offset,
                size,
            })
        } else {
            None
        };

        let section_table_start =
            pe_offset.saturating_add(24).saturating_add(fixed.size_of_optional_header.into());
        let (section_table, sections) =
            read_sections(source, section_table_start, fixed.number_of_sections, file_len)?;
        let entry_end = directory.map_or(0, |directory| directory.entry_offset.saturating_add(8));
        let around = Surroundings {
            file_len,
            headers_end: section_table.end.max(entry_end),
            sections_end: sections_end(&sections),
        };
        let (table, table_range) = directory
            .map_or((CertificateTable::NoSlot, None), |directory| locate(directory, &around));

        Ok(Self {
            file_len,
            pe_offset,
            machine: fixed.machine,
            is_pe32_plus,
            section_alignment: fixed.section_alignment,
            file_alignment: fixed.file_alignment,
            size_of_headers: fixed.size_of_headers,
            stored_checksum: fixed.checksum,
            subsystem: fixed.subsystem,
            number_of_directories,
            section_table,
            sections,
            directory,
            table,
            table_range,
        })
    }

    /// Returns the length of the file in bytes.
    #[must_use]
    pub const fn file_len(&self) -> u64 {
        self.file_len
    }

    /// Returns the processor the code is for (`Machine`), as in 0x8664 for x86-64.
    #[must_use]
    pub const fn machine(&self) -> u16 {
        self.machine
    }

    /// Tells whether the optional header is the 64-bit one.
    #[must_use]
    pub const fn is_pe32_plus(&self) -> bool {
        self.is_pe32_plus
    }

    /// Returns what runs the program (`Subsystem`), as in 3 for a Windows console program.
    #[must_use]
    pub const fn subsystem(&self) -> u16 {
        self.subsystem
    }

    /// Tells whether the program is run by UEFI firmware: an application, a boot or run-time driver,
    /// or a ROM image (PE/COFF, "Windows Subsystem").
    #[must_use]
    pub const fn is_efi(&self) -> bool {
        matches!(self.subsystem, 10..=13)
    }

    /// Returns the length of all headers in bytes, rounded up by the linker (`SizeOfHeaders`).
    #[must_use]
    pub const fn size_of_headers(&self) -> u32 {
        self.size_of_headers
    }

    /// Returns the alignment of sections in memory in bytes.
    #[must_use]
    pub const fn section_alignment(&self) -> u32 {
        self.section_alignment
    }

    /// Returns the alignment of sections in the file in bytes.
    #[must_use]
    pub const fn file_alignment(&self) -> u32 {
        self.file_alignment
    }

    /// Returns the section table, in its own order.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Returns where the four bytes of the checksum are.
    #[must_use]
    pub const fn checksum_offset(&self) -> u64 {
        self.pe_offset.saturating_add(88)
    }

    /// Returns the checksum the file carries; zero in most programs that are not drivers.
    #[must_use]
    pub const fn stored_checksum(&self) -> u32 {
        self.stored_checksum
    }

    /// Returns how many data directories the file says it has (`NumberOfRvaAndSizes`).
    #[must_use]
    pub const fn number_of_directories(&self) -> u32 {
        self.number_of_directories
    }

    /// Returns the certificate directory entry; none where there are fewer than five directories.
    #[must_use]
    pub const fn certificate_directory(&self) -> Option<CertificateDirectory> {
        self.directory
    }

    /// Returns what the certificate directory says.
    #[must_use]
    pub const fn certificate_table(&self) -> &CertificateTable {
        &self.table
    }

    /// Returns the bytes that are taken for the certificate table and left out of the digest.
    ///
    /// Of a malformed table these are the bytes that can be read: clipped to the file, and none for a
    /// table that begins outside the file or inside its headers.
    #[must_use]
    pub fn table_range(&self) -> Option<Range<u64>> {
        self.table_range.clone()
    }

    /// Reads the bytes of [`table_range`](Self::table_range); empty where there is none.
    ///
    /// # Errors
    /// [`Error::TableTooLarge`] beyond [`MAX_TABLE_LEN`]; [`Error::Source`].
    pub fn read_table(&self, source: &mut impl Source) -> Result<Vec<u8>, Error> {
        let range = self.table_range.clone().unwrap_or(0..0);
        let len = range.end.saturating_sub(range.start);
        if len > MAX_TABLE_LEN {
            return Err(Error::TableTooLarge { len });
        }
        let mut table = vec![0; slice_len(len)];
        source.read_exact_at(range.start, &mut table).map_err(Error::Source)?;
        Ok(table)
    }

    /// Returns the end of the headers that were read: the section table, or the certificate
    /// directory entry where that is later.
    pub(crate) fn headers_end(&self) -> u64 {
        let fixed_end = self.checksum_offset().saturating_add(4);
        let entry_end =
            self.directory.map_or(fixed_end, |entry| entry.entry_offset.saturating_add(8));
        self.section_table.end.max(entry_end)
    }

    /// Returns where the PE signature is.
    pub(crate) const fn pe_offset(&self) -> u64 {
        self.pe_offset
    }

    /// Returns where the section table is.
    pub(crate) const fn section_table(&self) -> &Range<u64> {
        &self.section_table
    }

    /// Returns the end of the last section's data.
    pub(crate) fn sections_end(&self) -> u64 {
        sections_end(&self.sections)
    }
}

const MZ: [u8; 2] = *b"MZ";
const DOS_HEADER_LEN: u64 = 64;
const PE_SIGNATURE: u32 = u32::from_le_bytes(*b"PE\0\0");
const PE32_MAGIC: u16 = 0x10B;
const PE32_PLUS_MAGIC: u16 = 0x20B;

/// Index of the certificate table among the data directories.
const CERTIFICATE_DIRECTORY: u32 = 4;

/// From the PE signature to the end of the certificate directory entry of a PE32+ file.
const MAX_HEADERS_LEN: u64 = 176;

/// The fields we use, all at the same place in PE32 and PE32+ (PE/COFF, "Optional Header
/// Windows-Specific Fields").
struct FixedHeaders {
    signature: u32,
    machine: u16,
    number_of_sections: u16,
    size_of_optional_header: u16,
    magic: u16,
    section_alignment: u32,
    file_alignment: u32,
    size_of_headers: u32,
    checksum: u32,
    subsystem: u16,
}

impl FixedHeaders {
    fn read(header: &[u8]) -> Option<Self> {
        Some(Self {
            signature: u32_at(header, 0)?,
            machine: u16_at(header, 4)?,
            number_of_sections: u16_at(header, 6)?,
            size_of_optional_header: u16_at(header, 20)?,
            magic: u16_at(header, 24)?,
            section_alignment: u32_at(header, 56)?,
            file_alignment: u32_at(header, 60)?,
            size_of_headers: u32_at(header, 84)?,
            checksum: u32_at(header, 88)?,
            subsystem: u16_at(header, 92)?,
        })
    }
}

fn read_pe_offset(source: &mut impl Source, file_len: u64) -> Result<u64, Error> {
    let dos = read_up_to(source, 0, DOS_HEADER_LEN, file_len)?;
    if dos.first_chunk() != Some(&MZ) {
        return Err(Error::NotPe);
    }
    let Some(pe_offset) = u32_at(&dos, 0x3C) else {
        return Err(Error::Truncated { header: "DOS header", offset: 0 });
    };
    let pe_offset = u64::from(pe_offset);
    if pe_offset >= file_len {
        return Err(Error::PeHeaderOutside { offset: pe_offset });
    }
    Ok(pe_offset)
}

fn read_sections(
    source: &mut impl Source,
    start: u64,
    count: u16,
    file_len: u64,
) -> Result<(Range<u64>, Vec<Section>), Error> {
    let mut headers = vec![0; usize::from(count).saturating_mul(SECTION_HEADER_LEN)];
    let end = start.saturating_add(crate::field::len_of(&headers));
    if headers.is_empty() {
        // Then it is nowhere, wherever it would begin.
        return Ok((0..0, Vec::new()));
    }
    if end > file_len {
        return Err(Error::Truncated { header: "section table", offset: start });
    }
    source.read_exact_at(start, &mut headers).map_err(Error::Source)?;
    let sections = headers.chunks_exact(SECTION_HEADER_LEN).filter_map(Section::read).collect();
    Ok((start..end, sections))
}

/// Pointer zero means no data, whatever the size (PE/COFF, "Section Table": uninitialised data).
fn sections_end(sections: &[Section]) -> u64 {
    sections
        .iter()
        .map(Section::raw_range)
        .filter(|raw| raw.start != 0 && !raw.is_empty())
        .map(|raw| raw.end)
        .max()
        .unwrap_or(0)
}

/// Reads at most `len` bytes, fewer where the file ends before.
fn read_up_to(
    source: &mut impl Source,
    offset: u64,
    len: u64,
    file_len: u64,
) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; slice_len(file_len.saturating_sub(offset).min(len))];
    source.read_exact_at(offset, &mut bytes).map_err(Error::Source)?;
    Ok(bytes)
}
