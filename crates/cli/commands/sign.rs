//! `chancery sign`

mod job;
mod offline;
mod plan;

use std::path::Path;

use chancery::authenticode::{SignOptions, Statement};
use chancery::batch::Stages;
use chancery::chain::Crl;
use chancery::key::{DigestAlgorithm, KeyAlgorithm, SchemeFamily, SignatureScheme};
use chancery::pkcs11::Module;
use chancery::x509::Identity;
use chancery::{
    AuditLog, Error, ErrorKind, KeyFinder, Objection, OpenedKey, Outcome, SignFileOptions, Signed,
    Signer, is_same_file, read_crls, read_identity_certificates, stored_identity_certificates,
};

use self::job::SignJob;
use crate::args::{SchemeName, Sign};
use crate::batch;
use crate::commands::timestamp::{timestamped, timestamper};
use crate::commands::{certificates, now, scheme};
use crate::exit::Exit;
use crate::json;
use crate::settings;
use crate::shown::shown;
use crate::ui::Ui;

/// What --cert is for the certificate beside the key in its token.
const FROM_TOKEN: &str = "token";

pub(crate) fn run(args: &Sign, ui: &mut Ui) -> Exit {
    if let Some(file) = &args.digest_file {
        return offline::run(args, file, ui);
    }
    let checked = match check(args) {
        Ok(checked) => checked,
        Err(error) => return ui.error(&error, None),
    };
    for objection in checked.iter().flat_map(|checked| &checked.survived) {
        ui.warn(&objection.message);
    }
    if args.dry_run {
        return match checked {
            Some(checked) => plan::run(args, &checked, ui),
            None => {
                let place = args
                    .cert
                    .as_deref()
                    .map_or_else(|| "the certificates stored with it".into(), shown);
                let message = format!(
                    "a dry run does not open the key, which alone tells whose of {place} it is"
                );
                ui.error(&Error::new(ErrorKind::Usage, message), None)
            }
        };
    }
    let timestamper = match timestamper(&args.stamp) {
        _ if args.no_timestamp => None,
        Ok(Some(timestamper)) => Some(timestamper),
        Ok(None) if !args.require_timestamp => None,
        Ok(None) => {
            let message = "--require-timestamp, and no server is named: --timestamp URL";
            return ui.error(&Error::new(ErrorKind::Usage, message), None);
        }
        Err(error) => return ui.error(&error, None),
    };
    let (identity, key, options) = match prepare(args, checked) {
        Ok(ready) => ready,
        Err(error) => return ui.error(&error, None),
    };
    let limits = args.batch.limits(&args.files, args.key.access.sessions, args.timestamp_jobs);
    let mut stages = Stages::new(&limits);
    if let Some(path) = &args.record.audit {
        stages = match AuditLog::open(path, &key) {
            Ok(log) => stages.with_audit(log),
            Err(error) => return ui.error(&error, None),
        };
    }
    let job = match SignJob::new(args, identity, key, options, timestamper) {
        Ok(job) => job,
        Err(error) => return ui.error(&error, None),
    };
    let exit = batch::run(&job, &args.files, &args.batch, &stages, &limits, "signing", ui);
    tell_retries(ui);
    exit
}

/// Says where a token had to be asked again: a run that went well in spite of it may be the last that does.
fn tell_retries(ui: &mut Ui) {
    for module in Module::loaded() {
        let retries = module.statistics().retries;
        let list: Vec<_> =
            retries.iter().map(|(why, times)| format!("{why} {times} times")).collect();
        if !list.is_empty() {
            let module = shown(module.path());
            ui.note(&format!("PKCS#11 module {module} was asked again: {}", list.join(", ")));
        }
    }
}

/// Who signs, as far as that is known before anybody logs in.
struct Checked {
    signer: Signer,
    /// Where the key is, or should be.
    key: String,
    /// What speaks against the certificate and was survived.
    survived: Vec<Objection>,
}

/// Judges the certificate before anybody logs in; `None` where only the key can tell which one it is.
fn check(args: &Sign) -> Result<Option<Checked>, Error> {
    args.output.check_room_for(&args.files)?;
    if let (Some(journal), Some(audit)) = (&args.record.journal, &args.record.audit)
        && is_same_file(journal, audit)
    {
        let text = "--journal and --audit name one file, and each needs its own";
        return Err(Error::new(ErrorKind::Usage, text));
    }
    let records = [("--journal", &args.record.journal), ("--audit", &args.record.audit)];
    for (option, record) in records {
        if let (Some(record), Some(out)) = (record, &args.output.out)
            && is_same_file(record, out)
        {
            let text = format!("--out and {option} name one file, and each needs its own");
            return Err(Error::new(ErrorKind::Usage, text));
        }
    }
    let Some((signer, key)) = known_signer(args)? else { return Ok(None) };
    let survived = signer.check(&crls(args)?, now()?, args.force)?;
    Ok(Some(Checked { signer, key, survived }))
}

fn known_signer(args: &Sign) -> Result<Option<(Signer, String)>, Error> {
    if let Some(thumbprint) = &args.key.thumbprint {
        let stores = settings::stores(args.key.folder.store_folder.as_deref())?;
        let keyring = args.key.access.keyring(false);
        let finder = KeyFinder::new(&keyring, settings::current());
        return stores.signer(&args.key.store, thumbprint, &finder).map(Some);
    }
    let address = args.key.address()?;
    let signer = match args.cert.as_deref() {
        Some(file) if file != Path::new(FROM_TOKEN) => Signer::from_files(file, &args.chain)?,
        Some(_) if args.dry_run => {
            let signer = args.key.access.keyring(false).likely_signer(address, now()?)?;
            let mut others = signer.chain;
            for file in &args.chain {
                others.extend(certificates(file)?);
            }
            Some(Signer::new(signer.certificate, &others))
        }
        _ => None,
    };
    Ok(signer.map(|signer| (signer, address.to_string())))
}

fn crls(args: &Sign) -> Result<Vec<Crl>, Error> {
    let mut all = Vec::new();
    for path in &args.crl {
        all.extend(read_crls(path)?);
    }
    Ok(all)
}

/// Opens the key once for all files.
fn prepare(
    args: &Sign,
    checked: Option<Checked>,
) -> Result<(Identity, String, SignFileOptions), Error> {
    let keyring = args.key.access.keyring(true);
    if let Some(thumbprint) = &args.key.thumbprint {
        let stores = settings::stores(args.key.folder.store_folder.as_deref())?;
        let finder = KeyFinder::new(&keyring, settings::current());
        let (identity, address) = stores.identity(&args.key.store, thumbprint, &finder)?;
        let options = file_options(args, identity.certificate().public_key().algorithm())?;
        return Ok((identity, address, options));
    }
    let address = args.key.address()?;
    let OpenedKey { key, address: name, certificates: stored, .. } =
        keyring.open_with_certificates(address)?;
    let of_key = |checked: &Checked| checked.signer.certificate.public_key() == key.public_key();
    let checked = checked.filter(of_key);
    let is_checked = checked.is_some();
    let (certificate, others) = match (&args.cert, checked) {
        // What was judged is what signs, whatever its file says by now; another of the file is judged below.
        (_, Some(Checked { signer, .. })) => (signer.certificate, signer.chain),
        (Some(place), _) if place == Path::new(FROM_TOKEN) => {
            let (own, mut others) =
                keyring.identity_certificates(address, key.public_key(), now()?)?;
            for file in &args.chain {
                others.extend(certificates(file)?);
            }
            (own, others)
        }
        (Some(file), _) => read_identity_certificates(key.public_key(), file, &args.chain)?,
        (None, _) => stored_identity_certificates(key.public_key(), stored, address, &args.chain)?,
    };
    if !is_checked {
        let signer = Signer::new(certificate.clone(), &others);
        signer.check(&crls(args)?, now()?, args.force)?;
    }
    let options = file_options(args, certificate.public_key().algorithm())?;
    let identity = Identity::new(key, certificate, &others).map_err(|error| {
        Error::new(ErrorKind::CertificateMismatch, "the certificate does not fit")
            .with_source(error)
    })?;
    Ok((identity.with_key_name(name), address.to_string(), options))
}

fn file_options(args: &Sign, key: KeyAlgorithm) -> Result<SignFileOptions, Error> {
    let mut signatures = signatures(args, key)?.into_iter();
    let Some(first) = signatures.next() else {
        return Err(Error::new(ErrorKind::Usage, "--digest names no hash"));
    };
    let mut options = SignFileOptions::new(first);
    options.also = signatures.collect();
    options.reread = args.reread;
    options.strip = args.output.strip;
    options.force = args.force;
    options.if_signed = args.if_signed.choice();
    options.in_place = args.record.append_in_place;
    options.signed_by = args.record.signed_by.as_ref().map(|thumbprint| thumbprint.0.clone());
    Ok(options)
}

/// Says what each signature is like: one for each hash, and at least one.
fn signatures(args: &Sign, key: KeyAlgorithm) -> Result<Vec<SignOptions>, Error> {
    let mut digests: Vec<_> = args.digest.iter().copied().map(Some).collect();
    if digests.is_empty() {
        digests.push(None);
    }
    for (index, digest) in args.digest.iter().enumerate() {
        if args.digest.iter().take(index).any(|before| before == digest) {
            let message = format!("--digest names {digest} twice: one signature by each is made");
            return Err(Error::new(ErrorKind::Usage, message));
        }
    }
    let one = |digest| {
        let mut signature = SignOptions::new(chosen_scheme(args, key, digest)?);
        if args.commercial {
            signature.statement = Statement::Commercial;
        }
        signature.description.clone_from(&args.description);
        signature.url.clone_from(&args.url);
        if args.page_hashes {
            signature = signature.with_page_hashes();
        }
        Ok(signature)
    };
    digests.into_iter().map(one).collect()
}

/// Chooses the scheme: the padding asked for, or the one that goes without saying.
fn chosen_scheme(
    args: &Sign,
    key: KeyAlgorithm,
    digest: Option<DigestAlgorithm>,
) -> Result<SignatureScheme, Error> {
    let family = match args.scheme {
        None => return scheme(key, digest),
        Some(SchemeName::RsaPkcs1) => SchemeFamily::RsaPkcs1,
        Some(SchemeName::RsaPss) => SchemeFamily::RsaPss,
        Some(SchemeName::Ecdsa) => SchemeFamily::Ecdsa,
    };
    let digest = digest.unwrap_or_else(|| SignatureScheme::conventional_digest(key));
    SignatureScheme::new(family, digest).filter(|scheme| scheme.fits(key)).ok_or_else(|| {
        let message = format!("a key of {key} does not sign {digest} so: choose another --scheme");
        Error::new(ErrorKind::Usage, message)
    })
}

fn show(
    key: &str,
    file: &Path,
    identity: &Identity,
    options: &SignFileOptions,
    signed: &Signed,
    ui: &mut Ui,
) {
    let certificate = identity.certificate();
    let (word, kind) = match signed.outcome {
        Outcome::Skipped => ("left alone, signed already", "skipped"),
        Outcome::Stamped => ("signed already", "timestamped"),
        Outcome::LeftAlone => ("left alone, not signed by that certificate", "left-alone"),
        _ => ("signed", "signed"),
    };
    let object = json::Signed {
        schema: 1,
        r#type: kind,
        file: json::FileName::new(file),
        output: json::OutputName::new(&signed.output),
        authentihash: json::digests(&signed.digests),
        scheme: options.signature.scheme.name(),
        schemes: schemes(options),
        key: key.to_owned(),
        signer: certificate.subject().to_string(),
        thumbprint: json::hex(&certificate.thumbprint_sha1()),
        timestamps: json::NewTimestamp::list(&signed.timestamps),
        warnings: signed.warnings.clone(),
        unstamped: signed.unstamped.clone(),
    };
    for warning in &signed.warnings {
        ui.warn(&format!("{}: {}", shown(file), explain(warning)));
    }
    for why in &signed.unstamped {
        ui.warn(&format!("{}: {why}", shown(file)));
    }
    ui.success(&object, || {
        let digest =
            |(algorithm, digest): &(_, Vec<u8>)| format!("{algorithm}:{}", json::hex(digest));
        let digests: Vec<_> = signed.digests.iter().map(digest).collect();
        let stamped = match &signed.timestamps[..] {
            [] => String::new(),
            timestamps => format!(", {}", timestamped(timestamps)),
        };
        let digests = match &digests[..] {
            [] => String::new(),
            digests => format!(" ({})", digests.join(", ")),
        };
        format!("{}: {word}{stamped}{digests}", shown(&signed.output))
    });
}

fn schemes(options: &SignFileOptions) -> Vec<&'static str> {
    let all = std::iter::once(&options.signature).chain(&options.also);
    all.map(|signature| signature.scheme.name()).collect()
}

fn explain(warning: &str) -> &str {
    match warning {
        "certificate-not-for-code-signing" => {
            "the certificate is not for signing code; Windows will not accept it"
        }
        "certificate-not-valid-now" => "the certificate is not valid now",
        "signer-certificate-alone" => {
            "only the signer's certificate is in it; add its issuer's with --chain"
        }
        "section-order-digest-differs" => {
            "UEFI firmware hashes this file in another order and may refuse it"
        }
        "rsa-pss-partly-supported" => {
            "Windows verifies RSA-PSS only in part; leave out --scheme to be safe"
        }
        "not-timestamped" => {
            "not timestamped; the signature ends with its certificate (--require-timestamp makes this an error)"
        }
        "unfinished-signature-removed" => {
            "an earlier run was killed while it signed this; what it left was taken back first"
        }
        "unlisted-signature-signed" => {
            "it ends with a signature that its header does not name, which is signed as if it were part of the program"
        }
        "data-after-table-dropped" => "data after its signatures was dropped",
        other => other,
    }
}
