//! Files that have fooled verifiers, each with what there is to say of it.
//!
//! They are numbered by the pitfall they show; several may show one. The keys are new in each run, the rest is not.

mod content;
mod place;
mod trust;
pub(crate) mod world;

use std::fs;
use std::path::Path;

use chancery_authenticode::{Crl, Report, TrustAnchors, Verifier};
use chancery_x509::{Certificate, Time, to_pem};
use serde_json::json;

use crate::judge_bytes;
pub use world::World;

/// When the files are judged.
pub const AT: &str = "2026-11-01T00:00:00Z";

/// A file and what a strict verifier says of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pitfall {
    /// The number and a few words: the file's name without its extension.
    pub name: &'static str,
    /// The file.
    pub file: Vec<u8>,
    /// The verdict.
    pub verdict: &'static str,
    /// A finding that is among its reasons; none where there is nothing to find, or no executable to look in.
    pub reason: Option<&'static str>,
}

impl Pitfall {
    fn new(
        name: &'static str,
        file: Vec<u8>,
        verdict: &'static str,
        reason: Option<&'static str>,
    ) -> Self {
        Self { name, file, verdict, reason }
    }
}

/// All files, and whom to trust for them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Course {
    /// The only trust anchor.
    pub root: Certificate,
    /// A list that revokes one of the signers.
    pub crl: Crl,
    crl_der: Vec<u8>,
    /// The files, by name.
    pub pitfalls: Vec<Pitfall>,
}

impl Course {
    /// Makes all files.
    #[must_use]
    pub fn make() -> Self {
        let world = World::new();
        let mut pitfalls = place::pitfalls(&world);
        pitfalls.extend(content::pitfalls(&world));
        pitfalls.extend(trust::pitfalls(&world));
        let (crl, crl_der) = world.revocation_list();
        Self { root: world.root, crl, crl_der, pitfalls }
    }

    /// Returns the strict verifier the verdicts are for.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        let at = Time::parse_rfc3339(AT).unwrap();
        Verifier::new(TrustAnchors::new(vec![self.root.clone()]), at)
            .with_crls(vec![self.crl.clone()])
    }

    /// Writes the files, `roots.pem`, `crl.der` and `expected.json` into a folder that is made.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn write(&self, dir: &Path) -> std::io::Result<()> {
        fs::create_dir_all(dir)?;
        for pitfall in &self.pitfalls {
            fs::write(dir.join(pitfall.name).with_extension("exe"), &pitfall.file)?;
        }
        fs::write(dir.join("roots.pem"), to_pem("CERTIFICATE", self.root.as_der()))?;
        fs::write(dir.join("crl.der"), &self.crl_der)?;
        let file = |one: &Pitfall| {
            json!({
                "file": format!("{}.exe", one.name),
                "verdict": one.verdict,
                "reason": one.reason,
            })
        };
        let expected = json!({
            "schema": 1,
            "roots": "roots.pem",
            "crl": "crl.der",
            "at": AT,
            "policy": "strict",
            "files": self.pitfalls.iter().map(file).collect::<Vec<_>>(),
        });
        fs::write(dir.join("expected.json"), format!("{expected:#}\n"))
    }
}

/// Says what we found in a file: the verdict, and the names of all reasons.
#[must_use]
pub fn judge(file: &[u8], verifier: &Verifier) -> (&'static str, Vec<&'static str>) {
    match judge_bytes(file, verifier) {
        Ok(report) => (report.verdict.name(), names(&report)),
        Err(_) => ("malformed", Vec::new()),
    }
}

fn names(report: &Report) -> Vec<&'static str> {
    let all = report.signatures.iter().flat_map(|signature| &signature.reasons);
    report.reasons.iter().chain(all).map(|reason| reason.name()).collect()
}
