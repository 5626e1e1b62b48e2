use cryptoki_sys::{
    CKA_EXTRACTABLE, CKA_ID, CKF_WRITE_PROTECTED, CKM_ECDSA, CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED,
};

use super::*;

fn only_fault(text: &str) -> Fault {
    let script = Script::parse(text).unwrap();
    assert_eq!(script.faults.len(), 1);
    script.faults[0].clone()
}

#[test]
fn a_fault_names_function_effect_and_calls() {
    let fault = only_fault("fail C_Sign CKR_DEVICE_ERROR from 3 every 2 times 4");
    assert_eq!(fault.function.as_deref(), Some("C_Sign"));
    assert_eq!(fault.effect, Effect::Fail(CKR_DEVICE_ERROR));
    assert_eq!(fault.when, When { from: 3, every: 2, times: 4 });
    let fault = only_fault("fail * 0x80000001");
    assert_eq!((fault.function, fault.effect), (None, Effect::Fail(0x8000_0001)));
    assert_eq!(only_fault("remove C_Sign for 7").effect, Effect::Remove(Some(7)));
    assert_eq!(only_fault("remove C_Sign from 2").effect, Effect::Remove(None));
    assert_eq!(only_fault("delay C_Sign 5").effect, Effect::Delay(Duration::from_millis(5)));
}

#[test]
fn calls_are_counted_from_where_the_rule_says() {
    let when = When { from: 3, every: 2, times: 2 };
    let mut happened = 0;
    let mut at = Vec::new();
    for call in 1..=12 {
        if when.is_at(call, happened) {
            happened += 1;
            at.push(call);
        }
    }
    assert_eq!(at, [3, 5]);
}

#[test]
fn rules_describe_the_token() {
    let script = Script::parse(
        "# a token\n\nsessions 2\nhide CKA_ID # hidden\nno-mechanism CKM_ECDSA\n\
         set-flag CKF_WRITE_PROTECTED\npin-tries 5 left 1\nalways-authenticate\n\
         answer CKA_EXTRACTABLE true\n",
    )
    .unwrap();
    assert_eq!(script.sessions, Some(2));
    assert_eq!(script.hidden, [CKA_ID]);
    assert_eq!(script.without_mechanisms, [CKM_ECDSA]);
    assert_eq!(script.set_flags, CKF_WRITE_PROTECTED);
    assert_eq!(script.pin_tries, Some(PinTries { all: 5, left: 1 }));
    assert!(script.always_authenticate && !script.user_password_pin);
    assert_eq!(script.answered, [(CKA_ALWAYS_AUTHENTICATE, true), (CKA_EXTRACTABLE, true)]);
}

#[test]
fn the_profile_is_its_rules() {
    let profile = Script::parse("profile cloudhsm").unwrap();
    assert_eq!(profile, Script::parse(CLOUDHSM).unwrap());
    assert_eq!(profile.read_write_only, Some(CKR_FUNCTION_FAILED));
}

#[test]
fn a_line_that_is_no_rule_is_named() {
    for (line, reason) in [
        ("break everything", "no such rule"),
        ("answer CKA_EXTRACTABLE maybe", "true or false"),
        ("fail C_Sing CKR_DEVICE_ERROR", "no such function"),
        ("fail C_Sign CKR_DEVICE_ERR", "return code"),
        ("fail C_Sign", "return code"),
        ("fail C_Sign CKR_DEVICE_ERROR from 0", "from 1"),
        ("fail C_Sign CKR_DEVICE_ERROR every 0", "from 1"),
        ("fail C_Sign CKR_DEVICE_ERROR twice", "can follow"),
        ("fail C_Sign CKR_DEVICE_ERROR times", "number"),
        ("corrupt C_Login", "C_Sign"),
        ("sessions many", "number"),
        ("sessions 3 4", "too much"),
        ("profile other", "no such rule"),
    ] {
        let error = Script::parse(&format!("sessions 3\n{line}\n")).unwrap_err().to_string();
        assert!(error.starts_with("line 2 ") && error.contains(reason), "{line}: {error}");
    }
}
