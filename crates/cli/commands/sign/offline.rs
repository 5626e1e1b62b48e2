//! `chancery sign --digest-file`

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use chancery::cms::SignedData;
use chancery::{
    Error, Signer, ToBeSigned, read_to_be_signed, sign_bare_digest, sign_prepared, write_new_file,
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
    let (signed, output) = match read_to_be_signed(file)? {
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
            let opened = keyring.open_with_certificates(args.key.address()?)?;
            (
                sign_prepared(&prepared, &*opened.key, &opened.address)?,
                file.with_extension("signed"),
            )
        }
        ToBeSigned::Digest(digest) => {
            let address = args.key.address()?;
            let key = keyring.open_digest_signer(address)?;
            let mut name = OsString::from(file.as_os_str());
            name.push(".signed");
            (sign_bare_digest(&digest, &*key, &address.to_string())?, PathBuf::from(name))
        }
    };
    let output = args.output.out.clone().unwrap_or(output);
    write_new_file(&output, signed.as_bytes(), false)?;
    Ok(output)
}
