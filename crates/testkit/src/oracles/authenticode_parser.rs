//! authenticode-parser: C over hostile input that changes OpenSSL's globals, so a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::conversation::Conversation;
use super::{Judge, Missing, Oracle, Verdict};
use crate::workspace;

const NAME: &str = "authenticode-parser";

pub(super) fn find() -> Result<Oracle, Missing> {
    let missing = |reason: String| Missing {
        name: NAME,
        reason,
        remedy: "cargo build -p chancery-testkit --features authenticode-parser (needs libssl-dev), \
                 or cargo xtask oracles",
    };
    let program = program();
    let conversation = Conversation::start(Box::new(move || Command::new(&program)))
        .map_err(|reason| missing(reason.clone()))?;
    let version = match conversation.greeting().split_once(' ') {
        Some((NAME, version)) => version.to_owned(),
        _ => return Err(missing(format!("it greets with {:?}", conversation.greeting()))),
    };
    Ok(Oracle { name: NAME, version, has_anchors: false, judge: Box::new(Parser(conversation)) })
}

fn program() -> PathBuf {
    std::env::var_os("CHANCERY_ORACLE_AUTHENTICODE_PARSER").map_or_else(
        || workspace::target_dir().join("debug/oracle-authenticode-parser"),
        PathBuf::from,
    )
}

#[derive(Debug)]
struct Parser(Conversation);

impl Judge for Parser {
    fn judge(&self, file: &Path, _ca: &Path) -> Verdict {
        let Some(file) = file.to_str() else {
            return Verdict::Failed("the name of the file is not UTF-8".into());
        };
        match self.0.ask(file) {
            Ok(answer) => verdict(&answer),
            Err(reason) => Verdict::Failed(format!("{NAME}: {reason}")),
        }
    }
}

/// Reads an answer such as `signature Valid, countersignature Valid`.
///
/// Every signature and every countersignature has to be `Valid`, and there has to be a signature.
fn verdict(answer: &str) -> Verdict {
    if answer == "unsigned" {
        return Verdict::Refused("no signature".into());
    }
    if let Some(reason) = answer.strip_prefix("unreadable ") {
        return Verdict::Failed(reason.to_owned());
    }
    let (mut signatures, mut all_valid) = (0_usize, true);
    for part in answer.split(", ") {
        match part.split_once(' ') {
            Some(("signature", flag)) => {
                signatures += 1;
                all_valid &= flag == "Valid";
            }
            Some(("countersignature", flag)) => all_valid &= flag == "Valid",
            _ => return Verdict::Failed(format!("{NAME} answers {answer:?}")),
        }
    }
    if signatures > 0 && all_valid {
        Verdict::Accepted
    } else {
        Verdict::Refused(answer.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_and_countersignature_has_to_be_valid() {
        assert_eq!(verdict("signature Valid"), Verdict::Accepted);
        assert_eq!(verdict("signature Valid, countersignature Valid"), Verdict::Accepted);
        for refused in [
            "unsigned",
            "signature WrongFileDigest",
            "signature Valid, signature Invalid",
            "signature Valid, countersignature TimeMissing",
            "countersignature Valid",
        ] {
            assert!(verdict(refused).is_refused(), "{refused}");
        }
    }

    #[test]
    fn anything_else_is_no_verdict() {
        for odd in ["", "Valid", "signature", "unreadable a.exe: gone", "signature Valid, what"] {
            assert!(matches!(verdict(odd), Verdict::Failed(_)), "{odd}");
        }
    }
}
