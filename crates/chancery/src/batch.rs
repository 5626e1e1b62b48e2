//! Many files at once: each goes its way through the [stages](Stages) in a thread of its own, and what became of
//! them comes back in the order they were named.

mod limiter;
mod listing;
mod patterns;
mod source;
mod stages;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use self::source::{Next, Source};
use crate::ErrorKind;
use crate::writer::sync_folder;

pub use self::listing::{FileList, Listed};
pub use self::stages::{Stage, StageLimits, Stages};
pub use crate::writer::{LeftOver, LeftOverFate, LeftOvers};

/// How far results may run ahead of the first one that is missing.
const WINDOW: usize = 1024;

/// How often progress is told while nothing is done.
const TICK: Duration = Duration::from_millis(100);

/// Runs work over many files.
#[derive(Clone, Debug)]
pub struct Batch {
    workers: usize,
    stop: Arc<AtomicBool>,
}

/// Who hears of a run.
pub trait Progress<T> {
    /// Files are about to be worked on, in this order.
    ///
    /// # Errors
    /// Where this says that they must not be: the run ends after what is in flight.
    fn begin(&mut self, files: &[Listed]) -> Result<(), crate::Error> {
        let _ = files;
        Ok(())
    }

    /// These are done, in the order in which they were named; a group is what was done at about one time.
    ///
    /// # Errors
    /// Where this cannot be written down: the run ends after what is in flight.
    fn done(&mut self, group: Vec<Finished<T>>) -> Result<(), crate::Error>;

    /// Some time passed.
    fn tick(&mut self) {}
}

/// One file that is done: or what could not be listed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished<T> {
    /// The file, and what became of it.
    pub result: Result<(Listed, T), crate::Error>,
}

enum Message<T> {
    Done(usize, Listed, T),
    /// The run was stopped before the file was begun.
    Dropped(usize),
    /// There may be one more file to hand out.
    Listed,
    /// A worker panicked.
    Lost,
}

/// Makes the names of new files durable: each folder once, as far as that goes.
///
/// # Errors
/// [`ErrorKind::Io`]: a power cut may bring back what was in the folder it names.
pub fn sync_folders<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<(), crate::Error> {
    let folders: BTreeSet<_> = files.into_iter().filter_map(Path::parent).collect();
    let mut synced = Ok(());
    for folder in folders {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        synced = synced.and(sync_folder(folder));
    }
    synced
}

impl Batch {
    /// Makes a run with as many files in flight as these limits can use. Once `stop` is set, no further file is
    /// begun, not even one that waits for a worker, and those in flight are finished.
    #[must_use]
    pub fn new(limits: &StageLimits, stop: Arc<AtomicBool>) -> Self {
        let all = [limits.hashing, limits.signing, limits.stamping, limits.writing];
        let workers = all.iter().map(|limit| limit.get()).fold(0, usize::saturating_add);
        Self { workers, stop }
    }

    /// Does `work` for every file, and tells `progress` what became of each.
    ///
    /// Files are listed by a thread of its own, only a few ahead of what is needed. What `work` returns is kept until all
    /// files before it are done, for at most 1024 files.
    ///
    /// # Errors
    /// What `progress` says.
    pub fn run<T: Send + 'static>(
        &self,
        files: impl Iterator<Item = Result<Listed, crate::Error>> + Send + 'static,
        work: impl Fn(&Listed) -> T + Sync,
        progress: &mut impl Progress<T>,
    ) -> Result<(), crate::Error> {
        // Enough that no worker waits for the one thread that lists and reports.
        let room = self.workers.saturating_mul(2);
        let (hand_out, waiting) = mpsc::sync_channel(room);
        let waiting = Mutex::new(waiting);
        let (hand_in, results) = mpsc::channel();
        let wake = hand_in.clone();
        let mut source = Source::new(files, room, &self.stop, move || {
            let _ = wake.send(Message::Listed);
        });
        thread::scope(|scope| {
            let hired = RefCell::new(Vec::new());
            let hire = || {
                let (waiting, work, hand_in) = (&waiting, &work, hand_in.clone());
                let worker = move || worker(waiting, work, &self.stop, &hand_in);
                let started = thread::Builder::new().spawn_scoped(scope, worker)?;
                hired.borrow_mut().push(started);
                Ok(())
            };
            let mut run = Run {
                next: 0,
                delivered: 0,
                outstanding: 0,
                room,
                most_workers: self.workers,
                workers: 0,
                hire,
                ready: BTreeMap::new(),
                results,
                hand_out: Some(hand_out),
            };
            let ended = run.all(&mut source, &self.stop, progress);
            drop(run);
            // A scope waits for what its threads do, and not for their end, in which libraries behind a PKCS#11 module
            // clear up: they must not find that the process, ending meanwhile, has cleared up already.
            for thread in hired.into_inner() {
                if let Err(panicked) = thread.join() {
                    resume_unwind(panicked);
                }
            }
            ended
        })
    }
}

fn worker<T>(
    waiting: &Mutex<Receiver<(usize, Listed)>>,
    work: &impl Fn(&Listed) -> T,
    stop: &AtomicBool,
    hand_in: &Sender<Message<T>>,
) {
    /// Tells that a worker is gone, where nobody would hear of the file it had.
    struct Alarm<'a, T>(Option<&'a Sender<Message<T>>>);
    impl<T> Drop for Alarm<'_, T> {
        fn drop(&mut self) {
            if let Some(sender) = self.0 {
                let _ = sender.send(Message::Lost);
            }
        }
    }
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((index, file)) = next else { return };
        let mut alarm = Alarm(Some(hand_in));
        let message = if stop.load(Ordering::Relaxed) {
            Message::Dropped(index)
        } else {
            let done = work(&file);
            Message::Done(index, file, done)
        };
        alarm.0 = None;
        if hand_in.send(message).is_err() {
            return;
        }
    }
}

/// What the thread knows that lists and reports.
struct Run<T, H> {
    /// The number of the next file.
    next: usize,
    delivered: usize,
    /// How many files are with workers.
    outstanding: usize,
    room: usize,
    most_workers: usize,
    workers: usize,
    /// Starts one more worker. There are no more than files: a command for one file starts one thread.
    hire: H,
    /// What is done; nothing, where a file was not begun.
    ready: BTreeMap<usize, Option<Finished<T>>>,
    results: Receiver<Message<T>>,
    hand_out: Option<SyncSender<(usize, Listed)>>,
}

impl<T, H: Fn() -> io::Result<()>> Run<T, H> {
    fn all<I: Iterator<Item = Result<Listed, crate::Error>> + Send + 'static>(
        &mut self,
        source: &mut Source<I>,
        stop: &AtomicBool,
        progress: &mut impl Progress<T>,
    ) -> Result<(), crate::Error> {
        let mut ended = Ok(());
        loop {
            let goes_on = ended.is_ok() && !stop.load(Ordering::Relaxed);
            if goes_on && let Err(error) = self.feed(source, progress) {
                ended = Err(error);
            }
            if let Err(error) = self.deliver(progress)
                && ended.is_ok()
            {
                ended = Err(error);
            }
            let idle = self.outstanding == 0;
            if idle && (ended.is_err() || source.is_over() || stop.load(Ordering::Relaxed)) {
                break;
            }
            let waits = !idle || matches!(source, Source::Ahead(..));
            if waits && !self.collect(progress) {
                break;
            }
        }
        // The workers go home.
        self.hand_out = None;
        ended
    }

    /// Hands out as many files as there are and as there is room for.
    fn feed<I: Iterator<Item = Result<Listed, crate::Error>> + Send + 'static>(
        &mut self,
        source: &mut Source<I>,
        progress: &mut impl Progress<T>,
    ) -> Result<(), crate::Error> {
        let (mut numbers, mut group) = (Vec::new(), Vec::new());
        while self.outstanding.saturating_add(group.len()) < self.room
            && self.next.saturating_sub(self.delivered) < WINDOW
        {
            let Next::File(listed) = source.next() else { break };
            let number = self.next;
            self.next = self.next.saturating_add(1);
            match listed {
                Ok(listed) => {
                    numbers.push(number);
                    group.push(listed);
                }
                Err(error) => {
                    self.ready.insert(number, Some(Finished { result: Err(error) }));
                }
            }
        }
        if group.is_empty() {
            return Ok(());
        }
        if let Err(error) = progress.begin(&group) {
            // None of them is begun, and what is known of those between them is still told.
            self.ready.extend(numbers.into_iter().map(|number| (number, None)));
            return Err(error);
        }
        for job in numbers.iter().copied().zip(group) {
            if self.workers <= self.outstanding.min(self.most_workers.saturating_sub(1)) {
                match (self.hire)() {
                    Ok(()) => self.workers = self.workers.saturating_add(1),
                    // Where there are limits, those there are do it all.
                    Err(_) if self.workers > 0 => self.most_workers = self.workers,
                    Err(error) => {
                        self.ready.extend(numbers.into_iter().map(|number| (number, None)));
                        let text = "cannot start a thread: so many may run and no more";
                        return Err(crate::Error::new(ErrorKind::Io, text).with_source(error));
                    }
                }
            }
            self.outstanding = self.outstanding.saturating_add(1);
            if let Some(hand_out) = &self.hand_out {
                let _ = hand_out.send(job);
            }
        }
        Ok(())
    }

    /// Waits a while for results or files, and takes all results there are; `false` where a worker is gone.
    fn collect(&mut self, progress: &mut impl Progress<T>) -> bool {
        let mut message = match self.results.recv_timeout(TICK) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        while let Some(next) = message {
            let (index, finished) = match next {
                Message::Done(index, file, done) => {
                    (index, Some(Finished { result: Ok((file, done)) }))
                }
                Message::Dropped(index) => (index, None),
                Message::Listed => {
                    message = self.results.try_recv().ok();
                    continue;
                }
                Message::Lost => return false,
            };
            self.outstanding = self.outstanding.saturating_sub(1);
            self.ready.insert(index, finished);
            message = self.results.try_recv().ok();
        }
        progress.tick();
        true
    }

    /// Passes on what is done and has nothing before it that is not.
    fn deliver(&mut self, progress: &mut impl Progress<T>) -> Result<(), crate::Error> {
        let mut group = Vec::new();
        while let Some(finished) = self.ready.remove(&self.delivered) {
            group.extend(finished);
            self.delivered = self.delivered.saturating_add(1);
        }
        if group.is_empty() { Ok(()) } else { progress.done(group) }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::{Error, ErrorKind};

    #[derive(Default)]
    struct Record {
        seen: Vec<String>,
        stop: Arc<AtomicBool>,
        stop_after: Option<usize>,
    }

    impl Progress<usize> for Record {
        fn done(&mut self, group: Vec<Finished<usize>>) -> Result<(), Error> {
            for finished in group {
                self.seen.push(match finished.result {
                    Ok((listed, number)) => format!("{}:{number}", listed.path.display()),
                    Err(error) => error.to_string(),
                });
            }
            if self.stop_after.is_some_and(|after| self.seen.len() >= after) {
                self.stop.store(true, Ordering::Relaxed);
            }
            Ok(())
        }
    }

    fn file(number: usize) -> Result<Listed, Error> {
        let path = PathBuf::from(number.to_string());
        Ok(Listed { name: path.clone(), path, again: false })
    }

    fn uneven(listed: &Listed) -> usize {
        let number: usize = listed.path.to_str().unwrap().parse().unwrap();
        // Later ones are done first.
        thread::sleep(Duration::from_micros(if number.is_multiple_of(7) { 3000 } else { 10 }));
        number * 2
    }

    #[test]
    fn results_come_in_the_order_of_the_names_whatever_is_done_first() {
        let mut record = Record::default();
        let batch = Batch::new(&StageLimits::default(), Arc::default());
        let files = (0..3000).map(|number| match number {
            1500 => Err(Error::new(ErrorKind::Io, "not listed")),
            number => file(number),
        });
        batch.run(files, uneven, &mut record).unwrap();
        assert_eq!(record.seen.len(), 3000);
        for (number, seen) in record.seen.iter().enumerate() {
            match number {
                1500 => assert_eq!(seen, "not listed"),
                _ => assert_eq!(*seen, format!("{number}:{}", number * 2)),
            }
        }
    }

    #[test]
    fn a_run_that_is_stopped_finishes_what_is_in_flight_and_lists_no_more() {
        let stop = Arc::new(AtomicBool::new(false));
        let mut record =
            Record { stop: Arc::clone(&stop), stop_after: Some(5), ..Record::default() };
        let batch = Batch::new(&StageLimits::default(), stop);
        let (begun, listed) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&listed);
        let files = (0..1_000_000).map(move |number| {
            counted.fetch_add(1, Ordering::Relaxed);
            file(number)
        });
        let work = |listed: &Listed| {
            begun.fetch_add(1, Ordering::Relaxed);
            uneven(listed)
        };
        batch.run(files, work, &mut record).unwrap();
        assert_eq!(
            record.seen.len(),
            begun.load(Ordering::Relaxed),
            "all that began were reported"
        );
        assert!(listed.load(Ordering::Relaxed) < 5000, "and few others were listed");
    }

    #[test]
    fn files_that_wait_for_a_worker_are_not_begun_once_the_run_is_stopped() {
        let stop = Arc::new(AtomicBool::new(false));
        let mut record = Record::default();
        let limits = StageLimits::one_file();
        let batch = Batch::new(&limits, Arc::clone(&stop));
        let begun = AtomicUsize::new(0);
        let work = |_: &Listed| {
            begun.fetch_add(1, Ordering::Relaxed);
            // All workers are here by then, and the other files wait.
            thread::sleep(Duration::from_millis(50));
            stop.store(true, Ordering::Relaxed);
            0
        };
        batch.run((0..100).map(file), work, &mut record).unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 4, "as many as there are workers");
        assert_eq!(record.seen.len(), 4);
    }

    #[test]
    fn a_slow_list_holds_up_nothing_and_is_left_when_the_run_is_stopped() {
        let stop = Arc::new(AtomicBool::new(false));
        let mut record =
            Record { stop: Arc::clone(&stop), stop_after: Some(1), ..Record::default() };
        let (never, ends) = mpsc::channel::<()>();
        let files = (0..2).map(move |number| {
            if number == 1 {
                let _ = ends.recv();
            }
            file(number)
        });
        Batch::new(&StageLimits::default(), stop).run(files, uneven, &mut record).unwrap();
        assert_eq!(record.seen, ["0:0"]);
        drop(never);
    }

    #[test]
    fn what_could_not_be_listed_is_told_though_nothing_may_be_begun() {
        struct Refusing(Vec<String>);
        impl Progress<()> for Refusing {
            fn begin(&mut self, _: &[Listed]) -> Result<(), Error> {
                Err(Error::new(ErrorKind::Io, "no journal"))
            }
            fn done(&mut self, group: Vec<Finished<()>>) -> Result<(), Error> {
                self.0.extend(group.into_iter().map(|one| one.result.unwrap_err().to_string()));
                Ok(())
            }
        }
        /// Says it were one file, so that all are listed at once and are one group.
        struct AtOnce(std::vec::IntoIter<Result<Listed, Error>>);
        impl Iterator for AtOnce {
            type Item = Result<Listed, Error>;
            fn next(&mut self) -> Option<Self::Item> {
                self.0.next()
            }
            fn size_hint(&self) -> (usize, Option<usize>) {
                (0, Some(1))
            }
        }
        let files = vec![file(0), Err(Error::new(ErrorKind::Io, "not listed")), file(1)];
        let mut told = Refusing(Vec::new());
        let batch = Batch::new(&StageLimits::default(), Arc::default());
        assert!(batch.run(AtOnce(files.into_iter()), |_| (), &mut told).is_err());
        assert_eq!(told.0, ["not listed"]);
    }

    #[test]
    #[should_panic(expected = "a fault in listing")]
    fn a_panic_in_the_listing_ends_the_run() {
        let batch = Batch::new(&StageLimits::default(), Arc::default());
        let files = (0..10).map(|number| match number {
            7 => panic!("a fault in listing"),
            number => file(number),
        });
        let _ = batch.run(files, uneven, &mut Record::default());
    }

    #[test]
    fn threads_have_ended_when_the_run_has() {
        struct Slow;
        impl Drop for Slow {
            fn drop(&mut self) {
                thread::sleep(Duration::from_millis(50));
                ENDED.fetch_add(1, Ordering::Relaxed);
            }
        }
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        static ENDED: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static SLOW: Slow = {
                BEGUN.fetch_add(1, Ordering::Relaxed);
                Slow
            };
        }
        struct Deaf;
        impl Progress<()> for Deaf {
            fn done(&mut self, _: Vec<Finished<()>>) -> Result<(), Error> {
                Ok(())
            }
        }
        let batch = Batch::new(&StageLimits::default(), Arc::default());
        batch.run((0..20).map(file), |_| SLOW.with(|_| ()), &mut Deaf).unwrap();
        let begun = BEGUN.load(Ordering::Relaxed);
        assert!(begun > 0);
        assert_eq!(ENDED.load(Ordering::Relaxed), begun);
    }

    #[test]
    #[should_panic(expected = "a fault")]
    fn a_panic_in_the_work_ends_the_run_instead_of_waiting_for_ever() {
        let batch = Batch::new(&StageLimits::default(), Arc::default());
        let work = |_: &Listed| -> usize { panic!("a fault") };
        let _ = batch.run((0..100).map(file), work, &mut Record::default());
    }
}
