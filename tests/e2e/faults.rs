//! The fault list: what a user sees when a token goes wrong while programs are being signed.
//!
//! Whatever happens, no file is handed out that does not verify, none is missing where the command says it
//! signed it, and no more than one PIN try is spent.

use std::fs;
use std::path::{Path, PathBuf};

use chancery_testkit::faulty::FaultyToken;
use chancery_testkit::openssl::{CodeSigningCa, openssl};
use chancery_testkit::oracles::{Oracles, Verdict};
use chancery_testkit::softhsm::SoftHsm;

use crate::support::{Run, program, run};

/// How many programs each run signs.
const PROGRAMS: usize = 3;

/// What goes wrong, and what the user is to see.
struct Fault {
    script: &'static str,
    pin: &'static str,
    code: i32,
    /// Part of what is on stderr; empty where nothing needs to be.
    message: &'static str,
}

const fn fault(script: &'static str, code: i32, message: &'static str) -> Fault {
    Fault { script, pin: "1234", code, message }
}

const fn with_pin(pin: &'static str, mut fault: Fault) -> Fault {
    fault.pin = pin;
    fault
}

const FAULTS: [Fault; 43] = [
    // What passes is waited for, or done again, and the user sees nothing.
    fault("", 0, ""),
    fault("delay C_Sign 20", 0, ""),
    fault("fail C_Sign CKR_DEVICE_ERROR times 1", 0, ""),
    fault("fail C_Sign CKR_DEVICE_MEMORY times 1", 0, ""),
    fault("fail C_Sign CKR_HOST_MEMORY from 2 times 1", 0, ""),
    fault("fail C_Sign CKR_GENERAL_ERROR times 2", 0, ""),
    fault("fail C_Sign CKR_FUNCTION_FAILED every 2", 0, ""),
    fault("fail C_SignInit CKR_DEVICE_ERROR from 2 times 1", 0, ""),
    fault("fail C_GetTokenInfo CKR_GENERAL_ERROR times 2", 0, ""),
    fault("fail C_GetSlotList CKR_GENERAL_ERROR times 2", 0, ""),
    fault("fail C_FindObjects CKR_DEVICE_ERROR times 1", 0, ""),
    fault("fail C_GetAttributeValue CKR_DEVICE_MEMORY times 1", 0, ""),
    fault("fail C_OpenSession CKR_DEVICE_ERROR times 1", 0, ""),
    fault("fail C_OpenSession CKR_DEVICE_ERROR from 2 times 1", 0, ""),
    // What is lost is renewed.
    fault("fail C_SignInit CKR_SESSION_HANDLE_INVALID times 1", 0, ""),
    fault("fail C_SignInit CKR_SESSION_CLOSED from 2 times 1", 0, ""),
    fault("fail C_SignInit CKR_KEY_HANDLE_INVALID times 1", 0, ""),
    fault("fail C_SignInit CKR_OPERATION_ACTIVE times 1", 0, ""),
    fault("fail C_Sign CKR_USER_NOT_LOGGED_IN times 1", 0, ""),
    fault("lose-sessions C_SignInit from 2 times 1", 0, ""),
    fault("lose-sessions C_Sign from 2 times 1", 0, ""),
    fault("remove C_SignInit for 6 times 1", 0, ""),
    // What the token is like is lived with.
    fault("sessions 1", 0, ""),
    fault("sessions 2", 0, ""),
    fault("read-write-only CKR_FUNCTION_FAILED", 0, ""),
    fault("always-authenticate", 0, ""),
    with_pin("user:1234", fault("profile cloudhsm", 0, "")),
    // What stays is said, with the call and its code.
    fault("fail C_Sign CKR_DEVICE_ERROR", 5, "C_Sign: CKR_DEVICE_ERROR"),
    fault("fail C_Sign 0x80000001", 5, "C_Sign: the vendor's own code (0x80000001)"),
    fault("fail C_SignInit CKR_KEY_FUNCTION_NOT_PERMITTED", 5, "CKR_KEY_FUNCTION_NOT_PERMITTED"),
    fault("fail C_OpenSession CKR_SESSION_COUNT", 5, "C_OpenSession: CKR_SESSION_COUNT"),
    fault("fail C_Initialize CKR_GENERAL_ERROR", 5, "C_Initialize: CKR_GENERAL_ERROR"),
    fault("no-mechanism CKM_ECDSA", 5, "does not sign with ecdsa-sha256"),
    fault("remove C_SignInit times 1", 5, "CKR_"),
    fault("hang C_Sign", 9, "C_Sign"),
    // A wrong signature is never handed out.
    fault("corrupt C_Sign", 5, "key `pkcs11:token=T;object=release;"),
    fault("shorten C_Sign", 5, "no signature"),
    // A PIN is tried once, or not at all.
    with_pin("0000", fault("pin-tries 3", 4, "C_Login: CKR_PIN_INCORRECT")),
    with_pin("1234", fault("profile cloudhsm", 4, "C_Login: CKR_PIN_INCORRECT")),
    fault("pin-tries 3 left 1", 4, "one try left"),
    fault("pin-tries 3 left 0", 4, "locked"),
    fault("fail C_Login CKR_PIN_EXPIRED", 4, "C_Login: CKR_PIN_EXPIRED"),
    fault("fail C_Login CKR_DEVICE_ERROR", 5, "C_Login: CKR_DEVICE_ERROR"),
];

struct Bench<'a> {
    token: FaultyToken<'a>,
    ca: CodeSigningCa,
    programs: Vec<PathBuf>,
}

/// What came of one fault.
struct Seen {
    run: Run,
    signed: usize,
    lost: usize,
    wrong: usize,
    tries: usize,
}

impl<'a> Bench<'a> {
    fn new(hsm: &'a SoftHsm) -> Self {
        hsm.init_token("T", "1234");
        let ca = CodeSigningCa::create_in(hsm.dir());
        hsm.import_key("T", "1234", &ca.signer_key, "release", "01");
        let (_folder, source) = program();
        let copy = |number| {
            let path = hsm.dir().join(format!("program{number}.exe"));
            fs::copy(&source, &path).unwrap();
            path
        };
        Self { token: FaultyToken::over(hsm), ca, programs: (0..PROGRAMS).map(copy).collect() }
    }

    fn suffer(&self, fault: &Fault, number: usize) -> Seen {
        let dir = self.token.hsm().dir();
        let out = dir.join(format!("out{number}"));
        fs::create_dir(&out).unwrap();
        crate::support::write_secret(dir.join("pin"), fault.pin);
        self.token.forget_calls();
        self.token.follow(fault.script);
        let mut command = self.token.command(env!("CARGO_BIN_EXE_chancery"));
        command.arg("sign").args(&self.programs).args(["--key", "pkcs11:token=T;object=release"]);
        command.arg("--cert").arg(&self.ca.signer).arg("--chain").arg(&self.ca.root);
        command.arg("--out").arg(&out).arg("--pin-file").arg(dir.join("pin"));
        command.args(["--token-timeout", "3"]).env("PKCS11_MODULE", self.token.module());
        let run = run(command);
        let verdicts: Vec<_> = self.programs.iter().map(|path| self.judge(path, &out)).collect();
        let signed = verdicts.iter().filter(|verdict| **verdict == Some(true)).count();
        let wrong = verdicts.iter().filter(|verdict| **verdict == Some(false)).count();
        let lost = if run.code == 0 { PROGRAMS - signed } else { 0 };
        let tries = self.token.count_of("C_Login", "CKR_PIN_INCORRECT");
        Seen { run, signed, lost, wrong, tries }
    }

    /// The errors and their causes on one line, without the paths of this run.
    fn shown(&self, stderr: &str) -> String {
        let (module, dir) = (self.token.module().display(), self.token.hsm().dir().display());
        let text = stderr.replace(&module.to_string(), "MODULE").replace(&format!("{dir}/"), "");
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("hint:"));
        // The first file says it for all.
        lines.take(3).collect::<Vec<_>>().join(" | ")
    }

    /// Asks osslsigncode about the signed copy of a program; `None` where there is no copy.
    fn judge(&self, program: &Path, out: &Path) -> Option<bool> {
        let copy = out.join(program.file_name().unwrap());
        if !copy.exists() {
            return None;
        }
        let oracle = Oracles::discover().named("osslsigncode").expect("osslsigncode is here");
        Some(oracle.verify(&copy, &self.ca.root) == Verdict::Accepted)
    }
}

#[test]
fn a_token_that_goes_wrong_loses_no_signature_and_spends_no_pin() {
    assert!(openssl(["version"]).status.success());
    let Some(hsm) = SoftHsm::create() else { return };
    let bench = Bench::new(&hsm);
    let mut failures = Vec::new();
    println!("{:52}  exit  signed  lost  wrong  PIN tries  message", "script");
    for (number, fault) in FAULTS.iter().enumerate() {
        let seen = bench.suffer(fault, number);
        let message = bench.shown(&seen.run.stderr);
        println!(
            "{:52}  {:>4}  {:>6}  {:>4}  {:>5}  {:>9}  {message}",
            fault.script, seen.run.code, seen.signed, seen.lost, seen.wrong, seen.tries
        );
        let first = seen.run.stderr.lines().next().unwrap_or_default();
        let right = seen.run.code == fault.code
            && first.contains(fault.message)
            && (fault.code == 0 || seen.run.stderr.contains("  hint: "))
            && (seen.lost, seen.wrong) == (0, 0)
            && seen.tries <= 1;
        if !right {
            failures.push(format!(
                "`{}`: exit {}, not {} with `{}`; lost {}, wrong {}, PIN tries {}: {}",
                fault.script,
                seen.run.code,
                fault.code,
                fault.message,
                seen.lost,
                seen.wrong,
                seen.tries,
                seen.run.stderr
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
