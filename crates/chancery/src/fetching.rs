//! Missing certificates and revocation lists, from where the certificates at hand say they are.

#[cfg(feature = "http")]
mod http;

use core::fmt;
use std::collections::HashSet;
use std::path::Path;

use chancery_chain::{
    Crl, MAX_PATH_LEN, Outcome, Policy, Reason, Revocation, Status, TrustAnchors, crl_locations,
    issuer_locations, validate,
};
use chancery_cms::SignedData;
use chancery_x509::{Certificate, read_certificates, read_documents};

use crate::inspect_file;

#[cfg(feature = "http")]
pub use http::{HttpFetch, HttpLimits};

/// The most locations asked for the sake of one leaf.
pub const MAX_FETCHES_PER_LEAF: usize = 16;

/// The most bytes taken by one [`Gatherer`], over all locations.
pub const MAX_FETCHED_BYTES: usize = 64 << 20;

/// The most certificates taken from one location.
const MAX_CERTIFICATES_PER_LOCATION: usize = 64;

/// Gets what a URL leads to, within limits of its own.
pub trait Fetch: fmt::Debug {
    /// Gets the contents.
    ///
    /// # Errors
    /// [`FetchError`] with why there are none.
    fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError>;
}

/// Why a location gave nothing of use.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// Its scheme is none that is followed.
    Scheme,
    /// The server answered with another status than success.
    Status(u16),
    /// The answer is longer than this many bytes.
    TooLong(u64),
    /// It took too long.
    Timeout,
    /// It leads from one place to the next.
    Redirects,
    /// Nobody could be asked, or the answer broke off.
    Connection(Box<dyn core::error::Error + Send + Sync>),
    /// What is there is no certificate, or no revocation list.
    Contents(chancery_x509::Error),
    /// The limits for one leaf or for all are reached.
    Limit,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("only http: and https: are followed"),
            Self::Status(status) => write!(f, "the server answered with status {status}"),
            Self::TooLong(limit) => write!(f, "the answer is longer than {limit} bytes"),
            Self::Timeout => f.write_str("the server did not answer in time"),
            Self::Redirects => f.write_str("the server leads from one place to the next"),
            Self::Connection(_) => f.write_str("the server cannot be asked"),
            Self::Contents(_) => f.write_str("the answer is not what should be there"),
            Self::Limit => f.write_str("not asked: enough was fetched already"),
        }
    }
}

impl core::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Connection(error) => Some(&**error),
            Self::Contents(error) => Some(error),
            _ => None,
        }
    }
}

/// A location that was asked.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fetched {
    /// Where.
    pub url: String,
    /// How many certificates and revocation lists it gave.
    pub result: Result<usize, FetchError>,
}

/// What is looked for at a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Issuer,
    List,
}

/// Fetches evidence for one leaf after the other, and asks no location twice.
///
/// What is fetched is a hint like all candidates: it is not trusted, and a list is evidence only where its
/// signature says so.
#[derive(Debug)]
pub struct Gatherer<F> {
    fetch: F,
    asked: HashSet<String>,
    bytes: usize,
    certificates: Vec<Certificate>,
    crls: Vec<Crl>,
    log: Vec<Fetched>,
}

impl<F: Fetch> Gatherer<F> {
    /// Fetches by these means.
    #[must_use]
    pub fn new(fetch: F) -> Self {
        Self {
            fetch,
            asked: HashSet::new(),
            bytes: 0,
            certificates: Vec::new(),
            crls: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Looks for a path and fetches what it lacks: issuers until it is complete, then the lists of all
    /// certificates of whose revocation nothing is known. Returns what then is to be said of it.
    pub fn gather(
        &mut self,
        leaf: &Certificate,
        candidates: &[Certificate],
        anchors: &TrustAnchors,
        crls: &[Crl],
        policy: &Policy,
    ) -> Outcome {
        let mut left = MAX_FETCHES_PER_LEAF;
        let mut rounds = MAX_PATH_LEN;
        loop {
            let candidates = [candidates, &self.certificates].concat();
            let crls = [crls, &self.crls].concat();
            let outcome = validate(leaf, &candidates, anchors, &crls, policy);
            let wanted: Vec<(Wanted, String)> = lacking(&outcome)
                .into_iter()
                .filter(|(_, url)| !self.asked.contains(url))
                .collect();
            if wanted.is_empty() || rounds == 0 {
                return outcome;
            }
            rounds = rounds.saturating_sub(1);
            for (kind, url) in wanted {
                self.ask(kind, url, &mut left);
            }
        }
    }

    /// Fetches what the paths of a file's signers lack. A file that cannot be read, or signatures in it, have
    /// none: that is for verifying to say.
    pub fn gather_for_file(
        &mut self,
        path: &Path,
        anchors: &TrustAnchors,
        crls: &[Crl],
        policy: &Policy,
    ) {
        let Ok(inspection) = inspect_file(path) else { return };
        for signature in inspection.signatures {
            let signer = signature.signer.and_then(|index| signature.certificates.get(index));
            if let Some(signer) = signer {
                self.gather(signer, &signature.certificates, anchors, crls, policy);
            }
        }
    }

    /// Returns the certificates fetched so far.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Returns the revocation lists fetched so far.
    #[must_use]
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// Returns the locations asked since the last call.
    pub fn take_log(&mut self) -> Vec<Fetched> {
        core::mem::take(&mut self.log)
    }

    fn ask(&mut self, wanted: Wanted, url: String, left: &mut usize) {
        if !self.asked.insert(url.clone()) {
            return;
        }
        let result = if *left == 0 || self.bytes >= MAX_FETCHED_BYTES {
            Err(FetchError::Limit)
        } else {
            *left = left.saturating_sub(1);
            self.fetch.fetch(&url).and_then(|bytes| self.take(wanted, &bytes))
        };
        self.log.push(Fetched { url, result });
    }

    fn take(&mut self, wanted: Wanted, bytes: &[u8]) -> Result<usize, FetchError> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        match wanted {
            Wanted::Issuer => {
                let mut found = certificates_in(bytes)?;
                found.truncate(MAX_CERTIFICATES_PER_LOCATION);
                let count = found.len();
                self.certificates.extend(found);
                Ok(count)
            }
            Wanted::List => {
                self.crls.push(list_in(bytes)?);
                Ok(1)
            }
        }
    }
}

/// Says what a path lacks and where that is said to be.
fn lacking(outcome: &Outcome) -> Vec<(Wanted, String)> {
    // A certificate of the issuer's name that did not sign may stand in for the one that did.
    let is_misled = outcome.findings.iter().any(|finding| finding.reason == Reason::BadSignature);
    if outcome.status == Status::Incomplete || is_misled {
        let last = outcome.path.last().map(issuer_locations).unwrap_or_default();
        return last.into_iter().map(|url| (Wanted::Issuer, url)).collect();
    }
    let unknown = outcome
        .path
        .iter()
        .zip(&outcome.revocation)
        .filter(|(_, known)| matches!(known, Revocation::Unknown(_)));
    unknown.flat_map(|(one, _)| crl_locations(one)).map(|url| (Wanted::List, url)).collect()
}

/// Reads a certificate or a bundle of them (RFC 5280 section 4.2.2.1), in DER or, as some serve it, in PEM.
fn certificates_in(bytes: &[u8]) -> Result<Vec<Certificate>, FetchError> {
    match SignedData::from_der(bytes) {
        Ok(bundle) => Ok(bundle.read_certificates().readable),
        Err(_) => read_certificates(bytes).map_err(FetchError::Contents),
    }
}

fn list_in(bytes: &[u8]) -> Result<Crl, FetchError> {
    let documents = read_documents(bytes).map_err(FetchError::Contents)?;
    let list = documents
        .iter()
        .find(|document| matches!(document.label.as_deref(), None | Some("X509 CRL")))
        .ok_or(FetchError::Contents(chancery_x509::Error::NoDocument {
            wanted: "revocation list",
        }))?;
    Crl::from_der(&list.der).map_err(FetchError::Contents)
}
