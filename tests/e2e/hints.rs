//! What is said of what went wrong, and what it says to type.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use chancery_testkit::softhsm::SoftHsm;

use crate::support::{Run, chancery, ec, program, rsa, run};

/// Two tokens of one label, the last one with a key.
struct Twins(SoftHsm);

impl Twins {
    fn new() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        hsm.init_token("build", "1234");
        hsm.init_token("build", "1234");
        fs::write(hsm.dir().join("pin"), "1234\n").unwrap();
        Some(Self(hsm))
    }

    fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.0.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(args).env("PKCS11_MODULE", self.0.module());
        run(command)
    }

    fn pin(&self) -> PathBuf {
        self.0.dir().join("pin")
    }
}

#[test]
fn an_answer_of_no_is_an_object_too() {
    let folder = tempfile::tempdir().unwrap();
    let place = format!("file:{}", folder.path().display());
    let certificate = ec().certificate.to_str().unwrap();
    let find = ["key", "find", "--cert", certificate, "--key", &place, "--format", "json"];
    let said = chancery(find).ends_with(1).object();
    assert_eq!((&said["type"], &said["place"]), (&"no-key".into(), &place.into()));
    let modulus = ["cert", "modulus", certificate, "--format", "json"];
    let said = chancery(modulus).ends_with(1).object();
    assert_eq!((&said["type"], said["modulus"].is_null()), (&"modulus".into(), true));
    assert!(said["message"].as_str().unwrap().contains("is no RSA key"), "{said}");
}

#[test]
fn errors_in_json_carry_the_hints() {
    let (_folder, program) = program();
    rsa().sign([&program]).ends_with(0);
    let again = rsa().sign([program.as_os_str(), "--format".as_ref(), "json".as_ref()]);
    let objects = again.ends_with(1).objects();
    let error = objects.iter().find(|object| object["type"] == "error").unwrap();
    assert!(error["hints"][0].as_str().unwrap().contains("--replace"), "{error}");
}

#[test]
fn two_tokens_of_one_label_are_a_problem_and_the_hint_keeps_the_key() {
    let Some(twins) = Twins::new() else { return };
    let pin = twins.pin();
    let pin = pin.to_str().unwrap();
    let key = "pkcs11:token=build;object=release";
    let said = twins.run(["key", "test", "--key", key, "--pin-file", pin]).ends_with(6);
    let hints: Vec<_> = said.stderr.lines().filter(|line| line.contains("choose one")).collect();
    assert_eq!(hints.len(), 2, "{}", said.stderr);
    for hint in &hints {
        assert!(hint.contains("object=release") && hint.contains("serial="), "{hint}");
        // What it says to type names one token, which has no such key.
        let one = hint.split('\'').nth(1).unwrap();
        twins.run(["key", "test", "--key", one, "--pin-file", pin]).ends_with(5);
    }
    let said = twins.run(["token", "doctor", "--token", "build", "--pin-file", pin]).ends_with(6);
    assert!(said.stdout.contains("several tokens fit the address"), "{}", said.stdout);
    assert!(said.stdout.contains("2 problems"), "{}", said.stdout);
    // Nobody said which: then there is nothing wrong with two.
    twins.run(["token", "doctor", "--pin-file", pin]).ends_with(0);
}

#[test]
fn a_key_on_a_token_is_not_said_to_have_no_certificate() {
    let Some(twins) = Twins::new() else { return };
    let (_folder, program) = program();
    twins.0.init_token("T", "1234");
    let (key, pin) = ("pkcs11:token=T;object=release", twins.pin());
    let pin = ["--pin-file", pin.to_str().unwrap()];
    twins
        .run(["key", "generate", "--key", key, "--ec", "p256"].into_iter().chain(pin))
        .ends_with(0);
    let sign = ["sign", program.to_str().unwrap(), "--key", key];
    let said = twins.run(sign.into_iter().chain(pin)).ends_with(2).stderr;
    assert!(said.contains("--cert token") && !said.contains("none is stored"), "{said}");
}

/// A module that loads and does not start is installed on many machines, as tpm2's is where there is no TPM.
#[cfg(target_os = "linux")]
#[test]
fn a_module_that_does_not_start_is_a_warning_beside_those_that_do() {
    let Some(twins) = Twins::new() else { return };
    let idle = std::path::Path::new("/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1");
    if !idle.exists() || std::path::Path::new("/dev/tpm0").exists() {
        println!("skipped: no module here that loads and does not start");
        return;
    }
    let list = |more: &[&str]| {
        let mut command = twins.0.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(["token", "list"]).args(more).env_remove("PKCS11_MODULE");
        run(command)
    };
    let said = list(&[]).ends_with(0);
    assert!(said.stdout.contains("token=build"), "{}", said.stdout);
    assert!(said.stderr.contains("warning: PKCS#11 module"), "{}", said.stderr);
    assert!(!said.stderr.contains("error: PKCS#11"), "{}", said.stderr);
    let objects = list(&["--format", "json"]).ends_with(0).objects();
    assert!(objects.iter().any(|object| object["type"] == "warning"), "{objects:?}");
    list(&["--module", idle.to_str().unwrap()]).ends_with(5);
    let doctor = ["token", "doctor", "--module", idle.to_str().unwrap()];
    let said = chancery(doctor).ends_with(5).stdout;
    assert!(said.contains("C_Initialize") && !said.contains("ldd"), "{said}");
}
