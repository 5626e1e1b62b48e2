//! What is typed where a PIN or password may be is not repeated: terminals are looked at, and logs of builds are kept.

use std::fs;

use crate::support::{chancery, command, rsa, run};

const PIN: &str = "Geheim99";

/// Runs a line in which the PIN is, and insists on its being refused, naming this and not the PIN.
#[track_caller]
fn refused(line: &str, named: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.exe"), "no program").unwrap();
    for format in [&[][..], &["--format", "json"]] {
        let is_compat = !line.starts_with("chancery ");
        if is_compat && !format.is_empty() {
            continue;
        }
        let words =
            line.strip_prefix("chancery ").unwrap_or(line).split(' ').chain(format.iter().copied());
        let mut command = command(words);
        command.current_dir(&folder);
        let run = run(command);
        assert_ne!(run.code, 0, "{line}: {run:?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(!said.contains(PIN), "{line}: {said}");
        assert!(said.contains(named), "{line}: {named:?} in {said}");
    }
}

#[test]
fn a_pin_in_an_address_is_not_repeated() {
    for line in [
        "chancery sign x.exe --key pkcs11:token=build?pin-value=Geheim99",
        "chancery key list --key pkcs11:;PIN-value=Geheim99",
        "chancery key list --key PKCS11:token=a?pin-value=Geheim99",
        "chancery token doctor --token pkcs11:token=build?pin-value=Geheim99",
        "chancery store bind My 00 --key pkcs11:token=build?pin-value=Geheim99",
    ] {
        refused(line, "...' for '--");
    }
}

#[test]
fn a_pin_in_a_binding_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let stores = folder.path().to_str().unwrap();
    let inf = folder.path().join("repair.txt");
    let text = "[Properties]\r\n2 = \"{text}\"\r\n_continue_ = \"Container=pkcs11:token=build?pin-value=Geheim99&\"\r\n\
                _continue_ = \"Provider=PKCS#11 Key Storage Provider&\"\r\n_continue_ = \"ProviderType=0&\"\r\n\
                _continue_ = \"Flags=0&\"\r\n_continue_ = \"KeySpec=0\"\r\n";
    fs::write(&inf, text).unwrap();
    let store = |args: &[&str]| {
        let mut all = vec!["store"];
        all.extend(args);
        all.extend(["--store-folder", stores]);
        chancery(all)
    };
    let certificate = rsa().certificate.to_str().unwrap();
    store(&["add", "CurrentUser/My", certificate]).ends_with(0);
    let run = store(&["repair", "CurrentUser/My", "E2E Signer", inf.to_str().unwrap()]);
    assert_ne!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("is no address"), "{run:?}");
    assert!(!format!("{run:?}").contains(PIN), "{run:?}");
}

#[test]
fn a_pin_in_the_place_of_its_source_is_not_repeated() {
    refused("chancery key test --key file:x --pin-fd Geheim99", "'--pin-fd <N>'");
    refused("chancery key test --key file:x --pin Geheim99", "'--pin'");
    refused("chancery key test --key file:x --pin=Geheim99", "'--pin'");
    refused("chancery key test --key file:x --pinGeheim99", "'--pin...'");
    refused("chancery key test --key file:x --pin-fdGeheim99", "'--pin...'");
    refused("chancery key test --key file:x -pGeheim99", "'-p'");
    // Of these clap says as well how to give a file of that name.
    refused("chancery sign x.exe --key file:x --pinGeheim99", "'--pin...'");
    refused("chancery sign x.exe --key file:x --pin=Geheim99", "'--pin'");
    refused("chancery sign x.exe --key file:x -pGeheim99", "'-p'");
    let key = &rsa().key;
    let line = format!("chancery key test --key {key} --pin-env Geheim99");
    refused(&line, "the variable of the name given is not set");
    let run = chancery(["key", "test", "--key", key, "--pin-env", "NO_SUCH_PIN"]).ends_with(4);
    assert!(run.stderr.contains("the variable NO_SUCH_PIN is not set"), "{run:?}");
}

#[test]
fn a_password_in_a_server_s_address_is_not_repeated() {
    let server = "http://user:Geheim99@127.0.0.1:1/";
    refused(
        &format!("signtool timestamp /tr {server} /td sha256 x.exe"),
        "a user name or password",
    );
    refused(&format!("signtool timestamp /t {server} x.exe"), "a user name or password");
    refused(&format!("chancery timestamp x.exe --timestamp {server}"), "a user name or password");
}

#[test]
fn a_password_glued_to_an_option_of_another_tool_is_not_repeated() {
    for (line, named) in [
        ("signtool sign /p:Geheim99 x.exe", "`/p...` is no option of sign"),
        ("signtool sign /pGeheim99 x.exe", "`/p...` is no option of sign"),
        ("signtool sign -P=Geheim99 x.exe", "`-P...` is no option of sign"),
        ("signtool sign /password:Geheim99 x.exe", "`/password...` is no option of sign"),
        ("signtool sign \u{2013}pGeheim99 x.exe", "`\u{2013}p...` begins with the dash"),
        ("signtool sign /p:\u{201c}Geheim99\u{201d} x.exe", "the quotation mark"),
        ("signtool /pGeheim99 sign x.exe", "is no command"),
        ("certutil -pin=Geheim99 -f", "is no verb"),
        ("certreq -new -pin:Geheim99 a b", "`-pin...` is no option of new"),
        ("key_mgmt_util singlecmd loginHSM -u CU -s u -pGeheim99", "`-p...` is no option"),
        ("key_mgmt_util singlecmd loginHSM -u CU -s u -p:Geheim99", "`-p...` is no option"),
        ("key_mgmt_util singlecmd loginHSM -u CU -s u Geheim99", "1 word is no option of loginHSM"),
    ] {
        refused(line, named);
    }
}
