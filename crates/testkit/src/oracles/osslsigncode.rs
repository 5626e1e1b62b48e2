//! osslsigncode, one process for each file.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Judge, Missing, Oracle, Verdict};

const NAME: &str = "osslsigncode";

pub(super) fn find() -> Result<Oracle, Missing> {
    let missing = |reason: String| Missing {
        name: NAME,
        reason,
        remedy: "apt-get install osslsigncode, or cargo xtask oracles",
    };
    let output = Command::new(NAME)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing(format!("cannot run it: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout);
    // `osslsigncode 2.9, using:` and then its OpenSSL.
    let version = said
        .split_whitespace()
        .nth(1)
        .map(|word| word.trim_end_matches(',').to_owned())
        .ok_or_else(|| missing(format!("it does not tell its version: {}", output.status)))?;
    Ok(Oracle { name: NAME, version, has_anchors: true, judge: Box::new(Osslsigncode) })
}

#[derive(Debug)]
struct Osslsigncode;

impl Judge for Osslsigncode {
    fn judge(&self, file: &Path, ca: &Path) -> Verdict {
        let attempt = Command::new(NAME)
            .args(["verify".as_ref(), "-CAfile".as_ref(), ca.as_os_str()])
            .args(["-TSA-CAfile".as_ref(), ca.as_os_str()])
            .args(["-in".as_ref(), file.as_os_str()])
            .stdin(Stdio::null())
            .output();
        let output = match attempt {
            Ok(output) => output,
            Err(error) => return Verdict::Failed(format!("cannot run {NAME}: {error}")),
        };
        match output.status.code() {
            Some(0) => Verdict::Accepted,
            Some(1) => Verdict::Refused(reason(&output.stdout, &output.stderr)),
            _ => Verdict::Failed(format!("{NAME} ended with {}", output.status)),
        }
    }
}

/// Picks the lines that say what was wrong; all it said where none does.
fn reason(stdout: &[u8], stderr: &[u8]) -> String {
    let said = [stdout, stderr].map(String::from_utf8_lossy).join("\n");
    let is_telling = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["error", "failed", "mismatch", "no signature"].iter().any(|word| line.contains(word))
    };
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling: Vec<&str> = lines().filter(is_telling).collect();
    if telling.is_empty() { lines().collect::<Vec<_>>().join("; ") } else { telling.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_went_wrong() {
        let said = b"Message digest : SHA256\nCalculated message digest : AB MISMATCH!!!\nok\n";
        assert_eq!(reason(said, b""), "Calculated message digest : AB MISMATCH!!!");
        assert_eq!(reason(b"one\n\n two\n", b"three"), "one; two; three");
    }
}
