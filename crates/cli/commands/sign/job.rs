//! Signing one of many files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chancery::batch::{Listed, Stages};
use chancery::timestamp::http::HttpTimestamper;
use chancery::x509::Identity;
use chancery::{
    Error, Journal, Journaled, Outcome, SignFileOptions, Signed, Stamping, sign_file_in_stages,
};

use super::show;
use crate::args::Sign;
use crate::batch::Job;
use crate::commands::now;
use crate::exit::Exit;
use crate::shown::shown;
use crate::ui::Ui;

/// What signs every file of a run.
pub(super) struct SignJob<'a> {
    args: &'a Sign,
    identity: Identity,
    key: String,
    options: SignFileOptions,
    timestamper: Option<HttpTimestamper>,
    journal: Option<Mutex<Notes>>,
}

/// The journal, and what it said of files that are in flight.
struct Notes {
    journal: Journal,
    said: HashMap<PathBuf, Journaled>,
}

/// What became of a file.
pub(super) enum Done {
    Signed(Box<Signed>),
    Failed(Error),
    /// The journal says that it is done.
    Before,
}

impl<'a> SignJob<'a> {
    pub(super) fn new(
        args: &'a Sign,
        identity: Identity,
        key: String,
        options: SignFileOptions,
        timestamper: Option<HttpTimestamper>,
    ) -> Result<Self, Error> {
        let journal = match &args.record.journal {
            Some(path) => {
                let journal = Journal::open(path, identity.certificate())?;
                Some(Mutex::new(Notes { journal, said: HashMap::new() }))
            }
            None => None,
        };
        Ok(Self { args, identity, key, options, timestamper, journal })
    }

    fn sign(&self, file: &Listed, resumed: bool, stages: &Stages) -> Result<Signed, Error> {
        let mut options = self.options.clone();
        options.output = self.args.output.path_for_listed(file)?;
        options.resumed = resumed;
        let stamping = self.timestamper.as_ref().map(|timestamper| {
            let stamping = Stamping::new(timestamper);
            if self.args.require_timestamp { stamping.required() } else { stamping }
        });
        sign_file_in_stages(&file.path, &self.identity, now()?, &options, stamping, stages)
    }

    /// Returns the file whose state tells whether this one is done.
    fn target(&self, file: &Listed) -> Result<PathBuf, Error> {
        Ok(self.args.output.path_for_listed(file)?.unwrap_or_else(|| file.path.clone()))
    }
}

impl Job for SignJob<'_> {
    type Done = Done;

    fn work(&self, file: &Listed, stages: &Stages) -> Done {
        let said = self.journal.as_ref().and_then(|notes| {
            notes.lock().unwrap_or_else(PoisonError::into_inner).said.remove(&file.path)
        });
        if said == Some(Journaled::Done) {
            return Done::Before;
        }
        match self.sign(file, said == Some(Journaled::Uncertain), stages) {
            Ok(signed) => Done::Signed(Box::new(signed)),
            Err(error) => Done::Failed(error),
        }
    }

    fn results(&self) -> Option<&Path> {
        self.args.output.out.as_deref()
    }

    fn written<'a>(&self, done: &'a Done) -> Option<&'a Path> {
        match done {
            // One that was skipped may be what a killed run finished and did not note.
            Done::Signed(signed) if signed.outcome != Outcome::LeftAlone => Some(&signed.output),
            _ => None,
        }
    }

    fn show(&self, file: &Path, done: Done, ui: &mut Ui) -> Exit {
        match done {
            Done::Signed(signed) => {
                show(&self.key, file, &self.identity, &self.options, &signed, ui);
                Exit::Done
            }
            Done::Before => {
                let object = serde_json::json!({
                    "schema": 1, "type": "skipped", "file": crate::json::shown(file), "journal": true,
                });
                ui.success(&object, || format!("{}: left alone, done by the journal", shown(file)));
                Exit::Done
            }
            Done::Failed(error) => ui.error(&error, Some(file)),
        }
    }

    fn begin(&self, files: &[Listed]) -> Result<(), Error> {
        let Some(notes) = &self.journal else { return Ok(()) };
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        let files: Vec<_> = files.iter().filter(|file| !file.again).collect();
        let targets = files.iter().map(|file| self.target(file));
        let targets: Vec<_> = targets.collect::<Result<_, _>>()?;
        let said = notes.journal.begin(targets.iter().map(PathBuf::as_path))?;
        notes.said.extend(files.iter().map(|file| file.path.clone()).zip(said));
        Ok(())
    }

    fn settle(&self, written: &[PathBuf]) -> Result<(), Error> {
        let Some(notes) = &self.journal else { return Ok(()) };
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.journal.done(written.iter().map(PathBuf::as_path))
    }
}
