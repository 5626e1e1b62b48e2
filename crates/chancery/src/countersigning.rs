//! Requests that somebody else than the requester signed too.

use std::path::Path;

use chancery_cms::{SignedData, SignedDataBuilder, oid, pki_data, requests_in_pki_data};
use chancery_key::{KeyErrorKind, SignatureScheme};
use chancery_x509::{CertificationRequest, Identity, UnverifiedRequest, asn1, read_documents};

use crate::{Error, ErrorKind, read_small_file};

/// The version of a SignedData over something else than data (RFC 5652 section 5.1).
const VERSION: u8 = 3;

/// A request as an authority gets it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SubmittedRequest {
    /// The request, by whose own signature the requester proves to have the key.
    pub request: CertificationRequest,
    /// The `ContentInfo` it came in, where it is signed by others too. Nobody verified it.
    pub countersigned: Option<Vec<u8>>,
}

/// Signs a PKCS#10 request in a file with another certificate, as `certreq -sign` does, and returns the `ContentInfo`
/// of a full PKI request (RFC 5272 section 3.2).
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Malformed`] where it is no request, or its own signature does not hold;
/// [`ErrorKind::Usage`] where it is signed by another already; [`ErrorKind::Key`].
pub fn countersign_request(path: &Path, identity: &Identity) -> Result<Vec<u8>, Error> {
    let submitted = read_submitted_request(path)?;
    if submitted.countersigned.is_some() {
        let text = format!("{} is signed by another certificate already", path.display());
        return Err(Error::new(ErrorKind::Usage, text));
    }
    let algorithm = identity.key().public_key().algorithm();
    let digest = SignatureScheme::conventional_digest(algorithm);
    let scheme = SignatureScheme::conventional(algorithm, digest).ok_or_else(|| {
        let text = format!("nothing here signs with a key of {algorithm}");
        Error::new(ErrorKind::Key(KeyErrorKind::UnsupportedScheme), text)
    })?;
    let failed = |error| match error {
        chancery_cms::Error::Key(error) => {
            Error::from(error).with_context(format!("cannot sign {}", path.display()))
        }
        other => Error::malformed(path, other),
    };
    let data = pki_data(submitted.request.as_der()).map_err(failed)?;
    let builder = SignedDataBuilder::new(oid::PKI_DATA, asn1::octet_string(&data));
    builder.and_then(|one| one.version(VERSION).sign(identity, scheme)).map_err(failed)
}

/// Reads a request: PKCS#10, or one in a full PKI request of CMC, in DER or PEM.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Malformed`] where it is neither, has several requests, or the requester did not
/// prove to have the key.
pub fn read_submitted_request(path: &Path) -> Result<SubmittedRequest, Error> {
    let bytes = read_small_file(path)?;
    let malformed = |error| Error::malformed(path, error);
    let documents = read_documents(&bytes).unwrap_or_default();
    let signed = documents.iter().find(|one| {
        SignedData::from_der(&one.der).is_ok_and(|read| read.content_type == oid::PKI_DATA)
    });
    let Some(document) = signed else {
        let request = UnverifiedRequest::from_file_contents(&bytes).map_err(malformed)?;
        let request = request.verify().map_err(malformed)?;
        return Ok(SubmittedRequest { request, countersigned: None });
    };
    let broken = |error| Error::malformed(path, error);
    let content = SignedData::from_der(&document.der).map_err(broken)?.content;
    let content = content.map(|tlv| tlv.contents).unwrap_or_default();
    let requests = requests_in_pki_data(content).map_err(broken)?;
    let [request] = requests.as_slice() else {
        let text =
            format!("{} has {} requests, where one is answered", path.display(), requests.len());
        return Err(Error::new(ErrorKind::Malformed, text));
    };
    let request = CertificationRequest::from_der(request).map_err(malformed)?;
    Ok(SubmittedRequest { request, countersigned: Some(document.der.clone()) })
}
