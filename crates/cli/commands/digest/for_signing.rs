//! `chancery digest --for-signing`

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use chancery::authenticode::{DigestFile, SignOptions};
use chancery::key::{KeyErrorKind, SignatureScheme};
use chancery::x509::to_pem;
use chancery::{
    Error, ErrorKind, IfSigned, SignFileOptions, Signer, dig_text, prepare_file, write_new_file,
};

use crate::args::Digest;
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(super) fn run(args: &Digest, ui: &mut Ui) -> Exit {
    let ready = signer(args).and_then(|signer| Ok((options(args, &signer)?, signer)));
    let (options, signer) = match ready {
        Ok(ready) => ready,
        Err(error) => return ui.error(&error, None),
    };
    let mut exit = Exit::Done;
    for file in &args.files {
        let made =
            prepare_file(file, &signer, &options).and_then(|prepared| write(args, file, &prepared));
        exit = exit.graver(match made {
            Ok(outputs) => {
                for output in outputs {
                    let object = json::Written {
                        schema: 1,
                        r#type: "written",
                        output: json::OutputName::new(&output),
                    };
                    ui.success(&object, || format!("wrote {}", shown(&output)));
                }
                Exit::Done
            }
            Err(error) => ui.error(&error, Some(file)),
        });
    }
    exit
}

fn signer(args: &Digest) -> Result<Signer, Error> {
    let usage = |message: &str| Error::new(ErrorKind::Usage, message);
    if args.files.len() > 1 && args.for_signing.out.is_some() {
        return Err(usage("--out takes one file; without it each has a name of its own"));
    }
    let Some(certificate) = &args.for_signing.cert else {
        return Err(usage("--for-signing takes the signer's --cert"));
    };
    let signer = Signer::from_files(certificate, &args.for_signing.chain)?;
    let signer = signer.ok_or_else(|| usage("--cert has several signers: give one certificate"))?;
    signer.check(&[], now()?, args.for_signing.force)?;
    Ok(signer)
}

fn options(args: &Digest, signer: &Signer) -> Result<SignFileOptions, Error> {
    let [digest] = args.digest.as_slice() else {
        let message = "--for-signing takes one --digest: prepare each signature by itself";
        return Err(Error::new(ErrorKind::Usage, message));
    };
    let key = signer.certificate.public_key().algorithm();
    let scheme = SignatureScheme::conventional(key, *digest).ok_or_else(|| {
        let kind = ErrorKind::Key(KeyErrorKind::UnsupportedScheme);
        Error::new(kind, format!("nothing here signs with a key of {key}"))
    })?;
    let mut signature = SignOptions::new(scheme);
    if args.for_signing.page_hashes {
        signature = signature.with_page_hashes();
    }
    let mut options = SignFileOptions::new(signature);
    if args.for_signing.append {
        options.if_signed = IfSigned::Append;
    }
    Ok(options)
}

/// Writes what goes to the key, and returns the names.
fn write(args: &Digest, file: &Path, prepared: &DigestFile) -> Result<Vec<PathBuf>, Error> {
    let with = |path: &Path, suffix: &str| {
        let mut name = OsString::from(path.as_os_str());
        name.push(suffix);
        PathBuf::from(name)
    };
    let Some(folder) = &args.for_signing.signtool else {
        let out = args.for_signing.out.clone();
        let out = out.unwrap_or_else(|| with(file, ".chancery-digest"));
        write_new_file(&out, to_pem(DigestFile::LABEL, &prepared.to_der()).as_bytes(), false)?;
        return Ok(vec![out]);
    };
    let base = folder.join(file.file_name().unwrap_or(file.as_os_str()));
    let (dig, p7u) = (with(&base, ".dig"), with(&base, ".p7u"));
    write_new_file(&dig, dig_text(&prepared.prepared).as_bytes(), false)?;
    write_new_file(&p7u, prepared.prepared.content_info(), false)?;
    Ok(vec![dig, p7u])
}
