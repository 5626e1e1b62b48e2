//! A machine of an article: stores and settings of its own, and the token that all machines share.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chancery_testkit::softhsm::SoftHsm;
use tempfile::TempDir;

use crate::support::{Run, run};

/// The provider of the articles.
pub(crate) const PROVIDER: &str = "Cavium Key Storage Provider";

/// What AWS CloudHSM calls a PIN: user and password.
pub(crate) const PIN: &str = "crypto_user:examplePW1";

/// A cluster: one token that several machines reach.
pub(crate) struct Cluster {
    hsm: SoftHsm,
}

impl Cluster {
    pub(crate) fn new() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        hsm.init_token("cluster", PIN);
        Some(Self { hsm })
    }
}

/// A machine with a home of its own.
pub(crate) struct Machine<'a> {
    cluster: &'a Cluster,
    home: TempDir,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        let home = tempfile::tempdir().unwrap();
        let module = cluster.hsm.module().display();
        let settings = format!(
            "module = '{module}'\nstore = 'stores'\nca = 'ca'\n\
             [provider.\"{PROVIDER}\"]\nmodule = '{module}'\ntoken = 'cluster'\n"
        );
        fs::write(home.path().join("chancery.toml"), settings).unwrap();
        Self { cluster, home }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.at(name), contents).unwrap();
    }

    /// Brings a file from another machine.
    pub(crate) fn bring(&self, other: &Machine<'_>, name: &str) {
        fs::copy(other.at(name), self.at(name)).unwrap();
    }

    /// A command in the machine's home, with the PIN where the articles have it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_chancery"), args)
    }

    /// A tool called by its own name: a link.
    pub(crate) fn tool(&self, name: &str, args: &[&str]) -> Command {
        self.command_of(self.linked(name), args)
    }

    fn command_of(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let mut command = self.cluster.hsm.command(program);
        command.args(args).current_dir(self.home.path());
        command.env("CHANCERY_CONFIG", self.at("chancery.toml")).env("n3fips_password", PIN);
        for name in ["PKCS11_MODULE", "HSM_PIN", "CLOUDHSM_PIN", "SIGNTOOL_PAGE_HASHES"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs words.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        run(self.command(args))
    }

    /// Runs a line of words without blanks in them.
    pub(crate) fn line(&self, line: &str) -> Run {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }

    /// Runs a tool with these lines on its standard input.
    pub(crate) fn typed(&self, tool: &str, input: &str) -> Run {
        use std::io::Write as _;
        let mut command = self.tool(tool, &[]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A directory with a link of each tool's name, as the articles call them.
    pub(crate) fn linked(&self, tool: &str) -> PathBuf {
        let link = self.at(tool);
        if !link.exists() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_chancery"), &link).unwrap();
            #[cfg(not(unix))]
            fs::copy(env!("CARGO_BIN_EXE_chancery"), &link).unwrap();
        }
        link
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, chancery_testkit::pe_maker::tiny_pe(&Default::default())).unwrap();
        path
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Makes an authority in the folder `ca`, called as that of the article.
    pub(crate) fn make_authority(&self) {
        let key = format!("file:{}", self.at("ca.key.pem").display());
        crate::support::write_secret(self.at("passphrase"), "correct horse\n");
        let pin = ["--pin-file", "passphrase"];
        let run = |args: &[&str]| self.run(&[args, &pin].concat()).ends_with(0);
        run(&["key", "generate", "--key", &key, "--ec", "p256"]);
        run(&["ca", "init", "ca", "--subject", "CN=MYRootCA", "--key", &key]);
        // A tool of old has no option for the passphrase of a key file.
        let with_pin = fs::read_to_string(self.at("chancery.toml")).unwrap();
        self.write("chancery.toml", format!("pin = {{ file = 'passphrase' }}\n{with_pin}[token.cluster]\npin = {{ env = 'n3fips_password' }}\n"));
    }
}
