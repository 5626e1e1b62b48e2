//! Where PINs come from, and what is said of it.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use chancery_testkit::softhsm::SoftHsm;

use crate::support::{Run, chancery, rsa, run};

const KEY: &str = "pkcs11:token=T;object=release";

/// A private SoftHSM with the token `T`, PIN 1234, and the key `release`.
struct Bench {
    hsm: SoftHsm,
}

impl Bench {
    fn new() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        hsm.init_token("T", "1234");
        let bench = Self { hsm };
        bench.write("pin", b"1234\n");
        bench.write("wrong", b"987654\n");
        bench
            .chancery(&["key", "generate", "--key", KEY, "--ec", "p256", "--pin-file", "pin"])
            .ends_with(0);
        Some(bench)
    }

    /// Writes a file that nobody else may read.
    fn write(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.hsm.dir().join(name);
        fs::write(&path, contents).unwrap();
        self.allow(name, 0o600);
        path
    }

    #[cfg(unix)]
    fn allow(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.hsm.dir().join(name), permissions).unwrap();
    }

    #[cfg(not(unix))]
    fn allow(&self, _: &str, _: u32) {}

    fn chancery(&self, args: &[&str]) -> Run {
        self.with(args, &[])
    }

    fn with(&self, args: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = self.hsm.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(args.iter().map(OsString::from)).current_dir(self.hsm.dir());
        command.env("PKCS11_MODULE", self.hsm.module());
        command.envs(variables.iter().copied());
        run(command)
    }

    fn test(&self, key: &str, more: &[&str]) -> Run {
        self.chancery(&[&["key", "test", "--key", key], more].concat())
    }
}

#[test]
fn the_pin_is_the_first_line_of_its_file() {
    let Some(bench) = Bench::new() else { return };
    for contents in
        [&b"1234"[..], b"1234\nsecond\n", b"1234\n\n", b"1234\r\n\r\n", b"\xef\xbb\xbf1234\r\n"]
    {
        bench.write("pin", contents);
        bench.test(KEY, &["--pin-file", "pin"]).ends_with(0);
        bench.write("chancery.toml", b"pin = { file = 'pin' }");
        bench.test(KEY, &[]).ends_with(0);
        fs::remove_file(bench.hsm.dir().join("chancery.toml")).unwrap();
    }
}

#[test]
fn what_nobody_types_is_given_to_no_token() {
    let Some(bench) = Bench::new() else { return };
    for contents in [&b"\xff\xfe1\x002\x003\x004\x00"[..], b"12\t34\n", b"\x1b1234"] {
        bench.write("odd", contents);
        let run = bench.test(KEY, &["--pin-file", "odd"]).ends_with(4);
        assert!(run.stderr.contains("the PIN from the file odd has control characters"), "{run:?}");
    }
    let listed = bench.chancery(&["token", "list"]).ends_with(0);
    assert!(listed.stdout.contains("ready"), "no try was spent: {listed:?}");
}

#[test]
fn a_refused_pin_says_where_it_is_from() {
    let Some(bench) = Bench::new() else { return };
    let refused = |run: Run, origin: &str| {
        let run = run.ends_with(4);
        let named = format!("token `T` refuses the PIN from {origin}: C_Login: CKR_PIN_INCORRECT");
        assert!(run.stderr.contains(&named), "{origin:?} in {run:?}");
        assert!(!run.stderr.contains("987654"), "{run:?}");
    };
    refused(bench.test(KEY, &["--pin-file", "wrong"]), "the file wrong");
    let key = &["key", "test", "--key", KEY][..];
    refused(bench.with(key, &[("HSM_PIN", "987654")]), "the variable HSM_PIN");
    let named = [key, &["--pin-env", "BUILD_PIN"]].concat();
    refused(bench.with(&named, &[("BUILD_PIN", "987654")]), "the variable BUILD_PIN");
    let address = format!("{KEY}?pin-source=file:wrong");
    refused(bench.test(&address, &[]), "the file wrong, which the address names");
    bench.write("chancery.toml", b"pin = { file = 'wrong' }");
    refused(bench.test(KEY, &[]), "the file wrong, which the settings name");
    let line = ["key_mgmt_util", "singlecmd", "loginHSM", "-u", "CU", "-p", "987654"];
    let module = bench.hsm.module().display().to_string();
    bench.write(
        "chancery.toml",
        format!("[provider.P]\nmodule = '{module}'\ntoken = 'T'").as_bytes(),
    );
    let run = bench.chancery(&line);
    assert!(run.stderr.contains("refuses the PIN from the command line"), "{run:?}");
    // And so does the passphrase of a file.
    let wrong = bench.hsm.dir().join("wrong");
    let run = chancery(["key", "test", "--key", &rsa().key, "--pin-file", wrong.to_str().unwrap()]);
    assert!(run.ends_with(4).stderr.contains("it is from the file"), "the file is named");
}

#[test]
fn an_address_says_where_its_pin_is() {
    let Some(bench) = Bench::new() else { return };
    let at = |source: &str| format!("{KEY}?pin-source={source}");
    let absolute = bench.hsm.dir().join("pin").display().to_string();
    for source in [
        "file:pin".to_owned(),
        "pin".to_owned(),
        format!("file:{absolute}"),
        format!("file://{absolute}"),
    ] {
        bench.test(&at(&source), &[]).ends_with(0);
    }
    let place = "pkcs11:token=T?pin-source=file:pin";
    let listed = bench.chancery(&["key", "list", "--key", place]).ends_with(0);
    assert!(listed.stdout.contains("object=release"), "{listed:?}");
    let examined = bench.chancery(&["token", "doctor", "--token", place]);
    assert!(!examined.stdout.contains("PROBLEM"), "{examined:?}");
    let examined = bench.chancery(&["token", "doctor", "--key", &at("file:pin")]);
    assert!(!examined.stdout.contains("PROBLEM"), "{examined:?}");

    // What the command line says goes before it, and it goes before the settings and the environment.
    bench.test(&at("file:wrong"), &["--pin-file", "pin"]).ends_with(0);
    bench.write("chancery.toml", b"pin = { file = 'wrong' }");
    bench.test(&at("file:pin"), &[]).ends_with(0);
    fs::remove_file(bench.hsm.dir().join("chancery.toml")).unwrap();
    let line = ["key", "test", "--key", &at("file:pin")];
    bench.with(&line, &[("HSM_PIN", "987654")]).ends_with(0);
    let run = bench.test(&at("file:no-such-file"), &[]).ends_with(4);
    assert!(run.stderr.contains("no-such-file cannot be opened"), "{run:?}");
}

#[test]
fn a_command_or_a_server_that_an_address_names_is_not_asked() {
    let Some(bench) = Bench::new() else { return };
    for (source, why) in [
        ("%7Ctouch%20made", "is a command, and none is run"),
        ("http:/a/pin", "has a scheme that is not known"),
        ("file://server/pin", "names no file of this machine"),
        ("file:", "names no file of this machine"),
    ] {
        let run = bench.test(&format!("{KEY}?pin-source={source}"), &[]).ends_with(2);
        assert!(run.stderr.contains(why), "{source}: {run:?}");
    }
    assert!(!bench.hsm.dir().join("made").exists());
}

#[cfg(unix)]
#[test]
fn a_pin_that_others_may_read_is_warned_of_once() {
    let Some(bench) = Bench::new() else { return };
    let warnings = |run: Run| run.ends_with(0).stderr.matches("may be read by others").count();
    let at = format!("{KEY}?pin-source=file:pin");
    let count = |expected: usize| {
        assert_eq!(warnings(bench.test(KEY, &["--pin-file", "pin"])), expected);
        assert_eq!(warnings(bench.test(&at, &[])), expected);
        bench.write("chancery.toml", b"pin = { file = 'pin' }");
        assert_eq!(warnings(bench.test(KEY, &[])), expected);
        fs::remove_file(bench.hsm.dir().join("chancery.toml")).unwrap();
    };
    count(0);
    for mode in [0o640, 0o604] {
        bench.allow("pin", mode);
        count(1);
    }
    let json = bench.test(KEY, &["--pin-file", "pin", "--format", "json"]).ends_with(0);
    assert_eq!(json.stderr, "", "machines are told results alone");
}
