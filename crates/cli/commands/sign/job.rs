//! Signing one of many files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chancery::batch::{Listed, Stages};
use chancery::timestamp::http::HttpTimestamper;
use chancery::x509::Identity;
use chancery::{
    Error, IfSigned, Journal, Journaled, Noted, Outcome, SignFileOptions, Signed, Stamping,
    sign_file_in_stages,
};

use super::show;
use crate::args::Sign;
use crate::batch::Job;
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
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
    /// By the file and its name: where results go to a folder, one file may be two of them.
    said: HashMap<(PathBuf, PathBuf), Journaled>,
}

/// What became of a file.
pub(super) enum Done {
    Signed(Box<Signed>),
    Failed(Error),
    /// The journal says that it is done, and this is where.
    Before(PathBuf),
}

impl Done {
    /// Returns what became of the file where a later run has nothing to do. One that was skipped may be what a killed run
    /// finished and did not note; one without the timestamp that was asked for is not what was wanted.
    fn as_wanted(&self) -> Option<&Signed> {
        match self {
            Self::Signed(signed)
                if signed.outcome != Outcome::LeftAlone && signed.unstamped.is_empty() =>
            {
                Some(signed)
            }
            _ => None,
        }
    }
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
                let said = described(args, &options, timestamper.is_some());
                let journal = Journal::open(path, identity.certificate(), &said)?;
                Some(Mutex::new(Notes { journal, said: HashMap::new() }))
            }
            None => None,
        };
        Ok(Self { args, identity, key, options, timestamper, journal })
    }

    fn sign(
        &self,
        file: &Listed,
        resumed: Option<Noted>,
        stages: &Stages,
    ) -> Result<Signed, Error> {
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
            let file = (file.path.clone(), file.name.clone());
            notes.lock().unwrap_or_else(PoisonError::into_inner).said.remove(&file)
        });
        if said == Some(Journaled::Done) {
            let place = self.args.output.place_for_listed(file);
            return Done::Before(place.unwrap_or_else(|| file.path.clone()));
        }
        let resumed = match said {
            Some(Journaled::Uncertain(noted)) => Some(noted),
            _ => None,
        };
        match self.sign(file, resumed, stages) {
            Ok(signed) => Done::Signed(Box::new(signed)),
            Err(error) => Done::Failed(error),
        }
    }

    fn is_left_alone(&self, done: &Done) -> bool {
        match done {
            Done::Signed(signed) => {
                matches!(signed.outcome, Outcome::Skipped | Outcome::LeftAlone)
            }
            Done::Before(_) => true,
            Done::Failed(_) => false,
        }
    }

    fn results(&self) -> Option<&Path> {
        self.args.output.out.as_deref()
    }

    fn written<'a>(&self, done: &'a Done) -> Option<&'a Path> {
        match done {
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
            Done::Before(output) => {
                let object = json::Changed {
                    schema: 1,
                    r#type: "skipped",
                    file: json::FileName::new(file),
                    output: json::OutputName::new(&output),
                    signatures: None,
                    timestamps: Vec::new(),
                    journal: Some(true),
                };
                ui.success(&object, || format!("{}: left alone, done by the journal", shown(file)));
                Exit::Done
            }
            Done::Failed(error) => ui.error(&error, Some(file)),
        }
    }

    fn begin(&self, files: &[Listed]) -> Result<(), Error> {
        let Some(notes) = &self.journal else { return Ok(()) };
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        // One without a place for its result fails when it is worked on, with its name.
        let files = files.iter().filter(|file| !file.again);
        let files: Vec<_> =
            files.filter_map(|file| Some((file, self.target(file).ok()?))).collect();
        let places = files.iter().map(|(file, target)| (file.path.as_path(), target.as_path()));
        let said = notes.journal.begin(places)?;
        let names = files.iter().map(|(file, _)| (file.path.clone(), file.name.clone()));
        notes.said.extend(names.zip(said));
        Ok(())
    }

    fn settle(&self, done: &[(&Listed, &Done)]) -> Result<(), Error> {
        let Some(notes) = &self.journal else { return Ok(()) };
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = done.iter().filter_map(|(file, done)| {
            let place = self.args.output.place_for_listed(file);
            Some((place.unwrap_or_else(|| file.path.clone()), done.as_wanted()?))
        });
        let settled: Vec<_> = settled.collect();
        notes.journal.done(settled.iter().map(|(place, signed)| (place.as_path(), *signed)))
    }
}

/// Names the options that say what a signature is and where it goes: with others, what is done is not what was wanted.
fn described(args: &Sign, options: &SignFileOptions, stamped: bool) -> String {
    let signatures = || std::iter::once(&options.signature).chain(&options.also);
    let names = signatures().map(|signature| signature.scheme.name());
    let mut words = vec![names.collect::<Vec<_>>().join(",")];
    let choice = match options.if_signed {
        IfSigned::Replace => "--replace",
        IfSigned::Append => "--append",
        IfSigned::Skip => "--skip-signed",
        _ => "",
    };
    let flags = [
        (!choice.is_empty(), choice),
        (args.page_hashes, "--page-hashes"),
        (args.commercial, "--commercial"),
        (stamped, "--timestamp"),
    ];
    words.extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| (*flag).to_owned()));
    let by = options.signed_by.as_deref().map(json::hex);
    // A folder has one name from wherever the command is run.
    let out = args.output.out.as_deref().map(|out| match std::path::absolute(out) {
        Ok(out) => out.display().to_string(),
        Err(_) => out.display().to_string(),
    });
    let values = [
        ("--description", args.description.as_ref()),
        ("--url", args.url.as_ref()),
        ("--signed-by", by.as_ref()),
        ("--out", out.as_ref()),
    ];
    let values = values.iter().filter_map(|(name, value)| Some(format!("{name} {:?}", (*value)?)));
    words.extend(values);
    words.join(" ")
}
