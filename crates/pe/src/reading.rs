//! Which bytes a digest covers: the flat reading and the section-order reading.

use alloc::vec::Vec;
use core::ops::Range;

use crate::layout::Layout;

impl Layout {
    /// Returns the ranges of the file that the Authenticode digest covers, in order: everything but
    /// the checksum, the certificate directory entry and the certificate table.
    ///
    /// Of a file without a certificate table the digest further covers zeros up to a multiple of
    /// eight, as a signer will put them there.
    ///
    /// Without a certificate directory there is no hole for its entry. A malformed table is left out
    /// as far as it is in the file and behind the headers; data after a table is covered.
    #[must_use]
    pub fn flat_ranges(&self) -> Vec<Range<u64>> {
        let mut start = 0;
        self.regions()
            .into_iter()
            .filter_map(|region| {
                let range = start..region.end;
                start = region.end;
                (region.kind == RegionKind::Hashed && !range.is_empty()).then_some(range)
            })
            .collect()
    }

    /// Returns the ranges that the section-order reading covers, in its order: headers up to
    /// `SizeOfHeaders`, the sections by their place in the file, and what comes after them by count
    /// (Windows Authenticode Portable Executable Signature Format, "Calculating the PE Image Hash").
    /// UEFI firmware reads files so.
    ///
    /// None where that reading makes no sense: headers that end before what they must leave out,
    /// sections outside the file, or sections that overlap so much that there would be more bytes to
    /// hash than the file has.
    #[must_use]
    pub fn section_order_ranges(&self) -> Option<Vec<Range<u64>>> {
        let headers_end = u64::from(self.size_of_headers());
        let mut ranges = Vec::new();
        let mut start = 0;
        for hole in self.header_holes() {
            ranges.push(start..hole.start);
            start = hole.end;
        }
        if headers_end < start || headers_end > self.file_len() {
            return None;
        }
        ranges.push(start..headers_end);

        let mut covered = headers_end;
        let mut sections: Vec<_> =
            self.sections().iter().map(|s| s.raw_range()).filter(|raw| !raw.is_empty()).collect();
        sections.sort_by_key(|raw| raw.start);
        for raw in sections {
            covered = covered.checked_add(raw.end.saturating_sub(raw.start))?;
            if raw.end > self.file_len() || covered > self.file_len() {
                return None;
            }
            ranges.push(raw);
        }

        let table_len = self.table_range().map_or(0, |table| table.end.saturating_sub(table.start));
        let tail = covered..self.file_len().saturating_sub(table_len);
        if tail.end < tail.start && covered < self.file_len() {
            return None;
        }
        ranges.push(tail);
        ranges.retain(|range| !range.is_empty());
        Some(ranges)
    }

    /// Tells whether both readings cover the same bytes in the same order, and so give one digest.
    ///
    /// False as well where the section-order reading makes no sense.
    #[must_use]
    pub fn readings_agree(&self) -> bool {
        self.section_order_ranges()
            .is_some_and(|sections| joined(sections) == joined(self.flat_ranges()))
    }

    /// Returns how the file falls into regions, without a gap and up to its end.
    pub(crate) fn regions(&self) -> Vec<Region> {
        let mut regions = Vec::new();
        let mut kinds = [RegionKind::Checksum, RegionKind::Entry].into_iter();
        for hole in self.header_holes() {
            regions.push(Region { end: hole.start, kind: RegionKind::Hashed });
            if let Some(kind) = kinds.next() {
                regions.push(Region { end: hole.end, kind });
            }
        }
        if let Some(table) = self.table_range() {
            regions.push(Region { end: table.start, kind: RegionKind::Hashed });
            regions.push(Region { end: table.end, kind: RegionKind::Table });
        }
        regions.push(Region { end: self.file_len(), kind: RegionKind::Hashed });
        regions
    }

    /// Returns the end of what a new certificate table would follow: the old table, or the file.
    pub(crate) fn content_end(&self) -> u64 {
        self.table_range().map_or(self.file_len(), |table| table.start)
    }

    /// Returns the checksum field and, if there is one, the certificate directory entry.
    fn header_holes(&self) -> impl Iterator<Item = Range<u64>> {
        let checksum = self.checksum_offset();
        let entry = self
            .certificate_directory()
            .map(|entry| entry.entry_offset..entry.entry_offset.saturating_add(8));
        core::iter::once(checksum..checksum.saturating_add(4)).chain(entry)
    }
}

/// A stretch of the file that ends at `end` and begins where the one before it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) end: u64,
    pub(crate) kind: RegionKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegionKind {
    Hashed,
    Checksum,
    Entry,
    Table,
}

/// Joins ranges that touch.
fn joined(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => all.push(range),
        }
    }
    all
}
