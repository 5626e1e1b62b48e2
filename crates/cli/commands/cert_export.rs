//! `chancery cert export`

use std::path::Path;

use chancery::key::{PinPurpose, PinRequest, PinSource as _};
use chancery::{
    CertificateForm, Error, ErrorKind, FilePin, KeyAddress, export_certificates, export_pkcs12,
    write_new_file,
};

use crate::args::Export;
use crate::commands::certificates;
use crate::exit::Exit;
use crate::json;
use crate::ui::Ui;

pub(crate) fn run(args: &Export, ui: &mut Ui) -> Result<Exit, Error> {
    let form = match (args.pkcs7, args.der) {
        (false, false) => CertificateForm::Pem,
        (false, true) => CertificateForm::Der,
        (true, false) => CertificateForm::Pkcs7Pem,
        (true, true) => CertificateForm::Pkcs7Der,
    };
    if let (true, Some(key), Some(out)) = (args.pkcs12, &args.key, &args.out) {
        return pkcs12(args, key, out, ui);
    }
    let contents = export_certificates(&certificates(&args.file)?, form)?;
    match (&args.out, String::from_utf8(contents)) {
        (Some(out), contents) => {
            let contents = contents.map_or_else(|error| error.into_bytes(), String::into_bytes);
            write(out, &contents, false, ui)
        }
        (None, Ok(pem)) if !args.der => {
            let object = serde_json::json!({"schema": 1, "type": "pem", "pem": pem});
            ui.result(&object, || pem.trim_end().to_owned());
            Ok(Exit::Done)
        }
        _ => {
            Err(Error::new(ErrorKind::Usage, "DER is not written to stdout: name a file by --out"))
        }
    }
}

fn pkcs12(args: &Export, key: &KeyAddress, out: &Path, ui: &mut Ui) -> Result<Exit, Error> {
    let keyring = args.access.keyring(true);
    let certificates = certificates(&args.file)?;
    let (key, _) = keyring.open_software(key)?;
    let purpose = PinPurpose::ProtectFile { file: out.display().to_string() };
    let request = PinRequest::new(purpose);
    let password = match &args.new_pin_file {
        Some(file) => FilePin::new(file.clone()).pin(&request)?,
        None => keyring.pins().pin(&request)?,
    };
    write(out, &export_pkcs12(&key, &certificates, &password)?, true, ui)
}

fn write(out: &Path, contents: &[u8], private: bool, ui: &mut Ui) -> Result<Exit, Error> {
    write_new_file(out, contents, private)?;
    let object = json::Written { schema: 1, r#type: "written", output: json::OutputName::new(out) };
    ui.success(&object, || format!("wrote {}", crate::shown::shown(out)));
    Ok(Exit::Done)
}
