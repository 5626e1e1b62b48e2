//! A machine with tokens, stores and settings of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chancery_testkit::softhsm::SoftHsm;

use crate::support::{Run, run};

/// A machine: a SoftHSM with tokens of its own, stores of its own, settings of its own.
pub(crate) struct Machine {
    pub(crate) hsm: SoftHsm,
}

impl Machine {
    pub(crate) fn new() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        let machine = Self { hsm };
        crate::support::write_secret(machine.at("pin"), "1234\n");
        let module = machine.hsm.module().display();
        let settings = format!(
            "module = '{module}'\nstore = 'stores'\npin = {{ file = 'pin' }}\n\
             [provider.\"Cavium Key Storage Provider\"]\nmodule = '{module}'\ntoken = 'cluster'\n"
        );
        fs::write(machine.at("chancery.toml"), settings).unwrap();
        Some(machine)
    }

    /// Another machine whose tokens are copies of this one's, as members of a cluster share keys.
    pub(crate) fn clone_of(other: &Self) -> Option<Self> {
        let machine = Self::new()?;
        copy(&other.at("tokens"), &machine.at("tokens"));
        Some(machine)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.hsm.dir().join(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.hsm.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(args).env_remove("PKCS11_MODULE");
        command.env("CHANCERY_CONFIG", self.at("chancery.toml"));
        command
    }

    /// Prepares a command line of a shell for which `chancery` is the command.
    #[cfg(unix)]
    pub(crate) fn shell(&self, line: &str) -> Command {
        let folder = Path::new(env!("CARGO_BIN_EXE_chancery")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [folder.to_owned()].into_iter().chain(std::env::split_paths(&path));
        let mut shell = self.hsm.command("sh");
        shell.args(["-c", line]).env_remove("PKCS11_MODULE");
        shell.env("PATH", std::env::join_paths(path).unwrap());
        shell.env("CHANCERY_CONFIG", self.at("chancery.toml"));
        shell
    }

    /// Runs the command with nothing but its settings.
    pub(crate) fn chancery<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        run(self.command(args))
    }

    /// Makes a key and its certificate under a root: `signer.cer` and `root.cer`.
    pub(crate) fn certify(&self, key: &str) {
        let (ca, root) = (format!("file:{}", self.path("ca.pem")), self.path("root.cer"));
        let (request, signer) = (self.path("request.csr"), self.path("signer.cer"));
        let key = format!("pkcs11:token=cluster;object={key}");
        self.chancery(["key", "generate", "--key", &key, "--rsa", "2048"]).ends_with(0);
        self.chancery(["key", "generate", "--key", &ca, "--ec", "p256"]).ends_with(0);
        let cert = ["cert", "issue", "--key", &ca];
        let root_args = ["--profile", "root", "--subject", "CN=MYRootCA", "--out", &root];
        self.chancery(cert.iter().chain(&root_args)).ends_with(0);
        let subject = "CN=www.mydomain.com,O=Information Technology,C=US";
        let csr = ["csr", "new", "--subject", subject, "--key", &key, "--out", &request];
        self.chancery(csr).ends_with(0);
        let signer_args = ["--request", &request, "--cert", &root, "--out", &signer];
        self.chancery(cert.iter().chain(&signer_args)).ends_with(0);
    }

    pub(crate) fn thumbprint(&self, store: &str) -> String {
        let shown = self.chancery(["store", "list", store, "--format", "json"]).ends_with(0);
        shown.object()["thumbprint"].as_str().unwrap().to_owned()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
