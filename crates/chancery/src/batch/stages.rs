//! The stages every file goes through, and how many files may be in each at once.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use chancery_pkcs11::Module;

use super::limiter::{Limiter, Permit};
use crate::AuditLog;
use crate::writer::LeftOvers;

/// How many sessions a token is used in when nobody says otherwise.
const SESSIONS: usize = 8;

/// How many timestamps are asked for at once: what public servers bear from one address.
const STAMPS: usize = 4;

/// How many files are synced and renamed at once. Syncing waits for the disk and costs no processor.
const WRITERS: usize = 8;

/// What a file is going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// It is read, hashed and copied.
    Hashing,
    /// The key signs.
    Signing,
    /// A timestamp server answers.
    Stamping,
    /// The new file is checked, synced and put in its place.
    Writing,
}

impl Stage {
    /// All stages, in the order a file goes through them.
    pub const ALL: [Self; 4] = [Self::Hashing, Self::Signing, Self::Stamping, Self::Writing];

    /// Returns what one waits for in it, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hashing => "hashing",
            Self::Signing => "waiting for the key",
            Self::Stamping => "waiting for the timestamp server",
            Self::Writing => "writing",
        }
    }
}

/// How many files may be in each stage at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageLimits {
    /// Files that are hashed: one a processor.
    pub hashing: NonZeroUsize,
    /// Signatures that are made: one a session of the token, and one more that is made ready or verified.
    pub signing: NonZeroUsize,
    /// Timestamps that are asked for.
    pub stamping: NonZeroUsize,
    /// Files that are synced and renamed.
    pub writing: NonZeroUsize,
}

impl Default for StageLimits {
    fn default() -> Self {
        let or_one = |number| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
        Self {
            hashing: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            signing: or_one(SESSIONS),
            stamping: or_one(STAMPS),
            writing: or_one(WRITERS),
        }
    }
}

impl StageLimits {
    /// For a file on its own: one in each stage. To find out how many processors there are takes longer than to hash
    /// a small file.
    #[must_use]
    pub const fn one_file() -> Self {
        let one = NonZeroUsize::MIN;
        Self { hashing: one, signing: one, stamping: one, writing: one }
    }
}

/// The stages of one run: every file takes a permit for the stage it is in, and keeps no more than one.
///
/// So hashing, the token, the timestamp server and the disk work at the same time, and a slow one holds up what
/// comes before it instead of filling memory.
#[derive(Debug)]
pub struct Stages {
    hashing: Limiter,
    signing: Limiter,
    stamping: Limiter,
    writing: Limiter,
    bytes: AtomicU64,
    /// How often tokens had been asked again when it was looked at last.
    retries: AtomicU64,
    grouped: bool,
    audit: Option<AuditLog>,
    left_overs: LeftOvers,
}

impl Stages {
    /// Makes the stages of a run. Whoever runs it syncs the folders: see [`Batch::run`](super::Batch::run).
    #[must_use]
    pub fn new(limits: &StageLimits) -> Self {
        let limiter = |limit: NonZeroUsize| Limiter::new(limit.get());
        // One more than there are sessions, which sees to it that the token waits for nobody: the message for the next
        // signature is made, and the last one verified, while a session is busy. The sessions themselves are counted
        // where they are opened.
        let signing = limits.signing.saturating_add(1);
        Self {
            hashing: limiter(limits.hashing),
            signing: limiter(signing),
            stamping: limiter(limits.stamping),
            writing: limiter(limits.writing),
            bytes: AtomicU64::new(0),
            retries: AtomicU64::new(retries()),
            grouped: true,
            audit: None,
            left_overs: LeftOvers::default(),
        }
    }

    /// Writes every signature of the run into this log, before the file it is for changes.
    #[must_use]
    pub fn with_audit(mut self, log: AuditLog) -> Self {
        self.audit = Some(log);
        self
    }

    /// The stages of a file on its own, which is durable when it is done.
    #[must_use]
    pub fn alone() -> Self {
        Self { grouped: false, ..Self::new(&StageLimits::one_file()) }
    }

    /// Returns how many files are in a stage.
    #[must_use]
    pub fn files_in(&self, stage: Stage) -> usize {
        self.limiter(stage).lent()
    }

    /// Returns how many files may be in a stage now: less than at the beginning while a token throttles.
    #[must_use]
    pub fn limit(&self, stage: Stage) -> usize {
        self.limiter(stage).limit()
    }

    /// Returns how many bytes of files were hashed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Tells whether folders are synced by whoever runs the batch.
    pub(crate) const fn are_grouped(&self) -> bool {
        self.grouped
    }

    /// Returns what killed runs left beside the files of this one.
    #[must_use]
    pub const fn left_overs(&self) -> &LeftOvers {
        &self.left_overs
    }

    pub(crate) const fn audit(&self) -> Option<&AuditLog> {
        self.audit.as_ref()
    }

    pub(crate) fn enter(&self, stage: Stage) -> Permit<'_> {
        self.limiter(stage).take()
    }

    pub(crate) fn count(&self, bytes: usize) {
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Lets a key sign when it is its turn. A token that had to be asked again gets fewer signatures at once for
    /// a while: it is busy, and more would make it fail.
    pub(crate) fn sign<T>(&self, sign: impl FnOnce() -> T) -> T {
        let _permit = self.enter(Stage::Signing);
        let made = sign();
        // Whoever comes first after the token was asked again answers for all who were at it.
        let retries = retries();
        if self.retries.fetch_max(retries, Ordering::Relaxed) < retries {
            self.signing.back_off();
        } else {
            self.signing.went_well();
        }
        made
    }

    const fn limiter(&self, stage: Stage) -> &Limiter {
        match stage {
            Stage::Hashing => &self.hashing,
            Stage::Signing => &self.signing,
            Stage::Stamping => &self.stamping,
            Stage::Writing => &self.writing,
        }
    }
}

fn retries() -> u64 {
    let modules = Module::loaded();
    modules.iter().map(|module| module.statistics().retried()).fold(0, u64::saturating_add)
}
