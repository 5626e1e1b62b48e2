//! `chancery audit`

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use chancery::{Error, ErrorKind, shell_word, verify_audit_log};

use crate::args::Audit;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Audit, ui: &mut Ui) -> Result<Exit, Error> {
    let Audit::Verify { file } = args;
    let report = verify_audit_log(file)?;
    if report.fault.is_some() && report.lines == 0 && !begins_as_a_log(file)? {
        let text = format!("{} is no audit log", file.display());
        return Err(Error::new(ErrorKind::Malformed, text));
    }
    let object = json::about(
        file,
        serde_json::json!({
            "schema": 1, "type": "audit", "lines": report.lines,
            "bytes": report.bytes, "last_hash": report.last_hash, "fault": report.fault,
        }),
    );
    let file = shown(file);
    match report.fault {
        None => {
            let (lines, hash) = (report.lines, &report.last_hash);
            ui.success(&object, || format!("{file}: {lines} lines hold; the last is {hash}"));
            Ok(Exit::Done)
        }
        Some(fault) => {
            let line = report.lines.saturating_add(1);
            ui.result(&object, || format!("{file}: line {line} does not hold: {fault}"));
            if fault == "unfinished" {
                let bytes = report.bytes;
                let word = shell_word(&file);
                ui.note(&format!("cut it off to go on with the log:  truncate -s {bytes} {word}"));
            }
            Ok(Exit::No)
        }
    }
}

/// Tells a log whose first line was changed from a file of something else: each line is a JSON object.
fn begins_as_a_log(file: &Path) -> Result<bool, Error> {
    let failed = |error| Error::io("read", file, error);
    let mut beginning = Vec::new();
    File::open(file).map_err(failed)?.take(2).read_to_end(&mut beginning).map_err(failed)?;
    Ok(beginning == b"{\"")
}
