//! Build scripts as they are found: several files, a timestamp server, stars, response files.

use std::fs;

use chancery_testkit::oracles::Oracles;

use super::machine::{Cluster, Machine};
use crate::timestamps::Server;

/// A machine with a certificate in a store, bound to its key on the token; returns the thumbprint.
pub(super) fn enrolled(machine: &Machine<'_>) -> String {
    machine.make_authority();
    machine.write(
        "request.inf",
        "[Version]\r\nSignature=\"$Windows NT$\"\r\n[NewRequest]\r\nSubject=\"CN=Example Ltd\"\r\n\
         KeyContainer=\"release\"\r\nProviderName=\"Cavium Key Storage Provider\"\r\nMachineKeySet=False\r\n",
    );
    for line in [
        "certreq -q -new request.inf request.csr",
        "certreq -q -submit request.csr signer.cer",
        "certreq -q -accept signer.cer",
        "certutil -ca.cert root.cer",
        "certutil -addstore Root root.cer",
    ] {
        machine.line(line).ends_with(0);
    }
    let listed = machine.line("store list CurrentUser/My --format json").ends_with(0).object();
    listed["thumbprint"].as_str().unwrap().to_owned()
}

#[test]
fn a_build_script_signs_timestamps_and_verifies_unchanged() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    let thumbprint = enrolled(&machine);
    fs::copy(Server::root(), machine.at("stamps.pem")).unwrap();
    machine.line("certutil -addstore Root stamps.pem").ends_with(0);
    let server = Server::start();
    for name in ["a.exe", "b.dll", "c.exe"] {
        machine.program(name);
    }
    let url = &server.url;
    let signed = machine
        .line(&format!(
            "signtool sign /tr {url} /td sha256 /fd sha256 /sha1 {thumbprint} a.exe b.dll"
        ))
        .ends_with(0);
    assert_eq!(
        signed.stdout,
        "Done Adding Additional Store\nSuccessfully signed: a.exe\nSuccessfully signed: b.dll\n"
    );
    // The other order is understood too, and said to be dangerous elsewhere.
    let other = machine
        .line(&format!("signtool sign /q /td sha256 /tr {url} /fd sha256 /n Example /a c.exe"))
        .ends_with(0);
    assert_eq!(other.stdout, "");
    assert!(other.stderr.contains("/td before /tr is lost on SignTool"), "{}", other.stderr);

    let verified = machine.line("signtool verify /pa /all /tw *.exe").ends_with(0);
    let row = "0      sha256     RFC3161\n";
    let file = |name: &str| {
        format!(
            "File: {name}\nIndex  Algorithm  Timestamp\n{}\n{row}\nSuccessfully verified: {name}\n",
            "=".repeat(40)
        )
    };
    assert_eq!(verified.stdout, file("a.exe") + &file("c.exe"));

    // A server that is not there leaves the file as it was.
    let before = fs::read(machine.at("b.dll")).unwrap();
    let nowhere = "signtool sign /tr http://127.0.0.1:9/ /td sha256 /fd sha256 /a b.dll";
    machine.line(nowhere).ends_with(1);
    assert_eq!(fs::read(machine.at("b.dll")).unwrap(), before);
}

#[test]
fn files_fail_one_by_one_and_the_exit_code_tells() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    enrolled(&machine);
    machine.program("good.exe");
    machine.write("bad.exe", "no program");
    let both = machine.line("signtool sign /fd sha256 /a bad.exe good.exe").ends_with(1);
    assert!(both.stdout.contains("Successfully signed: good.exe"), "{both:?}");
    assert!(both.stdout.ends_with(
        "\nNumber of files successfully Signed: 1\nNumber of warnings: 0\nNumber of errors: 1\n"
    ));
    let stamped = machine.line("signtool verify /pa /tw good.exe").ends_with(2);
    assert!(stamped.stderr.contains("SignTool Warning"), "{stamped:?}");
    // One byte, and it is refused.
    let mut bytes = fs::read(machine.at("good.exe")).unwrap();
    let offset = usize::try_from(crate::support::section_offset(&bytes).unwrap()).unwrap();
    bytes[offset] ^= 1;
    machine.write("good.exe", bytes);
    let broken = machine.line("signtool verify /pa good.exe").ends_with(1);
    assert!(broken.stderr.contains("did not verify"), "{broken:?}");
}

#[test]
fn descriptions_response_files_appended_signatures_and_removal_work() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    enrolled(&machine);
    machine.program("my program.exe");
    machine.write(
        "sign.rsp",
        "sign /a /fd sha256\r\n/d \"The \"\"best\"\" program\" /du http://example.com\r\n\"my program.exe\"\r\n",
    );
    machine.run(&["signtool", "@sign.rsp"]).ends_with(0);
    let file = "my program.exe";
    let shown = machine.run(&["signtool", "verify", "/pa", "/d", file]).ends_with(0);
    assert!(shown.stdout.contains("Description: The \"best\" program\n"), "{shown:?}");
    assert!(shown.stdout.contains("Description URL: http://example.com\n"), "{shown:?}");
    machine.run(&["signtool", "sign", "-a", "-as", "-fd", "SHA384", "-ph", file]).ends_with(0);
    let all = machine.run(&["signtool", "verify", "/pa", "/all", "/v", file]).ends_with(0);
    assert!(all.stdout.contains("Number of signatures successfully Verified: 2\n"), "{all:?}");
    assert!(all.stdout.contains("Hash of file (sha384): "), "{all:?}");
    let root = machine.run(&["signtool", "verify", "/pa", "/r", "Somebody", file]).ends_with(1);
    assert!(root.stderr.contains("not the one of /r"), "{root:?}");
    machine.run(&["signtool", "remove", "/s", file]).ends_with(0);
    machine.run(&["signtool", "verify", "/pa", file]).ends_with(1);
}

#[test]
fn a_digest_is_signed_apart_from_its_file() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    enrolled(&machine);
    machine.program("a.exe");
    for line in [
        "signtool sign /dg out /fd sha256 /f signer.cer a.exe",
        "signtool sign /ds /a /fd sha256 out/a.exe.dig",
        "signtool sign /di out a.exe",
        "signtool verify /pa a.exe",
    ] {
        machine.line(line).ends_with(0);
    }
    // A certificate in a file, its key in a container.
    machine.program("b.exe");
    let provider = ["/csp", "Cavium Key Storage Provider", "/kc", "release"];
    let sign = ["signtool", "sign", "/fd", "sha256", "/f", "signer.cer"];
    machine.run(&[&sign[..], &provider[..], &["b.exe"]].concat()).ends_with(0);
    let root = machine.at("root.pem");
    let pem = machine.line("certutil -encode root.cer root.pem").ends_with(0);
    assert!(pem.stdout.starts_with("Input Length"));
    Oracles::discover().assert_accept(&machine.at("b.exe"), &root);
    Oracles::discover().assert_accept(&machine.at("a.exe"), &root);
}

#[test]
fn an_authority_answers_and_certificates_are_told_about() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    enrolled(&machine);
    let again = machine.line("certreq -retrieve 1 again.cer").ends_with(0);
    assert!(again.stdout.contains("Certificate retrieved(Issued) Issued"), "{again:?}");
    assert_eq!(
        fs::read(machine.at("again.cer")).unwrap(),
        fs::read(machine.at("signer.cer")).unwrap()
    );
    machine.line("certreq -retrieve 2 more.cer").ends_with(0x57);
    let judged = machine.line("certutil -verify signer.cer").ends_with(0);
    assert!(judged.stdout.contains("Cert is an End Entity certificate"), "{judged:?}");
    machine.line("certutil -delstore Root MYRootCA").ends_with(0);
    let refused = machine.line("certutil -verify signer.cer").ends_with(0x0a);
    assert!(refused.stdout.contains("CERT_E_CHAINING"), "{refused:?}");
    let dumped = machine.line("certutil -dump request.csr").ends_with(0);
    assert!(
        dumped
            .stdout
            .starts_with("PKCS10 Certificate Request:\nVersion: 1\nSubject:\n    CN=Example Ltd\n")
    );
    assert!(dumped.stdout.contains("Signature matches Public Key"), "{dumped:?}");
    let hashed = machine.line("certutil -hashfile signer.cer SHA256").ends_with(0);
    let theirs = chancery_testkit::openssl::openssl([
        "dgst",
        "-sha256",
        machine.at("signer.cer").to_str().unwrap(),
    ]);
    let theirs = String::from_utf8(theirs.stdout).unwrap();
    let hash = theirs.trim().rsplit(' ').next().unwrap();
    assert_eq!(hashed.stdout.lines().nth(1), Some(hash));
    let listed = machine.line("certutil -csplist").ends_with(0);
    assert!(listed.stdout.contains("Provider Name: Cavium Key Storage Provider\n"), "{listed:?}");
    // A certificate bound anew, by its public key alone.
    let bound =
        machine.run(&["certutil", "-user", "-repairstore", "My", "Example Ltd"]).ends_with(0);
    assert!(bound.stderr.contains("proved by a signature"), "{bound:?}");
    let listed = machine.line("certutil -user -store My").ends_with(0);
    assert!(listed.stdout.contains("Signature test passed"), "{listed:?}");
}

/// A script as builds have them, for a shell that finds the tools in a folder of links.
#[cfg(unix)]
const BUILD: &str = r#"set -eu
PUBLISHER="Example Ltd"
DESCRIPTION="My \"best\" program"
FLAGS="/fd SHA256 /tr $TSA /td SHA256"
for file in dist/*.exe dist/plugins/*.dll; do
    echo "signing $file"
    signtool.exe sign /v $FLAGS /n "$PUBLISHER" /d "$DESCRIPTION" /du https://example.com "$file"
done
signtool.exe sign /as /q $FLAGS /n "$PUBLISHER" dist/setup.exe
signtool.exe verify /pa /all /tw dist/*.exe dist/plugins/*.dll
if signtool.exe verify /pa /q dist/unsigned.bin 2> log.txt; then exit 3; fi
certutil -hashfile dist/setup.exe SHA256 | sed -n 2p > dist/setup.exe.sha256
"#;

#[cfg(unix)]
#[test]
fn a_script_of_a_build_finds_the_tools_in_a_folder_of_links() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    enrolled(&machine);
    fs::copy(Server::root(), machine.at("stamps.pem")).unwrap();
    machine.line("certutil -addstore Root stamps.pem").ends_with(0);
    let server = Server::start();
    fs::create_dir_all(machine.at("dist/plugins")).unwrap();
    for name in ["dist/setup.exe", "dist/my tool.exe", "dist/plugins/a.dll"] {
        machine.program(name);
    }
    machine.write("dist/unsigned.bin", "no program");
    machine.write("build.sh", BUILD);
    for tool in ["signtool.exe", "certutil"] {
        machine.linked(tool);
    }
    let path = format!("{}:{}", machine.home().display(), std::env::var("PATH").unwrap());
    let mut script = std::process::Command::new("sh");
    for (name, value) in machine.command(&[]).get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.arg("build.sh").current_dir(machine.home()).env("PATH", path).env("TSA", &server.url);
    let run = crate::support::run(script).ends_with(0);
    assert_eq!(run.stdout.matches("Number of files successfully Signed: 1\n").count(), 3);
    for file in ["dist/my tool.exe", "dist/setup.exe", "dist/plugins/a.dll"] {
        assert!(run.stdout.contains(&format!("\nSuccessfully verified: {file}\n")), "{run:?}");
    }
    assert!(run.stdout.contains("1      sha256     RFC3161\n"), "{run:?}");
    let theirs = chancery_testkit::openssl::openssl([
        "dgst",
        "-sha256",
        machine.at("dist/setup.exe").to_str().unwrap(),
    ]);
    let hash = fs::read_to_string(machine.at("dist/setup.exe.sha256")).unwrap();
    assert!(String::from_utf8(theirs.stdout).unwrap().contains(hash.trim()));
    let log = fs::read_to_string(machine.at("log.txt")).unwrap();
    assert!(log.starts_with("SignTool Error: This file format cannot be verified"), "{log}");
}
