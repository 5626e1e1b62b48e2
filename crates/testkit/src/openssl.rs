//! The `openssl` command: certificates made by somebody else, and a second opinion.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Runs `openssl` with these arguments and without input.
///
/// # Panics
/// Where there is no `openssl` to run. Whether it succeeded is for the caller to look at.
pub fn openssl<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    match Command::new("openssl").args(args).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => panic!("cannot run openssl (apt-get install openssl): {error}"),
    }
}

/// A root certificate and a code-signing certificate under it, made by `openssl`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CodeSigningCa {
    /// The self-signed root, PEM.
    pub root: PathBuf,
    /// The signer's certificate, PEM: code signing, digital signature.
    pub signer: PathBuf,
    /// The signer's private key, PEM PKCS#8, not encrypted.
    pub signer_key: PathBuf,
}

impl CodeSigningCa {
    /// Makes root, signer and key (P-256, valid from 2020 to 2049) in the files `root.pem`,
    /// `signer.pem` and `signer.key` of a directory.
    ///
    /// # Panics
    /// Where `openssl` is not there or refuses.
    #[must_use]
    pub fn create_in(dir: &Path) -> Self {
        let at = |name: &str| dir.join(name);
        fs::write(at("openssl.cnf"), configuration(dir)).unwrap();
        fs::write(at("issued.txt"), "").unwrap();
        for (name, subject) in [("root", "/CN=Testkit Root"), ("signer", "/CN=Testkit Signer")] {
            request(dir, name, subject);
        }
        issue(dir, "root", &["-selfsign"]);
        let root = at("root.pem");
        issue(dir, "signer", &["-cert", path(&root)]);
        Self { root, signer: at("signer.pem"), signer_key: at("signer.key") }
    }

    /// Signs a PE file with osslsigncode and SHA-256, without a timestamp, into a new file.
    ///
    /// # Panics
    /// Where `osslsigncode` is not there or refuses.
    pub fn sign_pe(&self, unsigned: &Path, signed: &Path) {
        let output = Command::new("osslsigncode")
            .args(["sign", "-h", "sha256", "-certs"].map(OsStr::new))
            .args([self.signer.as_os_str(), "-key".as_ref(), self.signer_key.as_os_str()])
            .args(["-in".as_ref(), unsigned.as_os_str(), "-out".as_ref(), signed.as_os_str()])
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("cannot run osslsigncode: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "osslsigncode did not sign {}: {said}",
            unsigned.display()
        );
    }
}

/// Everything `openssl req` and `openssl ca` need: the machine's own file adds extensions of its choice.
fn configuration(dir: &Path) -> String {
    format!(
        "[req]\n\
         distinguished_name = name\n\
         [name]\n\
         [ca]\n\
         default_ca = this\n\
         [this]\n\
         database = {database}\n\
         new_certs_dir = {dir}\n\
         rand_serial = yes\n\
         default_md = sha256\n\
         policy = any\n\
         [any]\n\
         commonName = supplied\n\
         [root]\n\
         basicConstraints = critical,CA:TRUE\n\
         keyUsage = critical,keyCertSign\n\
         subjectKeyIdentifier = hash\n\
         [signer]\n\
         basicConstraints = critical,CA:FALSE\n\
         keyUsage = critical,digitalSignature\n\
         extendedKeyUsage = codeSigning\n\
         subjectKeyIdentifier = hash\n\
         authorityKeyIdentifier = keyid\n",
        database = dir.join("issued.txt").display(),
        dir = dir.display(),
    )
}

/// Makes the key `NAME.key` and the request `NAME.csr`.
fn request(dir: &Path, name: &str, subject: &str) {
    let at = |extension: &str| dir.join(name).with_extension(extension);
    let (config, key, csr) = (dir.join("openssl.cnf"), at("key"), at("csr"));
    let mut args = Vec::from(["req", "-new", "-config", path(&config), "-subj", subject]);
    args.extend(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]);
    args.extend(["-keyout", path(&key), "-out", path(&csr)]);
    succeed(&args);
}

/// Makes `NAME.pem` from `NAME.csr` with the extensions of that name, signed by the root's key.
fn issue(dir: &Path, name: &str, issuer: &[&str]) {
    let at = |extension: &str| dir.join(name).with_extension(extension);
    // `openssl ca` because, before 3.4, nothing else lets a certificate begin in the past, and LIEF
    // takes one that begins in this very second to be from the future.
    let (config, key) = (dir.join("openssl.cnf"), dir.join("root.key"));
    let (csr, pem) = (at("csr"), at("pem"));
    let mut args = Vec::from(["ca", "-batch", "-notext", "-config", path(&config)]);
    args.extend(["-startdate", "20200101000000Z", "-enddate", "20491231000000Z"]);
    args.extend(["-extensions", name, "-keyfile", path(&key)]);
    args.extend(["-in", path(&csr), "-out", path(&pem)]);
    args.extend(issuer);
    succeed(&args);
}

fn succeed(args: &[&str]) {
    let output = openssl(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {} failed: {said}", args.join(" "));
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap_or_else(|| panic!("the path {} is not UTF-8", path.display()))
}
