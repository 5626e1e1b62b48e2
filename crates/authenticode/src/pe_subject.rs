//! PE executables as subjects.

use std::io;

use chancery_key::DigestAlgorithm;
use chancery_pe::{
    BaseDigest, CertificateTable, ChecksumState, Layout, PageHashes, Pass, Patch, Removal,
    RemovedChecksum, Sink, Source, TYPE_PKCS_SIGNED_DATA,
};
use chancery_sigverify::Hasher;
use sha1::Sha1;
use sha2::Sha256;

use crate::subject::{Embedded, Measurement, Request, Signature, Subject};
use crate::{Check, Error, Reason, spc};

/// How much is read at once: large enough that calls cost nothing, small enough for the cache.
const BUFFER_LEN: usize = 64 * 1024;

/// A PE executable that can be read at any offset.
#[derive(Debug)]
pub struct PeSubject<S> {
    source: S,
    layout: Layout,
    removed_checksum: RemovedChecksum,
    measured: Option<Measured>,
}

/// What a patch needs to know of the bytes it is for.
#[derive(Debug)]
struct Measured {
    base: BaseDigest,
    checksum: ChecksumState,
    /// How signatures are taken out.
    removal: Removal,
}

/// A hash function chosen at run time, as a sink of the pass.
struct HashSink {
    hasher: Hasher,
    /// Bytes of the file still to come; what follows them is the padding that signing adds.
    left: u64,
    /// The state before the padding.
    unpadded: Option<Hasher>,
}

impl HashSink {
    fn new(algorithm: DigestAlgorithm, layout: &Layout) -> Self {
        let ranges = layout.flat_ranges();
        let left = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        Self { hasher: Hasher::new(algorithm), left, unpadded: None }
    }
}

impl Sink for HashSink {
    fn update(&mut self, data: &[u8]) {
        if self.left == 0 && !data.is_empty() {
            self.unpadded = Some(self.hasher.clone());
        }
        self.left = self.left.saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX));
        self.hasher.update(data);
    }
}

impl<S: Source> PeSubject<S> {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Error::Pe`] where it is no PE executable, or one whose headers point outside it.
    pub fn parse(mut source: S) -> Result<Self, Error> {
        let layout = Layout::parse(&mut source)?;
        Ok(Self { source, layout, removed_checksum: RemovedChecksum::default(), measured: None })
    }

    /// Says what becomes of the checksum where the signatures are taken out and none come in.
    ///
    /// To be said before the subject is measured.
    pub const fn set_removed_checksum(&mut self, checksum: RemovedChecksum) {
        self.removed_checksum = checksum;
    }

    /// Returns the layout.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Hashes the file section by section, where that covers other bytes than its order does. The ranges are
    /// never longer than the file together, whatever its headers say.
    fn section_order(
        &mut self,
        digests: &[DigestAlgorithm],
    ) -> Result<Vec<(DigestAlgorithm, Vec<u8>)>, Error> {
        if self.layout.readings_agree() {
            return Ok(Vec::new());
        }
        let Some(ranges) = self.layout.section_order_ranges() else { return Ok(Vec::new()) };
        let mut hashers: Vec<_> = digests.iter().map(|digest| Hasher::new(*digest)).collect();
        let mut buffer = vec![0; BUFFER_LEN];
        for range in ranges {
            let mut offset = range.start;
            while offset < range.end {
                let left = range.end.saturating_sub(offset);
                let take =
                    usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
                let chunk = buffer.get_mut(..take).unwrap_or_default();
                self.source.read_exact_at(offset, chunk).map_err(chancery_pe::Error::Source)?;
                hashers.iter_mut().for_each(|hasher| hasher.update(chunk));
                offset = offset.saturating_add(u64::try_from(take).unwrap_or(left));
            }
        }
        let finished = hashers.into_iter().map(|hasher| (hasher.algorithm(), hasher.finish()));
        Ok(finished.collect())
    }

    /// Returns where the bytes come from.
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// Returns where the bytes come from, to read others of them.
    pub const fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Reads the same bytes from elsewhere from now on, as from a copy.
    ///
    /// The headers are not read again: what is given is taken for the file that was parsed.
    pub fn set_source(&mut self, source: S) {
        self.source = source;
    }

    /// Gives the source back.
    pub fn into_source(self) -> S {
        self.source
    }
}

impl<S: Source> Subject for PeSubject<S> {
    fn format(&self) -> &'static str {
        "pe"
    }

    fn embedded(&mut self) -> Result<Embedded, Error> {
        let mut embedded = Embedded::default();
        match self.layout.certificate_table() {
            CertificateTable::NoSlot | CertificateTable::Absent => return Ok(embedded),
            CertificateTable::Present(_) => {}
            CertificateTable::Malformed { reason, .. } => {
                embedded.reasons.push(named(reason.name()));
            }
        }
        let table = self.layout.read_table(&mut self.source)?;
        let table_offset = self.layout.table_range().map_or(0, |range| range.start);
        let (entries, findings) = chancery_pe::certificates(&table);
        embedded.reasons.extend(findings.iter().map(|finding| named(finding.name())));
        let signed = entries.iter().filter(|entry| entry.certificate_type == TYPE_PKCS_SIGNED_DATA);
        embedded.signatures.extend(signed.map(|entry| {
            Signature {
                bytes: entry.body.to_vec(),
                offset: table_offset
                    .saturating_add(entry.offset)
                    .saturating_add(chancery_pe::CERTIFICATE_HEADER_LEN),
            }
        }));
        // UEFI programs carry one entry a signature; Windows reads the first alone.
        if entries.len() > 1 && !self.layout.is_efi() {
            embedded.reasons.push(Reason::new(Check::SeveralEntries));
        }
        Ok(embedded)
    }

    fn measure(
        &mut self,
        request: &Request,
        tee: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Measurement, Error> {
        let mut hashes: Vec<HashSink> =
            request.digests.iter().map(|digest| HashSink::new(*digest, &self.layout)).collect();
        let mut pages_v1 = wants(request, DigestAlgorithm::Sha1)
            .then(|| PageHashes::<Sha1>::new(&self.layout).ok())
            .flatten();
        let mut pages_v2 = wants(request, DigestAlgorithm::Sha256)
            .then(|| PageHashes::<Sha256>::new(&self.layout).ok())
            .flatten();
        let mut pass = Pass::new(&self.layout);
        for hash in &mut hashes {
            pass = pass.hash_into(hash);
        }
        if let Some(pages) = &mut pages_v1 {
            pass = pass.page_hashes_into(pages);
        }
        if let Some(pages) = &mut pages_v2 {
            pass = pass.page_hashes_into(pages);
        }

        let mut left = self.layout.file_len();
        let mut offset = 0_u64;
        let mut buffer = vec![0; BUFFER_LEN.min(usize::try_from(left).unwrap_or(BUFFER_LEN))];
        while left > 0 {
            let take = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let chunk = buffer.get_mut(..take).unwrap_or_default();
            self.source.read_exact_at(offset, chunk).map_err(chancery_pe::Error::Source)?;
            tee(chunk).map_err(Error::Copy)?;
            pass.update(chunk)?;
            let len = u64::try_from(take).unwrap_or(left);
            offset = offset.saturating_add(len);
            left = left.saturating_sub(len);
        }
        let outcome = pass.finish()?;
        let padding = self.layout.signer_padding(&mut self.source)?;
        let removal = Removal::default().with_padding(padding).with_checksum(self.removed_checksum);

        let finish = |hasher: Hasher| (hasher.algorithm(), hasher.finish());
        let unpadded =
            hashes.iter_mut().filter_map(|hash| hash.unpadded.take()).map(finish).collect();
        let digests: Vec<_> = hashes.into_iter().map(|hash| finish(hash.hasher)).collect();
        let v1 = pages_v1.and_then(|pages| pages.into_table().ok());
        let v2 = pages_v2.and_then(|pages| pages.into_table().ok());
        let page_hashes = v1
            .map(|table| (DigestAlgorithm::Sha1, table))
            .into_iter()
            .chain(v2.map(|table| (DigestAlgorithm::Sha256, table)))
            .collect();
        let section_order = self.section_order(&request.digests)?;
        self.measured = digests.last().map(|(algorithm, digest)| Measured {
            base: BaseDigest::new(algorithm.name(), digest.clone()),
            checksum: outcome.checksum,
            removal,
        });
        Ok(Measurement {
            digests,
            unpadded,
            page_hashes,
            readings_agree: self.layout.readings_agree(),
            section_order,
        })
    }

    fn spc_data(
        &self,
        measurement: &Measurement,
        page_hashes: Option<DigestAlgorithm>,
    ) -> Result<Vec<u8>, Error> {
        let Some(algorithm) = page_hashes else { return spc::pe_image_data(None) };
        let Some(table) = measurement.page_hashes(algorithm) else {
            // Either nobody asked for them, or the layout says why there are none.
            PageHashes::<Sha256>::new(&self.layout)?;
            return Err(Error::NotMeasured);
        };
        spc::pe_image_data(Some((algorithm, table)))
    }

    fn replace(&self, signatures: &[&[u8]]) -> Result<Patch, Error> {
        let measured = self.measured.as_ref().ok_or(Error::NotMeasured)?;
        let edits = if signatures.is_empty() {
            self.layout.remove(&measured.checksum, &measured.removal)
        } else {
            self.layout.embed(signatures, &measured.checksum)
        }
        .map_err(Error::Embed)?;
        // The layout's own edits are sorted, apart from each other and inside the file.
        Patch::new(self.layout.file_len(), measured.base.clone(), edits).map_err(Error::Patch)
    }
}

/// Finds what a fault of the certificate table is called here: the same.
fn named(fault: &str) -> Reason {
    Reason::new(Check::named(fault).unwrap_or(Check::UnreadableTable))
}

fn wants(request: &Request, algorithm: DigestAlgorithm) -> bool {
    request.page_hashes.contains(&algorithm)
}
