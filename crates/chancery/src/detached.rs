//! Signatures outside of files: taken out as they are, and attached where they belong.

use std::path::{Path, PathBuf};

use chancery_authenticode::{
    Embedded, PageHashStatus, SignatureSet, Subject, TrustAnchors, Verifier, requested_measurement,
};
use chancery_cms::{SignedData, wrap_signed_data};
use chancery_x509::{Time, read_documents};

use crate::batch::Stages;
use crate::rewriting::Rewriting;
use crate::signing::{IfSigned, holds};
use crate::verifying::open_subject;
use crate::{Error, ErrorKind, read_small_file};

/// The label of a signature in PEM (RFC 7468 section 8).
pub const PKCS7_LABEL: &str = "PKCS7";

/// Takes one signature out of a file as it stands: the DER `ContentInfo`, with what is nested in it and
/// without padding. The file stays as it is.
///
/// # Errors
/// [`ErrorKind::NoSuchSignature`], [`ErrorKind::Malformed`], [`ErrorKind::Io`].
pub fn extract_signature(path: &Path, index: usize) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::of_subject("take a signature out of", path, error);
    let mut subject = open_subject(path, "take a signature out of")?;
    let embedded = subject.embedded().map_err(failed)?;
    SignatureSet::read(&embedded).and_then(|set| set.get(index)).map_err(failed)
}

/// Reads a detached signature: a `ContentInfo` in DER, in PEM, or in Base64 alone. One that lacks the wrapper, a bare
/// SignedData, gets it.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Malformed`] where it is none.
pub fn read_signature(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = read_small_file(path)?;
    let malformed = |error: chancery_cms::Error| Error::malformed(path, error);
    let der = match read_documents(&bytes) {
        Ok(documents) if documents.len() == 1 => {
            documents.into_iter().next().map(|document| document.der).unwrap_or_default()
        }
        _ => crate::base64::decode(&bytes).unwrap_or(bytes),
    };
    match SignedData::from_der(&der) {
        Ok(_) => Ok(der),
        Err(error) => wrap_signed_data(&der).map_err(|_| malformed(error)),
    }
}

/// How a signature is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachOptions {
    /// What to do with earlier signatures. [`IfSigned::Skip`] leaves a file alone that has this very one.
    pub if_signed: IfSigned,
    /// Where the signed file goes; in the place of the original where there is none.
    pub output: Option<PathBuf>,
    /// Drop what follows the certificate table.
    pub strip: bool,
}

/// What became of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attached {
    /// Where the signed file is.
    pub output: PathBuf,
    /// Whether anything was written.
    pub written: bool,
}

/// Attaches a detached signature to the file it was made for.
///
/// That it was is checked first: the digest in it, and any page hashes, are those of the file, and the
/// signature itself verifies. Who made it is for [`verify_file`](crate::verify_file) to judge.
///
/// # Errors
/// [`ErrorKind::ForeignSignature`] where it is not of this file or does not verify; [`ErrorKind::AlreadySigned`],
/// and whatever else keeps [`sign_file`](crate::sign_file) from changing it.
pub fn attach_signature(
    path: &Path,
    signature: &[u8],
    now: Time,
    options: &AttachOptions,
) -> Result<Attached, Error> {
    let stages = Stages::alone();
    let (file, _) = Rewriting::open_mended(
        path,
        options.output.as_deref(),
        "attach to",
        options.strip,
        false,
        stages.left_overs(),
    )?;
    file.check_unlisted(false)?;
    file.check_embeddable()?;
    let mut set = SignatureSet::default();
    if file.is_signed() {
        let earlier = SignatureSet::read(&file.embedded).map_err(|error| file.failed(error))?;
        let has =
            (0..earlier.len()).any(|index| earlier.get(index).is_ok_and(|one| one == signature));
        match options.if_signed {
            IfSigned::Replace => {}
            IfSigned::Append => set = earlier,
            IfSigned::Skip if has => {
                return Ok(Attached { output: path.to_owned(), written: false });
            }
            IfSigned::Skip | IfSigned::Refuse => {
                return Err(Error::new(
                    ErrorKind::AlreadySigned,
                    format!("{} is signed already", path.display()),
                ));
            }
        }
    }
    let detached = Embedded::of(signature.to_vec());
    let request = file.request_with_embedded(&requested_measurement(&detached));
    let file = file.measure(&request, &stages)?;
    let report = Verifier::new(TrustAnchors::none(), now).verify(&detached, &file.measurement);
    let foreign = report.signatures.iter().find(|one| !holds(one));
    if let Some(one) = foreign {
        let why = if !one.digest_matches || one.page_hashes == PageHashStatus::Mismatch {
            "the signature is of another file"
        } else {
            "the signature does not hold"
        };
        let names: Vec<_> = one.reasons.iter().map(|reason| reason.name()).collect();
        return Err(Error::new(
            ErrorKind::ForeignSignature,
            format!("{}: {why} ({})", path.display(), names.join(", ")),
        ));
    }
    let as_entry = file.subject().layout().is_efi();
    set.append(signature, as_entry).map_err(|error| file.failed(error))?;
    let count = set.len();
    let placed = file.replace(&set.entries(), false, now, &stages, |after| {
        after.signatures.len() == count && after.signatures.iter().any(holds)
    })?;
    Ok(Attached { output: placed.output, written: true })
}
