//! A compiler for Windows: Debian's rustc, and the sources of the standard library that it was made with.
//!
//! rustup has no sources for a compiler it does not have, and a standard library builds only with the compiler
//! of its own version. Debian packages both. They are unpacked and not installed, since they conflict with
//! other packages of Rust.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Result, capture, cargo, command};
use crate::tools;

/// What programs for Windows are built for.
pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";

/// Where the dynamic libraries of the compiler are, under the folder of the toolchain.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// The packages that make an RSA key in minutes where they are not optimised.
const ARITHMETIC: [&str; 4] = ["crypto-bigint", "crypto-primes", "rsa", "sha2"];

/// The unpacked compiler.
pub(crate) struct Toolchain {
    folder: PathBuf,
}

impl Toolchain {
    /// Unpacks the packages, unless those of this version are there already.
    pub(crate) fn prepare(folder: &Path) -> Result<Self> {
        let toolchain = Self { folder: folder.to_path_buf() };
        let packages = match Packages::find() {
            Ok(packages) => packages,
            // A fresh machine has no lists.
            Err(_) => tools::update_lists().and_then(|()| Packages::find())?,
        };
        let version = folder.join("version.txt");
        if fs::read_to_string(&version).is_ok_and(|have| have == packages.version) {
            println!("rustc-web {} is unpacked", packages.version);
            return Ok(toolchain);
        }
        println!("unpacking rustc-web {}", packages.version);
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| failed(folder, error))?;
        }
        packages.unpack(folder)?;
        for program in ["rustc", "rustdoc"] {
            toolchain.write_wrapper(program)?;
        }
        let said = capture(command(toolchain.program("rustc"), &["--version"]))?;
        println!("{said}");
        // Last, so that what was half unpacked is unpacked again.
        fs::write(&version, &packages.version).map_err(|error| failed(&version, error))?;
        Ok(toolchain)
    }

    /// Makes a command of cargo that compiles for Windows, into a target directory of its own.
    pub(crate) fn cargo(&self, task: &str, target_dir: &Path) -> Command {
        let mut command = cargo(&[task, "-Zbuild-std=std,panic_unwind,test", "--target", TARGET]);
        // The workspace optimises what it depends on. Here that would be the standard library as well, which
        // takes longer to optimise than all tests take to run; only arithmetic has to be fast.
        command.args(["--config", "profile.dev.package.\"*\".opt-level=0"]);
        for name in ARITHMETIC {
            command.args(["--config", &format!("profile.dev.package.{name}.opt-level=2")]);
        }
        command
            .env("RUSTC", self.program("rustc"))
            .env("RUSTDOC", self.program("rustdoc"))
            // `-Zbuild-std` is for nightly; this tells the stable cargo to take it.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", target_dir)
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", super::C_COMPILER);
        command
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a script that starts a program with its own libraries: first, because rustup puts those of
    /// another compiler into the environment.
    fn write_wrapper(&self, program: &str) -> Result<()> {
        let path = self.program(program);
        let folder = self.folder.display();
        let script = format!(
            "#!/bin/sh\n\
             export LD_LIBRARY_PATH='{folder}/{LIBRARIES}'${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\n\
             exec '{folder}/usr/bin/{program}' \"$@\"\n"
        );
        fs::write(&path, script)
            .and_then(|()| fs::set_permissions(&path, PermissionsExt::from_mode(0o755)))
            .map_err(|error| failed(&path, error))
    }
}

/// The Debian packages, and the version all but LLVM have.
#[derive(Debug, PartialEq, Eq)]
struct Packages {
    version: String,
    /// The first two numbers of the version, part of a package's name.
    series: String,
    llvm: String,
}

impl Packages {
    /// Asks apt which version there is: the packages move on within a Debian release.
    fn find() -> Result<Self> {
        let policy = capture(command("apt-cache", &["policy", "rustc-web"]))?;
        let (version, series) = candidate(&policy).ok_or(
            "apt knows no package rustc-web: this needs Debian 12 or later, and its lists",
        )?;
        let library = format!("libstd-rust-web-{series}");
        let depends = capture(command("apt-cache", &["depends", &library]))?;
        let llvm = llvm(&depends).ok_or_else(|| format!("{library} depends on no LLVM"))?;
        Ok(Self { version, series, llvm })
    }

    /// Downloads and unpacks them.
    fn unpack(&self, folder: &Path) -> Result<()> {
        let downloads = folder.join("downloads");
        fs::create_dir_all(&downloads).map_err(|error| failed(&downloads, error))?;
        // Apt's unprivileged downloader may not enter our folder.
        let mut download =
            command("apt-get", &["download", "-qq", "-o", "APT::Sandbox::User=root"]);
        download.current_dir(&downloads);
        let Self { version, series, llvm } = self;
        for name in ["rustc-web", "libstd-rust-web-dev", "rust-web-src"] {
            download.arg(format!("{name}={version}"));
        }
        download.args([&format!("libstd-rust-web-{series}={version}"), llvm]);
        shell::run(download)?;
        let entries = fs::read_dir(&downloads).map_err(|error| failed(&downloads, error))?;
        for package in entries.flatten().map(|entry| entry.path()) {
            let is_source = package
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("rust-web-src"));
            shell::run(if is_source {
                unpack_library(&package, folder)
            } else {
                let mut unpack = command("dpkg-deb", &["--extract"]);
                unpack.arg(&package).arg(folder);
                unpack
            })?;
        }
        fs::remove_dir_all(&downloads).map_err(|error| failed(&downloads, error))
    }
}

/// Unpacks the standard library alone, a sixth of the sources.
fn unpack_library(package: &Path, folder: &Path) -> Command {
    const SCRIPT: &str = "set -e; dpkg-deb --fsys-tarfile \"$1\" | tar --extract --directory=\"$2\" \
                          --wildcards './usr/src/rustc-*/library/*' ./usr/lib/rustlib/src/rust";
    let mut unpack = command("sh", &["-c", SCRIPT, "sh"]);
    unpack.arg(package).arg(folder);
    unpack
}

/// Reads the version that `apt-cache policy` would install, and its first two numbers.
fn candidate(policy: &str) -> Option<(String, String)> {
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate:"))?.trim();
    let mut numbers = version.split('.');
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| (version.to_owned(), format!("{major}.{minor}")))
}

/// Finds the LLVM among what `apt-cache depends` lists.
fn llvm(depends: &str) -> Option<String> {
    let names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends:"));
    names.map(str::trim).find(|name| name.starts_with("libllvm")).map(str::to_owned)
}

fn failed(path: &Path, error: std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_comes_from_what_apt_would_install() {
        let policy = "rustc-web:\n  Installed: (none)\n  Candidate: 1.96.0+dfsg1-1~deb12u1\n";
        let (version, series) = candidate(policy).unwrap();
        assert_eq!((version.as_str(), series.as_str()), ("1.96.0+dfsg1-1~deb12u1", "1.96"));
    }

    #[test]
    fn a_package_apt_does_not_know_has_no_version() {
        for policy in ["", "rustc-web:\n  Candidate: (none)\n", "N: Unable to locate package\n"] {
            assert_eq!(candidate(policy), None, "{policy}");
        }
    }

    #[test]
    fn llvm_is_found_among_the_dependencies() {
        let depends = "libstd-rust-web-1.96\n  Depends: libc6\n  Depends: libllvm22\n";
        assert_eq!(llvm(depends).as_deref(), Some("libllvm22"));
        assert_eq!(llvm("libstd-rust-web-1.96\n  Depends: libc6\n"), None);
    }
}
