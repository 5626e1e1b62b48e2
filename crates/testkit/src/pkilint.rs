//! pkilint, DigiCert's examiner of certificates, by the rules of RFC 5280 and its kin.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::workspace;

/// Returns what pkilint finds wrong with a certificate: the codes of everything that is an error or worse, as in
/// `pkix.ca_certificate_no_ku_extension`.
///
/// The rules are those of the PKIX documents alone. Those of public TLS, S/MIME and ETSI certificates, which pkilint
/// has too, do not apply to a private authority that signs code.
///
/// # Panics
/// Where it is not installed (`cargo xtask oracles` installs it) or does not answer.
#[must_use]
pub fn errors(certificate: &Path) -> Vec<String> {
    ask(&["pkilint.bin.lint_pkix_cert", "lint"], certificate)
}

/// Returns what pkilint finds wrong with a revocation list, likewise.
///
/// # Panics
/// As [`errors`].
#[must_use]
pub fn revocation_list_errors(list: &Path) -> Vec<String> {
    ask(&["pkilint.bin.lint_crl", "lint", "-t", "CRL", "-p", "PKIX"], list)
}

fn ask(program: &[&str], file: &Path) -> Vec<String> {
    let named = std::env::var_os("CHANCERY_ORACLE_PYTHON").map(Into::into);
    let python = named.unwrap_or_else(|| workspace::target_dir().join("oracles/venv/bin/python"));
    let output = Command::new(&python)
        .arg("-m")
        .args(program)
        .args(["-s", "ERROR", "-f", "JSON"])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot run {} (cargo xtask oracles): {error}", python.display())
        });
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    let results = answer["results"].as_array();
    let results = results.unwrap_or_else(|| panic!("pkilint (cargo xtask oracles): {said}"));
    let findings = results.iter().flat_map(|result| {
        result["finding_descriptions"].as_array().map(Vec::as_slice).unwrap_or_default()
    });
    findings.map(|finding| finding["code"].as_str().unwrap_or("no code").to_owned()).collect()
}
