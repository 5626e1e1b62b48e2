//! The seam between Authenticode and the formats it signs.

use std::io;

use chancery_key::DigestAlgorithm;
use chancery_pe::Patch;

use crate::{Error, Reason};

/// What to compute while a subject is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The hashes to compute the file's digest with.
    pub digests: Vec<DigestAlgorithm>,
    /// The hashes to compute page hashes with, where the format has them: a file signed twice may have both.
    pub page_hashes: Vec<DigestAlgorithm>,
}

impl Request {
    /// Asks for digests, each once.
    #[must_use]
    pub fn digests(digests: impl IntoIterator<Item = DigestAlgorithm>) -> Self {
        let mut digests: Vec<_> = digests.into_iter().collect();
        digests.sort_unstable();
        digests.dedup();
        Self { digests, page_hashes: Vec::new() }
    }

    /// Asks for what either asks for.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut page_hashes = [self.page_hashes.as_slice(), &other.page_hashes].concat();
        page_hashes.sort_unstable();
        page_hashes.dedup();
        let digests = self.digests.iter().chain(&other.digests).copied();
        Self { page_hashes, ..Self::digests(digests) }
    }
}

/// What reading a subject once gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Measurement {
    /// The digests that a signature carries, one for each hash asked for.
    pub digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// The digests of the file as it stands, where signing would pad it: what other tools list as its
    /// authentihash. Empty where both are one.
    pub unpadded: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// The tables of page hashes that were asked for, weakest hash first; none where the file's layout allows
    /// none.
    pub page_hashes: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// Whether the other reading of which bytes count gives the same digests.
    pub readings_agree: bool,
    /// The digests by that other reading, where it is possible and gives others.
    pub section_order: Vec<(DigestAlgorithm, Vec<u8>)>,
}

impl Measurement {
    /// Returns the digests of the file as it stands.
    #[must_use]
    pub fn authentihash(&self) -> &[(DigestAlgorithm, Vec<u8>)] {
        if self.unpadded.is_empty() { &self.digests } else { &self.unpadded }
    }

    /// Returns the table of page hashes by one hash.
    #[must_use]
    pub fn page_hashes(&self, algorithm: DigestAlgorithm) -> Option<&[u8]> {
        let mut tables = self.page_hashes.iter();
        tables.find(|(has, _)| *has == algorithm).map(|(_, table)| table.as_slice())
    }

    /// Returns the digest by one hash.
    #[must_use]
    pub fn digest(&self, algorithm: DigestAlgorithm) -> Option<&[u8]> {
        self.digests.iter().find(|(has, _)| *has == algorithm).map(|(_, digest)| digest.as_slice())
    }
}

/// A signature as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// A DER `ContentInfo`, and whatever the format lets follow it.
    pub bytes: Vec<u8>,
    /// Where `bytes` begins in the file.
    pub offset: u64,
}

/// The signatures of a file, and what is odd about the place they are in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embedded {
    /// In the file's order.
    pub signatures: Vec<Signature>,
    /// What is odd about their place.
    pub reasons: Vec<Reason>,
}

impl Embedded {
    /// Takes a detached signature for one that is embedded, to judge it before it is.
    #[must_use]
    pub fn of(signature: Vec<u8>) -> Self {
        Self { signatures: vec![Signature { bytes: signature, offset: 0 }], reasons: Vec::new() }
    }
}

/// A file of some format that can carry Authenticode signatures.
///
/// An implementation parses in its constructor, reads the file once in [`measure`](Self::measure), and turns
/// signatures into a [`Patch`]; it never writes. Signing and verifying know nothing else of a format.
pub trait Subject {
    /// Returns the short lower-case name of the format, as in `pe`.
    fn format(&self) -> &'static str;

    /// Reads the signatures.
    ///
    /// # Errors
    /// Where the file cannot be read. A broken signature is no error: it is a reason in a report.
    fn embedded(&mut self) -> Result<Embedded, Error>;

    /// Reads the file once, from front to back, and computes everything together. Every chunk also goes
    /// to `tee`, in order, so that a copy costs no second reading.
    ///
    /// # Errors
    /// Where the file cannot be read or `tee` fails.
    fn measure(
        &mut self,
        request: &Request,
        tee: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Measurement, Error>;

    /// Returns the DER `SpcAttributeTypeAndOptionalValue` that says what is signed, with the page hashes of
    /// `measurement` by this hash in it, or with none.
    ///
    /// # Errors
    /// [`Error::NotMeasured`] where there are no such page hashes; what keeps the file from having any.
    fn spc_data(
        &self,
        measurement: &Measurement,
        page_hashes: Option<DigestAlgorithm>,
    ) -> Result<Vec<u8>, Error>;

    /// Makes the patch that puts these signatures in the place of all there are: none removes them.
    ///
    /// # Errors
    /// [`Error::NotMeasured`] before [`measure`](Self::measure); [`Error::Embed`] where the file cannot hold
    /// them.
    fn replace(&self, signatures: &[&[u8]]) -> Result<Patch, Error>;
}
