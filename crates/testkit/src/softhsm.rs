//! Private SoftHSM tokens: one directory and one process per test.
//!
//! SoftHSM reads its configuration from the environment once per process, and processes that share a token
//! directory disturb each other. So a test that loads the module runs again in a process of its own
//! ([`isolated`]), and a test of the command gives [`SoftHsm::command`] to its children.
//!
//! Where SoftHSM or OpenSC's `pkcs11-tool` is missing, tests say so and pass, unless
//! `CHANCERY_REQUIRE_ORACLES=1` makes that a failure.

use std::any::type_name;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The variable by which SoftHSM finds its configuration.
const CONFIGURATION: &str = "SOFTHSM2_CONF";

/// Set in the process that runs one test, to its token directory.
const CHILD: &str = "CHANCERY_SOFTHSM_DIR";

/// The security officer's PIN of every token made here.
pub const SO_PIN: &str = "87654321";

const MODULES: [&str; 6] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "C:/SoftHSM2/lib/softhsm2-x64.dll",
];

/// A SoftHSM with a token directory of its own, removed when dropped.
#[derive(Debug)]
pub struct SoftHsm {
    dir: PathBuf,
    module: PathBuf,
    _owned: Option<TempDir>,
}

impl SoftHsm {
    /// Makes an empty token directory; `None`, and a printed line, where SoftHSM is not installed.
    ///
    /// # Panics
    /// Where it is not installed and `CHANCERY_REQUIRE_ORACLES=1` is set.
    #[must_use]
    pub fn create() -> Option<Self> {
        let module = match installed() {
            Ok(module) => module,
            Err(missing) => {
                let required = env::var_os("CHANCERY_REQUIRE_ORACLES").is_some_and(|v| v == "1");
                assert!(!required, "CHANCERY_REQUIRE_ORACLES=1 and {missing} is not here");
                println!("skipped: {missing} is not here (apt-get install softhsm2 opensc)");
                return None;
            }
        };
        let owned = TempDir::new().unwrap();
        let dir = owned.path().to_owned();
        fs::create_dir(dir.join("tokens")).unwrap();
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            dir.join("tokens").display()
        );
        fs::write(dir.join("softhsm2.conf"), text).unwrap();
        Some(Self { dir, module, _owned: Some(owned) })
    }

    /// Returns the path of the PKCS#11 module.
    #[must_use]
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// Returns a directory for the test's own files, beside the tokens and removed with them.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the variable that a process needs in order to see these tokens.
    #[must_use]
    pub fn environment(&self) -> (&'static str, PathBuf) {
        (CONFIGURATION, self.dir.join("softhsm2.conf"))
    }

    /// Starts a command line for a process that sees these tokens and has no input.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let (name, value) = self.environment();
        let mut command = Command::new(program);
        command.env(name, value).stdin(Stdio::null());
        command
    }

    /// Makes a token with this label and user PIN.
    ///
    /// # Panics
    /// Where `softhsm2-util` refuses.
    pub fn init_token(&self, label: &str, pin: &str) {
        let mut command = self.command("softhsm2-util");
        command.args(["--init-token", "--free", "--label", label]);
        command.args(["--so-pin", SO_PIN, "--pin", pin]);
        succeed(&mut command);
    }

    /// Imports a private key, PEM PKCS#8, and its public half; several may be the same key.
    ///
    /// # Panics
    /// Where `softhsm2-util` refuses.
    pub fn import_key(&self, token: &str, pin: &str, pem: &Path, label: &str, id: &str) {
        let mut command = self.command("softhsm2-util");
        command.arg("--import").arg(pem).args(["--token", token, "--pin", pin]);
        command.args(["--label", label, "--id", id, "--force"]);
        succeed(&mut command);
    }

    /// Runs OpenSC's `pkcs11-tool` over the module and returns what it prints.
    ///
    /// # Panics
    /// Where it refuses.
    pub fn pkcs11_tool<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let mut command = self.command("pkcs11-tool");
        command.arg("--module").arg(&self.module).args(args);
        let output = succeed(&mut command);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Runs a test in a process of its own with an empty token directory.
///
/// Called from a test function, with a closure written there: its name tells which test the process is to
/// run. Nothing runs, and a line is printed, where SoftHSM is not installed.
///
/// # Panics
/// Where the test fails, or SoftHSM is missing and `CHANCERY_REQUIRE_ORACLES=1` is set.
pub fn isolated<T: FnOnce(&SoftHsm)>(test: T) {
    isolated_with::<T>(|_, _| (), test);
}

/// As [`isolated`], for a test written in a closure of type `T`; `prepare` sees to the process it runs in.
pub(crate) fn isolated_with<T>(
    prepare: impl FnOnce(&SoftHsm, &mut Command),
    test: impl FnOnce(&SoftHsm),
) {
    if let Some(dir) = env::var_os(CHILD) {
        let module = installed().unwrap_or_else(|missing| panic!("{missing} is not here"));
        test(&SoftHsm { dir: dir.into(), module, _owned: None });
        return;
    }
    let Some(hsm) = SoftHsm::create() else { return };
    let name = test_name(type_name::<T>());
    let mut process = hsm.command(env::current_exe().unwrap());
    process.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, &hsm.dir);
    prepare(&hsm, &mut process);
    let output = process.output().unwrap();
    let shown = show(&output);
    assert!(output.status.success(), "{name}, in a process of its own:\n{shown}");
    assert!(shown.contains("1 passed"), "no test is called {name}:\n{shown}");
    // What it measured: shown with --nocapture.
    print!("{shown}");
}

/// The name of a test from that of the closure in it: `crate::module::test::{{closure}}`.
fn test_name(closure: &str) -> &str {
    let path = closure.split_once("::{{").map_or(closure, |(path, _)| path);
    path.split_once("::").map_or(path, |(_, name)| name)
}

fn installed() -> Result<PathBuf, &'static str> {
    let module = MODULES.iter().map(PathBuf::from).find(|path| path.exists());
    for (program, argument) in [("softhsm2-util", "--version"), ("pkcs11-tool", "--help")] {
        let started = Command::new(program).arg(argument).stdin(Stdio::null()).output();
        if started.is_err() {
            return Err(program);
        }
    }
    module.ok_or("SoftHSM's module")
}

fn succeed(command: &mut Command) -> Output {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{command:?}: {error}"),
    };
    assert!(output.status.success(), "{command:?}\n{}", show(&output));
    output
}

fn show(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_names_the_test_it_is_in() {
        assert_eq!(test_name("token::login::refuses::{{closure}}"), "login::refuses");
        assert_eq!(test_name("token::refuses::{{closure}}"), "refuses");
    }

    #[test]
    fn a_test_runs_where_its_tokens_are() {
        isolated(|hsm| {
            let (name, configuration) = hsm.environment();
            assert_eq!(env::var_os(name), Some(configuration.into_os_string()));
            hsm.init_token("a", "1234");
            assert!(hsm.pkcs11_tool(["--list-token-slots"]).contains("token label        : a"));
        });
    }

    #[test]
    #[should_panic(expected = "in a process of its own")]
    fn a_failure_in_the_other_process_is_a_failure() {
        isolated(|_| panic!("as it must"));
        assert!(installed().is_ok(), "nothing runs in a process of its own");
    }
}
