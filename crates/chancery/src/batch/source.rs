//! Where the files of a run come from: a thread that lists ahead, so that neither a slow folder nor a list that
//! somebody still writes holds up what was listed already.

use std::iter::Fuse;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::Listed;
use crate::Error;

/// Files that are listed as they are needed.
pub(super) enum Source<I> {
    /// One file needs no thread.
    Here(Fuse<I>),
    Ahead(Receiver<Result<Listed, Error>>, Option<JoinHandle<()>>),
    Over,
}

/// What a [`Source`] has.
pub(super) enum Next {
    File(Result<Listed, Error>),
    /// The next file is still looked for; whoever is to be woken will be.
    NotYet,
    Over,
}

impl<I: Iterator<Item = Result<Listed, Error>> + Send + 'static> Source<I> {
    /// Lists at most `room` files ahead, until `stop` is set, and calls `wake` for each and at the end.
    pub(super) fn new(
        files: I,
        room: usize,
        stop: &Arc<AtomicBool>,
        wake: impl Fn() + Send + 'static,
    ) -> Self {
        if files.size_hint().1.is_some_and(|most| most <= 1) {
            return Self::Here(files.fuse());
        }
        let (hand_over, listed) = mpsc::sync_channel(room);
        let stop = Arc::clone(stop);
        let files = Arc::new(Mutex::new(Some(files)));
        let theirs = Arc::clone(&files);
        let take =
            |files: &Mutex<Option<I>>| files.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Not of the scope of the workers: it may be waiting for a name that never comes.
        let lister = thread::Builder::new().spawn(move || {
            for file in take(&theirs).into_iter().flatten() {
                if stop.load(Ordering::Relaxed) || hand_over.send(file).is_err() {
                    break;
                }
                wake();
            }
            drop(hand_over);
            wake();
        });
        match lister {
            Ok(lister) => Self::Ahead(listed, Some(lister)),
            // There may be as many threads as there are, and no more.
            Err(_) => take(&files).map_or(Self::Over, |files| Self::Here(files.fuse())),
        }
    }

    /// Returns the next file, if there is one yet.
    pub(super) fn next(&mut self) -> Next {
        let next = match self {
            Self::Here(files) => files.next().map_or(Next::Over, Next::File),
            Self::Ahead(listed, lister) => match listed.try_recv() {
                Ok(file) => Next::File(file),
                Err(TryRecvError::Empty) => Next::NotYet,
                Err(TryRecvError::Disconnected) => {
                    if let Some(Err(panicked)) = lister.take().map(JoinHandle::join) {
                        resume_unwind(panicked);
                    }
                    Next::Over
                }
            },
            Self::Over => Next::Over,
        };
        if matches!(next, Next::Over) {
            *self = Self::Over;
        }
        next
    }

    /// Tells whether the last file was handed out.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}
