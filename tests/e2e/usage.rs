//! Arguments that make no sense, and what is said of them.

use std::fs;

use crate::support::{chancery, program};

#[test]
fn wrong_usage_is_an_object_where_json_is_asked_for() {
    for (args, part) in [
        (&["sign", "--format", "json"][..], "--key <URI>"),
        (&["sing", "--format=json"], "unrecognized subcommand 'sing'"),
        (&["sign", "x", "--key", "foo", "--format", "json"], "`foo` begins with none of"),
        (&["--format", "json"], "a command is missing"),
        (&["--format", "json", "signtool", "sign"], "`signtool` comes first"),
    ] {
        let run = chancery(args).ends_with(2);
        let object = run.object();
        assert_eq!((&object["type"], &object["kind"]), (&"error".into(), &"usage".into()));
        assert!(object["message"].as_str().unwrap().contains(part), "{object}");
        assert_eq!(run.stderr, "", "{args:?}");
    }
    let tip = chancery(["sing", "--format", "json"]).object();
    assert!(tip["hints"][0].as_str().unwrap().contains("'sign'"), "{tip}");
    // Without it, clap says it on stderr.
    let run = chancery(["sing"]).ends_with(2);
    assert!(run.stdout.is_empty() && run.stderr.contains("tip: "), "{run:?}");
    let help = chancery(["sign", "--help", "--format", "json"]).ends_with(0);
    assert!(help.stdout.contains("Usage:"), "{}", help.stdout);
}

#[test]
fn the_tools_that_help_lists_have_help_and_stand_before_all_options() {
    for tool in ["signtool", "certreq", "certutil", "import_key", "key_mgmt_util", "openssl"] {
        let help = chancery(["help", tool]).ends_with(0);
        assert_eq!(help.stdout, chancery([tool, "/?"]).ends_with(0).stdout);
        let run = chancery(["--config", "t.toml", tool, "sign"]).ends_with(2);
        assert!(run.stderr.contains(&format!("`{tool}` comes first")), "{}", run.stderr);
        assert!(run.stderr.contains("hint: leave out"), "{}", run.stderr);
    }
    chancery(["help", "no-such-command"]).ends_with(2);
}

#[test]
fn an_authority_that_is_to_issue_wants_a_request_and_no_subject() {
    let run = chancery(["cert", "issue", "--ca", "ca"]).ends_with(2);
    assert!(run.stderr.contains("<CSR>") && !run.stderr.contains("--subject"), "{}", run.stderr);
    let run = chancery(["cert", "issue", "--ca", "ca", "--subject", "CN=A"]).ends_with(2);
    assert!(run.stderr.contains("'--ca <DIR>' cannot be used with '--subject"), "{}", run.stderr);
}

#[test]
fn numbers_and_names_that_cannot_be_meant_are_told_what_can() {
    let said = |args: &[&str]| chancery(args).ends_with(2).stderr;
    let jobs = said(&["verify", "a.exe", "--jobs", "0"]);
    assert!(jobs.contains("not a number from 1 to 1024"), "{jobs}");
    for bits in ["1024", "8192", "many"] {
        let made = said(&["key", "generate", "--key", "pkcs11:token=T;object=a", "--rsa", bits]);
        assert!(made.contains("2048, 3072 or 4096"), "{made}");
    }
    let short = said(&["sign", "a.exe", "--thumbprint", "C"]);
    assert!(short.contains("at least 4 characters"), "{short}");
}

#[test]
fn a_file_of_something_else_is_no_audit_log_that_was_changed() {
    let (folder, program) = program();
    let wrong = chancery(["audit", "verify", program.to_str().unwrap()]).ends_with(3).stderr;
    assert!(wrong.contains("is no audit log"), "{wrong}");
    let log = folder.path().join("log");
    fs::write(&log, "{\"number\":1}\n").unwrap();
    let wrong = chancery(["audit", "verify", log.to_str().unwrap()]).ends_with(1).stdout;
    assert!(wrong.contains("line 1 does not hold"), "{wrong}");
}
