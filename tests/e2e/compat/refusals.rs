//! What is not understood, not done, or contradicts itself is said, with what to type.

use super::machine::{Cluster, Machine};

/// Insists on an exit code and on words in what was said.
#[track_caller]
fn says(machine: &Machine<'_>, line: &str, code: i32, part: &str) {
    let run = machine.line(line).ends_with(code);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains(part), "{line}\n{said}");
}

#[test]
fn a_line_that_makes_no_sense_says_what_to_type() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    machine.program("a.exe");
    for (line, code, part) in [
        ("signtool", 1, "there are sign, verify, timestamp"),
        ("signtool sign a.exe", 1, "Type /fd sha256"),
        ("signtool sign /fd sha256", 1, "Missing filename"),
        ("signtool sign /fd", 1, "/fd takes a value: ALG. The hash of the file: SHA256"),
        ("signtool sign /fd md5 a.exe", 1, "SHA256, SHA384"),
        ("signtool sign /fd sha256 /pa a.exe", 1, "`/pa` is an option of verify"),
        ("signtool sign /fd sha256 /xyz a.exe", 1, "chancery signtool /?"),
        ("signtool sign /fd sha256 /t http://a /tr http://b /td sha256 a.exe", 1, "contradict"),
        ("signtool sign /fd sha256 /t http://a /td sha256 a.exe", 1, "/td is the digest of /tr"),
        ("signtool sign /fd sha256 /tr http://a a.exe", 1, "/td sha256 after /tr"),
        ("signtool sign /fd sha256 /td sha256 a.exe", 1, "/td without /tr"),
        ("signtool sign /fd sha256 /f x.cer /sha1 00 a.exe", 1, "contradict"),
        ("signtool sign /fd sha256 /sha1 XYZ a.exe", 1, "/sha1 XYZ"),
        ("signtool sign /fd sha256 /dlib x.dll a.exe", 1, "chancery sign --key"),
        ("signtool sign /fd sha256 /a a.exe", 1, "No certificates were found"),
        ("signtool sign /fd sha256 /a /p7co 1.2.3 a.exe", 1, "/p7co goes with /p7 FOLDER"),
        ("signtool sign /fd sha256 /a /p7 . /as a.exe", 1, "/p7 and /as contradict"),
        ("signtool sign /fd sha256 /a /p7 . /p7ce all a.exe", 1, "Embedded or DetachedSignedData"),
        ("signtool sign /fd sha256 /a /p7 . /t http://a a.exe", 1, "RFC 3161 alone"),
        ("signtool verify /p7 /all a.exe", 1, "contradict"),
        ("signtool verify /pa /p7content b a.exe", 1, "/p7content goes with /p7"),
        ("signtool verify /p7 a.exe", 1, "a.exe"),
        ("signtool verify /pa /hash md5 a.exe", 1, "it is SHA1 or SHA256"),
        ("signtool verify /pa /hash SHA256 a.exe", 1, "No signature found."),
        ("signtool verify /pa /a a.exe", 1, "No signature found."),
        ("signtool sing /fd sha256 a.exe", 1, "did you mean sign?"),
        ("signtool sign /fdd sha256 a.exe", 1, "did you mean /fd?"),
        ("signtool sign /fd sha256 /sha1 /sm a.exe", 1, "/sha1 takes a value: HASH"),
        ("signtool sign /fd sha256 /tr /td sha256 a.exe", 1, "/tr takes a value: URL"),
        ("signtool sign /fd sha256 /fd sha384 a.exe", 1, "/fd is there twice"),
        ("signtool sign /q /v /fd sha256 a.exe", 1, "contradict"),
        ("certutil -addstor My a.cer", 0x57, "did you mean -addstore?"),
        ("certreq -nev a.inf a.csr", 0x57, "did you mean -new?"),
        ("certutil -repairstore My", 0x57, "STORE ID [INF]"),
        ("certutil -hashfile a.exe MD5", 0x57, "openssl dgst -md5 a.exe"),
        ("signtool verify a.exe", 1, "Type /pa"),
        ("signtool verify /pa a.exe", 1, "No signature found."),
        ("signtool verify /pa /all /ds 1 a.exe", 1, "contradict"),
        ("signtool verify /pg {00000000} a.exe", 1, "which is /pa"),
        ("signtool verify /pa chancery.toml", 1, "cannot be verified because it is not"),
        ("signtool catdb x.cat", 1, "nothing here has catalogs"),
        ("signtool remove a.exe", 1, "/s for signatures"),
        ("signtool timestamp a.exe", 1, "name a timestamp server"),
        ("certutil -addstore My", 0x57, "STORE FILE"),
        ("certutil -addstore My none.cer", 2, "0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)"),
        ("certutil -addstore My chancery.toml", 0x0d, "The data is invalid."),
        ("certutil -delstore My nobody", 4, "0x80092004 (-2146885628 CRYPT_E_NOT_FOUND)"),
        ("certutil -repairstore My nobody", 4, "Cannot find object or property."),
        ("certutil -store -user -enterprise My", 0x57, "contradict"),
        ("certutil -ca.cert root.cer", 0x57, "there is no certificate authority in"),
        ("certutil -key -csp Nobody", 0x30, "[provider.\"Nobody\"]"),
        ("certutil -importpfx a.pfx", 0x57, "signtool sign /f FILE.pfx"),
        ("certutil", 0x57, "no verb; there are -ca.cert, -addstore"),
        ("certutil -what", 0x57, "`-what` is no verb"),
        ("signtool verify /pa none.exe", 1, "SignTool Error: File not found: none.exe"),
        ("signtool remove /s none.exe", 1, "SignTool Error: File not found: none.exe"),
        ("certutil -encode a.exe chancery.toml", 0x50, "The file exists."),
        ("certreq -enroll", 0x57, "-submit"),
        ("certreq -sign a b", 0x57, "say which certificate signs: -cert ID"),
        ("certreq -new none.inf out.csr", 2, "cannot find the file"),
        ("key_mgmt_util singlecmd findKey -c 4", 1, "2 is public keys, 3 private ones"),
        ("key_mgmt_util singlecmd listUsers", 1, "the tools of the HSM"),
        ("key_mgmt_util singlecmd loginHSM -u CO -s a -p b", 1, "-u CO is not done here"),
        ("key_mgmt_util singlecmd loginHSM -u CU -s a -p wrong", 1, "CKR_PIN_INCORRECT"),
        ("key_mgmt_util findKey", 1, "key_mgmt_util singlecmd COMMAND"),
        ("import_key -from HSM -privateKeyHandle 3", 1, "-publicKeyHandle N is missing"),
        (
            "import_key -from HSM -privateKeyHandle 3 -publicKeyHandle 2",
            1,
            "no key has the handle 3",
        ),
        ("openssl x509 -text -in a", 1, "call OpenSSL itself"),
        ("openssl req -new", 1, "call OpenSSL itself"),
    ] {
        says(&machine, line, code, part);
    }
}

#[test]
fn without_a_pin_the_variable_is_named_and_no_pin_is_tried() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    let mut command = machine.command(&[
        "import_key",
        "-from",
        "HSM",
        "-privateKeyHandle",
        "3",
        "-publicKeyHandle",
        "2",
    ]);
    command.env_remove("n3fips_password");
    let run = crate::support::run(command).ends_with(1);
    assert!(run.stderr.contains("n3fips_password is not set"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: set n3fips_password"), "{}", run.stderr);
}

#[test]
fn a_key_made_by_the_tool_is_found_told_about_and_made_once() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    let made = machine
        .line("key_mgmt_util singlecmd genECCKeyPair -i 2 -l curve -id 0x0a genRSAKeyPair -m 2048 -e 65537 -l big")
        .ends_with(0);
    assert_eq!(made.stdout.matches("private key handle:").count(), 2, "{made:?}");
    let found = machine.line("key_mgmt_util singlecmd findKey -c 3 -t 3").ends_with(0).stdout;
    assert!(found.contains("Total number of keys present: 1"), "{found}");
    let handle = found.split_once("matching keys:").unwrap().1.split_whitespace().next().unwrap();
    let told =
        machine.line(&format!("key_mgmt_util singlecmd getKeyInfo -k {handle}")).ends_with(0);
    assert!(told.stdout.contains("private key, EC P-256"), "{told:?}");
    assert!(told.stdout.contains("Container: curve"), "{told:?}");
    let line = format!("key_mgmt_util singlecmd getAttribute -o {handle} -a 258 -out id.txt");
    machine.line(&line).ends_with(0);
    let id = std::fs::read_to_string(machine.at("id.txt")).unwrap();
    assert_eq!(id, "OBJ_ATTR_ID\n0x0a\n");
    // The file is there now, and is not written over.
    machine.line(&line).ends_with(1);
    says(&machine, "key_mgmt_util singlecmd genECCKeyPair -i 2 -l curve", 1, "returned: 0x05");
    says(
        &machine,
        "key_mgmt_util singlecmd findKey -l nobody",
        0,
        "Total number of keys present: 0",
    );
    // Halves of two pairs are no pair.
    let all = machine.line("key_mgmt_util singlecmd findKey -c 2").ends_with(0).stdout;
    let public = all.split_once("matching keys:").unwrap().1.trim_start().lines().next().unwrap();
    let own = (handle.parse::<u32>().unwrap() - 1).to_string();
    let other = public.split(", ").find(|public| *public != own).unwrap();
    let line = format!("import_key -from HSM -privateKeyHandle {handle} -publicKeyHandle {other}");
    says(&machine, &line, 1, "the handles are of two pairs");
}

#[cfg(unix)]
#[test]
fn a_link_of_a_tools_name_is_the_tool() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    machine.program("a.exe");
    for (name, args, part) in [
        ("signtool.exe", vec!["verify", "/pa", "a.exe"], "No signature found."),
        ("CertUtil", vec!["-store", "My"], "completed successfully"),
    ] {
        let mut command = std::process::Command::new(machine.linked(name));
        command.args(args).current_dir(machine.home());
        let run = crate::support::run(command);
        assert!(format!("{}{}", run.stdout, run.stderr).contains(part), "{run:?}");
    }
}
