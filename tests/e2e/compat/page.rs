//! Pages of the documentation that tests write, and hold to what they wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Two tests write one page.
static WRITING: Mutex<()> = Mutex::new(());

/// A page.
pub(crate) struct Page {
    path: PathBuf,
}

impl Page {
    pub(crate) fn open(name: &str) -> Self {
        Self { path: Path::new(env!("CARGO_MANIFEST_DIR")).join(name) }
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap_or_default().replace("\r\n", "\n")
    }

    /// Insists that the page is this text. With `CHANCERY_BLESS=1` it is written.
    #[track_caller]
    pub(crate) fn is(&self, text: &str) {
        self.change(|_| text.to_owned(), str::to_owned);
    }

    /// Insists that what is before a heading is this text, apart from what `alike` takes for the same. With
    /// `CHANCERY_BLESS=1` it is written.
    #[track_caller]
    pub(crate) fn begins_with(&self, text: &str, heading: &str, alike: impl Fn(&str) -> String) {
        let change = |page: &str| {
            let rest = page.find(&format!("\n## {heading}\n")).map_or("", |start| &page[start..]);
            format!("{}\n{rest}", text.trim_end())
        };
        self.change(change, alike);
    }

    /// Insists that what is below the last heading is this text. With `CHANCERY_BLESS=1` it is written.
    #[track_caller]
    pub(crate) fn ends_with(&self, heading: &str, text: &str) {
        let heading = format!("\n## {heading}\n");
        let change = |page: &str| {
            let before = page.split_once(&heading).map_or(page, |(before, _)| before);
            format!("{}\n{heading}\n{}\n", before.trim_end(), text.trim_end())
        };
        self.change(change, str::to_owned);
    }

    #[track_caller]
    fn change(&self, change: impl Fn(&str) -> String, alike: impl Fn(&str) -> String) {
        let _guard: MutexGuard<'_, ()> = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, new) = (self.text(), change(&self.text()));
        if std::env::var("CHANCERY_BLESS").is_ok_and(|value| value == "1") {
            fs::write(&self.path, &new).unwrap();
            return;
        }
        if alike(&old) != alike(&new) {
            let differs = old.lines().zip(new.lines()).find(|(a, b)| alike(a) != alike(b));
            let (is, wanted) = differs.unwrap_or(("its end", "another end"));
            panic!(
                "{}: `{is}` where `{wanted}` is due; CHANCERY_BLESS=1 writes it",
                self.path.display()
            );
        }
    }
}
