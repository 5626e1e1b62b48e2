//! Signing where the key is and the file is not: what is carried there, and what comes back.

use std::path::Path;

use chancery_authenticode::{DigestFile, PreparedSignature, SignatureSet, Subject};
use chancery_key::hazmat::DigestSigner;
use chancery_key::{DigestAlgorithm, SignatureScheme, SigningKey};
use chancery_x509::{read_documents, to_pem};

use crate::rewriting::Rewriting;
use crate::signing::IfSigned;
use crate::writer::LeftOvers;
use crate::{Error, ErrorKind, PKCS7_LABEL, SignFileOptions, Signer, base64, read_small_file};

/// Measures a file and prepares its signature, for a key that is elsewhere.
///
/// Of the options, [`also`](SignFileOptions::also) has no meaning here: each signature is a step of its own.
///
/// # Errors
/// As [`sign_file`](crate::sign_file), but for those of keys and of writing.
pub fn prepare_file(
    path: &Path,
    signer: &Signer,
    options: &SignFileOptions,
) -> Result<DigestFile, Error> {
    let left_overs = LeftOvers::default();
    let mut file = Rewriting::open_finished(path, None, "prepare", options.strip, &left_overs)?;
    file.check_unlisted(options.force)?;
    file.check_embeddable()?;
    let mut signature = options.signature.clone();
    if file.is_signed() {
        match options.if_signed {
            IfSigned::Replace => {}
            IfSigned::Append if file.subject.layout().is_efi() => {}
            IfSigned::Append => {
                let earlier = SignatureSet::read(&file.embedded);
                let count = earlier.and_then(|earlier| earlier.nested_in_primary());
                let count = count.map_err(|error| file.failed(error))?;
                signature.sequence_number = u32::try_from(count.saturating_add(1)).ok();
            }
            IfSigned::Refuse | IfSigned::Skip => {
                let message = format!("{} is signed already", path.display());
                return Err(Error::new(ErrorKind::AlreadySigned, message));
            }
        }
    }
    let measured = file.subject.measure(&signature.request(), &mut |_| Ok(()));
    let measurement = measured.map_err(|error| file.failed(error))?;
    let certificates = signer.certificates_to_embed();
    let prepared = PreparedSignature::new(&file.subject, &measurement, &certificates, &signature);
    let prepared = prepared.map_err(|error| file.failed(error))?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let len = file.subject.layout().file_len();
    Ok(DigestFile::new(file.subject.format(), &name, len, prepared))
}

/// What was carried to the key.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "who signs must handle each")]
pub enum ToBeSigned {
    /// A file of ours, or SignTool's `.p7u`: it says what it is.
    Prepared(Box<PreparedSignature>),
    /// A hash and nothing else: SignTool's `.dig`.
    Digest(Vec<u8>),
}

/// Reads what was carried to the key: a digest file, a `.p7u` or a `.dig`, in DER, PEM or Base64.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Malformed`] where it is none of them.
pub fn read_to_be_signed(path: &Path) -> Result<ToBeSigned, Error> {
    let bytes = read_small_file(path)?;
    to_be_signed(&bytes).map_err(|error| Error::malformed(path, error))
}

fn to_be_signed(bytes: &[u8]) -> Result<ToBeSigned, chancery_authenticode::Error> {
    let documents = read_documents(bytes).unwrap_or_default();
    if let [document] = documents.as_slice() {
        if document.label.as_deref() == Some(DigestFile::LABEL) {
            let file = DigestFile::from_der(&document.der)?;
            return Ok(ToBeSigned::Prepared(Box::new(file.prepared)));
        }
        if document.label.is_some() {
            let prepared = PreparedSignature::from_content_info(&document.der)?;
            return Ok(ToBeSigned::Prepared(Box::new(prepared)));
        }
    }
    let decoded = base64::decode(bytes);
    let der = decoded.as_deref().unwrap_or(bytes);
    if digest_of_len(der.len()).is_some() {
        return Ok(ToBeSigned::Digest(der.to_vec()));
    }
    if let Ok(file) = DigestFile::from_der(der) {
        return Ok(ToBeSigned::Prepared(Box::new(file.prepared)));
    }
    PreparedSignature::from_content_info(der).map(|one| ToBeSigned::Prepared(Box::new(one)))
}

/// Signs what was prepared, and returns the complete signature in PEM. `name` is what errors call the key.
///
/// # Errors
/// [`ErrorKind::CertificateMismatch`] where it was prepared for another key; [`ErrorKind::Key`].
pub fn sign_prepared(
    prepared: &PreparedSignature,
    key: &dyn SigningKey,
    name: &str,
) -> Result<String, Error> {
    let key = chancery_sigverify::Verified::new(key).with_name(name);
    let der = prepared
        .sign_with(&key)
        .map_err(|error| Error::of_subject("sign", Path::new("what was prepared"), error))?;
    Ok(to_pem(PKCS7_LABEL, &der))
}

/// Signs a bare hash as SignTool's `/ds` does, and returns the signature in Base64: the scheme is PKCS#1 v1.5 or
/// ECDSA with the hash of this length. `name` is what errors call the key.
///
/// Whoever gave the hash decides what is signed; nothing here can tell.
///
/// # Errors
/// [`ErrorKind::Malformed`] for a length no hash has, [`ErrorKind::Key`].
pub fn sign_bare_digest(
    digest: &[u8],
    key: &dyn DigestSigner,
    name: &str,
) -> Result<String, Error> {
    let algorithm = key.public_key().algorithm();
    let hash = digest_of_len(digest.len());
    let scheme = hash
        .and_then(|hash| SignatureScheme::conventional(algorithm, hash))
        .filter(|scheme| scheme.signs_digests());
    let scheme = scheme.ok_or_else(|| {
        let message =
            format!("{} bytes are no digest that a key of {algorithm} signs", digest.len());
        Error::new(ErrorKind::Malformed, message)
    })?;
    let signature = key.sign_digest(scheme, digest)?;
    // A faulty device must not give a bad signature away.
    chancery_sigverify::verify_digest(key.public_key(), scheme, digest, signature.as_bytes())
        .map_err(|error| {
            Error::new(
                ErrorKind::Key(chancery_key::KeyErrorKind::Device),
                format!("key `{name}` gave back something that is no {scheme} signature by it"),
            )
            .with_source(error)
        })?;
    Ok(base64::encode(signature.as_bytes()))
}

/// Completes what was prepared by a signature value that came back: raw, or in Base64, as `openssl pkeyutl -sign` or
/// SignTool's `/ds` write it. Returns the DER of the complete signature.
///
/// # Errors
/// [`ErrorKind::ForeignSignature`] where the signer's key did not make it over this.
pub fn complete_prepared(prepared: &PreparedSignature, value: &[u8]) -> Result<Vec<u8>, Error> {
    let decoded = base64::decode(value);
    let forms = std::iter::once(value).chain(decoded.as_deref());
    let mut last = None;
    for form in forms {
        match prepared.complete(form) {
            Ok(der) => return Ok(der),
            Err(error) => last = Some(error),
        }
    }
    let error = Error::new(
        ErrorKind::ForeignSignature,
        "the signature does not belong to what was prepared",
    );
    Err(match last {
        Some(cause) => error.with_source(cause),
        None => error,
    })
}

/// Returns the text of SignTool's `.dig`: the hash that is to be signed, in Base64.
#[must_use]
pub fn dig_text(prepared: &PreparedSignature) -> String {
    base64::encode(&prepared.message_digest())
}

fn digest_of_len(len: usize) -> Option<DigestAlgorithm> {
    DigestAlgorithm::ALL.into_iter().find(|algorithm| algorithm.output_len() == len)
}
