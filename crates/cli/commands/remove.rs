//! `chancery remove`

use std::path::Path;

use chancery::authenticode::RemovedChecksum;
use chancery::{Error, ErrorKind, RemoveOptions, Removed, RemovedPart, remove_signatures};

use crate::args::Remove;
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
use crate::ui::Ui;

pub(crate) fn run(args: &Remove, ui: &mut Ui) -> Exit {
    if args.output.is_too_narrow(args.files.len()) {
        let error = Error::new(ErrorKind::Usage, "--out must be a folder for several files");
        return ui.error(&error, None);
    }
    let progress = ui.progress(args.files.len(), "unsigning");
    let mut exit = Exit::Done;
    for file in &args.files {
        progress.file(file);
        let result = remove_one(args, file);
        exit = exit.graver(progress.done(|| match result {
            Ok(removed) => {
                show(args, file, &removed, ui);
                Exit::Done
            }
            Err(error) => ui.error(&error, Some(file)),
        }));
    }
    exit
}

fn remove_one(args: &Remove, file: &Path) -> Result<Removed, Error> {
    let mut options = RemoveOptions::default();
    options.part = match args.index {
        Some(index) => RemovedPart::Signature(index),
        None if args.unsigned_attributes => RemovedPart::UnsignedAttributes,
        None => RemovedPart::All,
    };
    if args.zero_checksum {
        options.checksum = RemovedChecksum::Zero;
    }
    options.output = args.output.path_for(file);
    options.strip = args.output.strip;
    remove_signatures(file, now()?, &options)
}

fn show(args: &Remove, file: &Path, removed: &Removed, ui: &mut Ui) {
    let object = json::Changed {
        schema: 1,
        r#type: "removed",
        file: json::shown(file),
        output: json::shown(&removed.output),
        signatures: Some(removed.left),
    };
    ui.success(&object, || {
        let what = if args.unsigned_attributes { "unsigned attributes removed" } else { "removed" };
        format!("{}: {what}, {} signatures left", removed.output.display(), removed.left)
    });
}
