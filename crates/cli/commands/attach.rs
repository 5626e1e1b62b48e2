//! `chancery attach`

use std::path::Path;

use chancery::{
    AttachOptions, Attached, Error, ErrorKind, ToBeSigned, attach_signature, complete_prepared,
    read_signature, read_small_file, read_to_be_signed,
};

use crate::args::Attach;
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Attach, ui: &mut Ui) -> Exit {
    match attach(args) {
        Ok(attached) => {
            show(args, &attached, ui);
            Exit::Done
        }
        Err(error) => ui.error(&error, Some(&args.file)),
    }
}

fn attach(args: &Attach) -> Result<Attached, Error> {
    let signature = match &args.value {
        None => {
            read_signature(&args.signature).map_err(|error| unsigned(error, &args.signature))?
        }
        Some(value) => match read_to_be_signed(&args.signature)? {
            ToBeSigned::Prepared(prepared) => {
                complete_prepared(&prepared, &read_small_file(value)?)?
            }
            ToBeSigned::Digest(_) => {
                let message = "a .dig says nothing of the file: name the .p7u beside it";
                return Err(Error::new(ErrorKind::Usage, message));
            }
        },
    };
    let mut options = AttachOptions::default();
    options.if_signed = args.if_signed.choice();
    options.output = args.output.path_for(&args.file);
    options.strip = args.output.strip;
    attach_signature(&args.file, &signature, now()?, &options)
}

/// Says of what was written to be signed elsewhere that it is not signed yet.
fn unsigned(error: Error, file: &Path) -> Error {
    match read_to_be_signed(file) {
        Ok(ToBeSigned::Prepared(_)) => Error::new(
            ErrorKind::Malformed,
            format!("{} is no signature yet: it is what is to be signed", file.display()),
        ),
        _ => error,
    }
}

fn show(args: &Attach, attached: &Attached, ui: &mut Ui) {
    let (kind, word) = match attached.written {
        true => ("attached", "signature attached"),
        false => ("skipped", "left alone, it has this signature"),
    };
    let object = json::Changed {
        schema: 1,
        r#type: kind,
        file: json::FileName::new(&args.file),
        output: json::OutputName::new(&attached.output),
        signatures: None,
        timestamps: Vec::new(),
        journal: None,
    };
    ui.success(&object, || format!("{}: {word}", shown(&attached.output)));
}
