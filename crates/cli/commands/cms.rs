//! `chancery cms`

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chancery::authenticode::Verdict;
use chancery::chain::{Purpose, TrustAnchors};
use chancery::key::{KeyAlgorithm, SchemeFamily, SignatureScheme};
use chancery::x509::{Identity, to_pem};
use chancery::{
    ContentReport, ContentSignOptions, ContentVerifier, Error, ErrorKind, OpenedKey, PKCS7_LABEL,
    Signer, Stamping, extract_content, read_identity_certificates, read_signature, sign_content,
    write_new_file,
};

use crate::args::{Cms, CmsSign, CmsVerify, PurposeName, SchemeName};
use crate::commands::timestamp::timestamper;
use crate::commands::{Evidence, certificates, now, scheme, trust_nobody};
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Cms, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        Cms::Sign(args) => sign(args, ui),
        Cms::Verify(args) => verify(args, ui),
    }
}

fn sign(args: &CmsSign, ui: &mut Ui) -> Result<Exit, Error> {
    let usage = |text| Error::new(ErrorKind::Usage, text);
    if !args.stamp.timestamp_legacy.is_empty() {
        return Err(usage("CMS takes timestamps by RFC 3161 alone: --timestamp URL"));
    }
    let timestamper = timestamper(&args.stamp)?;
    if args.require_timestamp && timestamper.is_none() {
        return Err(usage("--require-timestamp, and no server is named: --timestamp URL"));
    }
    // Judged before anybody logs in, unless only the key can tell which certificate it is.
    let known = Signer::from_files(&args.cert, &args.chain)?;
    let check = |signer: &Signer, ui: &mut Ui| -> Result<(), Error> {
        let survived = signer.check_for_content(&[], now()?, args.force)?;
        survived.iter().for_each(|objection| ui.warn(&objection.message));
        Ok(())
    };
    if let Some(signer) = &known {
        check(signer, ui)?;
    }
    let OpenedKey { key, address, .. } =
        args.key.access.keyring(true).open_with_certificates(&args.key.key)?;
    let (certificate, others) =
        read_identity_certificates(key.public_key(), &args.cert, &args.chain)?;
    if known.is_none_or(|known| known.certificate != certificate) {
        check(&Signer::new(certificate.clone(), &others), ui)?;
    }
    let mut options = ContentSignOptions::new(chosen(args, key.public_key().algorithm())?);
    let identity = Identity::new(key, certificate, &others).map_err(|error| {
        Error::new(ErrorKind::CertificateMismatch, "the certificate does not fit")
            .with_source(error)
    })?;
    let identity = identity.with_key_name(address);
    options.attached = args.attached;
    options.signing_time = if args.signing_time { Some(now()?) } else { None };
    let stamping = timestamper.as_ref().map(|one| match args.require_timestamp {
        true => Stamping::new(one).required(),
        false => Stamping::new(one),
    });
    let signed = sign_content(&args.file, &identity, &options, stamping)?;
    if let Some(why) = &signed.unstamped {
        ui.warn(&format!("{}: not timestamped: {why}", shown(&args.file)));
    }
    let out = args.out.clone().unwrap_or_else(|| beside(&args.file, args.attached));
    let is_pem = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pem"));
    let bytes =
        if is_pem { to_pem(PKCS7_LABEL, &signed.der).into_bytes() } else { signed.der.clone() };
    write_new_file(&out, &bytes, false)?;
    let object = json::about(
        &args.file,
        serde_json::json!({
            "schema": 1,
            "type": "cms-signed",
            "output": json::shown(&out),
            "scheme": options.scheme.name(),
            "signer": identity.certificate().subject().to_string(),
            "timestamped": timestamper.is_some() && signed.unstamped.is_none(),
        }),
    );
    ui.success(&object, || format!("{}: signed, {}", shown(&args.file), shown(&out)));
    Ok(Exit::Done)
}

/// Chooses the scheme: the padding asked for, or the one that goes without saying.
fn chosen(args: &CmsSign, key: KeyAlgorithm) -> Result<SignatureScheme, Error> {
    let family = match args.scheme {
        None => return scheme(key, args.digest),
        Some(SchemeName::RsaPkcs1) => SchemeFamily::RsaPkcs1,
        Some(SchemeName::RsaPss) => SchemeFamily::RsaPss,
        Some(SchemeName::Ecdsa) => SchemeFamily::Ecdsa,
    };
    let digest = args.digest.unwrap_or_else(|| SignatureScheme::conventional_digest(key));
    SignatureScheme::new(family, digest).filter(|scheme| scheme.fits(key)).ok_or_else(|| {
        let text = format!("a key of {key} does not sign like this with {}", digest.name());
        Error::new(ErrorKind::Usage, text)
    })
}

/// Names the signature after the file.
fn beside(file: &Path, attached: bool) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(if attached { ".p7m" } else { ".p7s" });
    name.into()
}

fn verify(args: &CmsVerify, ui: &mut Ui) -> Result<Exit, Error> {
    if args.judge.fetch {
        return Err(Error::new(ErrorKind::Usage, "`cms verify` fetches nothing"));
    }
    let evidence = Evidence::gather(&args.judge)?;
    let purpose = match args.purpose {
        PurposeName::CodeSigning => Purpose::CodeSigning,
        PurposeName::Any => Purpose::Any,
    };
    let mut verifier =
        ContentVerifier::new(evidence.anchors, evidence.time, purpose).with_crls(evidence.crls);
    if !args.tsa_roots.is_empty() {
        let mut roots = Vec::new();
        for path in &args.tsa_roots {
            roots.extend(certificates(path)?);
        }
        verifier = verifier.with_timestamp_anchors(TrustAnchors::new(roots));
    }
    let signature = read_signature(&args.signature)?;
    let report = verifier.verify(&signature, args.content.as_deref())?;
    let is_valid = report.verdict == Verdict::Valid;
    if let Some(out) = args.out.as_ref().filter(|_| is_valid) {
        write_new_file(out, &extract_content(&signature)?, false)?;
    }
    let object = object(&args.signature, &report);
    match is_valid {
        true => ui.success(&object, || text(&args.signature, &report)),
        false => ui.result(&object, || text(&args.signature, &report)),
    }
    if report.verdict == Verdict::Untrusted {
        trust_nobody(&args.judge, ui);
    }
    Ok(if is_valid { Exit::Done } else { Exit::No })
}

fn object(file: &Path, report: &ContentReport) -> serde_json::Value {
    let signatures = report.signatures.iter().map(|one| {
        let timestamps = one.timestamps.iter().map(|stamp| {
            serde_json::json!({
                "kind": stamp.kind.name(),
                "time": stamp.time.map(|time| time.to_string()),
                "valid": stamp.is_valid(),
                "reasons": stamp.reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>(),
            })
        });
        serde_json::json!({
            "digest_algorithm": one.digest.map(|digest| digest.name()),
            "scheme": one.scheme.map(|scheme| scheme.name()),
            "signer": one.signer.as_ref().map(|signer| signer.subject().to_string()),
            "signing_time": one.signing_time.map(|time| time.to_string()),
            "chain": one.chain.map_or("not-checked", |status| status.name()),
            "timestamps": timestamps.collect::<Vec<_>>(),
            "reasons": one.reasons,
        })
    });
    json::about(
        file,
        serde_json::json!({
            "schema": 1,
            "type": "cms-verified",
            "verdict": report.verdict.name(),
            "detached": report.detached,
            "signatures": signatures.collect::<Vec<_>>(),
        }),
    )
}

fn text(file: &Path, report: &ContentReport) -> String {
    let mut text = format!("{}: {}", shown(file), report.verdict);
    for one in &report.signatures {
        let signer = one.signer.as_ref().map(|signer| signer.subject().to_string());
        let _ = write!(text, "\n  signer     {}", signer.as_deref().unwrap_or("unknown"));
        let scheme = one.scheme.map_or("unknown", |scheme| scheme.name());
        let _ = write!(text, "\n  scheme     {scheme}");
        if let Some(time) = one.signing_time {
            let _ = write!(text, "\n  says       {time}, which proves nothing");
        }
        let chain = one.chain.map_or("not-checked", |status| status.name());
        let _ = write!(text, "\n  chain      {chain}");
        for finding in &one.chain_findings {
            let _ = write!(text, "\n             {finding}");
        }
        for stamp in &one.timestamps {
            let time = stamp.time.map_or_else(|| "no time".into(), |time| time.to_string());
            let valid = if stamp.is_valid() { "valid" } else { "NOT VALID" };
            let _ = write!(text, "\n  timestamp  {time} {valid}");
        }
        if !one.reasons.is_empty() {
            let _ = write!(text, "\n  reasons    {}", one.reasons.join(", "));
        }
    }
    text
}
