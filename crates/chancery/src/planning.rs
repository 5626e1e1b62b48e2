//! What signing a file would do.

use std::path::{Path, PathBuf};

use chancery_authenticode::{Request, SignOptions, Subject};
use chancery_key::{DigestAlgorithm, SignatureScheme};
use chancery_x509::Time;

use crate::batch::{Stage, Stages};
use crate::rewriting::Rewriting;
use crate::signing::{decide, is_in_order_to_append};
use crate::{Error, Outcome, SignFileOptions, Signer};

/// What signing a file would do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// Whether anything would be written.
    pub outcome: Outcome,
    /// Where the signed file would go.
    pub output: PathBuf,
    /// How many signatures the file has now, entries of the certificate table alone.
    pub entries: usize,
    /// The digest that each new signature would carry.
    pub digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// The scheme of each new signature.
    pub schemes: Vec<SignatureScheme>,
}

/// Says what [`sign_file`](crate::sign_file) would do with a file, by everything that can be told without the
/// key: no login, no signature, and nothing written.
///
/// # Errors
/// As [`sign_file`](crate::sign_file), but for those of keys and of writing.
pub fn plan_signing(
    path: &Path,
    signer: &Signer,
    now: Time,
    options: &SignFileOptions,
) -> Result<Plan, Error> {
    plan_signing_in_stages(path, signer, now, options, &Stages::alone())
}

/// Says what would be done with a file, as [`plan_signing`] does, as one of many.
///
/// # Errors
/// As [`plan_signing`].
pub fn plan_signing_in_stages(
    path: &Path,
    signer: &Signer,
    now: Time,
    options: &SignFileOptions,
    stages: &Stages,
) -> Result<Plan, Error> {
    let (output, left_overs) = (options.output.as_deref(), stages.left_overs());
    let mut file = Rewriting::open_finished(path, output, "sign", options.strip, left_overs)?;
    let entries = file.embedded.signatures.len();
    let output = options.output.clone().unwrap_or_else(|| path.to_owned());
    let schemes = options.signatures().map(|one| one.scheme).collect();
    if let Some(skipped) = decide(&mut file, &signer.certificate, now, options, stages)? {
        let digests = skipped.digests;
        return Ok(Plan { outcome: Outcome::Skipped, output, entries, digests, schemes });
    }
    file.check_unlisted(options.force)?;
    file.check_embeddable()?;
    let wanted = options.signatures().map(SignOptions::request);
    let request = wanted.fold(Request::default(), |all, one| all.union(&one));
    let request = file.request_with_embedded(&request);
    let measurement = {
        let _permit = stages.enter(Stage::Hashing);
        let measured = file.subject.measure(&request, &mut |chunk| {
            stages.count(chunk.len());
            Ok(())
        });
        measured.map_err(|error| file.failed(error))?
    };
    is_in_order_to_append(&file.embedded, &measurement, path, now, options)?;
    for one in options.signatures() {
        // What keeps a layout from having page hashes.
        let data = file.subject.spc_data(&measurement, one.page_hashes);
        data.map_err(|error| file.failed(error))?;
    }
    let digest = |one: &SignOptions| {
        let algorithm = one.scheme.digest();
        (algorithm, measurement.digest(algorithm).unwrap_or_default().to_vec())
    };
    let digests = options.signatures().map(digest).collect();
    Ok(Plan { outcome: Outcome::Signed, output, entries, digests, schemes })
}
