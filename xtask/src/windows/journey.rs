//! The command on its way through a Windows: what it signs there is judged here and there by others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::store;
use super::toolchain::{TARGET, Toolchain};
use super::trust::Trust;
use super::wine::Prefix;
use crate::shell::{self, Result, capture, command};
use crate::suite::Tally;

/// What WinVerifyTrust answers: fine, no trusted root, another digest.
const TRUSTED: &str = "00000000";
const UNTRUSTED_ROOT: &str = "800b0109";
const BAD_DIGEST: &str = "80096010";

/// The provider whose keys wine keeps; its type is PROV_RSA_AES.
const PROVIDER: &str = "Microsoft Enhanced RSA and AES Cryptographic Provider";

/// Programs and files of the journey.
pub(crate) struct Journey<'a> {
    prefix: &'a Prefix,
    folder: PathBuf,
    chancery: PathBuf,
    trust: Trust<'a>,
    /// Where the tests leave what they signed.
    left_by_tests: PathBuf,
}

impl<'a> Journey<'a> {
    /// Builds the command and the program that asks WinVerifyTrust, in an empty folder.
    pub(crate) fn prepare(
        toolchain: &Toolchain,
        prefix: &'a Prefix,
        target: &Path,
        folder: PathBuf,
    ) -> Result<Self> {
        let mut build = toolchain.cargo("build", target);
        build.args(["--package", "chancery-cli", "--bin", "chancery"]);
        shell::run(build)?;
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        }
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        let trust = Trust::compile(prefix, &folder)?;
        let chancery = target.join(TARGET).join("debug/chancery.exe");
        let left_by_tests = target.join(TARGET).join("tmp/store");
        Ok(Self { prefix, folder, chancery, trust, left_by_tests })
    }

    /// Takes every step and prints what became of it.
    pub(crate) fn take(&self) -> Tally {
        type Step<'a, 'b> = (&'static str, fn(&'b Journey<'a>) -> Result<()>);
        let steps: [Step<'_, '_>; 7] = [
            ("WinVerifyTrust refuses a root that is not trusted", Self::refuses_strangers),
            ("a key in a file signs", Self::signs_with_a_file),
            ("a key in a service provider signs", Self::signs_with_a_service_provider),
            ("a certificate found by thumbprint signs", Self::signs_by_thumbprint),
            ("a key that a store binds to a certificate signed", Self::judges_the_stores_key),
            ("a signed file is replaced where it is", Self::replaces_in_place),
            ("crypt32 reads a store from elsewhere, and its binding", Self::reads_a_store),
        ];
        let mut tally = Tally::default();
        for (name, step) in steps {
            match step(self) {
                Ok(()) => {
                    println!("step {name} ... ok");
                    tally.pass();
                }
                Err(reason) => {
                    println!("step {name} ... FAILED\n{reason}");
                    tally.fail();
                }
            }
        }
        tally
    }

    /// Without this step, the others would pass a WinVerifyTrust that always says yes.
    ///
    /// The root has to be among the certificates: wine does not mind a path that ends before one.
    fn refuses_strangers(&self) -> Result<()> {
        let at = |name: &str| self.folder.join(name);
        let subject = "/CN=Stranger";
        let mut make = command("openssl", &["req", "-x509", "-newkey", "rsa:2048", "-noenc"]);
        make.current_dir(&self.folder).args(["-subj", subject, "-days", "30"]);
        make.args(["-keyout", "stranger.key", "-out", "stranger.pem"]);
        capture(make)?;
        let mut quickstart = self.chancery(&["quickstart", "--out", "unsigned"]);
        quickstart.current_dir(&self.folder);
        capture(quickstart)?;
        let mut sign = command("osslsigncode", &["sign", "-h", "sha256"]);
        sign.current_dir(&self.folder).args(["-certs", "stranger.pem", "-key", "stranger.key"]);
        sign.args(["-in", "unsigned/program.exe", "-out", "stranger.exe"]);
        capture(sign)?;
        self.answers(&at("stranger.exe"), UNTRUSTED_ROOT)
    }

    fn signs_with_a_file(&self) -> Result<()> {
        self.quickstart("file", &[])
    }

    fn signs_with_a_service_provider(&self) -> Result<()> {
        let key = format!("cng:provider={PROVIDER};type=24;container={}", container());
        self.quickstart("csp", &["--key", &key])?;
        let said = capture(self.chancery(&["key", "test", "--key", &key]))?;
        if said.contains("verified by its public key") { Ok(()) } else { Err(said) }
    }

    /// Signs by what crypt32 says of a certificate: another program puts it into the user's store, and binds the key
    /// of the step before to it.
    fn signs_by_thumbprint(&self) -> Result<()> {
        let folder = self.folder.join("csp");
        let mut convert = command("openssl", &["x509", "-outform", "DER"]);
        convert.current_dir(&folder).args(["-in", "signer.pem", "-out", "signer.der"]);
        capture(convert)?;
        let mut bind = self.trust.ask("bind", &folder.join("signer.der"));
        bind.args([&container(), PROVIDER, "24"]);
        capture(bind)?;
        let mut hash = command("openssl", &["x509", "-noout", "-fingerprint", "-sha1"]);
        hash.current_dir(&folder).args(["-in", "signer.pem"]);
        let said = capture(hash)?;
        let thumbprint = said.split('=').nth(1).ok_or_else(|| said.clone())?;
        let mut sign = self.chancery(&["sign", "signed.exe", "--replace", "--store"]);
        sign.args(["CurrentUser/My", "--thumbprint", thumbprint]).current_dir(&folder);
        capture(sign)?;
        self.accepted(&folder)
    }

    /// Judges what a test of the facade left behind.
    fn judges_the_stores_key(&self) -> Result<()> {
        self.accepted(&self.left_by_tests)
    }

    fn reads_a_store(&self) -> Result<()> {
        store::reads_the_articles_store(&self.trust)
    }

    /// Signs a file again, over itself.
    fn replaces_in_place(&self) -> Result<()> {
        let folder = self.folder.join("file");
        let mut sign = self.chancery(&["sign", "signed.exe", "--replace", "--key", "file:key.pem"]);
        sign.args(["--pin-file", "key.passphrase", "--cert", "signer.pem", "--chain", "ca.pem"]);
        sign.current_dir(&folder);
        capture(sign)?;
        self.accepted(&folder)?;
        let left = fs::read_dir(&folder).map_err(|error| failed(&folder, error))?;
        let mut names = left.flatten().map(|entry| entry.file_name());
        match names.find(|name| name.to_string_lossy().starts_with(".chancery-")) {
            Some(name) => Err(format!("{} was left behind", name.display())),
            None => Ok(()),
        }
    }

    /// Runs the quickstart, and has what it signed judged, as it is and after a change.
    fn quickstart(&self, name: &str, more: &[&str]) -> Result<()> {
        let mut quickstart = self.chancery(&["quickstart", "--out", name]);
        quickstart.args(more);
        capture(quickstart)?;
        self.accepted(&self.folder.join(name))
    }

    /// Insists that others accept `signed.exe`, and refuse it after one changed byte.
    fn accepted(&self, folder: &Path) -> Result<()> {
        let (signed, changed) = (folder.join("signed.exe"), folder.join("changed.exe"));
        let mut convert = command("openssl", &["x509", "-outform", "DER"]);
        convert.current_dir(folder).args(["-in", "ca.pem", "-out", "ca.der"]);
        capture(convert)?;
        capture(self.trust.ask("root", &folder.join("ca.der")))?;
        let ca = folder.join("ca.pem");
        let judge = |file: &Path| {
            let mut judge = command("osslsigncode", &["verify", "-CAfile"]);
            judge.arg(&ca).arg("-in").arg(file);
            capture(judge)
        };
        judge(&signed)?;
        self.answers(&signed, TRUSTED)?;

        let mut bytes = fs::read(&signed).map_err(|error| failed(&signed, error))?;
        // In the code of the program, which every digest covers.
        let Some(byte) = bytes.get_mut(0x201) else {
            return Err(format!("{} is short", signed.display()));
        };
        *byte ^= 1;
        fs::write(&changed, bytes).map_err(|error| failed(&changed, error))?;
        if let Ok(said) = judge(&changed) {
            return Err(format!("osslsigncode takes a changed file: {said}"));
        }
        self.answers(&changed, BAD_DIGEST)
    }

    /// Insists on what the chain policy of WinVerifyTrust answers.
    fn answers(&self, file: &Path, expected: &str) -> Result<()> {
        let said = capture(self.trust.ask("verify", file))?;
        if said.split_whitespace().nth(1) == Some(expected) {
            return Ok(());
        }
        Err(format!("WinVerifyTrust says {said} of {}, not {expected}", file.display()))
    }

    fn chancery(&self, args: &[&str]) -> Command {
        let mut run = self.prefix.run("wine", &[]);
        run.arg(&self.chancery).args(args).current_dir(&self.folder);
        run
    }
}

/// The container of the journey's key; another in each run.
fn container() -> String {
    format!("journey {}", std::process::id())
}

fn failed(path: &Path, error: std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
