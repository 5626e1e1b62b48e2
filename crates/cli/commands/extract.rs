//! `chancery extract`

use chancery::x509::to_pem;
use chancery::{Error, PKCS7_LABEL, extract_signature, write_new_file};

use crate::args::Extract;
use crate::commands::write_pem;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Extract, ui: &mut Ui) -> Result<Exit, Error> {
    let der = extract_signature(&args.file, args.index)?;
    let Some(out) = &args.out else {
        return write_pem(&to_pem(PKCS7_LABEL, &der), None, ui);
    };
    if out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pem")) {
        return write_pem(&to_pem(PKCS7_LABEL, &der), Some(out), ui);
    }
    write_new_file(out, &der, false)?;
    let object = json::Written { schema: 1, r#type: "written", output: json::OutputName::new(out) };
    ui.success(&object, || format!("wrote {}", shown(out)));
    Ok(Exit::Done)
}
