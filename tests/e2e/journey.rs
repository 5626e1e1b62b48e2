//! The journey of a certificate to another machine, as `docs/journey.md` tells it.

mod normalised;

use std::fs;
use std::path::Path;

use self::normalised::Normalised;

use chancery_testkit::openssl::openssl;

use crate::machine::Machine;
use crate::support::{program, run};

/// The INF of the article that `certutil -repairstore` is given.
const REPAIR: &str = "[Properties]\r\n11 = \"\" ; Add friendly name property\r\n2 = \"{text}\" ; Add Key \
    Provider Information property\r\n_continue_=\"Container=release&\"\r\n\
    _continue_=\"Provider=Cavium Key Storage Provider&\"\r\n_continue_=\"Flags=0&\"\r\n\
    _continue_=\"KeySpec=2\"\r\n";

/// The second machine gets the certificate, finds the key by its modulus, binds it by the INF of an article, and signs.
#[test]
fn a_certificate_moves_to_another_machine_and_signs_there() {
    let Some(first) = Machine::new() else { return };
    first.hsm.init_token("cluster", "1234");
    first.certify("release");
    first.chancery(["store", "add", "LocalMachine/Root", &first.path("root.cer")]).ends_with(0);
    let Some(second) = Machine::clone_of(&first) else { return };

    // The root goes from one machine to the other.
    let exported = second.path("exported-root.cer");
    first
        .chancery(["store", "export", "LocalMachine/Root", "MYRootCA", "--out", &exported])
        .ends_with(0);
    second.chancery(["store", "add", "Root", &exported]).ends_with(0);
    // So does the signer's certificate, which has no key yet.
    second.chancery(["store", "add", "My", &first.path("signer.cer")]).ends_with(0);
    let shown = second.chancery(["store", "show", "my", "www.mydomain.com"]).ends_with(0);
    assert!(shown.stdout.contains("none is bound"), "{}", shown.stdout);
    let serial = shown.stdout.lines().find_map(|line| line.trim().strip_prefix("serial")).unwrap();

    // openssl prints the modulus, and the key is found by it.
    let output = openssl(["x509", "-noout", "-modulus", "-in", &first.path("signer.cer")]);
    fs::write(second.at("modulus.txt"), output.stdout).unwrap();
    let modulus = second.path("modulus.txt");
    let place = "pkcs11:token=cluster";
    let found = second
        .chancery(["key", "find", "--modulus", &modulus, "--key", place, "--format", "json"])
        .ends_with(0)
        .object();
    assert_eq!(found["label"], "release");

    // The binding as certutil -repairstore is told it, by the provider's own name.
    fs::write(second.at("repair.txt"), REPAIR).unwrap();
    let repaired = second
        .chancery(["store", "repair", "my", serial.trim(), &second.path("repair.txt")])
        .ends_with(0);
    assert!(repaired.stdout.contains("proved by a signature"), "{}", repaired.stdout);
    let shown = second
        .chancery(["store", "show", "my", serial.trim(), "--format", "json"])
        .ends_with(0)
        .object();
    assert_eq!(shown["key_binding"]["provider"], "Cavium Key Storage Provider");
    assert_eq!(shown["key_binding"]["key_spec"], 2);
    assert_eq!(shown["friendly_name"], "");

    // The first machine binds by our own means; then both sign at the same time.
    first.chancery(["store", "bind", "my", &first.path("signer.cer")]).ends_with(0);
    let thumbprint = second.thumbprint("LocalMachine/My");
    assert_eq!(first.thumbprint("LocalMachine/My"), thumbprint);
    let (_one_folder, one) = program();
    let (_other_folder, other) = program();
    let sign = |machine: &Machine, file: &Path| {
        let mut command = machine.command(["sign", "--thumbprint", &thumbprint]);
        command.args(["--store", "LocalMachine/My"]).arg(file).spawn().unwrap()
    };
    let (mut on_first, mut on_second) = (sign(&first, &one), sign(&second, &other));
    assert!(on_first.wait().unwrap().success());
    assert!(on_second.wait().unwrap().success());
    // The same key signs the same bytes alike, on whichever machine.
    assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
    let verified = second.chancery([
        "verify".as_ref(),
        other.as_os_str(),
        "--roots".as_ref(),
        exported.as_ref(),
    ]);
    assert!(verified.ends_with(0).stdout.contains("valid"));
}

/// Runs the commands of `docs/journey.md` in a shell and compares what they print. `CHANCERY_BLESS=1` writes it there.
#[test]
#[cfg(unix)]
fn the_document_of_the_journey_prints_what_the_commands_print() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/journey.md");
    let document = fs::read_to_string(&path).unwrap();
    let Some(first) = Machine::new() else { return };
    first.hsm.init_token("cluster", "1234");
    first.certify("release");
    first.chancery(["store", "bind", "My", &first.path("signer.cer")]).ends_with(0);
    first.chancery(["store", "add", "Root", &first.path("root.cer")]).ends_with(0);
    fs::remove_file(first.at("root.cer")).unwrap();
    let Some(second) = Machine::clone_of(&first) else { return };
    fs::copy(first.at("signer.cer"), second.at("signer.cer")).unwrap();
    fs::write(second.at("repair.txt"), REPAIR).unwrap();
    let (_folder, file) = program();
    fs::copy(file, second.at("program.exe")).unwrap();

    let mut normalised = Normalised::default();
    let mut lines = Vec::new();
    let mut in_console = false;
    for line in document.lines() {
        let command = line.split_once("$ ");
        match (in_console, line, command) {
            (false, "```console", _) | (true, "```", _) => in_console = !in_console,
            (true, _, Some((name @ ("first" | "second"), command))) => {
                lines.push(line.to_owned());
                let machine = if name == "first" { &first } else { &second };
                let mut shell = machine.shell(command);
                shell.current_dir(machine.hsm.dir());
                let printed = run(shell).ends_with(0);
                let folder = format!("{}/", machine.hsm.dir().display());
                let printed = (printed.stderr + &printed.stdout).replace(&folder, "");
                let printed = normalised.text(&printed);
                lines.extend(printed.lines().map(|line| line.trim_end().to_owned()));
                // What the first machine hands out is on the second.
                if name == "first" {
                    fs::copy(first.at("root.cer"), second.at("root.cer")).unwrap();
                }
                continue;
            }
            // What was printed when this was written.
            (true, ..) => continue,
            _ => {}
        }
        lines.push(line.to_owned());
    }
    let now = lines.join("\n") + "\n";
    if std::env::var_os("CHANCERY_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, now).unwrap();
        return;
    }
    assert!(now.contains("signed (sha256:") && now.contains("valid"), "{now}");
    assert_eq!(now, document, "docs/journey.md differs; CHANCERY_BLESS=1 writes it");
}
