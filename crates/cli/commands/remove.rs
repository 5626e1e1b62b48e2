//! `chancery remove`

use std::path::Path;

use chancery::authenticode::RemovedChecksum;
use chancery::batch::{Listed, Stages};
use chancery::{Error, RemoveOptions, Removed, RemovedPart, remove_signatures_in_stages};

use crate::args::Remove;
use crate::batch::{self, Job};
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Remove, ui: &mut Ui) -> Exit {
    if let Err(error) = args.output.check_room_for(&args.files) {
        return ui.error(&error, None);
    }
    let limits = args.batch.limits(&args.files, None, None);
    let stages = Stages::new(&limits);
    let job = RemoveJob { args };
    batch::run(&job, &args.files, &args.batch, &stages, &limits, "unsigning", ui)
}

struct RemoveJob<'a> {
    args: &'a Remove,
}

impl Job for RemoveJob<'_> {
    type Done = Result<Removed, Error>;

    fn work(&self, file: &Listed, stages: &Stages) -> Self::Done {
        let mut options = RemoveOptions::default();
        options.part = match self.args.index {
            Some(index) => RemovedPart::Signature(index),
            None if self.args.unsigned_attributes => RemovedPart::UnsignedAttributes,
            None => RemovedPart::All,
        };
        if self.args.zero_checksum {
            options.checksum = RemovedChecksum::Zero;
        }
        options.output = self.args.output.path_for_listed(file)?;
        options.strip = self.args.output.strip;
        remove_signatures_in_stages(&file.path, now()?, &options, stages)
    }

    fn results(&self) -> Option<&Path> {
        self.args.output.out.as_deref()
    }

    fn written<'a>(&self, done: &'a Self::Done) -> Option<&'a Path> {
        done.as_ref().ok().map(|removed| removed.output.as_path())
    }

    fn show(&self, file: &Path, done: Self::Done, ui: &mut Ui) -> Exit {
        match done {
            Ok(removed) => {
                show(self.args, file, &removed, ui);
                Exit::Done
            }
            Err(error) => ui.error(&error, Some(file)),
        }
    }
}

fn show(args: &Remove, file: &Path, removed: &Removed, ui: &mut Ui) {
    let object = json::Changed {
        schema: 1,
        r#type: "removed",
        file: json::FileName::new(file),
        output: json::OutputName::new(&removed.output),
        signatures: Some(removed.left),
        timestamps: Vec::new(),
        journal: None,
    };
    ui.success(&object, || {
        let what = if args.unsigned_attributes { "unsigned attributes removed" } else { "removed" };
        format!("{}: {what}, {} signatures left", shown(&removed.output), removed.left)
    });
}
