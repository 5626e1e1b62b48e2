//! One pass over the bytes that computes everything.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use digest::{Digest, Output, Update};

use crate::checksum::ChecksumState;
use crate::error::Error;
use crate::field::{len_of, padding_to_8, slice_len};
use crate::layout::Layout;
use crate::page_hashes::{PageHashes, PageSink};
use crate::reading::{Region, RegionKind};
use crate::source::Source;

/// How much is read, and given to each hash function, at once: enough that calls cost nothing, and
/// small enough to stay in the cache from the first hash to the checksum.
const BUFFER_LEN: u64 = 256 << 10;

/// Something that takes bytes in order: every hash function of the `digest` traits, or a caller's own
/// type that chooses one at run time.
pub trait Sink {
    /// Takes the next bytes.
    fn update(&mut self, data: &[u8]);
}

impl<H: Update> Sink for H {
    fn update(&mut self, data: &[u8]) {
        Update::update(self, data);
    }
}

/// One pass over a file's bytes, in order: digests, page hashes and the checksum together.
///
/// The hash functions stay the caller's: lend them, feed the file, and finish them when the pass is
/// done.
///
/// ```
/// use chancery_pe::{Layout, Pass};
/// use sha2::{Digest, Sha256};
///
/// # let file = chancery_testkit::pe_maker::tiny_pe(&Default::default());
/// let layout = Layout::parse(&mut file.as_slice())?;
/// let mut sha256 = Sha256::new();
/// let mut sha1 = sha1::Sha1::new();
/// let mut pass = Pass::new(&layout).hash_into(&mut sha256).hash_into(&mut sha1);
/// for chunk in file.chunks(1000) {
///     pass.update(chunk)?;
/// }
/// let outcome = pass.finish()?;
/// assert_eq!(sha256.finalize(), chancery_pe::authentihash::<Sha256>(&mut file.as_slice())?);
/// println!("the checksum is {:#x}", outcome.checksum.value());
/// # Ok::<(), chancery_pe::Error>(())
/// ```
pub struct Pass<'a> {
    regions: Vec<Region>,
    current: usize,
    position: u64,
    file_len: u64,
    padding: u64,
    sinks: Vec<&'a mut dyn Sink>,
    pages: Vec<&'a mut dyn PageSink>,
    checksum: ChecksumState,
}

/// What a pass knows at its end beside what it fed to the caller's hash functions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The checksum, and what [`Layout::embed`] needs of it.
    pub checksum: ChecksumState,
}

impl<'a> Pass<'a> {
    /// Starts a pass over the file of this layout.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let file_len = layout.file_len();
        Self {
            regions: layout.regions(),
            current: 0,
            position: 0,
            file_len,
            padding: if layout.table_range().is_some() { 0 } else { padding_to_8(file_len) },
            sinks: Vec::new(),
            pages: Vec::new(),
            checksum: ChecksumState::new(layout.content_end(), file_len),
        }
    }

    /// Feeds the bytes of the Authenticode digest to a hash function; any number of them.
    #[must_use]
    pub fn hash_into(mut self, sink: &'a mut dyn Sink) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Fills a table of page hashes.
    #[must_use]
    pub fn page_hashes_into<D: Digest>(mut self, pages: &'a mut PageHashes<D>) -> Self {
        self.pages.push(pages);
        self
    }

    /// Leaves out the zeros that pad an unsigned file to a multiple of eight.
    ///
    /// The result is the hash that catalogues of malware give for a file as it stands. It is *not* the
    /// one a signature of this file will carry, unless the file's length is a multiple of eight.
    #[must_use]
    pub const fn without_padding(mut self) -> Self {
        self.padding = 0;
        self
    }

    /// Takes the next bytes of the file, in chunks of any length.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] for more bytes than the file has; none of them was taken.
    pub fn update(&mut self, mut data: &[u8]) -> Result<(), Error> {
        let fed = self.position.saturating_add(len_of(data));
        if fed > self.file_len {
            return Err(Error::LengthMismatch { expected: self.file_len, found: fed });
        }
        while let (false, Some(region)) = (data.is_empty(), self.regions.get(self.current)) {
            let left = region.end.saturating_sub(self.position).min(BUFFER_LEN);
            if left == 0 {
                self.current = self.current.saturating_add(1);
                continue;
            }
            let (now, later) = data.split_at(slice_len(left).min(data.len()));
            self.take(region.kind, now);
            data = later;
        }
        Ok(())
    }

    /// Ends the pass.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] for fewer bytes than the file has; the hash functions are then
    /// worth nothing.
    pub fn finish(self) -> Result<Outcome, Error> {
        if self.position != self.file_len {
            return Err(Error::LengthMismatch { expected: self.file_len, found: self.position });
        }
        let padding = ZEROS.get(..slice_len(self.padding)).unwrap_or(&ZEROS);
        if !padding.is_empty() {
            for sink in self.sinks {
                sink.update(padding);
            }
        }
        Ok(Outcome { checksum: self.checksum })
    }

    fn take(&mut self, kind: RegionKind, data: &[u8]) {
        let offset = self.position;
        self.position = offset.saturating_add(len_of(data));
        match kind {
            RegionKind::Hashed => {
                for sink in &mut self.sinks {
                    sink.update(data);
                }
                for pages in &mut self.pages {
                    pages.take(offset, data);
                }
                // Last, when the slow hashes have brought the bytes into the cache.
                self.checksum.add(offset, data);
            }
            RegionKind::Checksum => {}
            RegionKind::Entry => self.checksum.add_entry(offset, data),
            RegionKind::Table => self.checksum.add(offset, data),
        }
    }
}

impl fmt::Debug for Pass<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("position", &self.position)
            .field("file_len", &self.file_len)
            .field("hashes", &self.sinks.len())
            .finish_non_exhaustive()
    }
}

/// Computes the Authenticode digest of an executable: the value a signature of it carries.
///
/// # Errors
/// What [`Layout::parse`] and [`Layout::feed`] may say.
pub fn authentihash<D: Digest + Update>(source: &mut impl Source) -> Result<Output<D>, Error> {
    let layout = Layout::parse(source)?;
    let mut hash = D::new();
    let mut pass = Pass::new(&layout).hash_into(&mut hash);
    layout.feed(source, &mut pass)?;
    pass.finish()?;
    Ok(hash.finalize())
}

impl Layout {
    /// Reads the file once, through one bounded buffer, into a pass over it.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] when the file is no longer as long as it was; [`Error::Source`].
    pub fn feed(&self, source: &mut impl Source, pass: &mut Pass<'_>) -> Result<(), Error> {
        if source.len() != self.file_len() {
            return Err(Error::LengthMismatch { expected: self.file_len(), found: source.len() });
        }
        for_each_chunk(source, 0, self.file_len(), |chunk| pass.update(chunk))
    }

    /// Feeds the bytes of the section-order reading to a hash function, reading them apart.
    ///
    /// Returns false, having fed nothing, where that reading makes no sense. The padding of an
    /// unsigned file is fed as in [`Pass`]. Not needed where [`Layout::readings_agree`].
    ///
    /// # Errors
    /// [`Error::Source`].
    pub fn feed_section_order(
        &self,
        source: &mut impl Source,
        sink: &mut dyn Sink,
    ) -> Result<bool, Error> {
        let Some(ranges) = self.section_order_ranges() else {
            return Ok(false);
        };
        for range in ranges {
            for_each_chunk(source, range.start, range.end, |chunk| {
                sink.update(chunk);
                Ok(())
            })?;
        }
        if self.table_range().is_none() {
            let padding = slice_len(padding_to_8(self.file_len()));
            sink.update(ZEROS.get(..padding).unwrap_or(&ZEROS));
        }
        Ok(true)
    }
}

const ZEROS: [u8; 7] = [0; 7];

fn for_each_chunk(
    source: &mut impl Source,
    mut start: u64,
    end: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut buffer = vec![0; slice_len(end.saturating_sub(start).min(BUFFER_LEN))];
    while start < end {
        let len = slice_len(end.saturating_sub(start)).min(buffer.len());
        let Some(chunk) = buffer.get_mut(..len) else {
            break;
        };
        source.read_exact_at(start, chunk).map_err(Error::Source)?;
        take(chunk)?;
        start = start.saturating_add(len_of(chunk));
    }
    Ok(())
}
