//! Runs a command over many files, and tells how it goes.

mod left_overs;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chancery::batch::{
    Batch, FileList, Finished, Listed, Progress, Stage, StageLimits, Stages, sync_folders,
};
use chancery::{Error, ErrorKind};
use indicatif::HumanBytes;

use crate::args::BatchOptions;
use crate::exit::Exit;
use crate::interrupt;
use crate::json;
use crate::shown::shown;
use crate::ui::{self, Ui};
use crate::watch;

/// What a command does with each file.
pub(crate) trait Job: Sync {
    /// What became of a file.
    type Done: Send + 'static;

    /// Works on a file, in whatever thread.
    fn work(&self, file: &Listed, stages: &Stages) -> Self::Done;

    /// Returns the file that was written.
    fn written<'a>(&self, done: &'a Self::Done) -> Option<&'a Path>;

    /// Tells whether nothing was to be done.
    fn is_left_alone(&self, done: &Self::Done) -> bool {
        let _ = done;
        false
    }

    /// Returns where changed files go, if not into the place of the original.
    fn results(&self) -> Option<&Path> {
        None
    }

    /// Tells whether files are written, and what killed runs left is to be cleared away.
    fn writes(&self) -> bool {
        true
    }

    /// Prints what became of a file.
    fn show(&self, file: &Path, done: Self::Done, ui: &mut Ui) -> Exit;

    /// Files are about to be worked on.
    fn begin(&self, files: &[Listed]) -> Result<(), Error> {
        let _ = files;
        Ok(())
    }

    /// These files are done, durably.
    fn settle(&self, done: &[(&Listed, &Self::Done)]) -> Result<(), Error> {
        let _ = done;
        Ok(())
    }
}

/// Does a job over the files that arguments name.
pub(crate) fn run<J: Job>(
    job: &J,
    arguments: &[PathBuf],
    options: &BatchOptions,
    stages: &Stages,
    limits: &StageLimits,
    doing: &'static str,
    ui: &mut Ui,
) -> Exit {
    let stop = interrupt::stop();
    let batch = Batch::new(limits, Arc::clone(&stop));
    let several = options.recursive || !FileList::is_one_file(arguments);
    let bar = ui.progress(if several { 0 } else { 1 }, doing);
    let mut telling = Telling {
        job,
        stages,
        bar,
        ui,
        exit: Exit::Done,
        begun: Instant::now(),
        counts: Counts::default(),
        stop: Arc::clone(&stop),
        is_stopping: false,
    };
    let work = |file: &Listed| {
        if file.again {
            return None;
        }
        let _working = watch::working_on(&file.path);
        Some(job.work(file, stages))
    };
    let mut files = options.files(arguments, job.results());
    if job.writes() {
        files = files.noting(stages.left_overs());
    }
    let ended = batch.run(files, work, &mut telling);
    let (mut exit, counts, begun) = (telling.exit, telling.counts, telling.begun);
    drop(telling.bar);
    left_overs::settle(stages.left_overs(), ui);
    if let Err(error) = ended {
        exit = exit.graver(ui.error(&error, None));
    }
    let is_stopped = stop.load(Ordering::Relaxed);
    if counts.all() == 0 && exit == Exit::Done && !is_stopped {
        let but = match job.results() {
            Some(_) => ", besides the folder of results",
            None => "",
        };
        let text = format!("there is no program in what was named{but}: nothing is done");
        let error = Error::new(ErrorKind::Io, text);
        exit = ui.error(&error, None);
    } else if several || counts.all() > 1 {
        summary(&counts, stages, begun, doing, ui);
    }
    if is_stopped {
        ui.warn("interrupted: what was begun is done, the other files are as they were");
        exit = exit.graver(Exit::Interrupted);
    }
    exit
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    well: u64,
    failed: u64,
    again: u64,
    /// Of those that went well.
    left_alone: u64,
}

impl Counts {
    const fn all(self) -> u64 {
        self.well + self.failed + self.again
    }
}

struct Telling<'a, J> {
    job: &'a J,
    stages: &'a Stages,
    bar: ui::Progress,
    ui: &'a mut Ui,
    exit: Exit,
    begun: Instant,
    counts: Counts,
    stop: Arc<AtomicBool>,
    /// Whether the user was told that the run is ending.
    is_stopping: bool,
}

impl<J: Job> Progress<Option<J::Done>> for Telling<'_, J> {
    fn begin(&mut self, files: &[Listed]) -> Result<(), Error> {
        self.job.begin(files)
    }

    fn done(&mut self, group: Vec<Finished<Option<J::Done>>>) -> Result<(), Error> {
        // Nothing is called done that a power cut could undo.
        let done = group.iter().filter_map(|one| {
            let (file, done) = one.result.as_ref().ok()?;
            Some((file, done.as_ref()?))
        });
        let done: Vec<_> = done.collect();
        let settled = match sync_folders(done.iter().filter_map(|(_, done)| self.job.written(done)))
        {
            Ok(()) => self.job.settle(&done),
            Err(error) => {
                let ui = &mut *self.ui;
                self.exit = self.exit.graver(self.bar.suspend(|| ui.error(&error, None)));
                Ok(())
            }
        };
        // What was done is told whether or not that could be noted.
        for finished in group {
            let (job, ui) = (self.job, &mut *self.ui);
            let again = matches!(finished.result, Ok((_, None)));
            let is_left =
                matches!(&finished.result, Ok((_, Some(done))) if job.is_left_alone(done));
            let exit = self.bar.done(|| match finished.result {
                Ok((file, Some(done))) => job.show(&file.path, done, ui),
                Ok((file, None)) => {
                    let text = || format!("{}: named before in this run", shown(&file.path));
                    ui.success(&json::Again::new(&file.path), text);
                    Exit::Done
                }
                Err(error) => ui.error(&error, None),
            });
            match exit {
                _ if again => self.counts.again += 1,
                Exit::Done => {
                    self.counts.well += 1;
                    self.counts.left_alone += u64::from(is_left);
                }
                _ => self.counts.failed += 1,
            }
            self.exit = self.exit.graver(exit);
        }
        if self.stages.left_overs().are_many() {
            let (left_overs, ui) = (self.stages.left_overs(), &mut *self.ui);
            self.bar.suspend(|| left_overs::settle(left_overs, ui));
        }
        settled
    }

    fn tick(&mut self) {
        if !self.is_stopping && self.stop.load(Ordering::Relaxed) {
            self.is_stopping = true;
            let ui = &mut *self.ui;
            self.bar.suspend(|| {
                ui.note("interrupted: finishing the files that were begun; once more to end now");
            });
        }
        let busiest = Stage::ALL.into_iter().max_by_key(|stage| self.stages.files_in(*stage));
        let what = busiest.filter(|stage| self.stages.files_in(*stage) > 0).map_or("", Stage::name);
        let (bytes, rate) = rate(self.stages, self.begun);
        self.bar.say(&format!("{bytes}, {rate}/s, {what}"));
    }
}

fn rate(stages: &Stages, begun: Instant) -> (HumanBytes, HumanBytes) {
    let bytes = stages.bytes();
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    (HumanBytes(bytes), HumanBytes(bytes.saturating_mul(1000) / millis))
}

fn summary(counts: &Counts, stages: &Stages, begun: Instant, doing: &'static str, ui: &mut Ui) {
    let seconds = begun.elapsed().as_secs_f64();
    if ui.is_json() {
        let object = json::Summary {
            schema: 1,
            r#type: "summary",
            done: counts.well,
            failed: counts.failed,
            again: counts.again,
            left_alone: counts.left_alone,
            bytes: stages.bytes(),
            seconds,
        };
        ui.result(&object, String::new);
        return;
    }
    let (bytes, rate) = rate(stages, begun);
    let Counts { well, failed, again, left_alone } = counts;
    let left = if *left_alone > 0 { format!(" ({left_alone} left alone)") } else { String::new() };
    let again = if *again > 0 { format!(", {again} named again") } else { String::new() };
    ui.note(&format!(
        "{doing}: {well} done{left}, {failed} not{again}; {bytes} in {seconds:.1} s, {rate}/s"
    ));
}
