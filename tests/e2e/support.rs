//! Running the command, and what it runs on.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use serde_json::Value;
use tempfile::TempDir;

/// What the command did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Reads stdout as one JSON object a line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
        };
        self.stdout.lines().map(parse).collect()
    }

    /// Reads stdout as the one JSON object it must be.
    #[track_caller]
    pub(crate) fn object(&self) -> Value {
        let mut objects = self.objects();
        assert_eq!(objects.len(), 1, "{self:?}");
        objects.remove(0)
    }
}

/// Runs the command without a terminal, without tokens of this machine, and without stdin.
pub(crate) fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    command.args(args).stdin(Stdio::null()).env_remove("PKCS11_MODULE");
    command
}

/// Writes a PIN or passphrase where its owner alone may read it: of others there is a warning.
pub(crate) fn write_secret(path: impl AsRef<Path>, secret: &str) {
    fs::write(&path, secret).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Runs a prepared command.
pub(crate) fn run(mut command: Command) -> Run {
    let output = command.output().expect("the command runs");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

/// Runs the command with these arguments.
pub(crate) fn chancery<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    run(command(args))
}

/// A key, its certificate and the root above it, made by the command.
#[derive(Debug)]
pub(crate) struct Signer {
    folder: TempDir,
    /// `file:` and the key.
    pub(crate) key: String,
    pub(crate) passphrase: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) root: PathBuf,
}

impl Signer {
    fn make(kind: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let key_address = |name: &str| format!("file:{}", at(name).display());
        write_secret(at("passphrase"), "correct horse\n");
        let passphrase = at("passphrase");
        let pin = passphrase.to_str().unwrap();
        for (key, kind) in [("ca.pem", ["--ec", "p256"]), ("key.pem", kind)] {
            let key = key_address(key);
            chancery(["key", "generate", "--key", &key, kind[0], kind[1], "--pin-file", pin])
                .ends_with(0);
        }
        let (ca, key) = (key_address("ca.pem"), key_address("key.pem"));
        let (root, request, certificate) = (at("root.pem"), at("request.csr"), at("signer.pem"));
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let cert = ["cert", "issue", "--pin-file", pin, "--key", &ca];
        let issue = |args: &[&str]| chancery(cert.iter().chain(args)).ends_with(0);
        issue(&["--profile", "root", "--subject", "CN=E2E Root", "--out", &path(&root)]);
        chancery([
            "csr",
            "new",
            "--subject",
            "CN=E2E Signer,O=Example Ltd,C=GB",
            "--key",
            &key,
            "--pin-file",
            pin,
            "--out",
            &path(&request),
        ])
        .ends_with(0);
        issue(&[
            "--request",
            &path(&request),
            "--cert",
            &path(&root),
            "--out",
            &path(&certificate),
        ]);
        Self { key, passphrase, certificate, root, folder }
    }

    /// The options that sign with this key.
    pub(crate) fn options(&self) -> [&OsStr; 8] {
        [
            "--key".as_ref(),
            self.key.as_ref(),
            "--pin-file".as_ref(),
            self.passphrase.as_ref(),
            "--cert".as_ref(),
            self.certificate.as_ref(),
            "--chain".as_ref(),
            self.root.as_ref(),
        ]
    }

    /// Signs files with more options.
    pub(crate) fn sign(&self, more: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
        let mut args = vec!["sign".into()];
        args.extend(self.options().map(OsStr::to_owned));
        args.extend(more.into_iter().map(|arg| arg.as_ref().to_owned()));
        chancery(args)
    }

    /// A file in the folder of this signer.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// An RSA signer, made once.
pub(crate) fn rsa() -> &'static Signer {
    static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::make(["--rsa", "3072"]));
    &SIGNER
}

/// A P-384 signer, made once.
pub(crate) fn ec() -> &'static Signer {
    static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::make(["--ec", "p384"]));
    &SIGNER
}

/// A folder with a small executable in it.
pub(crate) fn program() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program.exe");
    fs::write(&path, tiny_pe(&TinyPe { overlay: b"overlay".to_vec(), ..TinyPe::default() }))
        .unwrap();
    (folder, path)
}

/// The files in a folder, by name: proof that nothing was left behind.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// An offset in the middle of the first section with data in the file.
pub(crate) fn section_offset(image: &[u8]) -> Option<u64> {
    let layout = chancery::pe::Layout::parse(&mut &*image).ok()?;
    let file_len = u64::try_from(image.len()).ok()?;
    let end = layout.table_range().map_or(file_len, |table| table.start);
    let headers = u64::from(layout.size_of_headers());
    let range = layout.sections().iter().map(|section| section.raw_range()).find(|range| {
        range.start >= headers.min(end) && range.end <= end && range.start < range.end
    })?;
    Some(range.start + (range.end - range.start) / 2)
}
