//! The certificates and revocation lists of PKITS, which come in the Python package cryptography-vectors.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use chancery_chain::Crl;
use chancery_testkit::workspace;
use chancery_x509::Certificate;

/// Everything in the suite, by the names of the files.
pub struct Data {
    pub certificates: HashMap<String, Certificate>,
    /// Certificates that are refused before any path is looked for, and why.
    pub unreadable: HashMap<String, String>,
    pub crls: Vec<Crl>,
}

impl Data {
    /// Reads the suite; without it, prints that the calling test has nothing to look at.
    ///
    /// # Panics
    /// Where it is missing and `CHANCERY_REQUIRE_ORACLES=1` is set, or where a file cannot be read.
    pub fn find() -> Option<Self> {
        let dir = match directory() {
            Ok(dir) => dir,
            Err(reason) if env::var_os("CHANCERY_REQUIRE_ORACLES").is_some_and(|on| on == "1") => {
                panic!("no PKITS: {reason}; cargo xtask oracles installs it");
            }
            Err(reason) => {
                println!("skipped: no PKITS: {reason}; cargo xtask oracles installs it");
                return None;
            }
        };
        let (mut certificates, mut unreadable) = (HashMap::new(), HashMap::new());
        for (name, der) in files(&dir.join("certs"), "crt") {
            match Certificate::from_der(&der) {
                Ok(certificate) => drop(certificates.insert(name, certificate)),
                Err(error) => drop(unreadable.insert(name, error.to_string())),
            }
        }
        let crls = files(&dir.join("crls"), "crl")
            .map(|(name, der)| {
                Crl::from_der(&der).unwrap_or_else(|error| panic!("{name}: {error}"))
            })
            .collect();
        Some(Self { certificates, unreadable, crls })
    }
}

/// Asks the interpreter of the oracles where the package is.
fn directory() -> Result<PathBuf, String> {
    let python = env::var_os("CHANCERY_ORACLE_PYTHON")
        .unwrap_or_else(|| OsString::from(workspace::target_dir().join("oracles/venv/bin/python")));
    let script = "import cryptography_vectors as v; print(v.__path__[0])";
    let output = Command::new(&python)
        .args(["-c", script])
        .output()
        .map_err(|error| format!("cannot run {}: {error}", Path::new(&python).display()))?;
    if !output.status.success() {
        return Err("cryptography-vectors is not installed".into());
    }
    let found = String::from_utf8_lossy(&output.stdout);
    let dir = Path::new(found.trim()).join("x509/PKITS_data");
    if dir.is_dir() { Ok(dir) } else { Err(format!("there is no {}", dir.display())) }
}

/// Reads the files of a directory that end so; names are without the ending.
fn files(dir: &Path, extension: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.into_iter().map(|path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let der = fs::read(path).unwrap();
        (name, der)
    })
}
