//! The programs and libraries the tests need from the operating system.

use crate::shell::{self, Result, capture, command, line, succeeds};

/// A Debian package and a command that succeeds where it, or its like, is installed.
struct Tool {
    package: &'static str,
    probe: &'static [&'static str],
}

const TOOLS: [Tool; 8] = [
    Tool { package: "gcc", probe: &["cc", "--version"] },
    Tool { package: "pkg-config", probe: &["pkg-config", "--version"] },
    Tool { package: "libssl-dev", probe: &["pkg-config", "--exists", "libcrypto"] },
    Tool { package: "openssl", probe: &["openssl", "version"] },
    Tool { package: "osslsigncode", probe: &["osslsigncode", "--version"] },
    Tool { package: "softhsm2", probe: &["softhsm2-util", "--version"] },
    // It has no question that it answers with success where there is no token.
    Tool { package: "opensc", probe: &["sh", "-c", "command -v pkcs11-tool"] },
    // Debian leaves `ensurepip` out of python3 itself.
    Tool { package: "python3-venv", probe: &["python3", "-c", "import ensurepip, venv"] },
];

/// Makes sure that every tool is there, by apt where there is apt.
///
/// # Errors
/// The names of the packages that are missing and could not be installed.
pub(crate) fn ensure() -> Result<()> {
    let absent = missing();
    if absent.is_empty() {
        println!("all installed");
        return Ok(());
    }
    println!("missing: {}", absent.join(" "));
    install(&absent)?;
    let still = missing();
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

fn missing() -> Vec<&'static str> {
    TOOLS.iter().filter(|tool| !succeeds(probe(tool.probe))).map(|tool| tool.package).collect()
}

fn probe(words: &[&str]) -> std::process::Command {
    let (program, args) = words.split_first().unwrap_or((&"false", &[]));
    command(program, args)
}

fn install(packages: &[&str]) -> Result<()> {
    let advice = format!("install {} (the names of the Debian packages)", packages.join(" "));
    if !succeeds(command("apt-get", &["--version"])) {
        return Err(format!("there is no apt-get here: {advice}"));
    }
    let is_root = capture(command("id", &["-u"])).is_ok_and(|id| id == "0");
    if !is_root && !succeeds(command("sudo", &["-n", "true"])) {
        return Err(format!("neither root nor sudo without a password: {advice}"));
    }
    let apt_get = |args: &[&str]| {
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
    };
    apt_get(&["update"])?;
    let mut args = Vec::from(["install", "--no-install-recommends"]);
    args.extend(packages);
    apt_get(&args)
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
