//! Signing files.

use std::path::{Path, PathBuf};

use chancery_authenticode::{
    Embedded, Measurement, PeSubject, Report, SignOptions, SignatureReport, Subject, TrustAnchors,
    Verifier, nest, nested_count, sign,
};
use chancery_key::DigestAlgorithm;
use chancery_pe::{BaseDigest, SeekSource};
use chancery_x509::{Identity, Time};

use crate::verifying::{open_subject, verify_subject};
use crate::writer::{Staged, Target};
use crate::{Error, ErrorKind};

/// What to do with a file that is signed already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IfSigned {
    /// Refuse it.
    #[default]
    Refuse,
    /// Put the new signature in the place of all there are.
    Replace,
    /// Keep the signatures and add one: nested in the first, or in EFI programs as an entry of its own.
    Append,
    /// Leave it alone where one of its signatures holds and is by this certificate; refuse it otherwise.
    Skip,
}

/// How to sign a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignFileOptions {
    /// The scheme and what the signature says.
    pub signature: SignOptions,
    /// What to do with earlier signatures.
    pub if_signed: IfSigned,
    /// Where the signed file goes; in the place of the original where there is none.
    pub output: Option<PathBuf>,
    /// Hash the written file once more, from the disk.
    pub reread: bool,
}

impl SignFileOptions {
    /// Signs in place, and refuses what is signed already.
    #[must_use]
    pub const fn new(signature: SignOptions) -> Self {
        Self { signature, if_signed: IfSigned::Refuse, output: None, reread: false }
    }
}

/// What became of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Signed {
    /// Whether anything was written.
    pub outcome: Outcome,
    /// Where the signed file is.
    pub output: PathBuf,
    /// The file's digest by the scheme's hash.
    pub digest: (DigestAlgorithm, Vec<u8>),
    /// What a person should know, by stable names.
    pub warnings: Vec<&'static str>,
}

/// Whether a file was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A signature was added.
    Signed,
    /// A signature by this certificate was there and holds.
    Skipped,
}

/// Signs a file: one pass over it computes the digest and writes the copy that becomes the signed file.
///
/// The new file is checked, from its headers to the signature, before it takes the place of the old one in
/// one step. Whatever goes wrong before that leaves the old one as it was.
///
/// # Errors
/// [`ErrorKind::AlreadySigned`], [`ErrorKind::Malformed`], [`ErrorKind::Unsupported`] for a file without a
/// place for signatures, [`ErrorKind::Key`], [`ErrorKind::Io`].
pub fn sign_file(
    path: &Path,
    identity: &Identity,
    now: Time,
    options: &SignFileOptions,
) -> Result<Signed, Error> {
    let failed = |error| Error::of_subject("sign", path, error);
    let mut subject = open_subject(path, "sign")?;
    let metadata = std::fs::metadata(path).map_err(|error| Error::io("read", path, error))?;
    let embedded = subject.embedded().map_err(failed)?;
    let output = options.output.as_deref().unwrap_or(path);
    if let Some(skipped) = decide(path, &mut subject, &embedded, identity, now, options)? {
        return Ok(skipped);
    }
    // A file without a place for signatures is refused before anything is copied or signed.
    check_place(&subject).map_err(failed)?;

    let digest = options.signature.scheme.digest();
    let mut staged = Staged::new(Target::resolve(output)?, metadata)?;
    let measurement = subject
        .measure(&options.signature.request(), &mut |chunk| staged.write(chunk))
        .map_err(|error| match error {
            chancery_authenticode::Error::Copy(error) => Error::io("write", output, error),
            error => failed(error),
        })?;
    let signatures =
        new_signatures(&subject, &embedded, &measurement, identity, options).map_err(failed)?;
    let blobs: Vec<&[u8]> = signatures.iter().map(Vec::as_slice).collect();
    let patch = subject.replace(&blobs).map_err(failed)?;
    let value = measurement.digest(digest).unwrap_or_default().to_vec();
    staged.apply(&patch, &BaseDigest::new(digest.name(), value.clone()))?;
    check_written(&staged, &measurement, identity, now, options)?;
    let target = staged.target().to_owned();
    staged.commit()?;

    let mut warnings = Vec::new();
    let certificate = identity.certificate();
    if !certificate.may_sign_code() {
        warnings.push("certificate-not-for-code-signing");
    }
    if !certificate.is_valid_at(now) {
        warnings.push("certificate-not-valid-now");
    }
    // One certificate alone is rarely a whole chain; from two on, only the root is missing, as it should be.
    if identity.chain().is_empty() && identity.root().is_none() {
        warnings.push("signer-certificate-alone");
    }
    // Windows hashes the flat file; only firmware goes by sections.
    if !measurement.readings_agree && subject.layout().is_efi() {
        warnings.push("section-order-digest-differs");
    }
    Ok(Signed { outcome: Outcome::Signed, output: target, digest: (digest, value), warnings })
}

/// Decides by the signatures there are; `Some` where nothing is left to do.
fn decide(
    path: &Path,
    subject: &mut dyn Subject,
    embedded: &Embedded,
    identity: &Identity,
    now: Time,
    options: &SignFileOptions,
) -> Result<Option<Signed>, Error> {
    if embedded.signatures.is_empty() {
        return Ok(None);
    }
    let refuse =
        |why: &str| Err(Error::new(ErrorKind::AlreadySigned, format!("{} {why}", path.display())));
    match options.if_signed {
        IfSigned::Replace | IfSigned::Append => Ok(None),
        IfSigned::Refuse => refuse("is signed already"),
        IfSigned::Skip => {
            let verifier = Verifier::new(TrustAnchors::none(), now);
            let report = verify_subject(subject, &verifier)
                .map_err(|error| Error::of_subject("verify", path, error))?;
            let ours = report.signatures.iter().any(|signature| {
                holds(signature) && signature.signer.as_ref() == Some(identity.certificate())
            });
            if !ours {
                return refuse("is signed already, not by this certificate");
            }
            let digest = options.signature.scheme.digest();
            let value = report.authentihash.iter().find(|(algorithm, _)| *algorithm == digest);
            let digest = value.or(report.authentihash.first()).cloned();
            Ok(Some(Signed {
                outcome: Outcome::Skipped,
                output: path.to_owned(),
                digest: digest.unwrap_or((DigestAlgorithm::Sha256, Vec::new())),
                warnings: Vec::new(),
            }))
        }
    }
}

/// Tries the patch before there is anything to put into it, for the errors that need no signature.
fn check_place(
    subject: &PeSubject<SeekSource<std::fs::File>>,
) -> Result<(), chancery_authenticode::Error> {
    subject.layout().check_embeddable().map_err(chancery_authenticode::Error::Embed)
}

/// Signs, and says which signatures the file shall carry.
fn new_signatures(
    subject: &PeSubject<SeekSource<std::fs::File>>,
    embedded: &Embedded,
    measurement: &Measurement,
    identity: &Identity,
    options: &SignFileOptions,
) -> Result<Vec<Vec<u8>>, chancery_authenticode::Error> {
    let appended = options.if_signed == IfSigned::Append;
    let Some(primary) = embedded.signatures.first().filter(|_| appended) else {
        return Ok(vec![sign(subject, measurement, identity, &options.signature)?]);
    };
    let mut earlier: Vec<Vec<u8>> = Vec::new();
    for signature in &embedded.signatures {
        earlier.push(chancery_x509::asn1::Tlv::parse_prefix(&signature.bytes)?.raw.to_vec());
    }
    if subject.layout().is_efi() {
        earlier.push(sign(subject, measurement, identity, &options.signature)?);
        return Ok(earlier);
    }
    let mut signature = options.signature.clone();
    signature.sequence_number = u32::try_from(nested_count(&primary.bytes)? + 1).ok();
    let nested = sign(subject, measurement, identity, &signature)?;
    let primary = nest(&primary.bytes, &nested)?;
    if let Some(first) = earlier.first_mut() {
        *first = primary;
    }
    Ok(earlier)
}

/// Checks the staged file as a stranger would: its layout, its table, and the signature just made against the
/// digest of the bytes that were written.
fn check_written(
    staged: &Staged,
    measurement: &Measurement,
    identity: &Identity,
    now: Time,
    options: &SignFileOptions,
) -> Result<(), Error> {
    let path = staged.target();
    let wrong = |error: chancery_authenticode::Error| {
        Error::new(ErrorKind::SelfCheck, format!("{} would not verify", path.display()))
            .with_source(error)
    };
    let source =
        SeekSource::new(staged.reopen()?).map_err(|error| Error::io("read back", path, error))?;
    let mut subject = PeSubject::parse(source).map_err(wrong)?;
    let verifier = Verifier::new(TrustAnchors::none(), now);
    let report: Report = if options.reread {
        verify_subject(&mut subject, &verifier).map_err(wrong)?
    } else {
        verifier.verify(&subject.embedded().map_err(wrong)?, measurement)
    };
    let new = report.signatures.iter().any(|signature| {
        holds(signature) && signature.signer.as_ref() == Some(identity.certificate())
    });
    let place_in_order = report
        .reasons
        .iter()
        .all(|reason| reason.severity() <= chancery_authenticode::Severity::Note);
    if new && place_in_order {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::SelfCheck, format!("{} would not verify", path.display())))
    }
}

fn holds(signature: &SignatureReport) -> bool {
    signature.digest_matches && signature.signature_valid
}
