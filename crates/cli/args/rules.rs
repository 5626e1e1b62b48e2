//! By which rules signatures are judged: policies, signatures that have to hold, findings.

use chancery::authenticode::{Check, Require, VerificationPolicy};
use clap::Args;

// By which rules signatures are judged.
#[derive(Args, Debug)]
pub(crate) struct RuleOptions {
    /// Rules to judge by: strict, windows (what WinVerifyTrust would say) or integrity (nobody is asked who signed)
    #[arg(long, value_name = "NAME", default_value = "strict", value_parser = policy)]
    pub(crate) policy: VerificationPolicy,
    /// Signatures that have to hold: all, any, primary or an index [default: all; of windows: primary]
    #[arg(long, value_name = "WHICH", value_parser = require)]
    pub(crate) require: Option<Require>,
    /// Refuse files with this finding, as unused-certificates
    #[arg(long, value_name = "FINDING", value_parser = denied)]
    pub(crate) deny: Vec<Check>,
    /// Take this finding for a note, as sha1-digest
    #[arg(long, value_name = "FINDING", value_parser = allowed)]
    pub(crate) allow: Vec<Check>,
}

fn policy(name: &str) -> Result<VerificationPolicy, String> {
    let all = VerificationPolicy::ALL;
    let found = all.into_iter().find(|policy| policy.name() == name);
    found.ok_or_else(|| format!("it is one of {}", all.map(VerificationPolicy::name).join(", ")))
}

fn require(text: &str) -> Result<Require, String> {
    Ok(match text {
        "all" => Require::All,
        "any" => Require::Any,
        "primary" => Require::Primary,
        index => Require::Index(
            index.parse().map_err(|_| "it is all, any, primary or a number from 0".to_owned())?,
        ),
    })
}

fn denied(name: &str) -> Result<Check, String> {
    Check::named(name).ok_or_else(|| "no finding has that name: see docs/verification.md".into())
}

fn allowed(name: &str) -> Result<Check, String> {
    let check = denied(name)?;
    if check.is_essential() {
        return Err(format!("every policy refuses it: {}", check.meaning()));
    }
    Ok(check)
}
