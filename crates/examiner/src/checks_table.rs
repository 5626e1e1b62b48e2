//! The checks and their weights as the table of `docs/verification.md`.

use std::fmt::Write as _;

use chancery_authenticode::{Check, VerificationPolicy};

/// Writes the table in Markdown.
#[must_use]
pub fn render() -> String {
    let mut text = String::from("| finding |");
    let mut rule = String::from("|---|");
    for policy in VerificationPolicy::ALL {
        let _ = write!(text, " {} |", policy.name());
        rule.push_str("---|");
    }
    let _ = writeln!(text, " where it is found |\n{rule}---|");
    for check in Check::ALL {
        let _ = write!(text, "| `{}` |", check.name());
        for policy in VerificationPolicy::ALL {
            let _ = write!(text, " {} |", check.severity(policy).name());
        }
        let _ = writeln!(text, " {} |", check.meaning());
    }
    text
}
