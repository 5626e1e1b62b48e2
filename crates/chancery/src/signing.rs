//! Signing files.

use std::path::{Path, PathBuf};

use chancery_authenticode::{
    Embedded, Measurement, Report, Request, Severity, SignOptions, SignatureReport, SignatureSet,
    TrustAnchors, Verifier, sign,
};
use chancery_key::{DigestAlgorithm, SchemeFamily};
use chancery_x509::{Certificate, Identity, Time};

use crate::audit::{AuditLog, AuditResult};
use crate::batch::Stages;
use crate::journal::{Look, Noted, Short, signatures_of};
use crate::resuming::take_up;
use crate::rewriting::{Measured, Placed, Rewriting};
use crate::stamping::{NewTimestamp, Stamping};
use crate::writer::mend_file;
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
    /// Signatures to append to that one in the same run, as for programs that old and new systems check.
    pub also: Vec<SignOptions>,
    /// What to do with earlier signatures.
    pub if_signed: IfSigned,
    /// Where the signed file goes; in the place of the original where there is none.
    pub output: Option<PathBuf>,
    /// Hash the written file once more, from the disk.
    pub reread: bool,
    /// Drop what follows the certificate table, which no signature could cover.
    pub strip: bool,
    /// Append even where an earlier signature does not hold.
    pub force: bool,
    /// Write into the file itself, without a copy beside it.
    pub in_place: bool,
    /// Leave files alone that have no signature by the certificate with this SHA-1 or SHA-256 thumbprint.
    pub signed_by: Option<Vec<u8>>,
    /// What a journal noted of the file before it changed: an earlier run may have signed it, and was killed before it
    /// could say so. Then a valid signature by this certificate is left alone, whatever else is to be done with signed
    /// files.
    pub resumed: Option<Noted>,
}

impl SignFileOptions {
    /// Signs in place, and refuses what is signed already.
    #[must_use]
    pub const fn new(signature: SignOptions) -> Self {
        Self {
            signature,
            also: Vec::new(),
            if_signed: IfSigned::Refuse,
            output: None,
            reread: false,
            strip: false,
            force: false,
            in_place: false,
            signed_by: None,
            resumed: None,
        }
    }

    /// Returns the options of every signature to make.
    pub(crate) fn signatures(&self) -> impl Iterator<Item = &SignOptions> {
        std::iter::once(&self.signature).chain(&self.also)
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
    /// The file's digest by the hash of each signature made.
    pub digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// What a person should know, by stable names.
    pub warnings: Vec<&'static str>,
    /// The timestamps that were put on signatures.
    pub timestamps: Vec<NewTimestamp>,
    /// Why signatures have no timestamp, where they should have had one.
    pub unstamped: Vec<String>,
    /// How the file was left, for the journal; `None` where nobody looked.
    pub(crate) state: Option<Short<8>>,
}

/// Whether a file was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A signature was added.
    Signed,
    /// A signature by this certificate was there and holds.
    Skipped,
    /// It has no signature by the certificate whose signatures are to be replaced.
    LeftAlone,
    /// A signature by this certificate was there, and got the timestamp it had not.
    Stamped,
}

/// Signs a file: one pass over it computes the digest and writes the copy that becomes the signed file.
///
/// The new file is checked, from its headers to the signature, before it takes the place of the old one in
/// one step. Whatever goes wrong before that leaves the old one as it was.
///
/// # Errors
/// [`ErrorKind::AlreadySigned`], [`ErrorKind::Malformed`], [`ErrorKind::Unsupported`] for a file without a
/// place for signatures, [`ErrorKind::TrailingData`], [`ErrorKind::BrokenSignature`] where one there is would be
/// appended to, [`ErrorKind::Changed`], [`ErrorKind::Key`], [`ErrorKind::Io`].
pub fn sign_file(
    path: &Path,
    identity: &Identity,
    now: Time,
    options: &SignFileOptions,
) -> Result<Signed, Error> {
    sign_and_stamp_file(path, identity, now, options, None)
}

/// Signs a file as [`sign_file`] does, and has each signature it makes stamped before anything is written.
///
/// # Errors
/// As [`sign_file`], and [`ErrorKind::Timestamp`] where a timestamp is required and there is none.
pub fn sign_and_stamp_file(
    path: &Path,
    identity: &Identity,
    now: Time,
    options: &SignFileOptions,
    stamping: Option<Stamping<'_>>,
) -> Result<Signed, Error> {
    sign_file_in_stages(path, identity, now, options, stamping, &Stages::alone())
}

/// Signs a file, as [`sign_and_stamp_file`] does, as one of many.
///
/// # Errors
/// As [`sign_and_stamp_file`].
pub fn sign_file_in_stages(
    path: &Path,
    identity: &Identity,
    now: Time,
    options: &SignFileOptions,
    stamping: Option<Stamping<'_>>,
    stages: &Stages,
) -> Result<Signed, Error> {
    let mut mended = false;
    if let Some(noted) = &options.resumed {
        mended = mend_file(path, options.force, stages.left_overs())?;
        let done = take_up(path, noted, identity.certificate(), now, options, stamping, stages)?;
        if let Some(done) = done {
            return Ok(done);
        }
    }
    let (mut file, mended_now) = Rewriting::open_mended(
        path,
        options.output.as_deref(),
        "sign",
        options.strip,
        options.force,
        stages.left_overs(),
    )?;
    mended |= mended_now;
    if options.in_place {
        file = file.in_place()?;
    }
    if let Some(mut skipped) = decide(&mut file, identity.certificate(), now, options, stages)? {
        let (look, output) =
            (file.look(), options.output.as_deref().filter(|output| *output != path));
        skipped.state =
            Some(output.map_or_else(|| look.state(), |output| look.state_with(&Look::at(output))));
        file.close();
        return Ok(skipped);
    }
    let unlisted = file.check_unlisted(options.force)?;
    file.check_embeddable()?;
    let appending = options.if_signed == IfSigned::Append && !file.embedded.signatures.is_empty();
    let wanted = options.signatures().map(SignOptions::request);
    let wanted = wanted.fold(Request::default(), |all, one| all.union(&one));
    let request = if appending { file.request_with_embedded(&wanted) } else { wanted };
    let mut warnings = warnings(&file, identity, now, options);
    warnings.extend(unlisted);
    if mended {
        warnings.push("unfinished-signature-removed");
    }
    let file = file.measure(&request, stages)?;
    let read = file.look();

    let mut set = SignatureSet::default();
    if appending {
        is_in_order_to_append(file.embedded(), &file.measurement, path, now, options)?;
        set = SignatureSet::read(file.embedded()).map_err(|error| file.failed(error))?;
    }
    let of = |one: &SignOptions| {
        let algorithm = one.scheme.digest();
        (algorithm, file.measurement.digest(algorithm).unwrap_or_default().to_vec())
    };
    let digests: Vec<_> = options.signatures().map(of).collect();
    // Windows hashes the flat file; only firmware goes by sections.
    if !file.measurement.readings_agree && file.subject().layout().is_efi() {
        warnings.push("section-order-digest-differs");
    }
    let target = options.output.as_deref().unwrap_or(path);
    let mut witness = Witness::new(stages.audit(), path, target, identity, now);
    let written = sign_measured(file, set, options, stamping, stages, &mut witness);
    if written.is_err() {
        // What went wrong first is what there is to say, and the log says itself when it is asked next.
        let _ = witness.tell_not_written();
    }
    let Written { placed, timestamps, unstamped } = written?;
    let Placed { output, look } = placed;
    if !unstamped.is_empty() {
        warnings.push("not-timestamped");
    }
    let state = look.map(|look| if target == path { look.state() } else { read.state_with(&look) });
    let outcome = Outcome::Signed;
    Ok(Signed { outcome, output, digests, warnings, timestamps, unstamped, state })
}

/// What [`Signed`] says that is known only when the file is in its place.
struct Written {
    placed: Placed,
    timestamps: Vec<NewTimestamp>,
    unstamped: Vec<String>,
}

/// Has the key sign what was measured, has it stamped, and puts the file in its place.
fn sign_measured(
    file: Measured,
    mut set: SignatureSet,
    options: &SignFileOptions,
    stamping: Option<Stamping<'_>>,
    stages: &Stages,
    witness: &mut Witness<'_>,
) -> Result<Written, Error> {
    let made = add_signatures(&mut set, &file, options, stages, witness)?;
    let (mut timestamps, mut unstamped) = (Vec::new(), Vec::new());
    for &index in &made {
        if let Some(stamping) = stamping {
            unstamped.extend(stamping.stamp(witness.path, &mut set, index, stages)?);
        }
    }
    let certificate = witness.identity.certificate();
    let placed = file.replace(&set.entries(), options.reread, witness.now, stages, |report| {
        timestamps = made.iter().flat_map(|&index| NewTimestamp::of(report, index)).collect();
        options.signatures().all(|made| is_in(report, certificate, made))
    })?;
    Ok(Written { placed, timestamps, unstamped })
}

/// Writes what the key signs into the log, where there is one.
struct Witness<'a> {
    log: Option<&'a AuditLog>,
    path: &'a Path,
    target: &'a Path,
    identity: &'a Identity,
    now: Time,
    /// The signatures of the target before anything was signed.
    before: Option<Short<8>>,
    made: Vec<(DigestAlgorithm, Vec<u8>)>,
}

impl<'a> Witness<'a> {
    fn new(
        log: Option<&'a AuditLog>,
        path: &'a Path,
        target: &'a Path,
        identity: &'a Identity,
        now: Time,
    ) -> Self {
        let before = log.map(|_| signatures_of(target));
        Self { log, path, target, identity, now, before, made: Vec::new() }
    }

    /// Tells of one signature: one that the key made, before it is used, or one that it did not make.
    fn tell(
        &mut self,
        algorithm: DigestAlgorithm,
        digest: &[u8],
        failed: Option<ErrorKind>,
    ) -> Result<(), Error> {
        let result = failed.map_or(AuditResult::Signed, AuditResult::NotSigned);
        self.add(algorithm, digest, result)?;
        // What the log does not tell of cannot be told of as not written.
        if failed.is_none() {
            self.made.push((algorithm, digest.to_vec()));
        }
        Ok(())
    }

    /// Tells that what the key signed did not get into the file, where that is so: some errors come later.
    fn tell_not_written(&self) -> Result<(), Error> {
        if self.before != Some(signatures_of(self.target)) {
            return Ok(());
        }
        let tell = |(algorithm, digest): &(_, Vec<u8>)| {
            self.add(*algorithm, digest, AuditResult::NotWritten)
        };
        self.made.iter().try_for_each(tell)
    }

    fn add(
        &self,
        algorithm: DigestAlgorithm,
        digest: &[u8],
        result: AuditResult,
    ) -> Result<(), Error> {
        let Some(log) = self.log else { return Ok(()) };
        let certificate = Some(self.identity.certificate());
        log.add(self.path, (algorithm, digest), certificate, self.now, result)
    }
}

/// Says what a person should know before a file is signed by this identity.
fn warnings(
    file: &Rewriting,
    identity: &Identity,
    now: Time,
    options: &SignFileOptions,
) -> Vec<&'static str> {
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
    if options.signatures().any(|one| one.scheme.family() == SchemeFamily::RsaPss) {
        warnings.push("rsa-pss-partly-supported");
    }
    if file.stripped > 0 {
        warnings.push("data-after-table-dropped");
    }
    warnings
}

/// Decides by the signatures there are; `Some` where nothing is left to do.
pub(crate) fn decide(
    file: &mut Rewriting,
    certificate: &Certificate,
    now: Time,
    options: &SignFileOptions,
    stages: &Stages,
) -> Result<Option<Signed>, Error> {
    let path = file.path().to_owned();
    if let Some(thumbprint) = &options.signed_by {
        let report = file.verify(now, stages)?;
        let mut old = report.signatures.iter().filter(|one| is_by(one, thumbprint)).peekable();
        if old.peek().is_none() {
            return Ok(Some(untouched(Outcome::LeftAlone, path, Vec::new())));
        }
        // To sign it anew would vouch for what was changed since.
        if !options.force && !old.all(holds) {
            let text = format!(
                "{}: the signature by that certificate does not hold; it is not replaced by one that would",
                path.display()
            );
            return Err(Error::new(ErrorKind::BrokenSignature, text));
        }
    }
    if file.embedded.signatures.is_empty() {
        return Ok(None);
    }
    let refuse =
        |why: &str| Err(Error::new(ErrorKind::AlreadySigned, format!("{} {why}", path.display())));
    match options.if_signed {
        IfSigned::Replace | IfSigned::Append => Ok(None),
        IfSigned::Refuse => refuse("is signed already"),
        IfSigned::Skip => match skip(file, certificate, now, options, stages)? {
            None => refuse("is signed already, not validly by this certificate"),
            skipped => Ok(skipped),
        },
    }
}

/// Tells whether a signature is by the certificate with this SHA-1 or SHA-256.
fn is_by(signature: &SignatureReport, thumbprint: &[u8]) -> bool {
    signature.signer.as_ref().is_some_and(|signer| {
        signer.thumbprint_sha1() == thumbprint || signer.thumbprint_sha256() == thumbprint
    })
}

/// Says that a file is signed where its signatures are the ones wanted, and hold.
fn skip(
    file: &mut Rewriting,
    certificate: &Certificate,
    now: Time,
    options: &SignFileOptions,
    stages: &Stages,
) -> Result<Option<Signed>, Error> {
    let report = file.verify(now, stages)?;
    let digests = digests_in(&report, certificate, options);
    Ok(digests.map(|digests| untouched(Outcome::Skipped, file.path().to_owned(), digests)))
}

/// Returns the file's digests where its signatures are the ones wanted, and hold.
pub(crate) fn digests_in(
    report: &Report,
    certificate: &Certificate,
    options: &SignFileOptions,
) -> Option<Vec<(DigestAlgorithm, Vec<u8>)>> {
    if !options.signatures().all(|wanted| is_in(report, certificate, wanted)) {
        return None;
    }
    let digests = options.signatures().filter_map(|wanted| {
        let algorithm = wanted.scheme.digest();
        report.authentihash.iter().find(|(has, _)| *has == algorithm).cloned()
    });
    Some(digests.collect())
}

/// Describes a file that nothing was written to.
pub(crate) const fn untouched(
    outcome: Outcome,
    output: PathBuf,
    digests: Vec<(DigestAlgorithm, Vec<u8>)>,
) -> Signed {
    Signed {
        outcome,
        output,
        digests,
        warnings: Vec::new(),
        timestamps: Vec::new(),
        unstamped: Vec::new(),
        state: None,
    }
}

/// Refuses to append to a signature that does not hold: the file was changed since, or nobody can check it.
pub(crate) fn is_in_order_to_append(
    embedded: &Embedded,
    measurement: &Measurement,
    path: &Path,
    now: Time,
    options: &SignFileOptions,
) -> Result<(), Error> {
    if options.if_signed != IfSigned::Append || options.force {
        return Ok(());
    }
    let report = Verifier::new(TrustAnchors::none(), now).verify(embedded, measurement);
    let all = report.reasons.iter().chain(report.signatures.iter().flat_map(|one| &one.reasons));
    let broken: Vec<_> =
        all.filter(|reason| reason.severity() >= Severity::Invalid).map(|one| one.name()).collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::BrokenSignature,
        format!(
            "{} has a signature that does not hold ({}); nothing is appended to it",
            path.display(),
            broken.join(", ")
        ),
    ))
}

/// Signs, and adds to the signatures that the file shall carry.
fn add_signatures(
    set: &mut SignatureSet,
    file: &Measured,
    options: &SignFileOptions,
    stages: &Stages,
    witness: &mut Witness<'_>,
) -> Result<Vec<usize>, Error> {
    let failed = |error| file.failed(error);
    let identity = witness.identity;
    let as_entry = file.subject().layout().is_efi();
    let mut made_at = Vec::new();
    for signature in options.signatures() {
        let mut signature = signature.clone();
        if !set.is_empty() && !as_entry {
            let nested = set.nested_in_primary().map_err(failed)?;
            signature.sequence_number = u32::try_from(nested + 1).ok();
        }
        witness.log.map_or(Ok(()), AuditLog::check)?;
        let made = stages.sign(|| sign(file.subject(), &file.measurement, identity, &signature));
        let made = made.map_err(failed);
        let algorithm = signature.scheme.digest();
        let digest = file.measurement.digest(algorithm).unwrap_or_default();
        witness.tell(algorithm, digest, made.as_ref().err().map(Error::kind))?;
        let is_first = set.is_empty();
        set.append(&made?, as_entry).map_err(failed)?;
        // Counted as reports count: the first entry, what is nested in it, the other entries.
        made_at.push(match is_first {
            true => 0,
            false if as_entry => set.len().saturating_sub(1),
            false => set.nested_in_primary().map_err(failed)?,
        });
    }
    Ok(made_at)
}

/// Tells whether a signature like this, by this certificate, is in a file and holds.
fn is_in(report: &Report, certificate: &Certificate, options: &SignOptions) -> bool {
    report.signatures.iter().any(|signature| is_like(signature, certificate, options))
}

pub(crate) fn is_like(
    signature: &SignatureReport,
    certificate: &Certificate,
    options: &SignOptions,
) -> bool {
    holds(signature)
        && signature.signer.as_ref() == Some(certificate)
        && signature.digest_algorithm == Some(options.scheme.digest())
}

pub(crate) fn holds(signature: &SignatureReport) -> bool {
    signature.digest_matches
        && signature.signature_valid
        && signature.reasons.iter().all(|reason| reason.severity() < Severity::Invalid)
}
