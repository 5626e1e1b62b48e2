//! What a token's flags tell before anybody logs in.

use chancery_key::KeyErrorKind;
use chancery_pkcs11::TokenInfo;

use super::{Finding, FindingName};
use crate::ErrorKind;

/// Lists what is the matter with PIN and token; a problem among it means that nobody should log in.
pub(super) fn findings(token: &TokenInfo) -> Vec<Finding> {
    let subject = token.uri().to_string();
    let locked = |name, what: &str| {
        Finding::problem(name, subject.as_str(), what)
            .of_kind(ErrorKind::Key(KeyErrorKind::AuthLocked))
    };
    let mut found = Vec::new();
    if token.pin_locked {
        found.push(locked(FindingName::PinLocked, "the PIN is locked after too many wrong ones"));
    } else if token.login_required && !token.user_pin_initialized {
        found.push(locked(FindingName::PinNotSet, "the user's PIN was never set"));
    } else if token.pin_final_try {
        let what = "one more wrong PIN locks the token, so that none is given here";
        found.push(locked(FindingName::PinFinalTry, what));
    } else if token.pin_count_low {
        let what = "a wrong PIN was given since the last right one";
        found.push(Finding::warning(FindingName::PinTriesSpent, subject.as_str(), what));
    }
    if token.write_protected {
        let what =
            "nothing can be written to the token: it makes no keys and takes no certificates";
        found.push(Finding::note(FindingName::WriteProtected, subject.as_str(), what));
    }
    found
}
