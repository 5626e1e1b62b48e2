//! `chancery sign`: what it writes, and what it leaves alone.

use std::fs;
use std::path::Path;

use chancery_testkit::oracles::Oracles;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use serde_json::Value;

use crate::support::{Signer, chancery, ec, names, program, rsa};

fn verify(file: &Path, signer: &Signer) -> Value {
    chancery([
        "verify",
        "--format",
        "json",
        file.to_str().unwrap(),
        "--roots",
        signer.root.to_str().unwrap(),
        // What signs with SHA-1 when asked is to be seen to be right, though nobody should trust it.
        "--allow",
        "sha1-digest",
    ])
    .object()
}

#[test]
fn signs_in_place_and_says_so() {
    let (folder, program) = program();
    let signed =
        rsa().sign([program.as_os_str(), "--format".as_ref(), "json".as_ref()]).ends_with(0);
    let object = signed.object();
    assert_eq!(object["type"], "signed");
    assert_eq!(object["scheme"], "rsa-pkcs1-sha256");
    let report = verify(&program, rsa());
    assert_eq!(report["verdict"], "valid", "{report}");
    assert_eq!(report["authentihash"], object["authentihash"]);
    assert_eq!(report["signatures"][0]["signer"], "CN=E2E Signer,O=Example Ltd,C=GB");
    assert_eq!(names(folder.path()), ["program.exe"], "nothing is left behind");
}

#[test]
fn two_signings_are_byte_equal() {
    for signer in [rsa(), ec()] {
        let (folder, program) = program();
        let outs = ["one.exe", "two.exe"].map(|name| folder.path().join(name));
        for out in &outs {
            signer.sign([program.as_os_str(), "--out".as_ref(), out.as_ref()]).ends_with(0);
        }
        assert_eq!(fs::read(&outs[0]).unwrap(), fs::read(&outs[1]).unwrap());
        assert_ne!(fs::read(&outs[0]).unwrap(), fs::read(&program).unwrap());
    }
}

#[test]
fn every_hash_and_word_size_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    for (pe32_plus, digest, overlay) in
        [(true, "sha384", 0), (false, "sha512", 5), (true, "sha1", 3), (false, "sha256", 8)]
    {
        let path = folder.path().join(format!("{digest}.exe"));
        let pe = TinyPe { pe32_plus, overlay: vec![7; overlay], ..TinyPe::default() };
        fs::write(&path, tiny_pe(&pe)).unwrap();
        rsa().sign([path.as_os_str(), "--digest".as_ref(), digest.as_ref()]).ends_with(0);
        let report = verify(&path, rsa());
        assert_eq!(report["verdict"], "valid", "{report}");
        assert_eq!(report["signatures"][0]["digest_algorithm"], digest);
        Oracles::discover().assert_accept(&path, &rsa().root);
    }
}

#[test]
fn description_and_url_are_in_the_signature() {
    let (_folder, program) = program();
    let text = ["--description", "Exämple", "--url", "https://example.com/", "--reread"];
    rsa().sign([program.to_str().unwrap()].into_iter().chain(text)).ends_with(0);
    let report = verify(&program, rsa());
    assert_eq!(report["signatures"][0]["description"], "Exämple");
    assert_eq!(report["signatures"][0]["url"], "https://example.com/");
    Oracles::discover().assert_accept(&program, &rsa().root);
}

#[test]
fn page_hashes_are_accepted_for_every_hash_and_processor() {
    let folder = tempfile::tempdir().unwrap();
    let sections = vec![vec![0x90; 4096], vec![], vec![1; 9000], vec![2; 512]];
    let cases = [("sha256", None), ("sha384", Some(0xaa64)), ("sha1", Some(0x14c))];
    for (digest, machine) in cases {
        let pe32_plus = machine != Some(0x14c);
        let path = folder.path().join(format!("{digest}.exe"));
        let pe = TinyPe { machine, pe32_plus, sections: sections.clone(), ..TinyPe::default() };
        fs::write(&path, tiny_pe(&pe)).unwrap();
        let options = ["--page-hashes", "--digest", digest];
        rsa().sign([path.to_str().unwrap()].into_iter().chain(options)).ends_with(0);
        let report = verify(&path, rsa());
        assert_eq!(report["verdict"], "valid", "{report}");
        assert_eq!(report["signatures"][0]["page_hashes"], "match");
        Oracles::discover().assert_accept(&path, &rsa().root);
        let said = std::process::Command::new("osslsigncode")
            .args(["verify", "-CAfile"])
            .arg(&rsa().root)
            .arg("-in")
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let pages = said.lines().filter(|line| line.contains("age hash")).collect::<Vec<_>>();
        assert!(pages.len() >= 2 && !pages.iter().any(|line| line.contains("MISMATCH")), "{said}");
    }
    let itanium = folder.path().join("itanium.exe");
    fs::write(&itanium, tiny_pe(&TinyPe { machine: Some(0x200), sections, ..TinyPe::default() }))
        .unwrap();
    rsa().sign([itanium.as_os_str(), "--page-hashes".as_ref()]).ends_with(0);
    assert_eq!(verify(&itanium, rsa())["signatures"][0]["page_hashes"], "match");
}

#[test]
fn page_hashes_that_a_layout_does_not_allow_are_refused_by_name() {
    let (folder, path) = program();
    fs::write(&path, tiny_pe(&TinyPe { sections: vec![], ..TinyPe::default() })).unwrap();
    let refused = rsa().sign([path.as_os_str(), "--page-hashes".as_ref()]).ends_with(3);
    assert!(refused.stderr.contains("no section has data"), "{}", refused.stderr);
    assert_eq!(names(folder.path()), ["program.exe"]);
    rsa().sign([&path]).ends_with(0);
}

#[test]
fn a_signed_file_needs_a_choice() {
    let (_folder, program) = program();
    rsa().sign([&program]).ends_with(0);
    let once = fs::read(&program).unwrap();
    let refused = ec().sign([&program]).ends_with(1);
    assert!(refused.stderr.contains("--replace, --append or --skip-signed"), "{}", refused.stderr);
    assert_eq!(fs::read(&program).unwrap(), once);
}

#[test]
fn replacing_leaves_one_signature_of_the_new_signer() {
    let (folder, program) = program();
    let fresh = folder.path().join("fresh.exe");
    ec().sign([program.as_os_str(), "--out".as_ref(), fresh.as_ref()]).ends_with(0);
    rsa().sign([&program]).ends_with(0);
    ec().sign([program.as_os_str(), "--replace".as_ref()]).ends_with(0);
    assert_eq!(fs::read(&program).unwrap(), fs::read(&fresh).unwrap(), "as if signed once");
}

#[test]
fn appending_keeps_the_first_signature_valid() {
    let (_folder, program) = program();
    for (number, append) in [(1, false), (2, true), (3, true)] {
        let program_path = program.to_str().unwrap();
        let args = [program_path, "--append"];
        rsa().sign(&args[..if append { 2 } else { 1 }]).ends_with(0);
        let report = verify(&program, rsa());
        assert_eq!(report["verdict"], "valid", "{report}");
        assert_eq!(report["signatures"].as_array().unwrap().len(), number);
        Oracles::discover().assert_accept(&program, &rsa().root);
    }
}

#[test]
fn appending_to_a_uefi_program_adds_an_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boot.efi");
    fs::write(&path, tiny_pe(&TinyPe { subsystem: 10, ..TinyPe::default() })).unwrap();
    rsa().sign([&path]).ends_with(0);
    rsa().sign([path.as_os_str(), "--append".as_ref()]).ends_with(0);
    let report = verify(&path, rsa());
    assert_eq!(report["verdict"], "valid", "{report}");
    let inspected = chancery(["inspect", "--format", "json", path.to_str().unwrap()]).object();
    let offsets = inspected["signatures"].as_array().unwrap();
    assert!(offsets.len() == 2 && offsets.iter().all(|one| one["offset"].is_u64()), "{inspected}");
}

#[test]
fn skipping_is_for_this_signer_alone() {
    let (_folder, program) = program();
    rsa().sign([&program]).ends_with(0);
    let once = fs::read(&program).unwrap();
    let skip: [&std::ffi::OsStr; 2] = [program.as_os_str(), "--skip-signed".as_ref()];
    assert!(rsa().sign(skip).ends_with(0).stdout.contains("left alone"));
    ec().sign(skip).ends_with(1);
    assert_eq!(fs::read(&program).unwrap(), once);
}

#[test]
fn many_files_go_on_after_one_that_fails() {
    let (folder, program) = program();
    let broken = folder.path().join("broken.exe");
    fs::write(&broken, "no program").unwrap();
    let missing = folder.path().join("missing.exe");
    let run = rsa().sign([&missing, &broken, &program]).ends_with(8);
    assert!(run.stderr.contains("missing.exe") && run.stderr.contains("broken.exe"));
    assert_eq!(verify(&program, rsa())["verdict"], "valid");
}

#[test]
fn a_folder_takes_many_outputs() {
    let (folder, program) = program();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    rsa().sign([program.as_os_str(), "--out".as_ref(), out.as_ref()]).ends_with(0);
    assert_eq!(verify(&out.join("program.exe"), rsa())["verdict"], "valid");
    rsa().sign([&program, &program, &"--out".into(), &folder.path().join("x")]).ends_with(2);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_symbolic_link_stays_and_its_file_changes() {
        let (folder, program) = program();
        let link = folder.path().join("link.exe");
        symlink("program.exe", &link).unwrap();
        rsa().sign([&link]).ends_with(0);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(verify(&program, rsa())["verdict"], "valid");
    }

    #[test]
    fn killed_at_any_moment_the_original_is_intact() {
        use crate::support::command;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.exe");
        let pe = TinyPe { overlay: vec![0x5a; 96 << 20], ..TinyPe::default() };
        let image = tiny_pe(&pe);
        let mut killed_while_writing = 0;
        for delay in [0, 20, 60, 120, 240] {
            fs::write(&path, &image).unwrap();
            let mut args: Vec<&std::ffi::OsStr> = vec!["sign".as_ref()];
            args.extend(rsa().options());
            args.push(path.as_os_str());
            let mut child = command(args).stderr(std::process::Stdio::null()).spawn().unwrap();
            // Wait for the copy to begin, then a little: the kill falls somewhere into the writing.
            while child.try_wait().unwrap().is_none() && names(folder.path()).len() < 2 {
                std::thread::yield_now();
            }
            std::thread::sleep(std::time::Duration::from_millis(delay));
            let _ = child.kill();
            let finished = child.wait().unwrap().success();
            if !finished {
                killed_while_writing += 1;
                assert!(fs::read(&path).unwrap() == image, "killed after {delay} ms");
            }
            for name in names(folder.path()).iter().filter(|name| *name != "large.exe") {
                assert!(name.starts_with(".chancery-"), "{name}");
                fs::remove_file(folder.path().join(name)).unwrap();
            }
        }
        assert!(killed_while_writing > 0, "no run was slow enough to be killed");
    }

    #[test]
    fn permissions_stay() {
        let (_folder, program) = program();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o750)).unwrap();
        rsa().sign([&program]).ends_with(0);
        assert_eq!(fs::metadata(&program).unwrap().permissions().mode() & 0o7777, 0o750);
    }

    #[test]
    fn hard_links_are_refused() {
        let (folder, program) = program();
        let before = fs::read(&program).unwrap();
        fs::hard_link(&program, folder.path().join("other.exe")).unwrap();
        let refused = rsa().sign([&program]).ends_with(2);
        assert!(refused.stderr.contains("2 hard links"), "{}", refused.stderr);
        assert_eq!(fs::read(&program).unwrap(), before);
        rsa().sign([&program, &"--out".into(), &folder.path().join("copy.exe")]).ends_with(0);
    }
}
