//! Help says something, fits a terminal, and shows an example that runs.

use crate::support::chancery;

/// Every command that does something, as it is typed.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["quickstart"],
    &["sign"],
    &["verify"],
    &["inspect"],
    &["remove"],
    &["extract"],
    &["attach"],
    &["digest"],
    &["cms", "sign"],
    &["cms", "verify"],
    &["key", "generate"],
    &["key", "list"],
    &["key", "find"],
    &["key", "test"],
    &["key", "rename"],
    &["key", "delete"],
    &["csr", "new"],
    &["csr", "show"],
    &["csr", "verify"],
    &["cert", "issue"],
    &["cert", "revoke"],
    &["ca", "init"],
    &["ca", "crl"],
    &["ca", "list"],
    &["cert", "show"],
    &["cert", "export"],
    &["cert", "modulus"],
    &["cert", "verify"],
    &["audit", "verify"],
    &["store", "list"],
    &["store", "show"],
    &["store", "add"],
    &["store", "remove"],
    &["store", "export"],
    &["store", "bind"],
    &["store", "repair"],
    &["store", "accept"],
    &["token", "list"],
    &["token", "doctor"],
    &["token", "cert", "list"],
    &["token", "cert", "import"],
    &["token", "cert", "export"],
    &["token", "cert", "delete"],
    &["completions"],
];

#[test]
fn every_help_has_an_example_and_fits_eighty_columns() {
    for command in COMMANDS {
        let help = chancery(command.iter().copied().chain(["--help"])).ends_with(0).stdout;
        assert!(help.contains("Example"), "{command:?}: {help}");
        assert!(!help.contains("TODO"), "{command:?}");
        let (usage, examples) = help.split_once("Example").unwrap();
        let wide =
            usage.lines().find(|line| line.chars().count() > 80 && !line.starts_with("Usage:"));
        assert_eq!(wide, None, "{command:?}");
        // What is pasted from a terminal is what was written: nothing is wrapped without saying so to the shell.
        let mut goes_on = false;
        for line in examples.lines().skip(1) {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
            let begins = line.trim_start().starts_with("chancery ");
            assert!(begins != goes_on || line.is_empty(), "{command:?}: {line}");
            goes_on = line.ends_with(" \\");
        }
        // An example is a command line that parses: what clap refuses ends with 2 before anything runs.
        for line in examples.lines().filter_map(|line| line.trim().strip_prefix("chancery ")) {
            let known = COMMANDS.iter().skip(1).any(|known| line.starts_with(&known.join(" ")));
            assert!(known, "{command:?}: {line}");
        }
    }
}

#[test]
fn wrong_usage_ends_with_two() {
    chancery(["no-such-command"]).ends_with(2);
    chancery(["sign"]).ends_with(2);
    chancery(["cert", "export", "a.pem", "--pkcs12"]).ends_with(2);
    chancery(["cert", "export", "a.pem", "--pkcs12", "--pkcs7"]).ends_with(2);
    chancery(["sign", "a.exe", "--key", "file:k", "--cert", "c", "--replace", "--append"])
        .ends_with(2);
    chancery::<&str>([]).ends_with(2);
    chancery(["--version"]).ends_with(0);
}

#[test]
fn completions_are_written() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(chancery(["completions", shell]).ends_with(0).stdout.contains("quickstart"));
    }
}
