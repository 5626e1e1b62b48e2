//! A copy that the system makes while its bytes are hashed.
//!
//! Bytes go from file to file inside the system, by reference where the file system can, in a thread of its own; who
//! hashes reads the copy right behind it. So what is hashed is what was written, whatever becomes of the original
//! meanwhile, no byte passes through a buffer of ours to be written, and the disk works while the processor hashes.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use chancery_pe::{Source, SourceError};

/// How much is copied by one call, in bytes.
const PIECE: u64 = 4 << 20;

/// Files up to this many bytes are copied before they are hashed: that takes no longer than starting a thread.
const AT_ONCE: u64 = 1 << 20;

/// How far copying may run ahead of hashing, in bytes: what was copied shall still be in memory when it is read. It
/// is then also time to have it written to the disk, so that not all of it waits for the end.
const LEAD: u64 = 256 << 20;

/// From this many bytes on the disk begins before the file is complete.
const SYNCED_EARLY: u64 = 64 << 20;

/// Copies one file into another until dropped.
#[derive(Debug)]
pub(super) struct Copier {
    len: u64,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

/// The copy, as a source that waits for the bytes it is asked for.
#[derive(Debug)]
pub(crate) struct Copy {
    file: File,
    len: u64,
    progress: Arc<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    copied: u64,
    read: u64,
    /// What ended the copying, other than the end.
    failed: Option<io::Error>,
    /// Nobody wants the rest.
    given_up: bool,
}

impl Copier {
    /// Begins to copy the first `len` bytes of a file into an empty one.
    pub(super) fn start(mut original: File, copy: &File, len: u64) -> io::Result<(Self, Copy)> {
        let progress = Arc::new(Progress::default());
        let source = Copy { file: copy.try_clone()?, len, progress: Arc::clone(&progress) };
        original.rewind()?;
        let thread = if len <= AT_ONCE {
            copy_piece(&mut original, &mut copy.try_clone()?, len)?;
            progress.advance(|state| state.copied = len);
            None
        } else {
            let (copy, progress) = (copy.try_clone()?, Arc::clone(&progress));
            let run = move || {
                if let Err(error) = copy_all(original, copy, len, &progress) {
                    progress.advance(|state| state.failed = Some(error));
                }
            };
            Some(thread::Builder::new().name("copy".to_owned()).spawn(run)?)
        };
        Ok((Self { len, progress, thread }, source))
    }

    /// Ends the copying, and tells how many bytes were copied.
    ///
    /// # Errors
    /// What ended it early.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.stop();
        let mut state = self.progress.state();
        match state.failed.take() {
            Some(error) => Err(error),
            None => Ok(state.copied),
        }
    }

    fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.progress.advance(|state| state.given_up = state.copied < self.len);
        if thread.join().is_err() {
            let lost = io::Error::other("the thread that copies is gone");
            self.progress.advance(|state| state.failed = Some(lost));
        }
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.stop();
    }
}

fn copy_all(mut original: File, mut copy: File, len: u64, progress: &Progress) -> io::Result<()> {
    let mut copied = 0_u64;
    while copied < len {
        let piece = PIECE.min(len.saturating_sub(copied));
        copy_piece(&mut original, &mut copy, piece)?;
        copied = copied.saturating_add(piece);
        progress.advance(|state| state.copied = copied);
        let mut state = progress.state();
        if copied.saturating_sub(state.read) >= LEAD {
            drop(state);
            copy.sync_data()?;
            state = progress.wait(|state| {
                state.given_up || copied.saturating_sub(state.read) < LEAD.saturating_sub(PIECE)
            });
        }
        if state.given_up {
            return Ok(());
        }
    }
    if len >= SYNCED_EARLY { copy.sync_data() } else { Ok(()) }
}

/// Copies the next bytes; on Linux by `copy_file_range`, which shares them where the file system can.
fn copy_piece(original: &mut File, copy: &mut File, len: u64) -> io::Result<()> {
    match io::copy(&mut original.take(len), copy)? {
        copied if copied == len => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Progress {
    fn state(&self) -> MutexGuard<'_, State> {
        // Counters alone are in it, and they are right whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let going_on = |state: &mut State| !until(state);
        self.changed.wait_while(self.state(), going_on).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Copy {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let end = offset.saturating_add(u64::try_from(buf.len()).unwrap_or(u64::MAX));
        let failed = |kind: io::ErrorKind| SourceError::new(offset, io::Error::from(kind));
        if end > self.len {
            return Err(failed(io::ErrorKind::UnexpectedEof));
        }
        let mut state = self.progress.wait(|state| state.copied >= end || state.failed.is_some());
        if state.copied < end {
            return Err(failed(io::ErrorKind::BrokenPipe));
        }
        state.read = state.read.max(end);
        self.progress.changed.notify_all();
        drop(state);
        self.file.read_exact_at(buf, offset).map_err(|error| SourceError::new(offset, error))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A file with these bytes, and an empty one.
    fn files(bytes: &[u8]) -> (File, File) {
        let mut original = tempfile::tempfile().unwrap();
        original.write_all(bytes).unwrap();
        (original, tempfile::tempfile().unwrap())
    }

    fn patterned(len: u64) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_copy_is_read_as_it_grows_and_ends_complete() {
        for len in [0, 1, AT_ONCE, AT_ONCE + 1, 3 * PIECE + 5] {
            let bytes = patterned(len);
            let (original, copy) = files(&bytes);
            let (copier, mut source) = Copier::start(original, &copy, len).unwrap();
            let mut read = vec![0; bytes.len()];
            for (number, chunk) in read.chunks_mut(100_000).enumerate() {
                source.read_exact_at(number as u64 * 100_000, chunk).unwrap();
            }
            assert_eq!(copier.finish().unwrap(), len);
            assert!(read == bytes, "{len} bytes");
            assert!(source.read_exact_at(len, &mut [0]).is_err(), "and nothing behind them");
            assert_eq!(copy.metadata().unwrap().len(), len);
        }
    }

    #[test]
    fn only_as_much_as_is_wanted_is_copied() {
        let (original, copy) = files(&patterned(AT_ONCE * 3));
        let (copier, mut source) = Copier::start(original, &copy, AT_ONCE * 2).unwrap();
        let mut last = [0; 1];
        source.read_exact_at(AT_ONCE * 2 - 1, &mut last).unwrap();
        assert_eq!(copier.finish().unwrap(), AT_ONCE * 2);
        assert_eq!(copy.metadata().unwrap().len(), AT_ONCE * 2);
    }

    #[test]
    fn an_original_that_ends_early_ends_the_reading_too() {
        for len in [AT_ONCE, PIECE * 2] {
            let (original, copy) = files(b"short");
            let Ok((copier, mut source)) = Copier::start(original, &copy, len) else {
                assert!(len <= AT_ONCE, "a short file is copied at once");
                continue;
            };
            assert!(source.read_exact_at(0, &mut [0; 5]).is_err(), "no piece is whole");
            assert_eq!(copier.finish().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_what_ends_the_copying() {
        let (original, _) = files(&patterned(PIECE * 2));
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (copier, mut source) = Copier::start(original, &full, PIECE * 2).unwrap();
        assert!(source.read_exact_at(0, &mut [0; 5]).is_err());
        assert_eq!(copier.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_reader_that_stops_stops_the_copying() {
        let (original, copy) = files(&[]);
        original.set_len(LEAD * 4).unwrap();
        let (copier, mut source) = Copier::start(original, &copy, LEAD * 4).unwrap();
        source.read_exact_at(0, &mut [0; 5]).unwrap();
        let copied = copier.finish().unwrap();
        assert!((PIECE..=LEAD + PIECE).contains(&copied), "{copied} bytes: the lead, at most");
        assert_eq!(copy.metadata().unwrap().len(), copied);
    }
}
