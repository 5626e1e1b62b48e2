//! `chancery audit`

use chancery::{Error, verify_audit_log};

use crate::args::Audit;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Audit, ui: &mut Ui) -> Result<Exit, Error> {
    let Audit::Verify { file } = args;
    let report = verify_audit_log(file)?;
    let object = serde_json::json!({
        "schema": 1, "type": "audit", "file": json::shown(file), "lines": report.lines,
        "last_hash": report.last_hash, "fault": report.fault,
    });
    let file = shown(&file);
    match report.fault {
        None => {
            let (lines, hash) = (report.lines, &report.last_hash);
            ui.success(&object, || format!("{file}: {lines} lines hold; the last is {hash}"));
            Ok(Exit::Done)
        }
        Some(fault) => {
            let line = report.lines.saturating_add(1);
            ui.result(&object, || format!("{file}: line {line} does not hold: {fault}"));
            Ok(Exit::No)
        }
    }
}
