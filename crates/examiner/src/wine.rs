//! What wine's WinVerifyTrust says of the same files, beside ours under the policy of Windows.
//!
//! Wine is a second implementation by others, and not Windows: what it is known to lack is named here, and a name
//! counts only where wine's own answers for that file show it.

use std::collections::BTreeMap;
use std::path::Path;

use chancery_authenticode::{
    ChainStatus, Check, Reason, Report, Severity, SignatureReport, TrustAnchors, Verdict,
    VerificationPolicy, Verifier,
};
use chancery_key::{DigestAlgorithm, SchemeFamily};
use chancery_testkit::corpus::Corpus;
use chancery_timestamp::TimestampKind;
use chancery_x509::{Certificate, Time, read_certificates};

use crate::judge_file;

/// An answer of WinVerifyTrust, by its HRESULT.
pub type Code = u32;

const TRUSTED: Code = 0;
const NO_SIGNATURE: Code = 0x800b_0100;
const EXPIRED: Code = 0x800b_0101;
const UNTRUSTED_ROOT: Code = 0x800b_0109;
const CHAINING: Code = 0x800b_010a;
const WRONG_USAGE: Code = 0x800b_0110;
const BAD_SIGNATURE: Code = 0x8009_6004;
const BAD_DIGEST: Code = 0x8009_6010;

/// Which policy provider was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "two are asked")]
pub enum Action {
    /// `WINTRUST_ACTION_GENERIC_VERIFY_V2`: Authenticode.
    VerifyV2,
    /// `WINTRUST_ACTION_GENERIC_CHAIN_VERIFY`: the path, by the same steps before it.
    ChainVerify,
}

impl Action {
    /// Both, in the order of the answers.
    pub const ALL: [Self; 2] = [Self::VerifyV2, Self::ChainVerify];

    /// Returns the name without what is common to all.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyV2 => "GENERIC_VERIFY_V2",
            Self::ChainVerify => "GENERIC_CHAIN_VERIFY",
        }
    }
}

/// What both kinds of answers come down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "every answer is one of these")]
pub enum Answer {
    /// Signed by somebody trusted.
    Trusted,
    /// Signed by nobody trusted, or no longer.
    Untrusted,
    /// The digest or the signature is wrong.
    Broken,
    /// There is no signature, or none that can be read.
    NoSignature,
}

impl Answer {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
            Self::Broken => "broken",
            Self::NoSignature => "no signature",
        }
    }

    /// Reads a code; none for one that was never seen.
    #[must_use]
    pub const fn of_code(code: Code) -> Option<Self> {
        Some(match code {
            TRUSTED => Self::Trusted,
            EXPIRED | UNTRUSTED_ROOT | CHAINING | WRONG_USAGE => Self::Untrusted,
            BAD_DIGEST | BAD_SIGNATURE => Self::Broken,
            NO_SIGNATURE => Self::NoSignature,
            _ => return None,
        })
    }

    /// Reads ours; none where the file is no executable, as where there is no signature.
    #[must_use]
    pub fn ours(report: Option<&Report>) -> Self {
        match report.map(|report| report.verdict) {
            Some(Verdict::Valid) => Self::Trusted,
            Some(Verdict::Untrusted) => Self::Untrusted,
            Some(Verdict::Invalid | Verdict::Unsupported) => Self::Broken,
            _ => Self::NoSignature,
        }
    }
}

/// A file, and what both say of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asked {
    /// The file's name.
    pub file: String,
    /// Ours; none where it is no executable.
    pub ours: Option<Report>,
    /// Wine's, in the order of [`Action::ALL`].
    pub codes: [Code; 2],
    /// When both were asked.
    pub at: Time,
}

impl Asked {
    /// Lists what was found about the file and its first signature.
    #[must_use]
    pub fn facts(&self) -> String {
        let stamps = self.primary().map(|one| one.timestamps.as_slice()).unwrap_or_default();
        let stamps = stamps.iter().map(|one| format!("{:?} valid={}", one.kind, one.is_valid()));
        let names = self.reasons().map(|one| one.name().to_owned());
        stamps.chain(names).collect::<Vec<_>>().join(", ")
    }

    fn primary(&self) -> Option<&SignatureReport> {
        self.ours.as_ref()?.signatures.first()
    }

    fn reasons(&self) -> impl Iterator<Item = Reason> {
        let of_file = self.ours.iter().flat_map(|report| &report.reasons);
        of_file.chain(self.primary().into_iter().flat_map(|one| &one.reasons)).copied()
    }

    fn found(&self, check: Check) -> bool {
        self.reasons().any(|reason| reason.check() == check)
    }

    /// Compares the answer of one action with ours: the same, a difference with a name, or one without.
    #[must_use]
    pub fn compare(&self, action: Action) -> Compared {
        let [v2, chain] = self.codes;
        let code = if action == Action::VerifyV2 { v2 } else { chain };
        if Answer::of_code(code) == Some(Answer::ours(self.ours.as_ref())) {
            return Compared::Same;
        }
        GAPS.iter().find(|gap| (gap.shows)(self, action)).map_or(Compared::Unnamed, Compared::Gap)
    }
}

/// How an answer of wine's stands to ours.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a difference has a name or none")]
pub enum Compared {
    /// Both say the same.
    Same,
    /// Wine lacks something, and its answers show it.
    Gap(&'static Gap),
    /// Nobody knows why: somebody has to look.
    Unnamed,
}

/// Something that wine is known to lack.
#[derive(Debug)]
#[non_exhaustive]
pub struct Gap {
    /// In a clause, with what shows it.
    pub says: &'static str,
    /// Tells whether wine's answers, and what is in the file, show it.
    shows: fn(&Asked, Action) -> bool,
}

/// Every gap.
pub const GAPS: [Gap; 5] = [
    Gap {
        says: "V2 judges the path only above signers whose certificate is signed over SHA-1; the other action does, and \
               refuses it as we do",
        shows: |asked, action| {
            let [v2, chain] = asked.codes;
            let over_sha1 =
                asked.primary().and_then(|one| one.signer.as_ref()).is_none_or(is_over_sha1);
            action == Action::VerifyV2
                && v2 == TRUSTED
                && !over_sha1
                && Answer::of_code(chain) == Some(Answer::ours(asked.ours.as_ref()))
        },
    },
    Gap {
        says: "a path that ends before any root is taken for trusted: the issuer's certificate is nowhere",
        shows: |asked, _| {
            let incomplete = |one: &SignatureReport| one.chain == ChainStatus::Incomplete;
            asked.codes == [TRUSTED; 2] && asked.primary().is_some_and(incomplete)
        },
    },
    Gap {
        says: "tokens by RFC 3161 are not read: a certificate that has expired since is called expired, and ours were \
               valid at the time of the token",
        shows: |asked, action| {
            let [_, chain] = asked.codes;
            let outlived = |one: &SignatureReport| {
                let mut valid = one.timestamps.iter().filter(|stamp| stamp.is_valid());
                valid.all(|stamp| stamp.kind == TimestampKind::Rfc3161)
                    && one.path.iter().any(|certificate| {
                        certificate.not_after() < asked.at
                            && one.judged_at <= certificate.not_after()
                    })
            };
            action == Action::ChainVerify
                && chain == EXPIRED
                && asked.primary().is_some_and(outlived)
        },
    },
    Gap {
        says: "ECDSA is not verified: every signature by such a key is called wrong",
        shows: |asked, _| {
            let is_ecdsa = |one: &SignatureReport| {
                one.signature_valid
                    && one.scheme.is_some_and(|scheme| scheme.family() == SchemeFamily::Ecdsa)
            };
            asked.codes == [BAD_SIGNATURE; 2] && asked.primary().is_some_and(is_ecdsa)
        },
    },
    Gap {
        says: "messageDigest is not compared with the content: nothing else is wrong with the signature",
        shows: |asked, _| {
            let mut refusing =
                asked.reasons().filter(|reason| reason.severity() >= Severity::Untrusted);
            asked.codes == [TRUSTED; 2]
                && asked.found(Check::MessageDigestMismatch)
                && refusing.all(|reason| reason.check() == Check::MessageDigestMismatch)
        },
    },
];

fn is_over_sha1(certificate: &Certificate) -> bool {
    certificate.scheme().is_some_and(|scheme| scheme.digest() == DigestAlgorithm::Sha1)
}

/// Reads what `trust verify` printed: two codes and a name a line.
///
/// # Errors
/// A line that is none of these.
pub fn read_answers(text: &str) -> Result<BTreeMap<String, [Code; 2]>, String> {
    let read = |line: &str| {
        let mut words = line.trim_end().splitn(3, ' ');
        let mut code = || Code::from_str_radix(words.next()?, 16).ok();
        let codes = [code()?, code()?];
        Some((words.next()?.to_owned(), codes))
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| read(line).ok_or_else(|| format!("no answer: {line}"))).collect()
}

/// Verifies every executable of a corpus by these roots under the policy of Windows, beside wine's answers.
///
/// # Errors
/// Where a file cannot be read, or wine did not answer for it.
pub fn ask(dir: &Path, roots: &Path, answers: &str) -> Result<Vec<Asked>, String> {
    let mut answers = read_answers(answers)?;
    let pem = std::fs::read(roots).map_err(|error| format!("{}: {error}", roots.display()))?;
    let anchors =
        read_certificates(&pem).map_err(|error| format!("{}: {error}", roots.display()))?;
    let now = Time::now().map_err(|error| error.to_string())?;
    let verifier =
        Verifier::new(TrustAnchors::new(anchors), now).under(VerificationPolicy::Windows);
    let corpus = Corpus::read(dir)?;
    let files = corpus.of_kind("pe");
    files
        .map(|file| {
            let ours = judge_file(&file.path, &verifier)
                .map_err(|error| format!("{}: {error}", file.path.display()))?;
            let codes = answers.remove(&file.name);
            Ok(Asked {
                file: file.name.clone(),
                ours: ours.ok(),
                codes: codes.ok_or_else(|| format!("no answer for {}", file.name))?,
                at: now,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_names_that_have_spaces() {
        let read = read_answers("00000000 800b0109 a b.exe\r\n\n").unwrap();
        assert_eq!(read["a b.exe"], [0, UNTRUSTED_ROOT]);
        assert!(read_answers("wine: cannot find it").is_err());
    }

    #[test]
    fn a_code_that_was_never_seen_is_no_answer() {
        let asked = |code| Asked {
            file: String::new(),
            ours: None,
            codes: [code; 2],
            at: Time::parse_rfc3339("2026-11-01").unwrap(),
        };
        for action in Action::ALL {
            assert!(matches!(asked(NO_SIGNATURE).compare(action), Compared::Same));
            for code in [0x8009_2009, TRUSTED, EXPIRED, BAD_SIGNATURE] {
                assert!(matches!(asked(code).compare(action), Compared::Unnamed), "{code:x}");
            }
        }
    }
}
