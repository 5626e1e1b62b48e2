//! A change written into the file itself, without a copy.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chancery_pe::{BaseDigest, Edit, Patch, Source, SourceError};

use super::hold::{self, Held};
use super::own_file::{self, folder_of, sync_folder};
use super::undo;
use crate::rewriting::Unchanged;
use crate::{Error, ErrorKind};

/// A file that is changed where it is.
#[derive(Debug)]
pub(crate) struct InPlace {
    file: Held,
    target: PathBuf,
    original_len: u64,
}

impl InPlace {
    /// Opens the file to write into it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]: read-only, or a program that is running.
    pub(super) fn open(target: PathBuf) -> Result<Self, Error> {
        let opened = hold::open_to_write(&target);
        let opened = opened.map_err(|error| match error.kind() {
            io::ErrorKind::ExecutableFileBusy => {
                let text = format!(
                    "{} is running and cannot be written to; without --append-in-place it can be replaced",
                    target.display()
                );
                Error::new(ErrorKind::Io, text).with_source(error)
            }
            _ => Error::io("write to", &target, error),
        })?;
        let file = opened.ok_or_else(|| own_file::in_use(&target))?;
        let length = file.metadata().map_err(|error| Error::io("read", &target, error))?.len();
        Ok(Self { file: Held::new(file), target, original_len: length })
    }

    /// Keeps other runs off the file, which still is what was read of it.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`] where another run holds it, or did so in the meantime.
    pub(super) fn hold(&self, original: &Unchanged) -> Result<(), Error> {
        if !hold::hold_to_write(&self.file) {
            return Err(own_file::in_use(&self.target));
        }
        let metadata = self.file.metadata();
        original.check_is(&metadata.map_err(|error| Error::io("read", &self.target, error))?)
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Returns another handle of the same opening.
    pub(super) fn reader(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Shows the file as the patch will make it.
    pub(super) fn preview<'a>(&self, patch: &'a Patch) -> Result<Preview<'a>, Error> {
        let file = self.file.try_clone().map_err(|error| Error::io("read", &self.target, error))?;
        Ok(Preview::new(file, patch))
    }

    /// Writes the patch: what comes at the end, and only when that is on the disk what makes it count.
    pub(super) fn write(
        mut self,
        patch: &Patch,
        base: &BaseDigest,
        grouped: bool,
        original: &Unchanged,
    ) -> Result<Option<Metadata>, Error> {
        let target = self.target;
        patch.check_base(self.original_len, base).map_err(|error| {
            Error::new(ErrorKind::SelfCheck, format!("cannot patch {}", target.display()))
                .with_source(error)
        })?;
        let record = undo::keep(&target, &mut self.file, patch)?;
        original.check()?;
        if let Err(error) = write_edits(&mut self.file, self.original_len, patch) {
            // A full disk, most likely: what is there goes back while we can. Where that fails too the record stays,
            // for the next run.
            return Err(match record.take_back(&mut self.file) {
                Ok(()) => Error::io("write", &target, error),
                Err((path, worse)) => Error::io("mend", &target, worse).with_context(format!(
                    "writing failed ({error}), and the next run has to take back what was written, by {}",
                    path.display()
                )),
            });
        }
        record.remove().map_err(|error| {
            let text = format!(
                "{} is written, but its undo record cannot be removed, which the next run does",
                target.display()
            );
            Error::new(ErrorKind::Io, text).with_source(error)
        })?;
        if !grouped {
            // A record that comes back with a power cut finds everything done, and goes again.
            let _ = sync_folder(folder_of(&target));
        }
        Ok(self.file.metadata().ok())
    }
}

fn write_edits(file: &mut File, original_len: u64, patch: &Patch) -> io::Result<()> {
    let is_tail = |edit: &&Edit| edit.range().end == original_len;
    for edit in patch.edits().iter().filter(is_tail) {
        write_at(file, edit)?;
        file.set_len(patch.final_len())?;
    }
    file.sync_all()?;
    for edit in patch.edits().iter().filter(|edit| !is_tail(edit)) {
        write_at(file, edit)?;
    }
    file.sync_all()
}

fn write_at(file: &mut File, edit: &Edit) -> io::Result<()> {
    file.seek(SeekFrom::Start(edit.range().start))?;
    file.write_all(edit.bytes())
}

/// A file as a patch would make it.
#[derive(Debug)]
pub(crate) struct Preview<'a> {
    file: File,
    patch: &'a Patch,
}

impl<'a> Preview<'a> {
    pub(super) const fn new(file: File, patch: &'a Patch) -> Self {
        Self { file, patch }
    }
}

impl Source for Preview<'_> {
    fn len(&self) -> u64 {
        self.patch.final_len()
    }

    fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        self.fill(offset, buf).map_err(|error| SourceError::new(offset, error))
    }
}

impl Preview<'_> {
    fn fill(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(buf.len() as u64);
        if end > self.patch.final_len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let from_file = buf.len().min(
            usize::try_from(self.patch.base_len().saturating_sub(offset)).unwrap_or(usize::MAX),
        );
        if let Some(from_file) = buf.get_mut(..from_file).filter(|part| !part.is_empty()) {
            self.file.seek(SeekFrom::Start(offset))?;
            self.file.read_exact(from_file)?;
        }
        for edit in self.patch.edits() {
            let start = edit.range().start;
            let stop = start.saturating_add(edit.bytes().len() as u64);
            let (from, to) = (start.max(offset), stop.min(end));
            if from >= to {
                continue;
            }
            let part = |base: u64| {
                let at =
                    |place: u64| usize::try_from(place.saturating_sub(base)).unwrap_or(usize::MAX);
                at(from)..at(to)
            };
            if let (Some(into), Some(bytes)) =
                (buf.get_mut(part(offset)), edit.bytes().get(part(start)))
            {
                into.copy_from_slice(bytes);
            }
        }
        Ok(())
    }
}
