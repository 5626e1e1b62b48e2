//! One file on its way to its next version: read once, copied, patched, checked, put in its place.

mod unchanged;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chancery_authenticode::{
    Embedded, Measurement, PeSubject, Report, Request, Subject, TrustAnchors, Verifier,
    requested_measurement,
};
use chancery_pe::{BaseDigest, CertificateTable, SeekSource, Source};
use chancery_x509::Time;

use crate::batch::{Stage, Stages};
use crate::journal::Look;
use crate::unlisted::{self, Unlisted};
use crate::verifying::{Input, open_subject_as, verify_subject};
use crate::writer::{
    Draft, Drafted, Held, LeftOvers, check_finished, check_renamed_finished, hold_to_read,
    mend_file, mend_renamed_file, release,
};
use crate::{Error, ErrorKind};

pub(crate) use self::unchanged::Unchanged;

/// A file that is being signed or unsigned.
#[derive(Debug)]
pub(crate) struct Rewriting {
    path: PathBuf,
    output: PathBuf,
    /// What is being done, as in `sign`.
    doing: &'static str,
    unchanged: Unchanged,
    pub(crate) subject: PeSubject<Input>,
    pub(crate) embedded: Embedded,
    /// How many bytes after the certificate table are dropped.
    pub(crate) stripped: u64,
    in_place: bool,
    /// A signature at the end that the header does not name, as far as it was looked for.
    unlisted: Option<Unlisted>,
}

/// The same file after it was read: measured, and copied beside its target.
#[derive(Debug)]
pub(crate) struct Measured {
    rewriting: Rewriting,
    draft: Draft,
    /// What is read and what is replaced, held until that is done.
    held: Vec<Held>,
    pub(crate) measurement: Measurement,
}

impl Rewriting {
    /// Reads the headers and the signatures there are. With `strip`, bytes after the certificate table are
    /// taken for not there.
    pub(crate) fn open(
        path: &Path,
        output: Option<&Path>,
        doing: &'static str,
        strip: bool,
    ) -> Result<Self, Error> {
        let failed = |error| Error::of_subject(doing, path, error);
        // First of all: what is read while another run writes into it may be neither the old file nor the new one.
        let (mut subject, before) = open_subject_as(path, doing, |file| hold_to_read(file, path))?;
        let mut stripped = 0;
        if let (true, Some(end)) = (strip, unlisted::end_before_trailing_data(&subject)) {
            stripped = subject.layout().file_len().saturating_sub(end);
            subject = PeSubject::parse(subject.into_source().limited(end)).map_err(failed)?;
        }
        let embedded = subject.embedded().map_err(failed)?;
        let output = output.unwrap_or(path).to_owned();
        Ok(Self {
            path: path.to_owned(),
            output,
            doing,
            unchanged: Unchanged { path: path.to_owned(), before },
            subject,
            embedded,
            stripped,
            in_place: false,
            unlisted: None,
        })
    }

    /// Opens a file to look at it, and refuses one that a killed run began to change: nothing is taken back.
    ///
    /// # Errors
    /// As [`open`](Self::open), [`check_finished`] and [`check_renamed_finished`].
    pub(crate) fn open_finished(
        path: &Path,
        output: Option<&Path>,
        doing: &'static str,
        strip: bool,
        left_overs: &LeftOvers,
    ) -> Result<Self, Error> {
        check_finished(path)?;
        let mut file = Self::open(path, output, doing, strip)?;
        if file.looks_unfinished()? {
            check_renamed_finished(path, left_overs)?;
        }
        Ok(file)
    }

    /// Takes back what a killed run left in the file, under this name or another, and opens it. Tells whether there was
    /// something.
    ///
    /// # Errors
    /// As [`open`](Self::open), [`mend_file`] and [`mend_renamed_file`].
    pub(crate) fn open_mended(
        path: &Path,
        output: Option<&Path>,
        doing: &'static str,
        strip: bool,
        take_over: bool,
        left_overs: &LeftOvers,
    ) -> Result<(Self, bool), Error> {
        let mended = mend_file(path, take_over, left_overs)?;
        let mut file = Self::open(path, output, doing, strip)?;
        if !file.looks_unfinished()? {
            return Ok((file, mended));
        }
        // As long as we read it, it cannot be held to be mended.
        file.close();
        let under_another_name = mend_renamed_file(path, take_over, left_overs)?;
        let mut file = Self::open(path, output, doing, strip)?;
        file.looks_unfinished()?;
        Ok((file, mended || under_another_name))
    }

    /// Tells whether this is what a run may leave that is killed while it writes into the file.
    pub(crate) fn looks_unfinished(&mut self) -> Result<bool, Error> {
        self.unlisted = unlisted::find(&mut self.subject)
            .map_err(|error| Error::of_reading("read", &self.path, error))?;
        let table = self.subject.layout().certificate_table();
        let is_malformed = matches!(table, CertificateTable::Malformed { .. });
        Ok(self.unlisted.is_some() || is_malformed || self.stripped > 0)
    }

    /// Refuses to sign the remains of another signature as if they were part of the program; where they may be, says so.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`], for a signature whose end is missing, and for one in a file with other names, by one of
    /// which it was being written most likely; neither with `force`.
    pub(crate) fn check_unlisted(&self, force: bool) -> Result<Option<&'static str>, Error> {
        let Some(unlisted) = self.unlisted else { return Ok(None) };
        let names = unchanged::names_of(&self.unchanged.before);
        if force || !unlisted.is_torn && names == 1 {
            return Ok(Some("unlisted-signature-signed"));
        }
        let what = if unlisted.is_torn { "the beginning of a signature" } else { "a signature" };
        let remedy = match names {
            1 => "give it the name and the folder back that it had then, and sign it there"
                .to_owned(),
            _ => format!(
                "sign it by that of its {names} names which that run was given, which takes it back"
            ),
        };
        // Nothing else than signing takes it as it is.
        let or = if self.doing == "sign" {
            ", or, if it is in order as it is, sign it with --force"
        } else {
            ""
        };
        let text = format!(
            "{} ends with {what} that its header does not name, as a run leaves it that is killed while it writes in \
             place; it is left alone: {remedy}{or}",
            self.path.display(),
        );
        Err(Error::new(ErrorKind::Changed, text))
    }

    /// Writes into the file itself, without a copy.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the result goes elsewhere, or bytes would go that nothing puts back.
    pub(crate) fn in_place(mut self) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let text = format!("{}: --append-in-place does not go with {why}", self.path.display());
            Err(Error::new(ErrorKind::Usage, text))
        };
        if self.output != self.path {
            return refuse("another place for the result");
        }
        if self.stripped > 0 {
            return refuse("data after the signatures that is dropped");
        }
        self.in_place = true;
        Ok(self)
    }

    /// How the file looked when it was opened.
    pub(crate) fn look(&self) -> Look {
        Look::of(&self.unchanged.before)
    }

    /// Lets others have the file, which is not written to after all.
    pub(crate) fn close(self) {
        if let Some(opened) = self.opened() {
            release(opened);
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether there is a certificate table, readable or not.
    pub(crate) fn is_signed(&self) -> bool {
        let table = self.subject.layout().certificate_table();
        !matches!(table, CertificateTable::NoSlot | CertificateTable::Absent)
    }

    /// Tells whether the file can take a signature, before anything is copied or signed.
    pub(crate) fn check_embeddable(&self) -> Result<(), Error> {
        let embeddable = self.subject.layout().check_embeddable();
        embeddable.map_err(|error| self.failed(chancery_authenticode::Error::Embed(error)))
    }

    /// Verifies the signatures there are; the file is read once for it.
    pub(crate) fn verify(&mut self, now: Time, stages: &Stages) -> Result<Report, Error> {
        let _permit = stages.enter(Stage::Hashing);
        stages.count(usize::try_from(self.unchanged.before.len()).unwrap_or(usize::MAX));
        let verifier = Verifier::new(TrustAnchors::none(), now);
        verify_subject(&mut self.subject, &verifier)
            .map_err(|error| Error::of_subject("verify", &self.path, error))
    }

    /// Says what must be measured to check the signatures there are as well as `request`.
    pub(crate) fn request_with_embedded(&self, request: &Request) -> Request {
        requested_measurement(&self.embedded).union(request)
    }

    /// Reads the file once: measures it, and copies it beside its target.
    pub(crate) fn measure(mut self, request: &Request, stages: &Stages) -> Result<Measured, Error> {
        let _permit = stages.enter(Stage::Hashing);
        let mut draft = match self.in_place {
            true => Draft::in_place(&self.output)?,
            false => Draft::copy(&self.output, self.unchanged.before.clone(), stages.left_overs())?,
        };
        self.follow(&draft)?;
        let held = self.keep_held(&draft)?;
        #[cfg(unix)]
        self.read_from_copy(&mut draft)?;
        let measured = self.subject.measure(request, &mut |chunk| {
            stages.count(chunk.len());
            draft.write(chunk)
        });
        if let Err(error) = draft.finish_copy() {
            // A file that became shorter cannot be copied either, and that is what there is to say of it.
            self.unchanged.check()?;
            return Err(self.not_copied(error));
        }
        let measurement = measured.map_err(|error| match error {
            chancery_authenticode::Error::Copy(error) => Error::io("write", &self.output, error),
            error => self.failed(error),
        })?;
        self.unchanged.check()?;
        Ok(Measured { rewriting: self, draft, held, measurement })
    }

    /// Returns the file that is read, as long as that is not its copy.
    fn opened(&self) -> Option<&File> {
        match self.subject.source() {
            Input::File(file) => Some(file.get_ref()),
            #[cfg(unix)]
            Input::Copy(_) => None,
        }
    }

    /// Sees to it that other runs are kept off from here on: by a hold on the file that is changed in place, or by what
    /// is returned, on the file that is copied.
    fn keep_held(&mut self, draft: &Draft) -> Result<Vec<Held>, Error> {
        let failed = |error| Error::io("read", &self.path, error);
        if let Some(file) = draft.reader().map_err(failed)? {
            let source = SeekSource::new(file).map_err(failed)?;
            // Else it keeps us off as well.
            if let Some(opened) = self.opened() {
                release(opened);
            }
            self.subject.set_source(Input::File(source));
            draft.hold(&self.unchanged)?;
            return Ok(Vec::new());
        }
        // Windows replaces no file that is open.
        if cfg!(not(unix)) {
            return Ok(Vec::new());
        }
        let original = self.opened().map(File::try_clone).transpose().map_err(failed)?;
        // Where the result goes elsewhere, a run may be at work on what is there. What cannot be opened nobody holds.
        let is_elsewhere = self.output != self.path && self.output.is_file();
        let elsewhere = is_elsewhere.then(|| File::open(&self.output).ok()).flatten();
        if let Some(file) = &elsewhere {
            hold_to_read(file, &self.output)?;
        }
        Ok(original.into_iter().chain(elsewhere).map(Held::new).collect())
    }

    /// Reads the file anew where it became another of the same contents when it was opened to be written to: a folder
    /// that is laid over others, as those of containers are (overlayfs), copies it then.
    fn follow(&mut self, draft: &Draft) -> Result<(), Error> {
        let failed = |error| Error::io("read", &self.path, error);
        let Some(opened) = draft.metadata().map_err(failed)? else { return Ok(()) };
        if !self.unchanged.is_copied(&opened) {
            return Ok(());
        }
        let anew = Self::open(&self.path, Some(&self.output), self.doing, false)?;
        // What was decided is for these signatures. With others, it is found to have changed when it is held.
        if anew.embedded == self.embedded {
            *self = Self { in_place: true, unlisted: self.unlisted, ..anew };
        }
        Ok(())
    }

    /// Has the file copied from here on, and read in the copy.
    #[cfg(unix)]
    fn read_from_copy(&mut self, draft: &mut Draft) -> Result<(), Error> {
        let Input::File(file) = self.subject.source() else { return Ok(()) };
        let original = file.get_ref().try_clone();
        let copy = original.and_then(|original| draft.start_copy(original, file.len()));
        if let Some(copy) = copy.map_err(|error| self.not_copied(error))? {
            self.subject.set_source(Input::Copy(copy));
        }
        Ok(())
    }

    /// Says that a file could not be copied; the system does not say which side it failed on, but some causes do.
    fn not_copied(&self, error: io::Error) -> Error {
        use io::ErrorKind::{
            FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull, UnexpectedEof,
        };
        match error.kind() {
            UnexpectedEof => {
                let text = format!("{} became shorter while it was read", self.path.display());
                Error::new(ErrorKind::Changed, text)
            }
            StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem => {
                Error::io("write", &self.output, error)
            }
            _ => Error::io("copy", &self.path, error),
        }
    }

    pub(crate) fn failed(&self, error: chancery_authenticode::Error) -> Error {
        Error::of_subject(self.doing, &self.path, error)
    }
}

/// A file that is in its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) output: PathBuf,
    /// How it looked then, told by its opening: by its name it may be another's a moment later.
    pub(crate) look: Option<Look>,
}

impl Measured {
    /// How the file looked that was read.
    pub(crate) fn look(&self) -> Look {
        self.rewriting.look()
    }

    pub(crate) fn subject(&self) -> &PeSubject<Input> {
        &self.rewriting.subject
    }

    pub(crate) fn embedded(&self) -> &Embedded {
        &self.rewriting.embedded
    }

    pub(crate) fn failed(&self, error: chancery_authenticode::Error) -> Error {
        self.rewriting.failed(error)
    }

    /// Checks the signatures there are against what was measured.
    pub(crate) fn verify_embedded(&self, now: Time) -> Report {
        Verifier::new(TrustAnchors::none(), now).verify(self.embedded(), &self.measurement)
    }

    /// Puts these signatures in the place of all there are, checks the file as it was written, and puts it in
    /// its place.
    pub(crate) fn replace(
        mut self,
        signatures: &[&[u8]],
        reread: bool,
        now: Time,
        stages: &Stages,
        expected: impl FnOnce(&Report) -> bool,
    ) -> Result<Placed, Error> {
        let _permit = stages.enter(Stage::Writing);
        let patch = self.subject().replace(signatures).map_err(|error| self.failed(error))?;
        let base = self.base_digest();
        let drafted = self.draft.preview(&patch, &base)?;
        let report = self.verify_drafted(drafted, reread, now)?;
        let in_order = report
            .reasons
            .iter()
            .all(|reason| reason.severity() <= chancery_authenticode::Severity::Note);
        if !in_order || !expected(&report) {
            let target = self.draft.target().display();
            return Err(Error::new(ErrorKind::SelfCheck, format!("{target} would not verify")));
        }
        let Self { rewriting, draft, held, .. } = self;
        // Windows replaces no file that anybody has open, and that is us where a file is signed in place.
        drop(rewriting.subject);
        let output = draft.target().to_owned();
        let left = draft.commit(&patch, &base, stages.are_grouped(), &rewriting.unchanged, held)?;
        Ok(Placed { output, look: left.as_ref().map(Look::of) })
    }

    /// Names the bytes that were read, as the patch does: by the strongest digest, which is the last.
    fn base_digest(&self) -> BaseDigest {
        self.measurement.digests.last().map_or_else(
            || BaseDigest::new("none", Vec::new()),
            |(algorithm, value)| BaseDigest::new(algorithm.name(), value.clone()),
        )
    }

    fn verify_drafted(
        &self,
        drafted: Drafted<'_>,
        reread: bool,
        now: Time,
    ) -> Result<Report, Error> {
        match drafted {
            Drafted::Copy(file) => {
                let path = self.draft.target();
                let source =
                    SeekSource::new(file).map_err(|error| Error::io("read back", path, error))?;
                self.verify_written(source, reread, now)
            }
            Drafted::InPlace(preview) => self.verify_written(preview, reread, now),
        }
    }

    /// Checks the next version of the file as a stranger would: its layout, its table, and its signatures against
    /// the digest of the bytes that were written, or against a digest of them read back.
    fn verify_written(
        &self,
        source: impl Source,
        reread: bool,
        now: Time,
    ) -> Result<Report, Error> {
        let wrong = |error: chancery_authenticode::Error| match error {
            chancery_authenticode::Error::Pe(chancery_pe::Error::Source(error)) => {
                Error::of_reading("read back", self.draft.target(), error)
            }
            error => {
                let path = self.draft.target().display();
                Error::new(ErrorKind::SelfCheck, format!("{path} would not verify"))
                    .with_source(error)
            }
        };
        let mut subject = PeSubject::parse(source).map_err(wrong)?;
        let verifier = Verifier::new(TrustAnchors::none(), now);
        if reread {
            verify_subject(&mut subject, &verifier).map_err(wrong)
        } else {
            Ok(verifier.verify(&subject.embedded().map_err(wrong)?, &self.measurement))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use chancery_key::DigestAlgorithm;
    use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

    use super::*;

    #[test]
    fn a_file_that_becomes_shorter_while_it_is_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.exe");
        let image = tiny_pe(&TinyPe { overlay: vec![7; 300_000], ..TinyPe::default() });
        let request = Request::digests([DigestAlgorithm::Sha256]);
        for len in [image.len() - 1, 200_000, 100, 0] {
            std::fs::write(&path, &image).unwrap();
            let file = Rewriting::open(&path, None, "sign", false).unwrap();
            let other = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            other.set_len(u64::try_from(len).unwrap()).unwrap();
            let refused = file.measure(&request, &Stages::alone()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Changed);
            assert!(refused.to_string().contains("became shorter"), "{refused}");
            assert_eq!(std::fs::read(&path).unwrap(), image[..len]);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_would_go_elsewhere_or_lose_its_end_is_not_written_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.exe"), folder.path().join("b.exe"));
        let mut image = tiny_pe(&TinyPe::default());
        image.resize(image.len().next_multiple_of(8), 0);
        let layout = chancery_pe::Layout::parse(&mut image.as_slice()).unwrap();
        let slot = layout.certificate_directory().unwrap().entry_offset;
        let slot = usize::try_from(slot).unwrap();
        let table = [&16_u32.to_le_bytes()[..], &[0, 2, 2, 0], &[7; 8]].concat();
        let place = [image.len(), table.len()].map(|one| u32::try_from(one).unwrap());
        image[slot..slot + 8].copy_from_slice(&place.map(u32::to_le_bytes).concat());
        image.extend([&table[..], b"what no signature covers"].concat());
        std::fs::write(&path, &image).unwrap();
        let open = |output, strip| Rewriting::open(&path, output, "sign", strip).unwrap();
        assert!(open(None, false).in_place().is_ok());
        assert!(open(Some(&path), false).in_place().is_ok());
        for file in [open(None, true), open(Some(&other), false)] {
            assert_eq!(file.in_place().unwrap_err().kind(), ErrorKind::Usage);
        }
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.exe");
        std::fs::write(&path, tiny_pe(&TinyPe::default())).unwrap();
        let request = Request::digests([DigestAlgorithm::Sha256]);
        let open = || Rewriting::open(&path, None, "sign", false).unwrap();
        assert!(open().measure(&request, &Stages::alone()).is_ok());

        // Longer.
        let file = open();
        let mut other = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        other.write_all(b"more").unwrap();
        let refused = file.measure(&request, &Stages::alone()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Changed);
        // Another file of the same name and length. Where open files cannot be replaced, nobody can do it.
        #[cfg(unix)]
        {
            let file = open();
            let contents = std::fs::read(&path).unwrap();
            std::fs::write(folder.path().join("b.exe"), contents).unwrap();
            std::fs::rename(folder.path().join("b.exe"), &path).unwrap();
            assert_eq!(
                file.measure(&request, &Stages::alone()).unwrap_err().kind(),
                ErrorKind::Changed
            );
        }
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "no copy is left behind");
    }

    /// Puts another file in the place of one, with the time it had.
    #[cfg(unix)]
    fn put_in_place(path: &Path, contents: &[u8]) {
        let other = path.with_extension("other");
        std::fs::write(&other, contents).unwrap();
        let time = std::fs::metadata(path).unwrap().modified().unwrap();
        File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
        std::fs::rename(other, path).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_is_copied_when_it_is_opened_to_be_written_to_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.exe");
        let image = tiny_pe(&TinyPe { overlay: vec![7; 300_000], ..TinyPe::default() });
        let request = Request::digests([DigestAlgorithm::Sha256]);
        let measured = |now: &dyn Fn()| {
            std::fs::write(&path, &image).unwrap();
            let file = Rewriting::open(&path, None, "sign", false).unwrap().in_place().unwrap();
            now();
            file.measure(&request, &Stages::alone())
        };
        let digest = |measured: Measured| {
            measured.measurement.digest(DigestAlgorithm::Sha256).unwrap().to_vec()
        };
        let mut other = image.clone();
        *other.last_mut().unwrap() ^= 1;
        let expected = digest(measured(&|| ()).unwrap());
        assert_eq!(digest(measured(&|| put_in_place(&path, &image)).unwrap()), expected);
        // What is written to is what is measured, whatever was there before.
        assert_ne!(digest(measured(&|| put_in_place(&path, &other)).unwrap()), expected);

        // At another time, and with signatures nobody has seen.
        let refused = measured(&|| {
            put_in_place(&path, &image);
            let long_ago = std::time::SystemTime::UNIX_EPOCH;
            File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Changed);
        let mut signed = image.clone();
        signed.truncate(image.len() - 16);
        let layout = chancery_pe::Layout::parse(&mut image.as_slice()).unwrap();
        let slot = layout.checksum_offset() + if layout.is_pe32_plus() { 80 } else { 64 };
        let slot = usize::try_from(slot).unwrap();
        let table = u32::try_from(signed.len()).unwrap();
        signed[slot..slot + 4].copy_from_slice(&table.to_le_bytes());
        signed[slot + 4..slot + 8].copy_from_slice(&16_u32.to_le_bytes());
        signed.extend([16, 0, 0, 0, 0, 2, 2, 0, 0x30, 0, 0, 0, 0, 0, 0, 0]);
        let refused = measured(&|| put_in_place(&path, &signed));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Changed);
    }
}
