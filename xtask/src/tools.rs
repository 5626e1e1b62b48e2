//! The programs and libraries the tests need from the operating system.

use crate::shell::{self, Result, capture, command, line, succeeds};

/// A Debian package and a command that succeeds where it, or its like, is installed.
pub(crate) struct Tool {
    pub(crate) package: &'static str,
    pub(crate) probe: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool { package: "gcc", probe: &["cc", "--version"] },
    Tool { package: "pkg-config", probe: &["pkg-config", "--version"] },
    Tool { package: "libssl-dev", probe: &["pkg-config", "--exists", "libcrypto"] },
    Tool { package: "openssl", probe: &["openssl", "version"] },
    Tool { package: "osslsigncode", probe: &["osslsigncode", "--version"] },
    // UEFI programs have several signatures beside each other, which this one reads.
    Tool { package: "sbsigntool", probe: &["sbverify", "--version"] },
    // Kills and disturbs signings at every call that changes a file.
    Tool { package: "strace", probe: &["strace", "--version"] },
    // Says how much memory a run took.
    Tool { package: "time", probe: &["/usr/bin/time", "--version"] },
    // Runs the command as somebody who may not write everywhere.
    Tool { package: "util-linux", probe: &["setpriv", "--version"] },
    Tool { package: "softhsm2", probe: &["softhsm2-util", "--version"] },
    Tool { package: "gnutls-bin", probe: &["certtool", "--version"] },
    // It has no question that it answers with success where there is no token.
    Tool { package: "opensc", probe: &["sh", "-c", "command -v pkcs11-tool"] },
    // Debian leaves `ensurepip` out of python3 itself.
    Tool { package: "python3-venv", probe: &["python3", "-c", "import ensurepip, venv"] },
];

/// What the quick columns of the table of modules need besides.
const REMOTE_TOOLS: [Tool; 2] = [
    Tool { package: "p11-kit", probe: &["p11-kit", "--help"] },
    Tool {
        package: "p11-kit-modules",
        probe: &["sh", "-c", "ls /usr/lib/*/pkcs11/p11-kit-client.so"],
    },
];

/// What Chancery is compared with, and counted by.
const PEER_TOOLS: [Tool; 2] = [
    Tool { package: "valgrind", probe: &["valgrind", "--version"] },
    Tool {
        package: "libengine-pkcs11-openssl",
        probe: &["sh", "-c", "ls /usr/lib/*/engines-3/pkcs11.so"],
    },
];

/// What all its columns need.
const MODULE_TOOLS: [Tool; 12] = [
    Tool { package: "opencryptoki", probe: &["sh", "-c", "command -v pkcsslotd pkcsconf"] },
    Tool { package: "libnss3", probe: &["sh", "-c", "ls /usr/lib/*/libsoftokn3.so"] },
    Tool { package: "libnss3-tools", probe: &["sh", "-c", "command -v certutil"] },
    Tool { package: "libtpm2-pkcs11-1", probe: &["sh", "-c", "ls /usr/lib/*/libtpm2_pkcs11.so.1"] },
    Tool { package: "libtpm2-pkcs11-tools", probe: &["sh", "-c", "command -v tpm2_ptool"] },
    Tool { package: "tpm2-abrmd", probe: &["sh", "-c", "command -v tpm2-abrmd"] },
    Tool {
        package: "libtss2-tcti-tabrmd0",
        probe: &["sh", "-c", "ls /usr/lib/*/libtss2-tcti-tabrmd.so.0"],
    },
    Tool {
        package: "libtss2-tcti-swtpm0",
        probe: &["sh", "-c", "ls /usr/lib/*/libtss2-tcti-swtpm.so.0"],
    },
    Tool { package: "swtpm", probe: &["swtpm", "--version"] },
    Tool { package: "dbus", probe: &["dbus-run-session", "--version"] },
    Tool { package: "libclang-dev", probe: &["sh", "-c", "ls /usr/lib/llvm-*/lib/libclang.so"] },
    Tool { package: "libsqlite3-dev", probe: &["pkg-config", "--exists", "sqlite3"] },
];

/// Makes sure that every tool is there, by apt where there is apt.
///
/// # Errors
/// The names of the packages that are missing and could not be installed.
pub(crate) fn ensure() -> Result<()> {
    ensure_each(TOOLS)
}

/// As [`ensure`], for the table of modules: the quick columns, or all of them.
pub(crate) fn ensure_modules(all: bool) -> Result<()> {
    ensure_each(TOOLS)?;
    ensure_each(&REMOTE_TOOLS)?;
    if all { ensure_each(&MODULE_TOOLS) } else { Ok(()) }
}

/// As [`ensure`], for the comparison with other tools.
pub(crate) fn ensure_peers() -> Result<()> {
    ensure_each(TOOLS)?;
    ensure_each(&PEER_TOOLS)
}

/// Makes sure of these tools.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn ensure_each(tools: &[Tool]) -> Result<()> {
    let absent = missing(tools);
    if absent.is_empty() {
        println!("all installed");
        return Ok(());
    }
    println!("missing: {}", absent.join(" "));
    install(&absent)?;
    let still = missing(tools);
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!("still missing after the installation: {}", still.join(" ")))
    }
}

/// Prints the versions of the tools whose behaviour the tests see.
pub(crate) fn print_versions() -> Result<()> {
    let commands: [&[&str]; 4] = [
        &["rustc", "--version"],
        &["osslsigncode", "--version"],
        &["openssl", "version"],
        &["softhsm2-util", "--version"],
    ];
    for words in commands {
        let said = capture(probe(words))?;
        let program = words.first().copied().unwrap_or_default();
        let version = said.lines().next().unwrap_or_default().trim_end_matches(", using:");
        println!("{program}: {version}");
    }
    Ok(())
}

fn missing(tools: &[Tool]) -> Vec<&'static str> {
    tools.iter().filter(|tool| !succeeds(probe(tool.probe))).map(|tool| tool.package).collect()
}

fn probe(words: &[&str]) -> std::process::Command {
    let (program, args) = words.split_first().unwrap_or((&"false", &[]));
    command(program, args)
}

fn install(packages: &[&str]) -> Result<()> {
    let advice = format!("install {} (the names of the Debian packages)", packages.join(" "));
    update_lists().map_err(|reason| format!("{reason}: {advice}"))?;
    let mut args = Vec::from(["install", "--no-install-recommends"]);
    args.extend(packages);
    apt_get(&args)
}

/// Fetches the lists of packages.
pub(crate) fn update_lists() -> Result<()> {
    apt_get(&["update"])
}

/// Runs apt-get with the rights it needs.
fn apt_get(args: &[&str]) -> Result<()> {
    if !succeeds(command("apt-get", &["--version"])) {
        return Err("there is no apt-get here".into());
    }
    let is_root = capture(command("id", &["-u"])).is_ok_and(|id| id == "0");
    if !is_root && !succeeds(command("sudo", &["-n", "true"])) {
        return Err("neither root nor sudo without a password".into());
    }
    // `env` because sudo drops the environment.
    let mut words = Vec::from(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y"]);
    words.extend(["-q", "-o", "DPkg::Lock::Timeout=300"]);
    words.extend(args);
    let command = if is_root {
        command("env", words.get(1..).unwrap_or_default())
    } else {
        words.insert(0, "-n");
        command("sudo", &words)
    };
    println!("$ {}", line(&command));
    shell::run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_of_what_is_not_there_fails() {
        assert!(!succeeds(probe(&["no-such-program-here", "--version"])));
        assert!(!succeeds(probe(&[])));
        assert!(succeeds(probe(&["true"])));
    }
}
