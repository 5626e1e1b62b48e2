//! `chancery token doctor`

use chancery::Error;
use chancery::doctor::{Examination, Finding, Severity, examine};

use crate::args::Doctor;
use crate::commands::now;
use crate::exit::Exit;
use crate::shown::one_line;
use crate::ui::Ui;
use crate::{hints, json};

pub(super) fn run(args: &Doctor, ui: &mut Ui) -> Result<Exit, Error> {
    let mut examination = Examination::default();
    examination.module.clone_from(&args.access.module);
    examination.token.clone_from(&args.token);
    examination.keys.clone_from(&args.key);
    let (mut exit, mut problems, mut warnings) = (Exit::Done, 0_usize, 0_usize);
    examine(&examination, &args.access.keyring(true), now()?, &mut |finding| {
        match finding.severity() {
            Severity::Problem => {
                problems += 1;
                exit = exit.graver(finding.error_kind().map_or(Exit::No, Exit::from));
            }
            Severity::Warning => warnings += 1,
            _ => {}
        }
        show(finding, ui);
    });
    let object = serde_json::json!({
        "schema": 1, "type": "diagnosis", "healthy": problems == 0,
        "problems": problems, "warnings": warnings,
    });
    let count = |number, what: &str| {
        if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
    };
    let text = || match (problems, warnings) {
        (0, 0) => "nothing is wrong".to_owned(),
        _ => format!("{}, {}", count(problems, "problem"), count(warnings, "warning")),
    };
    if problems == 0 {
        ui.success(&object, text)
    } else {
        ui.result(&object, text)
    }
    Ok(exit)
}

fn show(finding: &Finding, ui: &mut Ui) {
    let remedies = hints::for_finding(finding);
    let object = serde_json::json!({
        "schema": 1, "type": "finding", "severity": finding.severity().name(),
        "name": finding.name().name(), "subject": finding.subject(),
        "message": finding.message(), "kind": finding.error_kind().map(|kind| kind.name()),
        "module": finding.module().map(json::shown),
        "token": finding.token().map(ToString::to_string), "remedies": remedies,
    });
    let text = || {
        let mark = match finding.severity() {
            Severity::Problem => "PROBLEM",
            Severity::Warning => "warning",
            Severity::Note => "note",
            _ => "ok",
        };
        let mut text = one_line(&format!("{mark:7}  {}: {}", finding.subject(), finding.message()));
        for remedy in &remedies {
            text.push_str(&format!("\n         mend it: {}", one_line(remedy)));
        }
        text
    };
    if finding.severity() <= Severity::Note {
        ui.success(&object, text);
    } else {
        ui.result(&object, text);
    }
}
