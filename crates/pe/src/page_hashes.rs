//! Page hashes: a digest of every page, so that a loader can check what it maps.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use digest::Digest;

use crate::error::Error;
use crate::field::{len_of, slice_len};
use crate::layout::Layout;

/// The largest table of page hashes we compute, in bytes: enough for 1.8 GiB with SHA-256.
pub const MAX_PAGE_TABLE_LEN: u64 = 16 << 20;

/// A table of page hashes in the making; lend it to a [`Pass`](crate::Pass).
///
/// The table is what the moniker in `SpcPeImageData` carries: a little-endian 32-bit file offset and
/// a digest for each page. First come the headers without the checksum and the certificate directory
/// entry, then the pages of each section in the order of the section table, the last page of each
/// filled up with zeros, then the offset where the last section ends with a digest of zeros.
#[derive(Clone)]
pub struct PageHashes<D> {
    page_len: u64,
    /// In file order; they do not overlap.
    spans: Vec<Span>,
    current: usize,
    position: u64,
    file_len: u64,
    hasher: D,
    table: Vec<u8>,
}

impl<D: Digest> PageHashes<D> {
    /// Lays out the table for a file.
    ///
    /// Pages are 4096 bytes, 8192 for the Itanium and Alpha processors.
    ///
    /// # Errors
    /// [`Error::PageHashes`] for a file whose pages cannot be told apart.
    pub fn new(layout: &Layout) -> Result<Self, Error> {
        let page_len = page_len(layout.machine());
        let mut spans = spans(layout, page_len).map_err(Error::PageHashes)?;
        let entry_len = OFFSET_LEN.saturating_add(len_of(&D::new().finalize()));
        let pages = spans.iter().map(|span| span.pages(page_len)).fold(1u64, u64::saturating_add);
        let table_len = pages.saturating_mul(entry_len);
        if table_len > MAX_PAGE_TABLE_LEN {
            return Err(Error::PageHashes(PageHashObstacle::TooManyPages));
        }

        let mut table = vec![0; slice_len(table_len)];
        let mut entries = table.chunks_exact_mut(slice_len(entry_len));
        let mut next_entry = 0u64;
        let mut end = 0;
        for span in &mut spans {
            span.first_entry = next_entry;
            next_entry = next_entry.saturating_add(span.pages(page_len));
            end = span.range.end;
            let mut start = span.range.start;
            while start < end {
                write_offset(entries.next(), start);
                start = start.saturating_add(page_len);
            }
        }
        write_offset(entries.next(), end);
        spans.sort_by_key(|span| span.range.start);
        if spans.windows(2).any(|pair| matches!(pair, [a, b] if a.range.end > b.range.start)) {
            return Err(Error::PageHashes(PageHashObstacle::Overlap));
        }
        Ok(Self {
            page_len,
            spans,
            current: 0,
            position: 0,
            file_len: layout.file_len(),
            hasher: D::new(),
            table,
        })
    }

    /// Returns the table, when a pass has filled it.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] when no pass over the whole file has been made.
    pub fn into_table(self) -> Result<Vec<u8>, Error> {
        if self.current < self.spans.len() {
            return Err(Error::LengthMismatch { expected: self.file_len, found: self.position });
        }
        Ok(self.table)
    }

    fn close_page(&mut self, entry: u64, hashed_range_len: u64) {
        let missing = slice_len(self.page_len.saturating_sub(hashed_range_len));
        self.hasher.update(ZERO_PAGE.get(..missing).unwrap_or(&ZERO_PAGE));
        let digest = core::mem::replace(&mut self.hasher, D::new()).finalize();
        let entry_len = digest.len().saturating_add(slice_len(OFFSET_LEN));
        let slot = self
            .table
            .chunks_exact_mut(entry_len)
            .nth(slice_len(entry))
            .and_then(|entry| entry.get_mut(slice_len(OFFSET_LEN)..));
        if let Some(slot) = slot {
            slot.copy_from_slice(&digest);
        }
    }
}

impl<D> fmt::Debug for PageHashes<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageHashes")
            .field("page_len", &self.page_len)
            .field("position", &self.position)
            .field("table_len", &self.table.len())
            .finish_non_exhaustive()
    }
}

/// Why a file has no page hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageHashObstacle {
    /// The headers take more than a page, or less than the section table needs.
    Headers,
    /// A section reaches outside the file or into the certificate table.
    SectionOutside,
    /// Two sections, or a section and the headers, share bytes.
    Overlap,
    /// `FileAlignment` is not 512 to 65535, or `SectionAlignment` more than 4 MiB.
    Alignment,
    /// No section has data.
    NoSections,
    /// The table would be larger than [`MAX_PAGE_TABLE_LEN`].
    TooManyPages,
}

impl fmt::Display for PageHashObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Headers => "the size of the headers fits no page",
            Self::SectionOutside => "a section reaches outside the hashed file",
            Self::Overlap => "sections overlap",
            Self::Alignment => "the alignment is out of bounds",
            Self::NoSections => "no section has data",
            Self::TooManyPages => "the table would be too large",
        })
    }
}

/// What a pass feeds: the hashed bytes of the file with their offsets, in order.
pub(crate) trait PageSink {
    fn take(&mut self, offset: u64, data: &[u8]);
}

impl<D: Digest> PageSink for PageHashes<D> {
    fn take(&mut self, mut offset: u64, mut data: &[u8]) {
        while let (false, Some(span)) = (data.is_empty(), self.spans.get(self.current)) {
            let before = slice_len(span.range.start.saturating_sub(offset)).min(data.len());
            let (_, inside) = data.split_at(before);
            offset = offset.saturating_add(len_of(data).saturating_sub(len_of(inside)));
            data = inside;
            if data.is_empty() {
                break;
            }
            let page = offset.saturating_sub(span.range.start).checked_div(self.page_len);
            let page = page.unwrap_or(0);
            let page_start = span.range.start.saturating_add(page.saturating_mul(self.page_len));
            let page_end = page_start.saturating_add(self.page_len).min(span.range.end);
            let entry = span.first_entry.saturating_add(page);
            let span_end = span.range.end;

            let now = slice_len(page_end.saturating_sub(offset)).min(data.len());
            let (now, later) = data.split_at(now);
            self.hasher.update(now);
            offset = offset.saturating_add(len_of(now));
            data = later;
            if offset == page_end {
                self.close_page(entry, page_end.saturating_sub(page_start));
            }
            if offset == span_end {
                self.current = self.current.saturating_add(1);
            }
        }
        self.position = offset.saturating_add(len_of(data));
    }
}

/// The longest page, all zeros.
static ZERO_PAGE: [u8; 8192] = [0; 8192];

/// Length of the offset before each digest.
const OFFSET_LEN: u64 = 4;

const FILE_ALIGNMENTS: core::ops::RangeInclusive<u32> = 512..=65_535;
const MAX_SECTION_ALIGNMENT: u32 = 4 << 20;

/// A stretch of the file that is cut into pages.
#[derive(Clone, Debug)]
struct Span {
    range: Range<u64>,
    /// Index of its first page in the table.
    first_entry: u64,
}

impl Span {
    fn new(range: Range<u64>) -> Self {
        Self { range, first_entry: 0 }
    }

    fn pages(&self, page_len: u64) -> u64 {
        self.range.end.saturating_sub(self.range.start).div_ceil(page_len)
    }
}

/// The page length is the processor's, not `SectionAlignment`: Microsoft's own tables for images with
/// another alignment say so.
const fn page_len(machine: u16) -> u64 {
    const ALPHA: u16 = 0x184;
    const ALPHA64: u16 = 0x284;
    const IA64: u16 = 0x200;
    match machine {
        ALPHA | ALPHA64 | IA64 => 8192,
        _ => 4096,
    }
}

/// The headers and the sections with data, in the order of the table.
fn spans(layout: &Layout, page_len: u64) -> Result<Vec<Span>, PageHashObstacle> {
    if !FILE_ALIGNMENTS.contains(&layout.file_alignment())
        || layout.section_alignment() > MAX_SECTION_ALIGNMENT
    {
        return Err(PageHashObstacle::Alignment);
    }
    let headers_len = u64::from(layout.size_of_headers());
    let holes_end = layout
        .certificate_directory()
        .map_or(layout.checksum_offset(), |entry| entry.entry_offset)
        .saturating_add(8);
    // Something hashed must follow the holes, or the first page would not be seen to end.
    if headers_len > page_len || headers_len < layout.headers_end() || headers_len <= holes_end {
        return Err(PageHashObstacle::Headers);
    }
    let sections: Vec<Span> = layout
        .sections()
        .iter()
        .map(|section| Span::new(section.raw_range()))
        .filter(|span| !span.range.is_empty())
        .collect();
    if sections.is_empty() {
        return Err(PageHashObstacle::NoSections);
    }
    if sections.iter().any(|span| span.range.end > layout.content_end()) {
        return Err(PageHashObstacle::SectionOutside);
    }
    let mut all = vec![Span::new(0..headers_len)];
    all.extend(sections);
    Ok(all)
}

fn write_offset(entry: Option<&mut [u8]>, offset: u64) {
    let offset = u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(to) = entry.and_then(|entry| entry.first_chunk_mut()) {
        *to = offset;
    }
}
