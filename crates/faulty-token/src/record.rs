//! The record: a line for each call, in a file that outlives a process killed while it hangs.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use cryptoki_sys::{CK_RV, CK_USER_TYPE, CKR_OK, CKR_PIN_INCORRECT, CKU_CONTEXT_SPECIFIC, CKU_SO};

use crate::names::{RETURN_CODES, shown};
use crate::script::PinTries;

/// Who answered a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A rule of the script, in place of the token.
    Script,
    /// The token, as the script has it be.
    Token,
}

/// The file of the record, if there is to be one.
#[derive(Debug)]
pub(crate) struct Record {
    path: Option<PathBuf>,
}

impl Record {
    pub(crate) const fn new(path: Option<PathBuf>) -> Self {
        Self { path }
    }

    pub(crate) fn answer(&self, call: &'static str, rv: CK_RV, who: Who, note: &str) {
        let who = match who {
            Who::Script => "script",
            Who::Token => "token",
        };
        self.append(&format!("{call} {} {who} {note}\n", shown(RETURN_CODES, rv)));
    }

    pub(crate) fn hang(&self, call: &'static str) {
        self.append(&format!("{call} - script hang\n"));
    }

    /// One write of a whole line to the end of the file, so that threads and processes do not mix theirs.
    fn append(&self, line: &str) {
        let Some(path) = &self.path else { return };
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            crate::equipment::complain(&format!("{}: {error}", path.display()));
        }
    }

    /// Counts the tries left from every login that is on record.
    pub(crate) fn tries_left(&self, tries: PinTries) -> u64 {
        let text = self.path.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        tries_left(text.as_deref().unwrap_or_default(), tries)
    }
}

/// Names the user of a login, as the note of its line.
pub(crate) const fn user(kind: CK_USER_TYPE) -> &'static str {
    match kind {
        CKU_SO => "so",
        CKU_CONTEXT_SPECIFIC => "context",
        _ => "user",
    }
}

fn tries_left(record: &str, tries: PinTries) -> u64 {
    let ok = shown(RETURN_CODES, CKR_OK);
    let wrong = shown(RETURN_CODES, CKR_PIN_INCORRECT);
    let mut left = tries.left;
    for line in record.lines() {
        let mut words = line.split(' ');
        let (call, result, user) = (words.next(), words.next(), words.nth(1));
        if call != Some("C_Login") || !matches!(user, Some("user" | "context")) {
            continue;
        }
        if result == Some(&wrong) {
            left = left.saturating_sub(1);
        } else if result == Some(&ok) {
            left = tries.all;
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_from_the_logins_on_record() {
        let tries = PinTries { all: 3, left: 2 };
        assert_eq!(tries_left("", tries), 2);
        let wrong = "C_Login CKR_PIN_INCORRECT token user\n";
        assert_eq!(tries_left(wrong, tries), 1);
        assert_eq!(tries_left(&wrong.repeat(9), tries), 0);
        let right = "C_Login CKR_OK token user\n";
        assert_eq!(tries_left(&[wrong, right].concat(), tries), 3);
        assert_eq!(tries_left("C_Login CKR_PIN_INCORRECT token so\n", tries), 2);
        assert_eq!(tries_left("C_Sign CKR_OK token \n", tries), 2);
    }

    #[test]
    fn calls_are_written_one_a_line() {
        let dir = std::env::temp_dir().join(format!("faulty-record-{}", std::process::id()));
        let record = Record::new(Some(dir.clone()));
        record.answer("C_Login", CKR_PIN_INCORRECT, Who::Token, user(cryptoki_sys::CKU_USER));
        record.hang("C_Sign");
        let text = std::fs::read_to_string(&dir).unwrap();
        std::fs::remove_file(&dir).unwrap();
        assert_eq!(text, "C_Login CKR_PIN_INCORRECT token user\nC_Sign - script hang\n");
    }
}
