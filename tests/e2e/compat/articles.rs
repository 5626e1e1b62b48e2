//! Two articles about signing with a key in an HSM, step by step: what they type, and what they show for it.
//!
//! What differs on purpose, beside values, dates and the layout of a web page:
//!
//! | step | what is shown there | here | why |
//! |---|---|---|---|
//! | `Get-ChildItem cert:` | a table of PowerShell | `chancery store list` | PowerShell is no tool of ours |
//! | `signtool sign /v` | the last lines | the certificate before them | the articles begin in the middle |
//! | `Successfully signed` | one article has a colon, one has not | a colon | they disagree |
//! | `signtool verify` | the count alone | the chain before it | the articles leave it out |
//! | `certutil -store` | `Encryption test passed` | `Signature test passed` | the key signs and does not decrypt |
//! | `Cluster Error Status` | two nodes | one | there is one token |
//! | `certreq -accept` | nothing | what was installed | the article leaves it out |

use std::fs;

use chancery_testkit::openssl::openssl;
use chancery_testkit::oracles::Oracles;

use super::machine::{Cluster, Machine, PIN, PROVIDER, assert_as_shown, folded};

const INF: &str = "[Version]\r\nSignature = \"$Windows NT$\"\r\n[NewRequest]\r\n\
    Subject = \"CN=www.mydomain.com,OU=Certificate Management,O=Information Technology,L=Houston,ST=Texas,C=US\"\r\n\
    HashAlgorithm = SHA256\r\nKeyAlgorithm = RSA\r\nKeyLength = 2048\r\n\
    ProviderName = \"Cavium Key Storage Provider\"\r\n\
    KeyUsage = \"CERT_DIGITAL_SIGNATURE_KEY_USAGE\"\r\nMachineKeySet = True   \r\n";

const SUBJECT: &str = "CN=www.mydomain.com, OU=Certificate Management, O=Information Technology, L=Houston, \
    S=Texas, C=US";

/// The first article: a key, a request, a certificate, a signature.
fn first_article(machine: &Machine<'_>) -> String {
    machine.make_authority();
    machine.write("IISCertRequest.inf", INF);
    let made = machine.line("certreq -new IISCertRequest.inf IISCertRequest.csr").ends_with(0);
    assert_as_shown(&made.stdout, "SDK Version: <number> CertReq: Request Created");
    let csr = machine.at("IISCertRequest.csr");
    let checked = openssl(["req", "-verify", "-noout", "-in", csr.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    machine.line("certreq -submit -binary IISCertRequest.csr signedCertificate.cer").ends_with(0);
    machine.line("certreq -accept signedCertificate.cer").ends_with(0);
    // The request was waiting in REQUEST, and is no more.
    machine.line("certutil -store REQUEST 0").ends_with(4);
    let listed = machine.line("store list LocalMachine/My --format json").ends_with(0).object();
    let thumbprint = listed["thumbprint"].as_str().unwrap().to_owned();
    machine.line("certutil -ca.cert root.cer").ends_with(0);
    machine.line("certutil -addstore Root root.cer").ends_with(0);
    sign_and_verify(machine, &thumbprint);
    thumbprint
}

/// The last step of both articles.
fn sign_and_verify(machine: &Machine<'_>, thumbprint: &str) {
    let file = machine.program("test.exe");
    let file = file.to_str().unwrap();
    let signed = machine
        .run(&["signtool", "sign", "/v", "/fd", "sha256", "/sha1", thumbprint, "/sm", "/as", file])
        .ends_with(0);
    let last = signed.stdout.split_once("Done Adding").unwrap().1;
    assert_as_shown(
        &format!("Done Adding{last}"),
        "Done Adding Additional Store Successfully signed: <file> Number of files successfully Signed: 1 \
         Number of warnings: 0 Number of errors: 0",
    );
    let verified = machine.run(&["signtool", "verify", "/v", "/pa", file]).ends_with(0);
    assert!(verified.stdout.contains("Number of files successfully Verified: 1"), "{verified:?}");
    assert!(verified.stdout.contains("Issued to: MYRootCA"), "{verified:?}");
    // Somebody else's verifier, with the private authority that the article has.
    let pem = machine.at("root.pem");
    let root = openssl(["x509", "-in", machine.at("root.cer").to_str().unwrap()]);
    fs::write(&pem, root.stdout).unwrap();
    Oracles::discover().assert_accept(std::path::Path::new(file), &pem);
}

#[test]
fn a_signing_workload_migrates_as_the_first_article_has_it() {
    let Some(cluster) = Cluster::new() else { return };
    first_article(&Machine::new(&cluster));
}

#[test]
fn another_machine_signs_with_the_same_key_as_the_second_article_has_it() {
    let Some(cluster) = Cluster::new() else { return };
    let first = Machine::new(&cluster);
    let thumbprint = first_article(&first);
    let container = first
        .line("store show My www.mydomain.com --format json")
        .object()["key_binding"]["container"]
        .as_str()
        .unwrap()
        .to_owned();
    // The second machine has the certificate, the root and the token, and nothing else.
    let second = Machine::new(&cluster);
    let root = first.run(&["certutil", "-ca.cert", "<my root certificate>.cer"]).ends_with(0);
    let pem = root.stdout.split_once("-----BEGIN CERTIFICATE-----").unwrap().1;
    let (_, after) = pem.split_once("-----END CERTIFICATE-----").unwrap();
    assert!(
        folded(&root.stdout)
            .starts_with("CA cert[0]: 3 -- Valid CA cert[0]: -----BEGIN CERTIFICATE-----")
    );
    assert_as_shown(after, "CertUtil: -ca.cert command completed successfully.");
    second.bring(&first, "<my root certificate>.cer");
    second.bring(&first, "root.cer");
    second.bring(&first, "signedCertificate.cer");

    let added =
        second.run(&["certutil", "-addstore", "Root", "<my root certificate>.cer"]).ends_with(0);
    assert_as_shown(
        &added.stdout,
        "Root \"Trusted Root Certification Authorities\" Signature matches Public Key \
         Certificate \"MYRootCA\" added to store. CertUtil: -addstore command completed successfully.",
    );
    let added = second.line("certutil -addstore My signedCertificate.cer").ends_with(0);
    assert_as_shown(
        &added.stdout,
        "My \"Personal\" Certificate \"www.mydomain.com\" added to store. \
         CertUtil: -addstore command completed successfully.",
    );
    let block = format!(
        "my \"Personal\" ================ Certificate 0 ================ Serial Number: <serial> \
         Issuer: CN=MYRootCA NotBefore: <date> NotAfter: <date> Subject: {SUBJECT} Non-root Certificate \
         Cert Hash(sha1): <hash>"
    );
    let listed = second.line("certutil -store my").ends_with(0);
    assert_as_shown(
        &listed.stdout,
        &format!(
            "{block} No key provider information Cannot find the certificate and private key for decryption. \
             CertUtil: -store command completed successfully."
        ),
    );
    assert!(listed.stdout.contains(&thumbprint.to_lowercase()), "{}", listed.stdout);
    let serial = listed.stdout.split_once("Serial Number: ").unwrap().1.lines().next().unwrap();

    let encoded = second.line("certutil -encode signedCertificate.cer base64.cer").ends_with(0);
    assert_as_shown(
        &encoded.stdout,
        "Input Length = <number> Output Length = <number> CertUtil: -encode command completed successfully.",
    );
    // OpenSSL says the same of what was encoded, and decoding it gives back what it was.
    let ours = second.line("openssl x509 -noout -modulus -in base64.cer").ends_with(0);
    let theirs =
        openssl(["x509", "-noout", "-modulus", "-in", second.at("base64.cer").to_str().unwrap()]);
    second.line("certutil -decode base64.cer decoded.cer").ends_with(0);
    assert_eq!(
        fs::read(second.at("decoded.cer")).unwrap(),
        fs::read(second.at("signedCertificate.cer")).unwrap()
    );
    assert_eq!(ours.stdout.as_bytes(), theirs.stdout);
    second.write("modulus.txt", &ours.stdout);

    let (public, private) = find_handles(&second);
    let imported = second
        .run(&[
            "import_key",
            "-from",
            "HSM",
            "\u{2013}privateKeyHandle",
            &private,
            "-publicKeyHandle",
            &public,
        ])
        .ends_with(0);
    assert_as_shown(&imported.stdout, "Represented 1 keypairs in Cavium Key Storage Provider.");
    assert!(imported.stderr.contains("is taken for -"), "{}", imported.stderr);

    let keys =
        second.run(&["certutil", "-key", "-csp", "Cavium Key Storage provider"]).ends_with(0);
    assert_as_shown(
        &keys.stdout,
        "Cavium Key Storage provider: <container> RSA CertUtil: -key command completed successfully.",
    );
    assert!(keys.stdout.contains(&container), "{}", keys.stdout);

    let repair = format!(
        "[Properties]\r\n11 = \"\" ; Add friendly name property\r\n\
         2 = \"{{text}}\" ; Add Key Provider Information property\r\n_continue_=\"Container={container}&\"\r\n\
         _continue_=\"Provider={PROVIDER}&\"\r\n_continue_=\"Flags=0&\"\r\n_continue_=\"KeySpec=2\"\r\n"
    );
    second.write("repair.txt", repair);
    let repaired =
        second.run(&["certutil", "-repairstore", "my", serial, "repair.txt"]).ends_with(0);
    assert_as_shown(
        &repaired.stdout,
        &format!("{block} CertUtil: -repairstore command completed successfully."),
    );
    let listed = second.line("certutil -store my").ends_with(0);
    assert_as_shown(
        &listed.stdout,
        &format!(
            "{block} Key Container = {container} Provider = {PROVIDER} Private key is NOT exportable \
             Signature test passed CertUtil: -store command completed successfully."
        ),
    );
    sign_and_verify(&second, &thumbprint);
}

/// The prompt of `key_mgmt_util`, as the article types at it.
fn find_handles(machine: &Machine<'_>) -> (String, String) {
    let (user, password) = PIN.split_once(':').unwrap();
    let modulus = machine.at("modulus.txt").display().to_string();
    let input = format!(
        "loginHSM -u CU -s {user} -p {password}\nfindKey -c 2 -m {modulus}\nfindKey -c 3 -m {modulus}\nexit\n"
    );
    let run = machine.typed(&["key_mgmt_util"], &input).ends_with(0);
    let parts: Vec<&str> = run.stdout.split("Command:").collect();
    let [_, login, public, private, _] = parts[..] else { panic!("{run:?}") };
    let node = "Cluster Error Status Node id <slot> and err state 0x00000000 : HSM Return: SUCCESS";
    assert_as_shown(login, &format!("Cfm3LoginHSM returned: 0x00 : HSM Return: SUCCESS {node}"));
    let found = format!(
        "Total number of keys present: 1 Number of matching keys from start index 0::0 \
         Handles of matching keys: <handle> {node} Cfm3FindKey returned: 0x00 : HSM Return: SUCCESS"
    );
    assert_as_shown(public, &found);
    assert_as_shown(private, &found);
    let handle = |part: &str| {
        let after = part.split_once("matching keys:").unwrap().1;
        after.split_whitespace().next().unwrap().to_owned()
    };
    assert!(!run.stdout.contains(password) && !run.stderr.contains(password));
    // In one line, the same numbers.
    let words = ["key_mgmt_util", "singlecmd", "loginHSM", "-u", "CU", "-s", user, "-p", password];
    let more = ["findKey", "-c", "3", "-m", "modulus.txt"];
    let chained = machine.run(&[&words[..], &more].concat()).ends_with(0);
    assert!(chained.stdout.contains(&handle(private)), "{chained:?}");
    (handle(public), handle(private))
}
