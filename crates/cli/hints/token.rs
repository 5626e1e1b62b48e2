//! What helps when a token or a call of its module failed, which the message then names.

use chancery::key::KeyErrorKind;

/// Chooses by the code, and else by what kind of error it is; `None` where another hint is better.
pub(super) fn for_token(kind: KeyErrorKind, message: &str) -> Option<Vec<String>> {
    const BY_CODE: [(&[&str], &[&str]); 4] = [
        (
            &["CKR_SESSION_COUNT"],
            &[
                "use fewer sessions:  --sessions 1",
                "or end the programs that have the token's sessions",
            ],
        ),
        (
            &["CKR_DEVICE_REMOVED", "CKR_TOKEN_NOT_PRESENT", "CKR_SLOT_ID_INVALID"],
            &["put the token back, and see that it is there:  chancery token list"],
        ),
        (
            &["CKR_SESSION_READ_ONLY", "CKR_TOKEN_WRITE_PROTECTED"],
            &["the token lets nothing be written: ask its security officer"],
        ),
        (
            &["CKR_KEY_FUNCTION_NOT_PERMITTED"],
            &[
                "the key is not for signing; list those that are:  chancery key list --key 'pkcs11:token=TOKEN'",
            ],
        ),
    ];
    let call = message.find(": C_").and_then(|at| message.get(at..)).unwrap_or_default();
    let by_code = BY_CODE.iter().find(|(codes, _)| codes.iter().any(|code| call.contains(code)));
    if let Some((_, hints)) = by_code {
        return Some(hints.iter().map(|hint| (*hint).to_owned()).collect());
    }
    let of_token =
        !call.is_empty() || message.contains("pkcs11:") || message.contains("the device");
    let by_kind = matches!(
        kind,
        KeyErrorKind::Device | KeyErrorKind::NotPermitted | KeyErrorKind::UnsupportedScheme
    );
    (of_token && by_kind).then(|| {
        vec![format!(
            "see what is wrong with the token:  chancery token doctor{}",
            token_in(message)
        )]
    })
}

/// The option that names the token of the key address in a message.
fn token_in(message: &str) -> String {
    let label =
        message.split("pkcs11:token=").nth(1).and_then(|rest| rest.split([';', '`']).next());
    label.map_or(String::new(), |label| format!(" --token 'pkcs11:token={label}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_can_be_acted_on_has_its_own_hint_and_others_the_doctor() {
        let hints = |kind, message| for_token(kind, message).unwrap().join(" ");
        let count = "no session with token `T`: C_OpenSession: CKR_SESSION_COUNT (0xb1)";
        assert!(hints(KeyErrorKind::Unavailable, count).contains("--sessions 1"));
        let device =
            "key `pkcs11:token=T;object=k` made no signature: C_Sign: CKR_DEVICE_ERROR (0x30)";
        assert!(hints(KeyErrorKind::Device, device).ends_with("--token 'pkcs11:token=T'"));
        assert_eq!(for_token(KeyErrorKind::AuthRefused, "PIN: C_Login: CKR_PIN_INCORRECT"), None);
        assert_eq!(for_token(KeyErrorKind::Device, "the system gives no random numbers"), None);
    }
}
