//! Taking signatures out of an executable, as edits.

use alloc::vec;
use alloc::vec::Vec;

use crate::checksum::ChecksumState;
use crate::embed::EmbedError;
use crate::error::Error;
use crate::field::{len_of, slice_len, u32_at};
use crate::layout::Layout;
use crate::patch::Edit;
use crate::source::Source;
use crate::table::CertificateTable;

/// Zeros before a certificate table that a signer put there, counted by
/// [`Layout::signer_padding`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignerPadding(u64);

impl SignerPadding {
    /// Returns their number, at most seven.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.0
    }

    /// Tells whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// How a file is left when its signatures are taken out. The default leaves the padding in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removal {
    /// The padding that goes too.
    pub padding: SignerPadding,
    /// What becomes of the checksum.
    pub checksum: RemovedChecksum,
}

impl Removal {
    /// Takes this padding out as well.
    #[must_use]
    pub const fn with_padding(mut self, padding: SignerPadding) -> Self {
        self.padding = padding;
        self
    }

    /// Leaves the checksum so.
    #[must_use]
    pub const fn with_checksum(mut self, checksum: RemovedChecksum) -> Self {
        self.checksum = checksum;
        self
    }
}

/// What becomes of the checksum when signatures are taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemovedChecksum {
    /// A checksum that is right for the signed file was written by the signer, and becomes the one that is
    /// right without signatures; any other, as zero, is older than the signature and stays.
    #[default]
    Restored,
    /// Zero, as most linkers leave it: whether it was zero before, a signed file does not tell.
    Zero,
}

impl Layout {
    /// Counts the zeros before the certificate table that are a signer's padding and nothing else.
    ///
    /// Signing fills a file up to a multiple of eight, and nothing in a signed file says how long it was.
    /// But where the headers account for every byte, by sections and the COFF symbol and string tables, and
    /// fewer than eight zeros follow, up to the table and a multiple of eight, then no header names these
    /// zeros and they are taken for padding. Where a file has other data behind its sections (an overlay), zeros
    /// at its end may be its own, and none are counted. Either way the digest is the same.
    ///
    /// # Errors
    /// [`Error::Source`].
    pub fn signer_padding(&self, source: &mut impl Source) -> Result<SignerPadding, Error> {
        let CertificateTable::Present(table) = self.certificate_table() else {
            return Ok(SignerPadding(0));
        };
        let Some(symbols_end) = self.symbols_end(source, table.start)? else {
            return Ok(SignerPadding(0));
        };
        let accounted = self.sections_end().max(self.size_of_headers().into()).max(symbols_end);
        let Some(len) = table.start.checked_sub(accounted).filter(|len| *len < 8) else {
            return Ok(SignerPadding(0));
        };
        let mut zeros = vec![0; slice_len(len)];
        source.read_exact_at(accounted, &mut zeros).map_err(Error::Source)?;
        Ok(SignerPadding(if zeros.iter().all(|byte| *byte == 0) { len } else { 0 }))
    }

    /// Writes the edits that take every signature out: the file ends where its table began, or before the
    /// padding.
    ///
    /// # Errors
    /// [`EmbedError::NotSigned`], [`EmbedError::ForeignPadding`], or what [`embed`](Self::embed) says of this
    /// file.
    pub fn remove(
        &self,
        checksum: &ChecksumState,
        removal: &Removal,
    ) -> Result<Vec<Edit>, EmbedError> {
        let entry_offset = self.writable_entry(checksum)?;
        if *self.certificate_table() == CertificateTable::Absent {
            return Err(EmbedError::NotSigned);
        }
        let end = self.content_end().saturating_sub(removal.padding.0);
        if end < self.sections_end() {
            return Err(EmbedError::ForeignPadding);
        }
        let new_checksum = match removal.checksum {
            RemovedChecksum::Zero => Some(0),
            RemovedChecksum::Restored => (checksum.value() == self.stored_checksum())
                .then(|| checksum.truncated(entry_offset, &[0; 8], end)),
        };
        let mut edits = Vec::new();
        if let Some(sum) = new_checksum {
            edits.push(Edit::overwrite(self.checksum_offset(), sum.to_le_bytes().to_vec()));
        }
        edits.push(Edit::overwrite(entry_offset, vec![0; 8]));
        edits.push(Edit::new(end..self.file_len(), Vec::new()));
        Ok(edits)
    }

    /// Returns the end of the COFF string table, which follows the symbols and begins with its own length
    /// (PE/COFF, "COFF String Table"); zero without symbols, none where they reach beyond `limit`.
    fn symbols_end(&self, source: &mut impl Source, limit: u64) -> Result<Option<u64>, Error> {
        let mut header = [0; 8];
        let at = self.pe_offset().saturating_add(12);
        source.read_exact_at(at, &mut header).map_err(Error::Source)?;
        let (Some(pointer), Some(count)) = (u32_at(&header, 0), u32_at(&header, 4)) else {
            return Ok(None);
        };
        if pointer == 0 {
            return Ok(Some(0));
        }
        let symbols = u64::from(count).saturating_mul(SYMBOL_LEN);
        let strings = u64::from(pointer).saturating_add(symbols);
        let mut own_len = [0; 4];
        if strings.saturating_add(len_of(&own_len)) > limit {
            return Ok(None);
        }
        source.read_exact_at(strings, &mut own_len).map_err(Error::Source)?;
        let end = strings.saturating_add(u64::from(u32::from_le_bytes(own_len)).max(4));
        Ok(Some(end).filter(|end| *end <= limit))
    }
}

/// Length of a COFF symbol.
const SYMBOL_LEN: u64 = 18;
