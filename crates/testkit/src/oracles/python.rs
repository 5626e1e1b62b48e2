//! signify and LIEF, both behind one Python process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use super::conversation::Conversation;
use super::{Judge, Missing, Oracle, Verdict};
use crate::workspace;

pub(super) const REMEDY: &str = "cargo xtask oracles makes the virtual environment";

/// Starts the driver script; its greeting is an object with the versions.
pub(super) fn start() -> Result<Conversation, String> {
    let python = interpreter()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/verify.py");
    Conversation::start(Box::new(move || {
        let mut command = Command::new(&python);
        command.arg(&script);
        command
    }))
}

pub(super) fn signify(driver: &Arc<Conversation>) -> Result<Oracle, Missing> {
    oracle("signify", true, driver)
}

pub(super) fn lief(driver: &Arc<Conversation>) -> Result<Oracle, Missing> {
    oracle("lief", false, driver)
}

fn interpreter() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("CHANCERY_ORACLE_PYTHON") {
        return Ok(named.into());
    }
    let venv = workspace::target_dir().join("oracles/venv/bin/python");
    if venv.exists() { Ok(venv) } else { Err(format!("there is no {}", venv.display())) }
}

fn oracle(
    name: &'static str,
    has_anchors: bool,
    driver: &Arc<Conversation>,
) -> Result<Oracle, Missing> {
    let versions: Value = serde_json::from_str(driver.greeting()).unwrap_or_default();
    match versions[name]["version"].as_str() {
        Some(version) => Ok(Oracle {
            name,
            version: version.to_owned(),
            has_anchors,
            judge: Box::new(Package { name, driver: Arc::clone(driver) }),
        }),
        None => {
            let reason = versions[name]["error"].as_str().unwrap_or("the driver does not know it");
            Err(Missing { name, reason: reason.to_owned(), remedy: REMEDY })
        }
    }
}

#[derive(Debug)]
struct Package {
    name: &'static str,
    driver: Arc<Conversation>,
}

impl Judge for Package {
    fn judge(&self, file: &Path, ca: &Path) -> Verdict {
        let (Some(file), Some(ca)) = (file.to_str(), ca.to_str()) else {
            return Verdict::Failed("the name of the file is not UTF-8".into());
        };
        let question = json!({ "oracle": self.name, "file": file, "ca": ca }).to_string();
        match self.driver.ask(&question) {
            Ok(answer) => verdict(&answer),
            Err(reason) => Verdict::Failed(format!("{}: {reason}", self.name)),
        }
    }
}

fn verdict(answer: &str) -> Verdict {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let reason = answer["reason"].as_str().unwrap_or_default().to_owned();
    match answer["verdict"].as_str() {
        Some("accepted") => Verdict::Accepted,
        Some("refused") => Verdict::Refused(reason),
        Some("failed") => Verdict::Failed(reason),
        _ => Verdict::Failed("the driver gave no verdict".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verdict_is_a_verdict() {
        assert_eq!(verdict(r#"{"verdict":"accepted"}"#), Verdict::Accepted);
        let refused = verdict(r#"{"verdict":"refused","reason":"bad digest"}"#);
        assert_eq!(refused, Verdict::Refused("bad digest".into()));
        for other in ["", "accepted", r#"{"verdict":"yes"}"#, r#"["accepted"]"#] {
            assert!(matches!(verdict(other), Verdict::Failed(_)), "{other}");
        }
    }
}
