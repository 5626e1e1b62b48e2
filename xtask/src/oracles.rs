//! Making the oracles of chancery-testkit: a virtual environment and a small program.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{self, Result, capture, cargo, command, root, succeeds, target_dir};

/// Where the oracles are, for the environment of the tests.
pub(crate) struct Oracles {
    python: PathBuf,
    authenticode_parser: PathBuf,
}

impl Oracles {
    /// Makes what is not there yet and prints the versions.
    pub(crate) fn prepare() -> Result<Self> {
        let found = Self {
            python: virtual_environment()?,
            authenticode_parser: build_authenticode_parser()?,
        };
        found.print_versions()?;
        Ok(found)
    }

    /// Returns the interpreter of the virtual environment.
    pub(crate) fn python(&self) -> &Path {
        &self.python
    }

    /// Returns the variables by which chancery-testkit finds the oracles and insists on all of them.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("CHANCERY_ORACLE_PYTHON", self.python.clone()),
            ("CHANCERY_ORACLE_AUTHENTICODE_PARSER", self.authenticode_parser.clone()),
            ("CHANCERY_REQUIRE_ORACLES", "1".into()),
        ]
    }

    /// Prints the greetings of both programs: with no question, a greeting is all they say.
    fn print_versions(&self) -> Result<()> {
        let mut verify = command(&self.python, &[]);
        verify.arg(root().join("crates/testkit/oracles/verify.py"));
        println!("python oracles: {}", capture(verify)?);
        println!("{}", capture(command(&self.authenticode_parser, &[]))?);
        Ok(())
    }
}

/// What the tests need of the virtual environment.
const IMPORTS: &str = "import signify.authenticode, lief, pkilint";

/// Makes the virtual environment, unless it is there with the same packages.
fn virtual_environment() -> Result<PathBuf> {
    let requirements = root().join("crates/testkit/oracles/requirements.txt");
    let wanted = read(&requirements)?;
    let venv = target_dir().join("oracles/venv");
    let python = venv.join("bin/python");
    let installed = venv.join("installed.txt");
    let usable = || succeeds(command(&python, &["-c", IMPORTS]));
    if fs::read_to_string(&installed).is_ok_and(|have| have == wanted) && usable() {
        println!("{} is up to date", venv.display());
        return Ok(python);
    }
    println!("making {}", venv.display());
    let mut create = command("python3", &["-m", "venv", "--clear"]);
    create.arg(&venv);
    shell::run(create)?;
    let mut install = command(&python, &["-m", "pip", "install", "--quiet", "--no-input"]);
    install.args(["--disable-pip-version-check", "--no-deps", "--requirement"]).arg(requirements);
    shell::run(install)?;
    teach_oscrypto_two_digits(&venv)?;
    if !usable() {
        let import = capture(command(&python, &["-c", IMPORTS]));
        return Err(format!("the new virtual environment does not work: {import:?}"));
    }
    // Last, so that a half-made environment is made again.
    fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(python)
}

/// Repairs oscrypto, which knows no OpenSSL with a two-digit patch number, such as 3.0.19.
fn teach_oscrypto_two_digits(venv: &Path) -> Result<()> {
    let mut repaired = 0_usize;
    for package in packages(venv)? {
        for name in ["_libcrypto_cffi.py", "_libcrypto_ctypes.py"] {
            let path = package.join("oscrypto/_openssl").join(name);
            let source = read(&path)?;
            let fixed = with_two_digits(&source)
                .ok_or_else(|| format!("{} is not as expected", path.display()))?;
            if fixed != source {
                fs::write(&path, fixed).map_err(|error| format!("{}: {error}", path.display()))?;
            }
            repaired += 1;
        }
    }
    if repaired == 0 { Err(format!("no packages in {}", venv.display())) } else { Ok(()) }
}

/// Replaces the pattern of the version; `None` where there is neither the old nor the new one.
fn with_two_digits(source: &str) -> Option<String> {
    const ONE_DIGIT: &str = r"\\d\\.\\d\\.\\d[a-z]*";
    const MORE_DIGITS: &str = r"\\d\\.\\d\\.\\d+[a-z]*";
    if source.contains(ONE_DIGIT) {
        Some(source.replace(ONE_DIGIT, MORE_DIGITS))
    } else {
        source.contains(MORE_DIGITS).then(|| source.to_owned())
    }
}

/// Lists the `site-packages` of every Python version in the environment: normally one.
fn packages(venv: &Path) -> Result<Vec<PathBuf>> {
    let lib = venv.join("lib");
    let entries = fs::read_dir(&lib).map_err(|error| format!("{}: {error}", lib.display()))?;
    let paths = entries.flatten().map(|entry| entry.path().join("site-packages"));
    Ok(paths.filter(|path| path.is_dir()).collect())
}

fn build_authenticode_parser() -> Result<PathBuf> {
    const PROGRAM: &str = "oracle-authenticode-parser";
    let args = ["build", "--quiet", "--package", "chancery-testkit", "--bin", PROGRAM];
    let mut build = cargo(&args);
    // By itself and not with the tests: its feature would link OpenSSL into all of them.
    build.args(["--features", "authenticode-parser"]);
    shell::run(build)?;
    Ok(target_dir().join("debug").join(PROGRAM))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r"match = re.search('\\b(\\d\\.\\d\\.\\d[a-z]*)\\b', text)";
    const NEW: &str = r"match = re.search('\\b(\\d\\.\\d\\.\\d+[a-z]*)\\b', text)";

    fn venv_with(source: &str) -> tempfile::TempDir {
        let venv = tempfile::tempdir().unwrap();
        let dir = venv.path().join("lib/python3.11/site-packages/oscrypto/_openssl");
        fs::create_dir_all(&dir).unwrap();
        for name in ["_libcrypto_cffi.py", "_libcrypto_ctypes.py"] {
            fs::write(dir.join(name), source).unwrap();
        }
        venv
    }

    #[test]
    fn the_repair_can_be_repeated() {
        let venv = venv_with(OLD);
        let file = "lib/python3.11/site-packages/oscrypto/_openssl/_libcrypto_cffi.py";
        for _ in 0..2 {
            teach_oscrypto_two_digits(venv.path()).unwrap();
            assert_eq!(fs::read_to_string(venv.path().join(file)).unwrap(), NEW);
        }
    }

    #[test]
    fn the_repair_refuses_what_it_does_not_know() {
        let venv = venv_with("match = re.search('something else')");
        assert!(teach_oscrypto_two_digits(venv.path()).unwrap_err().contains("not as expected"));
        let empty = tempfile::tempdir().unwrap();
        assert!(teach_oscrypto_two_digits(empty.path()).is_err());
        fs::create_dir(empty.path().join("lib")).unwrap();
        assert!(teach_oscrypto_two_digits(empty.path()).unwrap_err().contains("no packages"));
    }
}
