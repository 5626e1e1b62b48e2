//! Every executable of the corpus: digested, verified, signed.

use std::collections::BTreeMap;
use std::fs;

use chancery_testkit::corpus::{Corpus, CorpusFile, corpus};
use chancery_testkit::oracles::Oracles;
use chancery_testkit::tamper::flip_byte;
use serde_json::Value;

use crate::support::{chancery, ec, rsa, section_offset};

fn executables(corpus: &Corpus) -> impl Iterator<Item = &CorpusFile> {
    corpus.of_kind("pe")
}

fn verify(file: &CorpusFile) -> Value {
    let path = file.path.to_str().unwrap();
    chancery(["verify", "--format", "json", path]).object()
}

#[test]
fn digests_are_those_of_the_manifest() {
    let Some(corpus) = corpus() else { return };
    let (mut agree, mut differ) = (0, Vec::new());
    for file in executables(&corpus) {
        let Some(expected) = &file.authentihash_sha256 else { continue };
        let digest = chancery(["digest", "--format", "json", file.path.to_str().unwrap()]).object();
        if digest["authentihash"]["sha256"] == expected.as_str() {
            agree += 1;
        } else {
            differ.push(&file.name);
        }
    }
    println!("{agree} digests agree with the manifest");
    assert!(agree > 0 && differ.is_empty(), "{differ:?}");
}

/// Files whose digest is in order and which are refused all the same, with the reason.
const STRICT: [(&str, &str, &str); 6] = [
    ("AuthenticodeLint__wintrustpadded.dl_", "invalid", "data-after-signature"),
    ("AuthenticodeLint__wintrustpadded.ex_", "invalid", "data-after-signature"),
    ("gen-mut__cert-padding64.dll", "invalid", "data-after-signature"),
    ("gen-mut__dir-beyond-eof.dll", "malformed", "table-past-end-of-file"),
    ("gen-mut__dwLength-ffffffff.dll", "malformed", "beyond-end"),
    // The attribute that binds the digest to the signature was changed.
    ("PeNet__firefox_x64_manipulated.exe", "invalid", "message-digest-mismatch"),
];

fn holds(signature: &Value) -> bool {
    signature["digest_matches"] == true && signature["signature_valid"] == true
}

fn has_reason(report: &Value, reason: &str) -> bool {
    let of = |value: &Value| value.as_array().is_some_and(|list| list.contains(&reason.into()));
    let signatures = report["signatures"].as_array().unwrap();
    of(&report["reasons"]) || signatures.iter().any(|signature| of(&signature["reasons"]))
}

#[test]
fn what_is_in_order_holds_and_is_untrusted_without_anchors() {
    let Some(corpus) = corpus() else { return };
    let (mut files, mut signatures) = (0, 0);
    for file in executables(&corpus).filter(|file| file.expects("digest-ok")) {
        let report = verify(file);
        let found = report["signatures"].as_array().unwrap();
        assert!(!found.is_empty(), "{report}");
        match STRICT.iter().find(|(name, ..)| *name == file.name) {
            Some((_, verdict, reason)) => {
                assert_eq!(report["verdict"], *verdict, "{report}");
                assert!(has_reason(&report, reason), "{report}");
            }
            None => assert_eq!(report["verdict"], "untrusted", "{report}"),
        }
        if file.name != "PeNet__firefox_x64_manipulated.exe" {
            assert!(found.iter().all(holds), "{report}");
            files += 1;
            signatures += found.len();
        }
    }
    println!("{files} files with {signatures} signatures hold");
    assert!(files > 0);
}

#[test]
fn what_was_changed_is_refused() {
    let Some(corpus) = corpus() else { return };
    let mut refused = 0;
    for file in executables(&corpus).filter(|file| file.expects("digest-MISMATCH")) {
        let report = verify(file);
        assert!(matches!(report["verdict"].as_str(), Some("invalid" | "malformed")), "{report}");
        assert!(has_reason(&report, "digest-mismatch"), "{report}");
        refused += 1;
    }
    println!("{refused} changed files are refused");
    assert!(refused > 0);
}

#[test]
fn unsigned_files_are_unsigned_and_broken_tables_malformed() {
    let Some(corpus) = corpus() else { return };
    for file in executables(&corpus) {
        let expected = if file.expects("unsigned") {
            "unsigned"
        } else if file.expects("digest-unknown") {
            "malformed"
        } else {
            continue;
        };
        assert_eq!(verify(file)["verdict"], expected, "{}", file.name);
    }
}

/// Oracles that refuse what we sign, by file, with a part of their own reason. This one program has thirteen
/// directories behind an optional header of declared length zero; these two read its directories as Windows does
/// not.
const ORACLE_EXCEPTIONS: [(&str, &str, &str); 2] = [
    ("pocs__corkamix.exe", "signify", "does not contain a certificate table"),
    ("pocs__corkamix.exe", "lief", "BAD_DIGEST"),
];

/// Files that cannot be signed, with a part of the reason.
const UNSIGNABLE: [(&str, &str); 3] = [
    ("gen-mut__dir-offset0.dll", "no offset"),
    ("pocs__hdrcode.exe", "no directory entry"),
    ("pocs__lowaldiff.exe", "no directory entry"),
];

#[test]
fn unsigned_files_are_signed_as_oracles_accept_and_refused_when_changed() {
    let Some(corpus) = corpus() else { return };
    let oracles = Oracles::discover();
    let folder = tempfile::tempdir().unwrap();
    let (mut signed, mut refused) = (0, Vec::new());
    let mut surprises = Vec::new();
    let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, file) in executables(&corpus).filter(|file| file.expects("unsigned")).enumerate() {
        // RSA and EC in turn.
        let signer = if number % 2 == 0 { rsa() } else { ec() };
        let out = folder.path().join(&file.name);
        let run = signer.sign([file.path.as_os_str(), "--out".as_ref(), out.as_ref()]);
        if run.code != 0 {
            let known = UNSIGNABLE.iter().find(|(name, _)| *name == file.name);
            let (_, reason) = known.unwrap_or_else(|| panic!("{} not signed: {run:?}", file.name));
            assert!(run.stderr.contains(reason), "{}: {}", file.name, run.stderr);
            assert_eq!(run.code, 3);
            assert!(!out.exists());
            refused.push(file.name.clone());
            continue;
        }
        signed += 1;
        let mut judge = |wanted: bool, what: &str| {
            for oracle in oracles.iter() {
                let verdict = oracle.verify(&out, &signer.root);
                let as_wanted = if wanted {
                    verdict == chancery_testkit::oracles::Verdict::Accepted
                } else {
                    verdict.is_refused()
                };
                let excepted = ORACLE_EXCEPTIONS.iter().any(|(name, who, why)| {
                    *name == file.name
                        && *who == oracle.name()
                        && format!("{verdict:?}").contains(why)
                });
                if as_wanted && wanted {
                    *accepted.entry(oracle.name()).or_default() += 1;
                }
                if !as_wanted && !excepted {
                    surprises.push(format!("{} {what}: {} {verdict:?}", file.name, oracle.name()));
                }
            }
        };
        judge(true, "signed");
        // A file without a section of its own has no byte to flip there.
        let Some(offset) = section_offset(&fs::read(&out).unwrap()) else {
            println!("{}: no section data to change", file.name);
            continue;
        };
        flip_byte(&out, offset);
        judge(false, "changed");
        let ours =
            chancery(["verify", out.to_str().unwrap(), "--roots", signer.root.to_str().unwrap()]);
        assert_eq!(ours.code, 1, "{}: {ours:?}", file.name);
    }
    println!("{signed} signed, accepted by {accepted:?}; refused: {refused:?}");
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    assert_eq!(refused.len(), UNSIGNABLE.len());
}
