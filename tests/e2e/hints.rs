//! What is said of what went wrong, and what it says to type.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use chancery_testkit::openssl::openssl;
use chancery_testkit::softhsm::SoftHsm;

use crate::support::{Run, chancery, ec, program, rsa, run};

/// Two tokens of one label, the last one with a key.
struct Twins(SoftHsm);

impl Twins {
    fn new() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        hsm.init_token("build", "1234");
        hsm.init_token("build", "1234");
        fs::write(hsm.dir().join("pin"), "1234\n").unwrap();
        Some(Self(hsm))
    }

    fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.0.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(args).env("PKCS11_MODULE", self.0.module());
        run(command)
    }

    fn pin(&self) -> PathBuf {
        self.0.dir().join("pin")
    }
}

#[test]
fn an_answer_of_no_is_an_object_too() {
    let folder = tempfile::tempdir().unwrap();
    let place = format!("file:{}", folder.path().display());
    let certificate = ec().certificate.to_str().unwrap();
    let find = ["key", "find", "--cert", certificate, "--key", &place, "--format", "json"];
    let said = chancery(find).ends_with(1).object();
    assert_eq!((&said["type"], &said["place"]), (&"no-key".into(), &place.into()));
    let modulus = ["cert", "modulus", certificate, "--format", "json"];
    let said = chancery(modulus).ends_with(1).object();
    assert_eq!((&said["type"], said["modulus"].is_null()), (&"modulus".into(), true));
    assert!(said["message"].as_str().unwrap().contains("is no RSA key"), "{said}");
}

#[test]
fn errors_in_json_carry_the_hints() {
    let (_folder, program) = program();
    rsa().sign([&program]).ends_with(0);
    let again = rsa().sign([program.as_os_str(), "--format".as_ref(), "json".as_ref()]);
    let objects = again.ends_with(1).objects();
    let error = objects.iter().find(|object| object["type"] == "error").unwrap();
    assert!(error["hints"][0].as_str().unwrap().contains("--replace"), "{error}");
}

#[test]
fn two_tokens_of_one_label_are_a_problem_and_the_hint_keeps_the_key() {
    let Some(twins) = Twins::new() else { return };
    let pin = twins.pin();
    let pin = pin.to_str().unwrap();
    let key = "pkcs11:token=build;object=release";
    let said = twins.run(["key", "test", "--key", key, "--pin-file", pin]).ends_with(6);
    let hints: Vec<_> = said.stderr.lines().filter(|line| line.contains("choose one")).collect();
    assert_eq!(hints.len(), 2, "{}", said.stderr);
    for hint in &hints {
        assert!(hint.contains("object=release") && hint.contains("serial="), "{hint}");
        // What it says to type names one token, which has no such key.
        let one = hint.split('\'').nth(1).unwrap();
        twins.run(["key", "test", "--key", one, "--pin-file", pin]).ends_with(5);
    }
    let said = twins.run(["token", "doctor", "--token", "build", "--pin-file", pin]).ends_with(6);
    assert!(said.stdout.contains("several tokens fit the address"), "{}", said.stdout);
    assert!(said.stdout.contains("2 problems"), "{}", said.stdout);
    // Nobody said which: then there is nothing wrong with two.
    twins.run(["token", "doctor", "--pin-file", pin]).ends_with(0);
}

#[test]
fn a_key_on_a_token_is_not_said_to_have_no_certificate() {
    let Some(twins) = Twins::new() else { return };
    let (_folder, program) = program();
    twins.0.init_token("T", "1234");
    let (key, pin) = ("pkcs11:token=T;object=release", twins.pin());
    let pin = ["--pin-file", pin.to_str().unwrap()];
    twins
        .run(["key", "generate", "--key", key, "--ec", "p256"].into_iter().chain(pin))
        .ends_with(0);
    let sign = ["sign", program.to_str().unwrap(), "--key", key];
    let said = twins.run(sign.into_iter().chain(pin)).ends_with(2).stderr;
    assert!(said.contains("--cert token") && !said.contains("none is stored"), "{said}");
}

/// A module that loads and does not start is installed on many machines, as tpm2's is where there is no TPM.
#[cfg(target_os = "linux")]
#[test]
fn a_module_that_does_not_start_is_a_warning_beside_those_that_do() {
    let Some(twins) = Twins::new() else { return };
    let idle = std::path::Path::new("/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1");
    if !idle.exists() || std::path::Path::new("/dev/tpm0").exists() {
        println!("skipped: no module here that loads and does not start");
        return;
    }
    let list = |more: &[&str]| {
        let mut command = twins.0.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(["token", "list"]).args(more).env_remove("PKCS11_MODULE");
        run(command)
    };
    let said = list(&[]).ends_with(0);
    assert!(said.stdout.contains("token=build"), "{}", said.stdout);
    assert!(said.stderr.contains("warning: PKCS#11 module"), "{}", said.stderr);
    assert!(!said.stderr.contains("error: PKCS#11"), "{}", said.stderr);
    let objects = list(&["--format", "json"]).ends_with(0).objects();
    assert!(objects.iter().any(|object| object["type"] == "warning"), "{objects:?}");
    list(&["--module", idle.to_str().unwrap()]).ends_with(5);
    let doctor = ["token", "doctor", "--module", idle.to_str().unwrap()];
    let said = chancery(doctor).ends_with(5).stdout;
    assert!(said.contains("C_Initialize") && !said.contains("ldd"), "{said}");
}

/// What is said on stderr, on one line.
fn said(args: &[&str], code: i32) -> String {
    chancery(args).ends_with(code).stderr.replace('\n', " ")
}

#[test]
fn hints_are_words_that_a_shell_reads_as_one() {
    let (folder, program) = program();
    let path = folder.path().join("my setup.exe");
    fs::rename(program, &path).unwrap();
    rsa().sign([&path]).ends_with(0);
    let again = rsa().sign([&path]).ends_with(1).stderr;
    let quoted = format!("chancery verify '{}'", path.display());
    assert!(again.contains(&quoted), "{again}");
}

#[test]
fn what_is_wrong_with_a_signature_is_not_said_of_the_program() {
    let (folder, program) = program();
    let text = folder.path().join("text.exe");
    fs::write(&text, "this is text").unwrap();
    let [program, text] = [&program, &text].map(|path| path.to_str().unwrap().to_owned());
    let wrong = said(&["attach", &program, &text], 3);
    assert!(wrong.contains("PKCS#7") && !wrong.contains("PE executables"), "{wrong}");
    let wrong = said(&["sign", "--digest-file", &text, "--key", &rsa().key], 3);
    assert!(!wrong.contains("PE executables"), "{wrong}");
    // Where it is the program, it is said.
    let wrong = rsa().sign([&text]).ends_with(3).stderr;
    assert!(wrong.contains("PE executables"), "{wrong}");
    let certificate = rsa().certificate.to_str().unwrap();
    let root = rsa().root.to_str().unwrap();
    let prepare = ["digest", &program, "--for-signing", "--cert", certificate, "--chain", root];
    chancery(prepare).ends_with(0);
    let unsigned = said(&["attach", &program, &format!("{program}.chancery-digest")], 3);
    assert!(unsigned.contains("is no signature yet"), "{unsigned}");
    assert!(unsigned.contains("sign --digest-file"), "{unsigned}");
}

#[test]
fn a_file_of_something_else_is_said_to_be_that() {
    let file = |name: &str| rsa().file(name).to_str().unwrap().to_owned();
    let (request, key, root) = (file("request.csr"), file("key.pem"), file("root.pem"));
    let wrong = said(&["cert", "show", &request], 3);
    assert!(
        wrong.contains("no certificate in it: what it has is a certification request"),
        "{wrong}"
    );
    assert!(said(&["cert", "show", &key], 3).contains("is a private key"));
    assert!(said(&["csr", "show", &root], 3).contains("is a certificate"));
    assert!(said(&["verify", &root, "--crl", &root], 3).contains("is a certificate"));
    let (folder, text) = program();
    fs::write(&text, "text").unwrap();
    assert!(said(&["cert", "show", text.to_str().unwrap()], 3).contains("neither PEM nor DER"));
    drop(folder);
}

#[test]
fn what_is_missing_is_named_with_what_to_type() {
    let (folder, program) = program();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [program, here] = [&program, folder.path()].map(|path| path.to_str().unwrap().to_owned());
    for args in [
        &["extract", &program, "--out", &at("none.p7b")][..],
        &["timestamp", &program, "--timestamp", "http://127.0.0.1:1/"],
    ] {
        let none = said(args, 1);
        assert!(none.contains("no signature") && !none.contains("signature 0"), "{none}");
    }
    assert!(said(&["verify", &here], 8).contains("--recursive"));
    rsa().sign([&program]).ends_with(0);
    assert!(said(&["verify", &program], 1).contains("--roots PATH"));
    let certificate = rsa().certificate.to_str().unwrap();
    assert!(said(&["cert", "verify", certificate], 1).contains("--roots PATH"));
    let root = rsa().root.to_str().unwrap();
    assert_eq!(said(&["verify", &program, "--roots", root], 0), "");
    let wrong = said(&["sign", &program, "--key", "release"], 2);
    assert!(wrong.contains("'pkcs11:object=release'"), "{wrong}");
    assert!(wrong.contains("'file:release'"), "{wrong}");
    // Nothing is overwritten.
    let wrong = said(&["extract", &program, "--out", root], 8);
    assert!(wrong.contains("is there already") && !wrong.contains("os error"), "{wrong}");
    let mut sign = vec!["cms".as_ref(), "sign".as_ref(), OsStr::new(&program)];
    sign.extend(rsa().options());
    chancery(&sign).ends_with(0);
    let wrong = chancery(&sign).ends_with(8).stderr;
    assert!(wrong.contains("is there already") && wrong.contains("hint: "), "{wrong}");
    assert!(said(&["cms", "verify", &at("program.exe.p7s")], 2).contains("--content FILE"));
    #[cfg(not(feature = "https"))]
    {
        let server = ["--timestamp", "https://127.0.0.1:1/", "--require-timestamp", "--replace"];
        let wrong = rsa().sign([&[program.as_str()][..], &server].concat()).ends_with(2).stderr;
        assert!(wrong.contains("--features https"), "{wrong}");
    }
}

#[test]
fn a_wrong_passphrase_is_no_pin_and_a_missing_folder_no_module() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong");
    fs::write(&wrong, "wrong").unwrap();
    let test = ["key", "test", "--key", &rsa().key, "--pin-file", wrong.to_str().unwrap()];
    let told = said(&test, 4);
    assert!(told.contains("hint: ") && !told.contains("tokens lock"), "{told}");
    #[cfg(unix)]
    {
        let mut list = crate::support::command(["store", "list"]);
        list.env_clear();
        let told = run(list).ends_with(2).stderr;
        assert!(told.contains("--store-folder") && !told.contains("--module"), "{told}");
    }
}

#[test]
fn a_thumbprint_that_no_certificate_of_the_token_has_is_what_is_wrong() {
    let Some(twins) = Twins::new() else { return };
    twins.0.init_token("T", "1234");
    let (place, pin) = ("pkcs11:token=T", twins.pin());
    let pin = ["--key", place, "--pin-file", pin.to_str().unwrap()];
    let cert = |more: &[&str]| twins.run(["token", "cert"].iter().chain(more).chain(&pin));
    let none = cert(&["export", "--thumbprint", "aabb"]).ends_with(5).stderr;
    assert!(none.contains("no certificate in the token"), "{none}");
    for certificate in [&rsa().certificate, &ec().certificate] {
        cert(&["import", certificate.to_str().unwrap()]).ends_with(0);
    }
    let none = cert(&["export", "--thumbprint", "aabb"]).ends_with(5).stderr;
    assert!(none.contains("none of the 2 certificates"), "{none}");
    assert!(none.contains("chancery token cert list"), "{none}");
}

#[test]
fn an_authority_that_may_not_sign_certificates_is_told_from_one_that_may() {
    let folder = tempfile::tempdir().unwrap();
    let [pem, key] = ["ca.pem", "ca.key"].map(|name| folder.path().join(name));
    let (pem, key) = (pem.to_str().unwrap(), key.to_str().unwrap());
    let make = openssl([
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-subj",
        "/CN=A",
        "-keyout",
        key,
        "-out",
        pem,
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=digitalSignature",
    ]);
    assert!(make.status.success(), "{make:?}");
    let shown = chancery(["cert", "show", pem]).ends_with(0).stdout;
    assert!(shown.contains("its key usage is not to sign certificates"), "{shown}");
    let shown = chancery(["cert", "show", rsa().root.to_str().unwrap()]).ends_with(0).stdout;
    assert!(shown.contains("authority    yes"), "{shown}");
}

#[test]
fn the_wrong_document_is_called_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let make = |args: &str| {
        let paths = args.split(' ').map(|word| match word.strip_prefix('@') {
            Some(name) => at(name),
            None => word.to_owned(),
        });
        let output = openssl(paths);
        assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    };
    fs::write(at("index"), "").unwrap();
    let config = format!(
        "[ca]\ndefault_ca = a\n[a]\ndatabase = {}\ndefault_md = sha256\n[req]\ndistinguished_name = n\n[n]\n",
        at("index")
    );
    fs::write(at("cnf"), config).unwrap();
    for (name, kind) in [("rsa", "rsa:2048"), ("ec", "ec")] {
        let curve = if name == "ec" { " -pkeyopt ec_paramgen_curve:P-256" } else { "" };
        make(&format!(
            "req -config @cnf -new -newkey {kind}{curve} -noenc -keyout @{name} -subj /CN=x -out @{name}.req"
        ));
    }
    make("x509 -req -in @rsa.req -signkey @rsa -out @root");
    let kinds: [(&str, &[&str]); 6] = [
        (
            "a private key",
            &[
                "pkcs8 -topk8 -nocrypt -in @rsa -outform der -out @",
                "pkcs8 -topk8 -in @rsa -passout pass:x -outform der -out @",
                "rsa -in @rsa -traditional -outform der -out @",
                "ec -in @ec -outform der -out @",
            ],
        ),
        (
            "a public key",
            &[
                "rsa -in @rsa -pubout -outform der -out @",
                "rsa -in @rsa -RSAPublicKey_out -outform der -out @",
                "ec -in @ec -pubout -outform der -out @",
            ],
        ),
        (
            "a certificate",
            &[
                // Of version 1, and of version 3.
                "x509 -in @root -outform der -out @",
                "req -config @cnf -x509 -key @ec -subj /CN=x -addext keyUsage=cRLSign -outform der -out @",
            ],
        ),
        (
            "a certification request",
            &[
                "req -in @rsa.req -outform der -out @",
                "req -config @cnf -new -key @ec -subj / -outform der -out @",
            ],
        ),
        (
            "a revocation list",
            &[
                "ca -config @cnf -gencrl -keyfile @rsa -cert @root -crldays 1 -out @crl",
                "crl -in @crl -outform der -out @",
            ],
        ),
        ("a PKCS#7 signature or bundle", &["crl2pkcs7 -in @crl -outform der -out @"]),
    ];
    let wrong = at("wrong");
    for (kind, ways) in kinds {
        for way in ways {
            let is_step = !way.ends_with('@');
            make(&way.strip_suffix('@').map_or((*way).to_owned(), |way| format!("{way}@wrong")));
            if is_step {
                continue;
            }
            let (root, signer) =
                (rsa().root.to_str().unwrap(), rsa().certificate.to_str().unwrap());
            let asked: [(&str, &[&str]); 3] = [
                ("certificate", &["cert", "show", &wrong]),
                ("certification request", &["csr", "show", &wrong]),
                ("revocation list", &["cert", "verify", signer, "--roots", root, "--crl", &wrong]),
            ];
            for (wanted, args) in asked {
                let said = chancery(args);
                if kind.strip_prefix("a ") == Some(wanted) {
                    said.ends_with(0);
                    continue;
                }
                let expected = format!("no {wanted} in it: what it has is {kind}");
                assert!(said.stderr.contains(&expected), "{way}: {}", said.stderr);
            }
        }
    }
}

#[test]
fn a_broken_document_is_not_taken_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.der");
    let pem = fs::read(&rsa().certificate).unwrap();
    let mut der = chancery::x509::read_documents(&pem).unwrap().remove(0).der;
    // A UTCTime of 13 characters.
    let time = der.windows(2).position(|pair| pair == [0x17, 13]).unwrap();
    der[time] ^= 1;
    for (cut, what) in [(der.len(), "bad DER at byte"), (der.len() - 1, "neither PEM nor DER")] {
        fs::write(&broken, &der[..cut]).unwrap();
        let said = chancery(["cert", "show", broken.to_str().unwrap()]).ends_with(3).stderr;
        assert!(said.contains(what), "{said}");
    }
}
