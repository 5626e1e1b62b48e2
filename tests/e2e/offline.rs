//! Signing where the key is and the file is not.

use std::fs;
use std::path::Path;
use std::process::Command;

use chancery_testkit::openssl::openssl;
use chancery_testkit::oracles::Oracles;

use crate::support::{Signer, chancery, ec, program, rsa};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn prepare(signer: &Signer, file: &Path, more: &[&str]) {
    let mut args = vec!["digest", text(file), "--for-signing", "--cert", text(&signer.certificate)];
    args.extend(["--chain", text(&signer.root)]);
    args.extend(more);
    chancery(args).ends_with(0);
}

fn sign(signer: &Signer, file: &Path) -> crate::support::Run {
    let pin = text(&signer.passphrase);
    chancery(["sign", "--digest-file", text(file), "--key", &signer.key, "--pin-file", pin])
}

#[test]
fn the_split_way_gives_the_same_bytes_as_the_short_one() {
    for signer in [rsa(), ec()] {
        let (folder, file) = program();
        let at = |name: &str| folder.path().join(name);
        prepare(signer, &file, &["--page-hashes"]);
        let carried = at("program.exe.chancery-digest");
        assert!(fs::read_to_string(&carried).unwrap().starts_with("-----BEGIN CHANCERY DIGEST"));
        let said = sign(signer, &carried).ends_with(0);
        assert!(said.stderr.contains("signing the file digest sha256:"), "{}", said.stderr);
        let signed = at("program.exe.signed");
        let short = at("short.exe");
        signer
            .sign([text(&file), "--page-hashes", "--digest", "sha256", "--out", text(&short)])
            .ends_with(0);
        chancery(["attach", text(&file), text(&signed)]).ends_with(0);
        assert_eq!(fs::read(&file).unwrap(), fs::read(&short).unwrap());
        Oracles::discover().assert_accept(&file, &signer.root);
        // A second one, appended.
        fs::remove_file(&carried).unwrap();
        fs::remove_file(&signed).unwrap();
        prepare(signer, &file, &["--append", "--digest", "sha512"]);
        sign(signer, &carried).ends_with(0);
        chancery(["attach", text(&file), text(&signed), "--append"]).ends_with(0);
        signer.sign([text(&short), "--append", "--digest", "sha512"]).ends_with(0);
        assert_eq!(fs::read(&file).unwrap(), fs::read(&short).unwrap());
    }
}

#[test]
fn a_digest_file_is_signed_by_its_own_key_alone() {
    let (folder, file) = program();
    prepare(rsa(), &file, &[]);
    let carried = folder.path().join("program.exe.chancery-digest");
    let refused = sign(ec(), &carried).ends_with(1);
    assert!(refused.stderr.contains("which this is not"), "{}", refused.stderr);
    let broken = fs::read_to_string(&carried).unwrap().replacen("MII", "MIJ", 1);
    fs::write(&carried, broken).unwrap();
    sign(rsa(), &carried).ends_with(3);
    // A file that changed since then does not take the signature.
    fs::remove_file(&carried).unwrap();
    prepare(rsa(), &file, &[]);
    sign(rsa(), &carried).ends_with(0);
    let mut changed = fs::read(&file).unwrap();
    changed[600] ^= 1;
    fs::write(&file, changed).unwrap();
    let signed = folder.path().join("program.exe.signed");
    let refused = chancery(["attach", text(&file), text(&signed)]).ends_with(1);
    assert!(refused.stderr.contains("of another file"), "{}", refused.stderr);
}

#[test]
fn signtools_files_are_written_signed_and_read_back() {
    for signer in [rsa(), ec()] {
        let (folder, file) = program();
        let at = |name: &str| folder.path().join(name);
        prepare(signer, &file, &["--signtool", text(folder.path())]);
        let dig = fs::read_to_string(at("program.exe.dig")).unwrap();
        assert_eq!(dig.len(), 44, "SHA-256 in Base64 and nothing else: {dig:?}");
        sign(signer, &at("program.exe.dig")).ends_with(0);
        let (p7u, value) = (at("program.exe.p7u"), at("program.exe.dig.signed"));
        let before = fs::read(&file).unwrap();
        // Base64 with line breaks is as good.
        fs::write(at("p7u"), openssl(["base64", "-in", text(&p7u)]).stdout).unwrap();
        for p7u in [&p7u, &at("p7u")] {
            fs::write(&file, &before).unwrap();
            let run = chancery(["attach", text(&file), text(p7u), "--value", text(&value)]);
            run.ends_with(0);
            Oracles::discover().assert_accept(&file, &signer.root);
        }
        fs::write(&file, &before).unwrap();
        chancery(["attach", text(&file), text(&at("program.exe.dig")), "--value", text(&value)])
            .ends_with(2);
        chancery(["attach", text(&file), text(&p7u)]).ends_with(1);
    }
}

#[test]
fn a_key_that_signs_by_hand_will_do() {
    for (signer, padding) in [(rsa(), &["-pkeyopt", "rsa_padding_mode:pkcs1"][..]), (ec(), &[])] {
        let (folder, file) = program();
        let at = |name: &str| folder.path().join(name);
        prepare(signer, &file, &["--signtool", text(folder.path())]);
        let raw = Command::new("openssl")
            .args(["base64", "-d", "-A", "-in", text(&at("program.exe.dig"))])
            .args(["-out", text(&at("digest"))])
            .status()
            .unwrap();
        assert!(raw.success());
        let key = signer.key.strip_prefix("file:").unwrap();
        let pass = format!("file:{}", text(&signer.passphrase));
        let signed = Command::new("openssl")
            .args(["pkeyutl", "-sign", "-inkey", key, "-passin", &pass])
            .args(["-in", text(&at("digest")), "-out", text(&at("raw"))])
            .args(["-pkeyopt", "digest:sha256"])
            .args(padding)
            .output()
            .unwrap();
        assert!(signed.status.success(), "{signed:?}");
        let (p7u, value) = (at("program.exe.p7u"), at("raw"));
        chancery(["attach", text(&file), text(&p7u), "--value", text(&value)]).ends_with(0);
        Oracles::discover().assert_accept(&file, &signer.root);
        let mut wrong = fs::read(&value).unwrap();
        *wrong.last_mut().unwrap() ^= 1;
        fs::write(&value, wrong).unwrap();
        let again = ["attach", text(&file), text(&p7u), "--value", text(&value), "--replace"];
        let refused = chancery(again).ends_with(1);
        assert!(refused.stderr.contains("does not belong"), "{}", refused.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_file_too_large_for_its_offsets_is_refused_by_name_before_it_is_copied() {
    let (folder, file) = program();
    let handle = fs::OpenOptions::new().write(true).open(&file).unwrap();
    // Without a byte of it on the disk.
    handle.set_len(u64::from(u32::MAX) + 1).unwrap();
    drop(handle);
    let refused = rsa().sign([&file]).ends_with(3);
    assert!(refused.stderr.contains("4 GiB - 1"), "{}", refused.stderr);
    assert_eq!(crate::support::names(folder.path()), ["program.exe"]);
}
