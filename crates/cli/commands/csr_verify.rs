//! `chancery csr verify`

use std::path::{Path, PathBuf};

use chancery::{RequestCheck, check_request};

use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(files: &[PathBuf], ui: &mut Ui) -> Exit {
    let mut exit = Exit::Done;
    for file in files {
        exit = exit.graver(match check_request(file) {
            Ok(check) => show(file, &check, ui),
            Err(error) => ui.error(&error, None),
        });
    }
    exit
}

fn show(file: &Path, check: &RequestCheck, ui: &mut Ui) -> Exit {
    let object = |holds: bool, reason: Option<String>| {
        json::about(
            file,
            serde_json::json!({
                "schema": 1, "type": "request-verified",
                "holds": holds, "reason": reason,
            }),
        )
    };
    match check {
        RequestCheck::Holds(request) => {
            let text = || format!("{}: signed with its key, `{}`", shown(file), request.subject());
            ui.success(&object(true, None), text);
            Exit::Done
        }
        RequestCheck::Broken(why) => {
            let text = || format!("{}: not signed with the key in it: {why}", shown(file));
            ui.result(&object(false, Some(why.to_string())), text);
            Exit::No
        }
        _ => Exit::Bug,
    }
}
