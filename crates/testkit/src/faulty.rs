//! A token that goes wrong by a script: `chancery-faulty-token` in front of SoftHSM.
//!
//! The module is there whenever this crate is: it depends on that one, so that cargo builds both. The script
//! may change while a test runs, so that keys can be made before anything goes wrong; its grammar is in the
//! README of `chancery-faulty-token`.
//!
//! ```no_run
//! use chancery_testkit::faulty;
//!
//! faulty::isolated(|token| {
//!     token.hsm().init_token("build", "4711");
//!     // ... make a key through `token.module()`, then:
//!     token.follow("fail C_Sign CKR_DEVICE_ERROR times 1");
//!     // ... sign, and see:
//!     assert_eq!(token.count("C_Sign"), 2);
//! });
//! ```

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chancery_faulty_token::Script;

use crate::softhsm::{SoftHsm, isolated_with};
use crate::workspace;

const MODULE: &str = "CHANCERY_FAULTY_MODULE";
const SCRIPT: &str = "CHANCERY_FAULTY_SCRIPT";
const RECORD: &str = "CHANCERY_FAULTY_RECORD";

/// A SoftHSM behind a module that breaks it.
#[derive(Debug)]
pub struct FaultyToken<'a> {
    hsm: &'a SoftHsm,
    module: PathBuf,
}

/// A call on record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the record has these columns")]
pub struct Call {
    /// The function, as in `C_Sign`.
    pub function: String,
    /// The return code by its name, or `-` where the call never returned.
    pub result: String,
    /// Whether a rule of the script answered in place of the token.
    pub scripted: bool,
    /// For `C_Login` the user: `user`, `context` or `so`; `hang` for a call that does.
    pub note: String,
}

impl<'a> FaultyToken<'a> {
    /// Puts the module in front of a SoftHSM, to go wrong with nothing yet. Its files are in [`SoftHsm::dir`].
    ///
    /// # Panics
    /// Where the module is not built, which it is by whatever builds this crate.
    #[must_use]
    pub fn over(hsm: &'a SoftHsm) -> Self {
        let token = Self { hsm, module: module() };
        token.follow("");
        token.forget_calls();
        token
    }

    /// Returns the SoftHSM behind it, for what is to work in any case.
    #[must_use]
    pub const fn hsm(&self) -> &SoftHsm {
        self.hsm
    }

    /// Returns the path of the module that breaks.
    #[must_use]
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// Follows another script from the next call on, in every process, counting its calls afresh.
    ///
    /// # Panics
    /// Where it is no script.
    pub fn follow(&self, script: &str) {
        if let Err(error) = Script::parse(script) {
            panic!("{error}");
        }
        // In one step, since other threads and processes read it at every call.
        let path = self.script();
        let new = path.with_extension("new");
        fs::write(&new, script).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// Returns the variables that a process needs in order to use the module.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, PathBuf); 4] {
        [
            self.hsm.environment(),
            (MODULE, self.hsm.module().to_owned()),
            (SCRIPT, self.script()),
            (RECORD, self.record()),
        ]
    }

    /// Starts a command line for a process that can use the module, and has no input.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.hsm.command(program);
        command.envs(self.environment());
        command
    }

    /// Returns every call since the last [`forget_calls`](Self::forget_calls), of all processes, in the order
    /// in which they ended.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        let text = fs::read_to_string(self.record()).unwrap_or_default();
        text.lines().map(Call::read).collect()
    }

    /// Counts the calls of a function.
    #[must_use]
    pub fn count(&self, function: &str) -> usize {
        self.calls().iter().filter(|call| call.function == function).count()
    }

    /// Counts the calls of a function that had this result.
    #[must_use]
    pub fn count_of(&self, function: &str, result: &str) -> usize {
        let is_one = |call: &&Call| call.function == function && call.result == result;
        self.calls().iter().filter(is_one).count()
    }

    /// Empties the record, and with it forgets how many PIN tries were spent.
    pub fn forget_calls(&self) {
        fs::write(self.record(), "").unwrap();
    }

    fn script(&self) -> PathBuf {
        self.hsm.dir().join("faults.txt")
    }

    fn record(&self) -> PathBuf {
        self.hsm.dir().join("calls.txt")
    }
}

impl Call {
    fn read(line: &str) -> Self {
        let words: Vec<_> = line.split(' ').collect();
        let [function, result, who, note] = words.as_slice() else {
            panic!("no line of a record: {line}")
        };
        Self {
            function: (*function).to_owned(),
            result: (*result).to_owned(),
            scripted: *who == "script",
            note: (*note).to_owned(),
        }
    }
}

/// Runs a test in a process of its own that can load the module, over an empty SoftHSM; else as
/// [`softhsm::isolated`](crate::softhsm::isolated).
///
/// # Panics
/// Where the test fails, or SoftHSM is missing and `CHANCERY_REQUIRE_ORACLES=1` is set.
pub fn isolated<T: FnOnce(&FaultyToken<'_>)>(test: T) {
    isolated_with::<T>(
        |hsm, process| {
            process.envs(FaultyToken::over(hsm).environment());
        },
        |hsm| test(&FaultyToken::over(hsm)),
    );
}

/// Finds the module where cargo built it: beside the program that runs, with the libraries it depends on.
///
/// # Panics
/// Where it is not built, which it is by whatever builds this crate.
#[must_use]
pub fn module() -> PathBuf {
    let name =
        format!("{}chancery_faulty_token{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let program = env::current_exe().unwrap();
    let beside = program.ancestors().skip(1).take(2);
    let places = beside.flat_map(|dir| [dir.to_owned(), dir.join("deps")]);
    let built = workspace::target_dir().join("debug/deps");
    places
        .chain([built])
        .map(|dir| dir.join(&name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is not built: cargo build -p chancery-testkit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "4711";

    /// Runs `pkcs11-tool` through the module; whether it succeeded, and all it printed.
    fn tool(token: &FaultyToken<'_>, args: &[&str]) -> (bool, String) {
        let mut command = token.command("pkcs11-tool");
        let output = command.arg("--module").arg(token.module()).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text + &String::from_utf8_lossy(&output.stderr))
    }

    fn login<'a>(pin: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        [&["--token-label", "build", "--login", "--pin", pin], rest].concat()
    }

    fn with_key(token: &FaultyToken<'_>) {
        token.hsm().init_token("build", PIN);
        let make = ["--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "k"];
        let (made, text) = tool(token, &login(PIN, &make));
        assert!(made, "{text}");
    }

    fn sign(token: &FaultyToken<'_>) -> (bool, String) {
        let input = token.hsm().dir().join("digest");
        fs::write(&input, [7; 32]).unwrap();
        let input = input.to_str().unwrap().to_owned();
        let args = ["--sign", "--id", "01", "--mechanism", "ECDSA", "--input-file", &input];
        let output = token.hsm().dir().join("signature");
        let output = output.to_str().unwrap().to_owned();
        tool(token, &login(PIN, &[&args[..], &["--output-file", &output]].concat()))
    }

    #[test]
    fn without_rules_it_is_the_token_behind_it() {
        isolated(|token| {
            with_key(token);
            let (signed, text) = sign(token);
            assert!(signed, "{text}");
            assert_eq!(token.count_of("C_GenerateKeyPair", "CKR_OK"), 1);
            assert!(token.calls().iter().all(|call| !call.scripted));
            token.forget_calls();
            assert!(token.calls().is_empty());
        });
    }

    #[test]
    fn somebody_elses_client_sees_the_code_of_the_script() {
        isolated(|token| {
            with_key(token);
            token.follow("fail C_SignInit CKR_DEVICE_ERROR times 1");
            let (signed, text) = sign(token);
            assert!(!signed && text.contains("CKR_DEVICE_ERROR"), "{text}");
            token.follow("no-mechanism CKM_ECDSA");
            let (signed, text) = sign(token);
            assert!(!signed, "{text}");
            token.follow("remove C_SignInit");
            let (signed, text) = sign(token);
            assert!(!signed && text.contains("CKR_DEVICE_REMOVED"), "{text}");
            token.follow("always-authenticate");
            let (signed, text) = sign(token);
            assert!(signed, "{text}");
            let logins: Vec<_> =
                token.calls().into_iter().filter(|call| call.function == "C_Login").collect();
            assert_eq!(logins.last().unwrap().note, "context");
        });
    }

    #[test]
    fn wrong_pins_lock_the_token_in_every_process() {
        isolated(|token| {
            with_key(token);
            token.follow("pin-tries 2");
            let list = ["--list-objects"];
            let slots = |token| tool(token, &["--list-token-slots"]).1;
            assert!(!tool(token, &login("0000", &list)).0);
            assert!(slots(token).contains("final user PIN try"), "{}", slots(token));
            assert!(!tool(token, &login("0000", &list)).0);
            assert!(slots(token).contains("user PIN locked"), "{}", slots(token));
            let (listed, text) = tool(token, &login(PIN, &list));
            assert!(!listed && text.contains("CKR_PIN_LOCKED"), "{text}");
        });
    }

    #[test]
    fn the_profile_wants_user_and_password_and_sets_no_identifier() {
        isolated(|token| {
            token.hsm().init_token("build", PIN);
            token.follow("profile cloudhsm");
            assert!(!tool(token, &login(PIN, &["--list-objects"])).0);
            let make = ["--keypairgen", "--key-type", "EC:prime256v1", "--label", "k"];
            let with_id = login("user:4711", &[&make[..], &["--id", "01"]].concat());
            let (made, text) = tool(token, &with_id);
            assert!(!made && text.contains("CKR_ATTRIBUTE_READ_ONLY"), "{text}");
            let (made, text) = tool(token, &login("user:4711", &make));
            assert!(made, "{text}");
        });
    }

    #[test]
    fn a_call_that_hangs_is_on_record() {
        isolated(|token| {
            with_key(token);
            token.follow("hang C_GetSlotList");
            let mut command = token.command("pkcs11-tool");
            command.arg("--module").arg(token.module()).arg("--list-slots");
            let mut process = command.spawn().unwrap();
            while !token.calls().iter().any(|call| call.note == "hang") {
                assert!(process.try_wait().unwrap().is_none(), "it ended");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            process.kill().unwrap();
            process.wait().unwrap();
        });
    }

    #[test]
    #[should_panic(expected = "no such rule")]
    fn a_script_that_is_none_stops_the_test() {
        let Some(hsm) = SoftHsm::create() else {
            panic!("no such rule can be tried without SoftHSM")
        };
        FaultyToken::over(&hsm).follow("explode");
    }
}
