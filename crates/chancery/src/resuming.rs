//! Taking up what a run did not finish.

use std::error::Error as _;
use std::path::Path;

use chancery_authenticode::{Report, Request, SignOptions, SignatureReport, Subject};
use chancery_key::DigestAlgorithm;
use chancery_x509::{Certificate, Time};

use crate::batch::Stages;
use crate::journal::{Look, Noted};
use crate::rewriting::Rewriting;
use crate::signing::{digests_in, is_like, untouched};
use crate::stamping::{Stamping, stamp_signature};
use crate::{Error, ErrorKind, Outcome, SignFileOptions, Signed};

/// Finds out whether a file was signed by a run that could not say so any more, and adds the timestamps that it got no
/// answer for; `None` where the file is to be signed.
pub(crate) fn take_up(
    path: &Path,
    noted: &Noted,
    certificate: &Certificate,
    now: Time,
    options: &SignFileOptions,
    stamping: Option<Stamping<'_>>,
    stages: &Stages,
) -> Result<Option<Signed>, Error> {
    let target = options.output.as_deref().unwrap_or(path);
    if !noted.may_be_signed(target, options.if_signed) {
        return Ok(None);
    }
    let source = options.output.as_ref().map(|_| Look::at(path));
    // What cannot be read is not ours; if it must be, its own error comes when it is signed.
    let Ok(mut written) = Rewriting::open(target, None, "sign", false) else { return Ok(None) };
    let report = written.verify(now, stages);
    let mut look = Some(written.look());
    // It holds the file, and would keep off what writes into it.
    written.close();
    let report = report?;
    let Some(digests) = digests_in(&report, certificate, options) else { return Ok(None) };
    if options.output.is_some() && !is_of(path, options, &digests)? {
        return Ok(None);
    }
    let mut done = untouched(Outcome::Skipped, target.to_owned(), digests);
    let state = |look: Look| match &source {
        Some(source) if target != path => source.state_with(&look),
        _ => look.state(),
    };
    let Some(stamping) = stamping else {
        done.state = look.map(state);
        return Ok(Some(done));
    };
    for index in options.signatures().filter_map(|wanted| unstamped(&report, certificate, wanted)) {
        let mut file = Rewriting::open(target, None, "timestamp", false)?;
        if options.in_place {
            file = file.in_place()?;
        }
        match stamp_signature(file, index, stamping.timestamper(), now, stages) {
            Ok(stamped) => {
                done.outcome = Outcome::Stamped;
                done.timestamps.extend(stamped.timestamps);
                look = stamped.look;
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::Timestamp(_)) && !stamping.is_required() =>
            {
                // The caller tells of which file.
                let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                done.unstamped.push(why);
            }
            Err(error) => return Err(error),
        }
    }
    if !done.unstamped.is_empty() {
        done.warnings.push("not-timestamped");
    }
    done.state = look.map(state);
    Ok(Some(done))
}

/// Tells whether a signed file was made of this one as it is now.
fn is_of(
    path: &Path,
    options: &SignFileOptions,
    digests: &[(DigestAlgorithm, Vec<u8>)],
) -> Result<bool, Error> {
    let mut file = Rewriting::open(path, None, "sign", options.strip)?;
    let request = Request::digests(digests.iter().map(|(algorithm, _)| *algorithm));
    let measured = file.subject.measure(&request, &mut |_| Ok(()));
    let measured = measured.map_err(|error| file.failed(error))?;
    Ok(digests.iter().all(|(algorithm, digest)| {
        measured.digest(*algorithm).is_some_and(|value| value == digest.as_slice())
    }))
}

/// Finds a signature like this that has no timestamp, where none like it has one.
fn unstamped(report: &Report, certificate: &Certificate, wanted: &SignOptions) -> Option<usize> {
    let like = |one: &SignatureReport| is_like(one, certificate, wanted);
    let is_stamped = |one: &SignatureReport| like(one) && !one.timestamps.is_empty();
    if report.signatures.iter().any(is_stamped) {
        return None;
    }
    report.signatures.iter().rposition(like)
}
