//! `chancery sign --digest-file`

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use chancery::cms::SignedData;
use chancery::key::DigestAlgorithm;
use chancery::x509::Certificate;
use chancery::{
    AuditLog, AuditResult, Error, Signer, ToBeSigned, read_to_be_signed, sign_bare_digest,
    sign_prepared, write_new_file,
};

use super::crls;
use crate::args::Sign;
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(super) fn run(args: &Sign, file: &Path, ui: &mut Ui) -> Exit {
    match sign(args, file, ui) {
        Ok(output) => {
            let object = json::Written {
                schema: 1,
                r#type: "written",
                output: json::OutputName::new(&output),
            };
            ui.success(&object, || format!("wrote {}", shown(&output)));
            Exit::Done
        }
        Err(error) => ui.error(&error, Some(file)),
    }
}

fn sign(args: &Sign, file: &Path, ui: &mut Ui) -> Result<PathBuf, Error> {
    let keyring = args.key.access.keyring(true);
    let to_be_signed = read_to_be_signed(file)?;
    let (signed, log, output) = match &to_be_signed {
        ToBeSigned::Prepared(prepared) => {
            // Judged here too: the list may be newer than the file.
            let bag = SignedData::from_der(prepared.content_info());
            let others = bag.map(|bag| bag.read_certificates().readable).unwrap_or_default();
            let signer = Signer::new(prepared.certificate().clone(), &others);
            for objection in signer.check_prepared(&crls(args)?, now()?, args.force)? {
                ui.warn(&objection.message);
            }
            let (algorithm, digest) = prepared.digest();
            ui.note(&format!("signing the file digest {algorithm}:{}", json::hex(digest)));
            let log = Log::open(args, file, (*algorithm, digest), Some(prepared.certificate()))?;
            let opened = keyring.open_with_certificates(args.key.address()?)?;
            let signed = sign_prepared(prepared, &*opened.key, &opened.address);
            (log.tell(signed)?, log, file.with_extension("signed"))
        }
        ToBeSigned::Digest(digest) => {
            let address = args.key.address()?;
            // The only hash of this length is the one that the key signs it as.
            let hashes = DigestAlgorithm::ALL.into_iter();
            let hash = hashes.into_iter().find(|hash| hash.output_len() == digest.len());
            let log =
                Log::open(args, file, (hash.unwrap_or(DigestAlgorithm::Sha256), digest), None)?;
            let key = keyring.open_digest_signer(address)?;
            let mut name = OsString::from(file.as_os_str());
            name.push(".signed");
            let signed = sign_bare_digest(digest, &*key, &address.to_string());
            (log.tell(signed)?, log, PathBuf::from(name))
        }
    };
    let output = args.output.out.clone().unwrap_or(output);
    if let Err(error) = write_new_file(&output, signed.as_bytes(), false) {
        log.add(AuditResult::NotWritten)?;
        return Err(error);
    }
    Ok(output)
}

/// The log, where there is one, and what is written into it.
struct Log<'a> {
    log: Option<AuditLog>,
    file: &'a Path,
    digest: (DigestAlgorithm, &'a [u8]),
    certificate: Option<&'a Certificate>,
}

impl<'a> Log<'a> {
    fn open(
        args: &Sign,
        file: &'a Path,
        digest: (DigestAlgorithm, &'a [u8]),
        certificate: Option<&'a Certificate>,
    ) -> Result<Self, Error> {
        let log = match &args.record.audit {
            Some(path) => Some(AuditLog::open(path, &args.key.address()?.to_string())?),
            None => None,
        };
        Ok(Self { log, file, digest, certificate })
    }

    fn add(&self, result: AuditResult) -> Result<(), Error> {
        let Some(log) = &self.log else { return Ok(()) };
        log.add(self.file, self.digest, self.certificate, now()?, result)
    }

    /// Tells what became of a signature before anybody gets it.
    fn tell(&self, signed: Result<String, Error>) -> Result<String, Error> {
        let failed = signed.as_ref().err().map(Error::kind);
        self.add(failed.map_or(AuditResult::Signed, AuditResult::NotSigned))?;
        signed
    }
}
