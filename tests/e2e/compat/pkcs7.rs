//! `signtool sign /p7` and what is done with it, beside OpenSSL.

use std::fs;
use std::path::{Path, PathBuf};

use chancery_testkit::openssl::openssl;

use super::machine::{Cluster, Machine};
use super::scripts::enrolled;
use crate::timestamps::Server;

const CONTENT: &[u8] = b"list of signatures\0\xff, which is no program";

fn scene<'a>(cluster: &'a Cluster) -> Machine<'a> {
    let machine = Machine::new(cluster);
    enrolled(&machine);
    machine.write("list.bin", CONTENT);
    machine.line("certutil -encode root.cer root.pem").ends_with(0);
    machine
}

/// Tells whether OpenSSL accepts a file of PKCS#7 and gets the content out of it, or of another file.
fn openssl_accepts(machine: &Machine<'_>, file: &Path, content: Option<&str>) -> bool {
    let root = machine.at("root.pem");
    let mut args = vec!["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"];
    args.extend(["-in", file.to_str().unwrap(), "-CAfile", root.to_str().unwrap()]);
    let content = content.map(|name| machine.at(name));
    args.extend(content.iter().flat_map(|path| ["-content", path.to_str().unwrap()]));
    let output = openssl(args);
    assert!(!output.status.success() || output.stdout == CONTENT, "another content");
    output.status.success()
}

fn flip_last(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Writes a SignedData into the ContentInfo that it lacks, byte by byte.
fn wrapped(machine: &Machine<'_>, bare: &Path) -> PathBuf {
    let der = |tag: u8, contents: &[u8]| {
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], contents].concat()
    };
    let signed_data = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let explicit = der(0xa0, &fs::read(bare).unwrap());
    let path = machine.at("wrapped.p7");
    fs::write(&path, der(0x30, &[&signed_data[..], &explicit].concat())).unwrap();
    path
}

#[test]
fn any_file_is_signed_into_a_file_of_pkcs7() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = scene(&cluster);
    let sign = "signtool sign /fd sha256 /a /p7 out list.bin";
    let signed = machine.line(sign).ends_with(0);
    assert_eq!(signed.stdout, "Done Adding Additional Store\nSuccessfully signed: list.bin\n");
    assert_eq!(fs::read(machine.at("list.bin")).unwrap(), CONTENT);
    let file = machine.at("out/list.bin.p7");
    assert!(openssl_accepts(&machine, &file, None));
    let verified = machine.line("signtool verify /p7 out/list.bin.p7").ends_with(0);
    let shown = format!(
        "File: out/list.bin.p7\nIndex  Algorithm  Timestamp\n{}\n0      sha256     None\n\n\
         Successfully verified: out/list.bin.p7\n",
        "=".repeat(40)
    );
    assert_eq!(verified.stdout, shown);
    let more = machine.line("signtool verify /p7 /v /tw out/list.bin.p7").ends_with(2);
    for part in ["Issued to: Example Ltd", "Issued to: MYRootCA", "successfully Verified: 1"] {
        assert!(more.stdout.contains(part), "{more:?}");
    }
    // A build that runs again writes it again.
    machine.line(sign).ends_with(0);
    flip_last(&file);
    assert!(!openssl_accepts(&machine, &file, None));
    let broken = machine.line("signtool verify /p7 out/list.bin.p7").ends_with(1);
    assert!(broken.stderr.contains("did not verify"), "{broken:?}");
    // Whom nobody trusts.
    machine.line(sign).ends_with(0);
    machine.line("certutil -delstore Root MYRootCA").ends_with(0);
    let refused = machine.line("signtool verify /p7 out/list.bin.p7").ends_with(1);
    assert!(refused.stderr.contains("SignTool Error: A certificate chain could not be built"));
}

#[test]
fn a_detached_signature_is_the_signed_data_alone_as_uefi_wants_it() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = scene(&cluster);
    machine
        .line(
            "signtool sign /fd sha384 /p7 . /p7co 1.2.840.113549.1.7.1 /p7ce DetachedSignedData \
             /a list.bin",
        )
        .ends_with(0);
    let file = machine.at("list.bin.p7");
    // SEQUENCE, then the version: no type of a ContentInfo.
    assert_eq!(fs::read(&file).unwrap()[4..7], [2, 1, 1]);
    assert!(openssl_accepts(&machine, &wrapped(&machine, &file), Some("list.bin")));
    machine.line("signtool verify /p7 /p7content list.bin list.bin.p7").ends_with(0);
    let nothing = machine.line("signtool verify /p7 list.bin.p7").ends_with(1);
    assert!(nothing.stderr.contains("name what it is over: /p7content FILE"), "{nothing:?}");
    flip_last(&machine.at("list.bin"));
    machine.line("signtool verify /p7 /p7content list.bin list.bin.p7").ends_with(1);
}

#[test]
fn the_contents_type_is_the_one_asked_for() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = scene(&cluster);
    machine
        .line("signtool sign /fd sha256 /a /p7 . /p7co 1.3.6.1.4.1.311.2.6.1 list.bin")
        .ends_with(0);
    let file = machine.at("list.bin.p7");
    assert!(openssl_accepts(&machine, &file, None));
    let printed = openssl([
        "cms",
        "-cmsout",
        "-outform",
        "PEM",
        "-print",
        "-noout",
        "-inform",
        "DER",
        "-in",
        file.to_str().unwrap(),
    ]);
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    for part in ["eContentType: undefined (1.3.6.1.4.1.311.2.6.1)", "version: 3"] {
        assert!(printed.contains(part), "{printed}");
    }
    machine.line("signtool verify /p7 list.bin.p7").ends_with(0);
    let refused =
        machine.line("signtool sign /fd sha256 /a /p7 . /p7co data list.bin").ends_with(1);
    assert!(refused.stderr.contains("/p7co data: an object identifier"), "{refused:?}");
}

#[test]
fn files_of_pkcs7_are_timestamped_as_they_are_made_and_later() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = scene(&cluster);
    fs::copy(Server::root(), machine.at("stamps.pem")).unwrap();
    machine.line("certutil -addstore Root stamps.pem").ends_with(0);
    let server = Server::start();
    let stamp = format!("/tr {} /td sha256", server.url);
    let detached = "/p7 . /p7ce DetachedSignedData";
    let check = |row: &str| {
        let verify = "signtool verify /p7 /p7content list.bin list.bin.p7";
        let verified = machine.line(verify).ends_with(0);
        assert!(verified.stdout.contains(row), "{verified:?}");
    };
    machine.line(&format!("signtool sign /fd sha256 /a {detached} {stamp} list.bin")).ends_with(0);
    check("0      sha256     RFC3161\n");
    machine.line(&format!("signtool sign /fd sha256 /a {detached} list.bin")).ends_with(0);
    check("0      sha256     None\n");
    machine.line(&format!("signtool timestamp /p7 {stamp} list.bin.p7")).ends_with(0);
    check("0      sha256     RFC3161\n");
    // It still is the SignedData alone.
    assert!(openssl_accepts(
        &machine,
        &wrapped(&machine, &machine.at("list.bin.p7")),
        Some("list.bin")
    ));
    // PEM stays PEM.
    let pem = openssl([
        "cms",
        "-cmsout",
        "-outform",
        "PEM",
        "-inform",
        "DER",
        "-in",
        machine.at("wrapped.p7").to_str().unwrap(),
    ]);
    fs::write(machine.at("list.pem"), &pem.stdout).unwrap();
    machine.line(&format!("signtool timestamp /p7 {stamp} list.pem")).ends_with(0);
    assert!(fs::read_to_string(machine.at("list.pem")).unwrap().starts_with("-----BEGIN PKCS7"));
    machine.line("signtool verify /p7 /p7content list.bin list.pem").ends_with(0);
    // What does not hold gets no timestamp.
    machine.line(&format!("signtool sign /fd sha256 /a {detached} list.bin")).ends_with(0);
    flip_last(&machine.at("list.bin.p7"));
    let broken = machine.line(&format!("signtool timestamp /p7 {stamp} list.bin.p7")).ends_with(1);
    assert!(broken.stderr.contains("its signature does not hold"), "{broken:?}");
}

#[test]
fn a_certificate_is_chosen_by_its_purpose_and_by_its_root() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = scene(&cluster);
    machine.program("a.exe");
    let lines = [
        ("/a /u 1.3.6.1.5.5.7.3.3", 0),
        ("/a /r MYRoot", 0),
        ("/a /u 1.3.6.1.4.1.311.79.2.1", 1),
        ("/a /uw", 1),
        ("/a /r Somebody", 1),
        ("/a /u nonsense", 1),
    ];
    for (choice, code) in lines {
        let run = machine.line(&format!("signtool sign /fd sha256 {choice} a.exe")).ends_with(code);
        let said = ["Successfully signed", "No certificates were found", "named by its number"];
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(said.iter().any(|part| all.contains(part)), "{choice}: {all}");
    }
    // The line of those who sign lists for UEFI: /a and /u beside a file.
    let sign = ["signtool", "sign", "/fd", "sha256", "/p7", ".", "/a", "/f", "signer.cer"];
    let provider = ["/csp", "Cavium Key Storage Provider", "/kc", "release"];
    machine.run(&[&sign[..], &provider, &["/u", "Code Signing", "list.bin"]].concat()).ends_with(0);
    let other = ["/u", "1.3.6.1.4.1.311.79.2.1", "list.bin"];
    let refused = machine.run(&[&sign[..], &provider, &other].concat()).ends_with(1);
    assert!(refused.stderr.contains("is not for the purpose 1.3.6.1.4.1.311.79.2.1"));
}
