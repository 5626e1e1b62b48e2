//! What `certutil` says of files, and how it encodes and hashes them.

use std::fs;

use chancery_testkit::openssl::openssl;

use super::machine::{Cluster, Machine};
use super::scripts::enrolled;
use crate::fetch::Pki;

/// Insists on lines of what is printed for a line.
#[track_caller]
fn prints(machine: &Machine<'_>, args: &[&str], parts: &[&str]) {
    let printed = machine.run(args).ends_with(0).stdout;
    for part in parts {
        assert!(printed.contains(part), "{args:?} has no `{part}`\n{printed}");
    }
}

#[test]
fn every_kind_of_file_is_dumped() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    let thumbprint = enrolled(&machine);
    let inf = fs::read_to_string(machine.at("request.inf")).unwrap().replace("release", "other");
    let usage = "KeyUsage=\"CERT_DIGITAL_SIGNATURE_KEY_USAGE\"\r\n";
    machine.write("other.inf", inf + usage);
    machine.line("certreq -q -new other.inf other.csr").ends_with(0);
    let dump = |file: &str, parts: &[&str]| prints(&machine, &["certutil", "-dump", file], parts);
    let key = "Public Key Algorithm:\n    Algorithm ObjectId: 1.2.840.113549.1.1.1 RSA\n";
    dump(
        "other.csr",
        &[
            "PKCS10 Certificate Request:\nVersion: 1\nSubject:\n    CN=Example Ltd\n",
            key,
            "Request Attributes: 1\n  Attribute[0]: 1.2.840.113549.1.9.14 (Certificate Extensions)\n",
            "Signature matches Public Key\nKey Id Hash(rfc-sha1): ",
        ],
    );
    let extensions = [
        "    2.5.29.15: Flags = 1(Critical), Length = 4\n    keyUsage\n        digitalSignature\n",
        "    2.5.29.37: Flags = 0, Length = c\n    extKeyUsage\n        codeSigning\n",
    ];
    let hash = format!("Cert Hash(sha1): {}\n", thumbprint.to_lowercase());
    dump("signer.cer", &["X509 Certificate:\n", key, extensions[0], extensions[1], &hash]);
    dump(
        "stores/CurrentUser/My.sst",
        &["== Certificate 0 ==", &hash, "  Key Container = release\n"],
    );
    machine.write("any", "content");
    machine.line("signtool sign /fd sha256 /a /p7 . any").ends_with(0);
    dump(
        "any.p7",
        &[
            "PKCS7 Message:\n",
            "Content Type: 1.2.840.113549.1.7.1\nPKCS7 Message Content: 7 bytes\n",
            "Signer Count: 1\nSigner Info[0]: CN=Example Ltd\n  Hash Algorithm: sha256\n",
            "Certificates: 1\n",
            &hash,
        ],
    );
    let pki = Pki::make();
    let list = pki.path("ca.crl");
    dump(
        &list,
        &["X509 Certificate Revocation List:\nIssuer: CN=Fetched ca\n", "CRL Entries: 0\n"],
    );
    // Everything, also of what is in a store.
    prints(&machine, &["certutil", "-user", "-v", "-store", "My"], &["X509 Certificate:\n", key]);
    machine.write("nothing", "no certificate");
    machine.line("certutil -dump nothing").ends_with(0x0d);
}

#[test]
fn any_file_is_encoded_and_comes_back() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    for contents in [&b""[..], b"a", &[0, 0xff, b'\n'].repeat(711), &[0x30, 0]] {
        machine.write("any", contents);
        let encoded = machine.line("certutil -f -encode any any.txt").ends_with(0).stdout;
        let text = fs::read_to_string(machine.at("any.txt")).unwrap();
        let lengths =
            format!("Input Length = {}\nOutput Length = {}\n", contents.len(), text.len());
        assert!(encoded.starts_with(&lengths), "{encoded}");
        assert!(text.starts_with("-----BEGIN CERTIFICATE-----\r\n"), "{text}");
        assert!(text.ends_with("-----END CERTIFICATE-----\r\n"), "{text}");
        if !contents.is_empty() {
            machine.line("certutil -f -decode any.txt back").ends_with(0);
            assert_eq!(fs::read(machine.at("back")).unwrap(), contents);
            // Without the lines around it, and in one line.
            let bare: String = text.lines().filter(|line| !line.starts_with('-')).collect();
            machine.write("bare.txt", bare);
            machine.line("certutil -f -decode bare.txt back").ends_with(0);
            assert_eq!(fs::read(machine.at("back")).unwrap(), contents);
        }
    }
    machine.write("broken.txt", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    machine.line("certutil -decode broken.txt out").ends_with(0x0d);
    machine.write("no.txt", "no Base64, this");
    machine.line("certutil -decode no.txt out").ends_with(0x0d);
    machine.line("certutil -decode none.txt out").ends_with(2);
    assert!(!machine.at("out").exists());
}

#[test]
fn files_are_hashed_as_openssl_does() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    machine.write("any", [7; 1000]);
    for (typed, name) in [
        ("", "SHA1"),
        (" sha1", "SHA1"),
        (" SHA256", "SHA256"),
        (" Sha384", "SHA384"),
        (" SHA512", "SHA512"),
    ] {
        let hashed = machine.line(&format!("certutil -hashfile any{typed}")).ends_with(0).stdout;
        let digest = format!("-{}", name.to_lowercase());
        let theirs = openssl(["dgst", &digest, machine.at("any").to_str().unwrap()]).stdout;
        let theirs = String::from_utf8(theirs).unwrap();
        let hash = theirs.trim().rsplit(' ').next().unwrap();
        let shown = format!(
            "{name} hash of any:\n{hash}\nCertUtil: -hashfile command completed successfully.\n"
        );
        assert_eq!(hashed, shown);
    }
    let refused = machine.line("certutil -hashfile any MD5").ends_with(0x57);
    assert!(refused.stderr.contains("openssl dgst -md5 any"), "{refused:?}");
}

#[test]
fn the_prompt_of_the_hsm_tells_about_its_commands_and_keys() {
    let Some(cluster) = Cluster::new() else { return };
    let machine = Machine::new(&cluster);
    let input = "genRSAKeyPair -m 2048 -e 65537 -l big -id 0x0a0b\nfindKey -c 3 -sess 0\nfindKey -c 3 -sess 1\n\
                 listAttributes\nfindKey -h\nfindKey -x\n\nhelp\n";
    // It ends with its input, and with what failed.
    let run = machine.typed("key_mgmt_util", input).ends_with(1);
    let answers: Vec<&str> = run.stdout.split("Command:  ").skip(1).collect();
    assert!(answers[1].contains("Total number of keys present: 1\n"), "{run:?}");
    assert!(answers[2].contains("Total number of keys present: 0\n"), "{run:?}");
    assert!(answers[3].contains("      OBJ_ATTR_MODULUS                = 288\n"), "{run:?}");
    assert!(
        answers[4].contains("findKey [-c CLASS]") && !answers[4].contains("loginHSM"),
        "{run:?}"
    );
    assert!(run.stderr.contains("`-x` is no option of findKey"), "{run:?}");
    assert!(answers.iter().any(|answer| answer.contains("loginHSM -u CU")), "{run:?}");

    let handle = answers[1].split_once("matching keys:").unwrap().1;
    let handle = handle.split_whitespace().next().unwrap();
    let get = |attribute: &str, out: &str| {
        machine.line(&format!(
            "key_mgmt_util singlecmd getAttribute -o {handle} -a {attribute} -out {out}"
        ))
    };
    let all = get("512", "all.txt").ends_with(0).stdout;
    let text = fs::read_to_string(machine.at("all.txt")).unwrap();
    assert!(all.contains(&format!("Attribute size: {}, count: 12\n", text.len())), "{all}");
    for part in [
        "OBJ_ATTR_CLASS\n0x03\n",
        "OBJ_ATTR_TOKEN\n0x01\n",
        "OBJ_ATTR_LABEL\nbig\n",
        "OBJ_ATTR_KEY_TYPE\n0x00\n",
        "OBJ_ATTR_ID\n0x0a0b\n",
        "OBJ_ATTR_SIGN\n0x01\n",
        "OBJ_ATTR_MODULUS_BITS\n0x800\n",
        "OBJ_ATTR_PUBLIC_EXPONENT\n0x010001\n",
        "OBJ_ATTR_EXTRACTABLE\n0x00\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(get("371", "kcv.txt").ends_with(1).stderr.contains("listAttributes prints what is"));
    let asked = machine.line("key_mgmt_util singlecmd loginHSM -u CU -s crypto_user -hpswd");
    assert!(asked.ends_with(1).stderr.contains("terminal"));
}
