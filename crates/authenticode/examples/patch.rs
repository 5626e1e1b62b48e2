//! Two processes sign one file: one has the key and writes nothing, the other writes and has no key.
//!
//! `cargo run -p chancery-authenticode --example patch FILE.exe` starts itself a second time with `--signer`,
//! takes the patch from its standard output, and writes `FILE.exe.signed`. The key is made for the occasion.

#![allow(clippy::print_stderr, reason = "an example speaks to whoever runs it")]

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use chancery_authenticode::{Patch, PeSubject, Request, SignOptions, Subject as _, sign};
use chancery_key::{DigestAlgorithm, EcCurve, KeyAlgorithm, SignatureScheme, SigningKey as _};
use chancery_pe::{BaseDigest, SeekSource};
use chancery_softkey::SoftKey;
use chancery_x509::{CertificateBuilder, Identity, Profile, SerialNumber, Time, Validity};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [role, file] if role == "--signer" => {
            Ok(io::stdout().write_all(&make_patch(file.as_ref())?.to_bytes())?)
        }
        [file] => {
            let mut signer = Command::new(std::env::current_exe()?);
            let made = signer.arg("--signer").arg(file).stderr(Stdio::inherit()).output()?;
            if !made.status.success() {
                return Err(format!("the signer ended with {}", made.status).into());
            }
            let mut output = file.clone();
            output.push(".signed");
            write_patched(&made.stdout, file.as_ref(), output.as_ref())?;
            eprintln!("wrote {}", output.display());
            Ok(())
        }
        _ => Err("usage: patch FILE.exe".into()),
    }
}

/// The process with the key: reads the file, and returns what would make it a signed one.
pub(crate) fn make_patch(file: &Path) -> Result<Patch, Box<dyn Error>> {
    let identity = one_day_identity()?;
    let options = SignOptions::new(SignatureScheme::EcdsaSha256);
    let mut subject = PeSubject::parse(SeekSource::new(File::open(file)?)?)?;
    let measurement = subject.measure(&options.request(), &mut |_| Ok(()))?;
    let signature = sign(&subject, &measurement, &identity, &options)?;
    Ok(subject.replace(&[&signature])?)
}

/// The process that writes: makes sure that the patch is for this very file, and applies it to a new one.
pub(crate) fn write_patched(
    patch: &[u8],
    file: &Path,
    output: &Path,
) -> Result<(), Box<dyn Error>> {
    let patch = Patch::from_bytes(patch)?;
    let algorithm = DigestAlgorithm::Sha256;
    let mut subject = PeSubject::parse(SeekSource::new(File::open(file)?)?)?;
    let measurement = subject.measure(&Request::digests([algorithm]), &mut |_| Ok(()))?;
    let digest = measurement.digest(algorithm).unwrap_or_default();
    patch.check_base(subject.layout().file_len(), &BaseDigest::new(algorithm.name(), digest))?;
    let mut out = BufWriter::new(File::create_new(output)?);
    patch.write_to(&mut subject.into_source(), &mut out)?;
    out.into_inner()?.sync_all()?;
    Ok(())
}

fn one_day_identity() -> Result<Identity, Box<dyn Error>> {
    let key = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256))?;
    let certificate = CertificateBuilder::new(
        Profile::CodeSigning,
        "CN=Example".parse()?,
        key.public_key().clone(),
        Validity::from_now(Time::now()?, 1)?,
        SerialNumber::random()?,
    )
    .self_signed(&key, SignatureScheme::EcdsaSha256)?;
    Ok(Identity::new(key, certificate, &[])?)
}
