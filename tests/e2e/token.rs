//! The same main job with a key that never leaves a token.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use chancery_testkit::corpus::corpus;
use chancery_testkit::faulty::FaultyToken;
use chancery_testkit::openssl::openssl;
use chancery_testkit::oracles::Oracles;
use chancery_testkit::softhsm::SoftHsm;
use chancery_testkit::tamper::flip_byte;

use crate::support::{Run, program, run, section_offset};

/// A private SoftHSM with the token `T`, PIN 1234 in a file with a trailing newline, and an openssl CA.
struct Bench {
    hsm: SoftHsm,
}

impl Bench {
    fn new() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        hsm.init_token("T", "1234");
        crate::support::write_secret(hsm.dir().join("pin"), "1234\n");
        Some(Self { hsm })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.hsm.dir().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    /// Runs the command with the token's module and PIN.
    fn chancery<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.hsm.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(args).arg("--pin-file").arg(self.at("pin"));
        command.env("PKCS11_MODULE", self.hsm.module());
        run(command)
    }

    fn generate(&self, object: &str, kind: [&str; 2]) -> String {
        let key = format!("pkcs11:token=T;object={object}");
        self.chancery(["key", "generate", "--key", &key, kind[0], kind[1]]).ends_with(0);
        key
    }

    /// Has openssl issue a certificate for a key's request: `cert.pem` under `ca.pem`.
    fn certify(&self, key: &str) {
        let request = self.path("request.csr");
        let _ = fs::remove_file(&request);
        let subject = "CN=Token Signer";
        self.chancery(["csr", "new", "--subject", subject, "--key", key, "--out", &request])
            .ends_with(0);
        let (ca, ca_key, ext) = (self.path("ca.pem"), self.path("ca.key"), self.path("ext"));
        fs::write(&ext, "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n")
            .unwrap();
        if !Path::new(&ca).exists() {
            let args = [
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=Token Root",
                "-days",
                "300",
                "-keyout",
                &ca_key,
                "-out",
                &ca,
            ];
            assert!(openssl(args).status.success());
        }
        let args = [
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            "200",
            "-extfile",
            &ext,
            "-out",
            &self.path("cert.pem"),
        ];
        let output = openssl(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // LIEF refuses a certificate that begins in the second it is looked at.
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }

    fn sign(&self, key: &str, files: &[PathBuf], out: &Path) -> Run {
        let (cert, ca) = (self.at("cert.pem"), self.at("ca.pem"));
        let mut args: Vec<&OsStr> = vec!["sign".as_ref()];
        args.extend(files.iter().map(|file| file.as_os_str()));
        args.extend(["--key", key, "--cert"].map(OsStr::new));
        args.extend([cert.as_os_str(), "--chain".as_ref(), ca.as_os_str()]);
        args.extend(["--out".as_ref(), out.as_os_str()]);
        self.chancery(args)
    }
}

/// Ten executables: of the corpus where it is, made here where not.
fn ten_programs(bench: &Bench) -> Vec<PathBuf> {
    if let Some(corpus) = corpus() {
        let unsigned = corpus.of_kind("pe").filter(|file| {
            file.expects("unsigned")
                && !file.name.starts_with("pocs")
                && !file.name.starts_with("gen-mut")
        });
        return unsigned.take(10).map(|file| file.path.clone()).collect();
    }
    (0..10)
        .map(|number| {
            let (_folder, source) = program();
            let path = bench.at(&format!("program{number}.exe"));
            fs::copy(source, &path).unwrap();
            path
        })
        .collect()
}

#[test]
fn token_keys_sign_what_oracles_accept_and_refuse_when_changed() {
    let Some(bench) = Bench::new() else { return };
    for (object, kind) in [("release", ["--rsa", "3072"]), ("curve", ["--ec", "p256"])] {
        let key = bench.generate(object, kind);
        bench.certify(&key);
        let out = bench.at(object);
        fs::create_dir(&out).unwrap();
        let programs = ten_programs(&bench);
        assert_eq!(programs.len(), 10);
        bench.sign(&key, &programs, &out).ends_with(0);
        for program in &programs {
            let signed = out.join(program.file_name().unwrap());
            Oracles::discover().assert_accept(&signed, &bench.at("ca.pem"));
            flip_byte(&signed, section_offset(&fs::read(&signed).unwrap()).unwrap());
            Oracles::discover().assert_refuse(&signed, &bench.at("ca.pem"));
        }
    }
    let listed = bench.hsm.pkcs11_tool([
        "--token-label",
        "T",
        "--login",
        "--pin",
        "1234",
        "--list-objects",
        "--type",
        "privkey",
    ]);
    let kept = listed.matches("sensitive, always sensitive, never extractable, local").count();
    assert_eq!(kept, 2, "{listed}");
}

#[test]
fn quickstart_makes_a_key_on_the_token_and_uses_it_again() {
    let Some(bench) = Bench::new() else { return };
    let (_folder, program) = program();
    let key = "pkcs11:token=T;object=quick";
    for said in ["made an RSA 3072 key", "opened the key"] {
        let args =
            ["quickstart", program.to_str().unwrap(), "--key", key, "--out", &bench.path("out")];
        let done = bench.chancery(args).ends_with(0);
        assert!(done.stdout.contains(said), "{}", done.stdout);
        let at = |name: &str| bench.at("out").join(name);
        Oracles::discover().assert_accept(&at("signed.exe"), &at("ca.pem"));
        assert!(!at("key.pem").exists(), "the key is on the token and nowhere else");
    }
    let keys = bench.chancery(["key", "list", "--key", "pkcs11:token=T"]).ends_with(0);
    assert_eq!(keys.stdout.lines().count(), 1, "{}", keys.stdout);
}

#[test]
fn a_key_is_found_by_certificate_and_modulus_among_two_hundred() {
    let Some(bench) = Bench::new() else { return };
    let wanted = bench.generate("wanted", ["--rsa", "2048"]);
    bench.certify(&wanted);
    // Elliptic keys are quick to make; four RSA keys are there to be told apart by their modulus.
    for number in 0..4 {
        bench.generate(&format!("rsa{number}"), ["--rsa", "2048"]);
    }
    let pem = bench.path("bulk.pem");
    for number in 0..195 {
        let args =
            ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &pem];
        assert!(openssl(args).status.success());
        let label = format!("bulk{number}");
        let id = format!("{:04x}", number + 1);
        bench.hsm.import_key("T", "1234", Path::new(&pem), &label, &id);
    }
    let all = bench.chancery(["key", "list", "--key", "pkcs11:token=T"]).ends_with(0);
    assert_eq!(all.stdout.lines().count(), 200);

    let modulus = openssl(["x509", "-in", &bench.path("cert.pem"), "-noout", "-modulus"]);
    fs::write(bench.at("modulus"), modulus.stdout).unwrap();
    for by in [["--cert", &bench.path("cert.pem")], ["--modulus", &bench.path("modulus")]] {
        let args = ["key", "find", "--key", "pkcs11:token=T", by[0], by[1], "--format", "json"];
        let found = bench.chancery(args).ends_with(0).object();
        assert_eq!(found["label"], "wanted");
        assert_eq!(found["never_extractable"], true);
        let address = found["key"].as_str().unwrap();
        bench.chancery(["key", "test", "--key", address]).ends_with(0);
    }
    // Another key's modulus is not there; half of one may be why; what no key can have is no modulus.
    let args = ["key", "find", "--key", "pkcs11:token=T", "--modulus", &bench.path("modulus")];
    for (text, code, says) in [
        (format!("Modulus={}\n", "C1".repeat(256)), 1, "no key"),
        (format!("Modulus={}\n", "C1".repeat(250)), 1, "2000 bits, which is no usual length"),
        ("Modulus=C0FFEE01\n".into(), 3, "a modulus of 32 bits"),
        ("Modulus=No modulus for this public key type\n".into(), 3, "no RSA key"),
    ] {
        fs::write(bench.at("modulus"), text).unwrap();
        let run = bench.chancery(args).ends_with(code);
        assert!(run.stderr.contains(says), "{}", run.stderr);
        let again = run.stderr.contains("hint: write") && run.stderr.contains("cert modulus");
        assert_eq!(again, says != "no key", "{}", run.stderr);
    }
}

#[test]
fn two_keys_with_one_modulus_are_both_named() {
    let Some(bench) = Bench::new() else { return };
    let pem = bench.path("key.pem");
    let args = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &pem];
    assert!(openssl(args).status.success());
    for (label, id) in [("one", "01"), ("two", "02")] {
        bench.hsm.import_key("T", "1234", Path::new(&pem), label, id);
    }
    let modulus = openssl(["rsa", "-in", &pem, "-noout", "-modulus"]);
    fs::write(bench.at("modulus"), modulus.stdout).unwrap();
    let args = ["key", "find", "--key", "pkcs11:token=T", "--modulus", &bench.path("modulus")];
    let both = bench.chancery(args).ends_with(6);
    assert!(both.stdout.contains("object=one") && both.stdout.contains("object=two"));
    let run = bench.chancery(["key", "test", "--key", "pkcs11:token=T"]).ends_with(6);
    assert!(run.stderr.contains("--key 'pkcs11:token=T;object=one"), "{}", run.stderr);
    assert!(run.stderr.contains("--key 'pkcs11:token=T;object=two"), "{}", run.stderr);
}

#[test]
fn two_tokens_of_one_label_are_told_apart_by_serial() {
    let Some(bench) = Bench::new() else { return };
    bench.hsm.init_token("T", "1234");
    let run = bench.chancery(["key", "list", "--key", "pkcs11:token=T"]).ends_with(6);
    let serials = run.stderr.matches("serial=").count();
    assert_eq!(serials, 2, "{}", run.stderr);
    let mut listed = bench.hsm.command(env!("CARGO_BIN_EXE_chancery"));
    listed.args(["token", "list", "--format", "json", "--module"]).arg(bench.hsm.module());
    let tokens = run_objects(listed);
    let uri = tokens.iter().find(|token| token["label"] == "T").unwrap()["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    bench.chancery(["key", "list", "--key", &uri]).ends_with(0);
}

fn run_objects(command: std::process::Command) -> Vec<serde_json::Value> {
    run(command).ends_with(0).objects()
}

#[test]
fn a_wrong_pin_is_tried_once_and_never_shown() {
    let Some(bench) = Bench::new() else { return };
    let key = bench.generate("release", ["--ec", "p256"]);
    fs::write(bench.at("pin"), "9876").unwrap();
    let run = bench.chancery(["key", "test", "--key", &key]).ends_with(4);
    assert!(run.stderr.contains("CKR_PIN_INCORRECT"), "{}", run.stderr);
    assert!(!run.stderr.contains("9876") && !run.stdout.contains("9876"), "{}", run.stderr);
    assert_eq!(run.stderr.matches("C_Login").count(), 1, "{}", run.stderr);
    // From the environment and from a descriptor.
    for (option, value) in [("--pin-env", "CHANCERY_E2E_PIN"), ("--pin-fd", "0")] {
        let mut command = bench.hsm.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(["key", "test", "--key", &key, option, value, "--module"]);
        command.arg(bench.hsm.module()).env("CHANCERY_E2E_PIN", "1234");
        fs::write(bench.at("right"), "1234\n").unwrap();
        command.stdin(fs::File::open(bench.at("right")).unwrap());
        crate::support::run(command).ends_with(0);
    }
}

#[test]
fn the_variables_of_hsm_clients_are_taken_for_tokens_and_judged_first() {
    let Some(bench) = Bench::new() else { return };
    let key = bench.generate("release", ["--ec", "p256"]);
    let test_with = |variable: &str, value: &str| {
        let mut command = bench.hsm.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(["key", "test", "--key", &key, "--sessions", "1", "--module"]);
        command.arg(bench.hsm.module()).env(variable, value);
        run(command)
    };
    test_with("HSM_PIN", "1234").ends_with(0);
    let refused = test_with("HSM_PIN", "user:9876").ends_with(4);
    assert!(refused.stderr.contains("C_Login: CKR_PIN_INCORRECT"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("9876"), "{}", refused.stderr);
    for variable in ["CLOUDHSM_PIN", "n3fips_password"] {
        let bare = test_with(variable, "1234").ends_with(4);
        assert!(bare.stderr.contains(variable), "{}", bare.stderr);
        assert!(!bare.stderr.contains("C_Login"), "no try was spent: {}", bare.stderr);
    }
}

#[test]
fn modules_tokens_and_keys_that_are_not_there() {
    let Some(bench) = Bench::new() else { return };
    let key = bench.generate("release", ["--ec", "p256"]);
    let text = bench.path("pin");
    for (module, part) in
        [("/no/such/module.so", "is not there"), (text.as_str(), "cannot be loaded")]
    {
        let run = bench.chancery(["key", "test", "--key", &key, "--module", module]).ends_with(5);
        assert!(run.stderr.contains(part) && run.stderr.contains(module), "{}", run.stderr);
    }
    let missing = bench.chancery(["key", "test", "--key", "pkcs11:token=U;object=x"]).ends_with(5);
    assert!(missing.stderr.contains("`T`"), "the tokens there are are named: {}", missing.stderr);
    bench.chancery(["key", "test", "--key", "pkcs11:token=T;object=x"]).ends_with(5);
    let pin =
        bench.chancery(["key", "test", "--key", "pkcs11:token=T;pin-value=1234"]).ends_with(2);
    assert!(pin.stderr.contains("pin-value"), "{}", pin.stderr);
    let again = bench.chancery(["key", "generate", "--key", &key, "--ec", "p256"]).ends_with(8);
    assert!(again.stderr.contains("release"), "{}", again.stderr);
}

#[test]
fn a_certificate_kept_on_the_token_signs_without_its_file() {
    let Some(bench) = Bench::new() else { return };
    let key = bench.generate("release", ["--rsa", "2048"]);
    bench.certify(&key);
    let token = ["--key", "pkcs11:token=T"];
    let cert = |args: &[&str]| bench.chancery(["token", "cert"].iter().chain(args).chain(&token));
    let (_folder, program) = program();
    let (file, out) = (program.to_str().unwrap(), bench.path("signed.exe"));
    let sign = ["sign", file, "--key", &key, "--cert", "token", "--out", &out];
    bench.chancery(sign).ends_with(1);

    for file in ["cert.pem", "ca.pem"] {
        cert(&["import", &bench.path(file)]).ends_with(0);
    }
    cert(&["import", &bench.path("cert.pem")]).ends_with(8);
    let listed = cert(&["list", "--format", "json"]).ends_with(0).objects();
    assert_eq!(listed.len(), 2);
    let own = listed.iter().find(|object| object["subject"] == "CN=Token Signer").unwrap();
    assert!(own["key"].as_str().unwrap().contains("object=release"), "{own}");
    assert_eq!(own["label"], "release");

    // A dry run says which certificate it would be, and asks nobody for a PIN.
    let mut plan = bench.hsm.command(env!("CARGO_BIN_EXE_chancery"));
    plan.args(["sign", file, "--key", &key, "--cert", "token", "--dry-run", "--format", "json"]);
    plan.arg("--module").arg(bench.hsm.module());
    let plan = run(plan).ends_with(0).object();
    assert_eq!((&plan["type"], &plan["signer"]), (&"plan".into(), &"CN=Token Signer".into()));
    assert_eq!(plan["key"], key);
    let other = "pkcs11:token=T;object=other";
    let dry = ["sign", file, "--key", other, "--cert", "token", "--dry-run"];
    let none = bench.chancery(dry).ends_with(1);
    assert!(none.stderr.contains("shows no valid certificate"), "{}", none.stderr);

    bench.chancery(sign).ends_with(0);
    Oracles::discover().assert_accept(Path::new(&out), &bench.at("ca.pem"));

    let many = cert(&["export"]).ends_with(6);
    assert!(many.stderr.contains("--thumbprint"), "{}", many.stderr);
    let thumbprint = own["thumbprint"].as_str().unwrap();
    let exported = cert(&["export", "--thumbprint", thumbprint]).ends_with(0).stdout;
    fs::write(bench.at("exported.pem"), exported).unwrap();
    let der = |name: &str| openssl(["x509", "-in", &bench.path(name), "-outform", "DER"]).stdout;
    assert_eq!(der("exported.pem"), der("cert.pem"));

    let kept = cert(&["delete", "--thumbprint", thumbprint]).ends_with(2);
    assert!(kept.stdout.contains(thumbprint) && kept.stderr.contains("--yes"), "{kept:?}");
    cert(&["delete", "--thumbprint", thumbprint, "--yes"]).ends_with(0);
    assert_eq!(cert(&["list", "--format", "json"]).ends_with(0).objects().len(), 1);
}

#[test]
fn a_call_that_hangs_ends_the_run_by_name_and_leaves_the_file_as_it_was() {
    let Some(bench) = Bench::new() else { return };
    let key = bench.generate("release", ["--ec", "p256"]);
    bench.certify(&key);
    let faulty = FaultyToken::over(&bench.hsm);
    let programs: Vec<_> = ["one.exe", "two.exe"].map(|name| bench.at(name)).into();
    for path in &programs {
        let (_folder, source) = program();
        fs::copy(source, path).unwrap();
    }
    let before = fs::read(&programs[1]).unwrap();
    let sign = |rule: &str, more: &[&str]| {
        faulty.follow(rule);
        let mut command = faulty.command(env!("CARGO_BIN_EXE_chancery"));
        command.arg("sign").args(&programs).args(["--key", &key, "--replace", "--cert"]);
        command.arg(bench.at("cert.pem")).arg("--chain").arg(bench.at("ca.pem"));
        command
            .arg("--pin-file")
            .arg(bench.at("pin"))
            .arg("--module")
            .arg(faulty.module())
            .args(more);
        run(command)
    };
    let hung = sign("hang C_Sign from 2", &["--token-timeout", "5"]).ends_with(9);
    for part in ["C_Sign", "chancery_faulty_token", "--token-timeout"] {
        assert!(hung.stderr.contains(part), "{part}: {}", hung.stderr);
    }
    // Two files are worked on at once, and either may be the second to sign.
    let named = |name: &str| hung.stderr.contains(&format!("{name}: C_Sign"));
    let second = usize::from(named("two.exe"));
    assert!(named(["one.exe", "two.exe"][second]), "{}", hung.stderr);
    assert_eq!(fs::read(&programs[second]).unwrap(), before);
    let names = fs::read_dir(bench.hsm.dir()).unwrap().map(|entry| entry.unwrap().file_name());
    for name in names.filter_map(|name| name.into_string().ok()) {
        // What the process had no time to remove is called what the message says.
        if Path::new(&name).extension().is_some_and(|ending| ending == "tmp") {
            assert!(name.starts_with(".chancery-") && hung.stderr.contains("`.chancery-*.tmp`"));
        }
    }
    assert_ne!(fs::read(&programs[1 - second]).unwrap(), before, "the other was signed before");

    let again = sign("fail C_Sign CKR_DEVICE_ERROR from 2 times 2", &[]).ends_with(0);
    assert!(again.stderr.contains("CKR_DEVICE_ERROR 2 times"), "{}", again.stderr);
    let last_try = sign("set-flag CKF_USER_PIN_FINAL_TRY", &[]).ends_with(4);
    assert!(last_try.stderr.contains("hint: ") && last_try.stderr.contains("--allow-final-try"));
    sign("set-flag CKF_USER_PIN_FINAL_TRY", &["--allow-final-try"]).ends_with(0);
}

#[test]
fn a_search_names_what_it_passed_over_and_may_go_over_all_tokens() {
    let Some(bench) = Bench::new() else { return };
    bench.hsm.init_token("U", "1234");
    let key = bench.generate("release", ["--ec", "p256"]);
    bench.certify(&key);
    bench.generate("other", ["--ec", "p256"]);
    let cert = bench.path("cert.pem");
    let find = |more: &[&str]| {
        bench.chancery(["key", "find", "--cert", &cert, "--key"].iter().chain(more))
    };
    find(&["pkcs11:token=T"]).ends_with(0);
    find(&["pkcs11:"]).ends_with(6);
    // Here the other token wants no PIN of its own.
    let settings = |text: &str| fs::write(bench.at("chancery.toml"), text).unwrap();
    settings("[token.T]\npin = { file = 'pin' }\n[token.U]\npin = { file = 'pin' }\n");
    let find_everywhere = || {
        let mut command = bench.hsm.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(["key", "find", "--key", "pkcs11:", "--all-tokens", "--cert", &cert]);
        command.env("PKCS11_MODULE", bench.hsm.module());
        command.env("CHANCERY_CONFIG", bench.at("chancery.toml"));
        run(command)
    };
    let everywhere = find_everywhere().ends_with(0);
    assert!(everywhere.stdout.contains("token=T;object=release"), "{}", everywhere.stdout);

    bench.chancery(["key", "delete", "--key", &key, "--yes"]).ends_with(0);
    find_everywhere().ends_with(1);
    let none = find(&["pkcs11:token=T"]).ends_with(1);
    assert!(none.stderr.contains("object=other"), "{}", none.stderr);
    assert!(none.stderr.contains("has another public key"), "{}", none.stderr);
}

#[test]
fn one_pin_is_never_tried_on_two_tokens() {
    let Some(bench) = Bench::new() else { return };
    let key = bench.generate("release", ["--ec", "p256"]);
    bench.certify(&key);
    let faulty = FaultyToken::over(&bench.hsm);
    let find = |source: &[&str], variable: &str| {
        faulty.forget_calls();
        let mut command = faulty.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(["key", "find", "--key", "pkcs11:", "--all-tokens"]).args(source);
        command.arg("--cert").arg(bench.at("cert.pem")).arg("--module").arg(faulty.module());
        command.env("CHANCERY_CONFIG", bench.at("chancery.toml")).env(variable, "1234");
        run(command)
    };
    let config = |text: &str| fs::write(bench.at("chancery.toml"), text).unwrap();
    let file = ["--pin-file", &bench.path("pin")];
    config("");
    find(&file, "NONE").ends_with(0);
    assert_eq!(faulty.count("C_Login"), 1, "one token has one PIN");

    bench.hsm.init_token("U", "5678");
    let sources = [
        (&file[..], "NONE", ""),
        (&["--pin-env", "GIVEN"], "GIVEN", ""),
        (&[], "HSM_PIN", ""),
        (&[], "NONE", "pin = { file = 'pin' }"),
        // What is given on the command line goes before what the settings say.
        (&file, "NONE", "[token.U]\npin = { env = 'U_PIN' }"),
    ];
    for (source, variable, settings) in sources {
        config(settings);
        let refused = find(source, variable).ends_with(6);
        for part in ["token=T", "token=U", "hint: choose one:  --key", "[token.LABEL]"] {
            assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
        }
        assert_eq!(faulty.count("C_Login"), 0, "{source:?} {variable} {settings}");
    }
    fs::write(bench.at("other"), "5678\n").unwrap();
    config("pin = { file = 'pin' }\n[token.U]\npin = { file = 'other' }\n");
    find(&[], "NONE").ends_with(0);
    assert_eq!(faulty.count_of("C_Login", "CKR_PIN_INCORRECT"), 0);
    assert_eq!(faulty.count_of("C_Login", "CKR_OK"), 2);
}

#[test]
fn a_key_is_renamed_and_deleted_when_told_so_twice() {
    let Some(bench) = Bench::new() else { return };
    let key = bench.generate("old", ["--ec", "p256"]);
    bench.chancery(["key", "rename", "--key", &key, "--label", "new", "--id", "0g"]).ends_with(2);
    bench
        .chancery(["key", "rename", "--key", &key, "--label", "new", "--id", "0a:1f"])
        .ends_with(0);
    let new = "pkcs11:token=T;object=new;id=%0A%1F";
    bench.chancery(["key", "test", "--key", new]).ends_with(0);
    let kept = bench.chancery(["key", "delete", "--key", new]).ends_with(2);
    assert!(kept.stdout.contains("object=new") && kept.stderr.contains("--yes"), "{kept:?}");
    bench.chancery(["key", "delete", "--key", new, "--yes"]).ends_with(0);
    bench.chancery(["key", "delete", "--key", new, "--yes"]).ends_with(5);
    let (_folder, file) = program();
    let file = format!("file:{}", file.display());
    bench.chancery(["key", "delete", "--key", &file, "--yes"]).ends_with(2);
}

#[test]
fn a_certificate_of_another_key_signs_nothing() {
    let Some(bench) = Bench::new() else { return };
    let right = bench.generate("right", ["--ec", "p256"]);
    let wrong = bench.generate("wrong", ["--ec", "p256"]);
    bench.certify(&right);
    let (_folder, program) = program();
    let before = fs::read(&program).unwrap();
    let run = bench.sign(&wrong, std::slice::from_ref(&program), &bench.at("out.exe")).ends_with(1);
    assert!(run.stderr.contains("CN=Token Signer"), "{}", run.stderr);
    assert_eq!(fs::read(&program).unwrap(), before);
    assert!(!bench.at("out.exe").exists());
}

#[test]
fn a_token_on_another_machine_signs_a_file_that_it_never_sees() {
    let Some(bench) = Bench::new() else { return };
    for (object, kind) in [("far-rsa", ["--rsa", "2048"]), ("far-ec", ["--ec", "p256"])] {
        let key = bench.generate(object, kind);
        bench.certify(&key);
        let (certificate, ca) = (bench.path("cert.pem"), bench.path("ca.pem"));
        let (_folder, file) = program();
        let path = file.to_str().unwrap();
        let prepare = ["digest", path, "--for-signing", "--cert", &certificate, "--chain", &ca];
        crate::support::chancery(prepare).ends_with(0);
        // The digest goes there alone, and the signature comes back alone.
        let there = tempfile::tempdir().unwrap();
        let carried = there.path().join("program.exe.chancery-digest");
        fs::rename(file.with_file_name("program.exe.chancery-digest"), &carried).unwrap();
        let digest_file = carried.to_str().unwrap();
        bench.chancery(["sign", "--digest-file", digest_file, "--key", &key]).ends_with(0);
        let signature = there.path().join("program.exe.signed");
        crate::support::chancery(["attach", path, signature.to_str().unwrap()]).ends_with(0);
        let oracles = Oracles::discover();
        oracles.assert_accept(&file, Path::new(&ca));
        flip_byte(&file, section_offset(&fs::read(&file).unwrap()).unwrap());
        oracles.assert_refuse(&file, Path::new(&ca));
    }
}
