//! `token doctor`: what it says of tokens that are in order, and of those that are not.

use std::ffi::OsStr;
use std::fs;

use chancery_testkit::faulty::FaultyToken;
use chancery_testkit::openssl::openssl;
use chancery_testkit::softhsm::SoftHsm;
use serde_json::Value;

use crate::support::{Run, run};

/// A token `T` with PIN 1234, behind the module that breaks it.
struct Ward {
    hsm: SoftHsm,
}

impl Ward {
    fn new() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        hsm.init_token("T", "1234");
        crate::support::write_secret(hsm.dir().join("pin"), "1234\n");
        fs::write(hsm.dir().join("wrong"), "0000\n").unwrap();
        Some(Self { hsm })
    }

    fn path(&self, name: &str) -> String {
        self.hsm.dir().join(name).to_str().unwrap().to_owned()
    }

    fn token(&self) -> FaultyToken<'_> {
        FaultyToken::over(&self.hsm)
    }

    fn chancery<S: AsRef<OsStr>>(
        &self,
        token: &FaultyToken<'_>,
        pin: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Run {
        let mut command = token.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(args).args(["--pin-file", &self.path(pin)]);
        command.env("PKCS11_MODULE", token.module());
        run(command)
    }

    /// Makes a key pair in the token.
    fn generate(&self, label: &str, id: &str) {
        let login = ["--token-label", "T", "--login", "--pin", "1234", "--keypairgen"];
        let kind = ["--key-type", "EC:prime256v1", "--label", label, "--id", id];
        self.hsm.pkcs11_tool(login.into_iter().chain(kind));
    }

    /// Asks for a certificate for a key of the token; returns the request.
    fn request(&self, label: &str) -> String {
        let (request, subject) = (self.path(&format!("{label}.csr")), format!("CN={label}"));
        let key = format!("pkcs11:token=T;object={label}");
        let args = ["csr", "new", "--subject", &subject, "--key", &key, "--out", &request];
        self.chancery(&self.token(), "pin", args).ends_with(0);
        request
    }

    /// Has OpenSSL issue a certificate for a request, and puts it into the token.
    fn certify(&self, request: &str, label: &str, id: &str) {
        let [ca, ca_key, extensions, pem, der] =
            ["ca.pem", "ca.key", "extensions", "leaf.pem", "leaf.der"].map(|name| self.path(name));
        let text = "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n\
                    extendedKeyUsage=codeSigning\n";
        fs::write(&extensions, text).unwrap();
        let root = ["req", "-x509", "-subj", "/CN=Root", "-nodes", "-out", &ca, "-keyout", &ca_key];
        succeed(&[&root[..], &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]].concat());
        let issue = ["x509", "-req", "-in", request, "-CA", &ca, "-CAkey", &ca_key, "-days", "9"];
        succeed(&[&issue[..], &["-extfile", &extensions, "-out", &pem]].concat());
        succeed(&["x509", "-in", &pem, "-outform", "DER", "-out", &der]);
        let login = ["--token-label", "T", "--login", "--pin", "1234", "--write-object", &der];
        let object = ["--type", "cert", "--id", id, "--label", label];
        self.hsm.pkcs11_tool(login.into_iter().chain(object));
    }
}

fn succeed(args: &[&str]) {
    let output = openssl(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The findings worse than a note, as `severity name`.
fn troubles(run: &Run) -> Vec<String> {
    let object = |object: &Value| {
        let text = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
        matches!(text("severity").as_str(), "warning" | "problem")
            .then(|| format!("{} {}", text("severity"), text("name")))
    };
    run.objects().iter().filter_map(object).collect()
}

const KEY: &str = "pkcs11:token=T;object=release";

#[test]
fn a_healthy_token_is_called_so_and_its_key_signs() {
    let Some(ward) = Ward::new() else { return };
    ward.generate("release", "01");
    ward.certify(&ward.request("release"), "release", "01");
    let token = ward.token();
    let args = ["token", "doctor", "--token", "T", "--key", KEY];
    let said = ward.chancery(&token, "pin", args).ends_with(0);
    assert!(said.stdout.ends_with("nothing is wrong\n"), "{}", said.stdout);
    assert!(said.stdout.contains("`CN=release` belongs to"), "{}", said.stdout);
    assert!(said.stdout.contains("verified by its public key"), "{}", said.stdout);
    assert_eq!(token.count_of("C_Sign", "CKR_OK"), 1);
    let json =
        ward.chancery(&token, "pin", args.into_iter().chain(["--format", "json"])).ends_with(0);
    assert_eq!(troubles(&json), [""; 0]);
    assert_eq!(json.objects().last().unwrap()["healthy"], true);
    let quiet = ward.chancery(&token, "pin", args.into_iter().chain(["-q"])).ends_with(0);
    assert_eq!(quiet.stdout, "");
}

#[test]
fn a_wrong_pin_is_spent_once_and_the_command_to_type_is_there() {
    let Some(ward) = Ward::new() else { return };
    ward.generate("release", "01");
    let token = ward.token();
    token.follow("pin-tries 3");
    let args = ["token", "doctor", "--key", KEY];
    let said = ward.chancery(&token, "wrong", args).ends_with(4);
    assert!(said.stdout.contains("PROBLEM"), "{}", said.stdout);
    assert!(said.stdout.contains("C_Login: CKR_PIN_INCORRECT"), "{}", said.stdout);
    assert!(said.stdout.contains("mend it: it was tried once"), "{}", said.stdout);
    assert_eq!(token.count("C_Login"), 1, "{:?}", token.calls());
    let again = args.into_iter().chain(["--format", "json"]);
    let json = ward.chancery(&token, "pin", again).ends_with(0);
    assert_eq!(troubles(&json), ["warning pin-tries-spent"]);
}

#[test]
fn no_pin_is_given_to_a_token_that_is_locked_or_about_to_be() {
    let Some(ward) = Ward::new() else { return };
    let token = ward.token();
    for (left, name) in [("0", "pin-locked"), ("1", "pin-final-try")] {
        token.follow(&format!("pin-tries 3 left {left}"));
        let said =
            ward.chancery(&token, "pin", ["token", "doctor", "--format", "json"]).ends_with(4);
        assert_eq!(troubles(&said), [format!("problem {name}")]);
        let said = ward.chancery(&token, "pin", ["token", "doctor"]).ends_with(4).stdout;
        assert!(said.contains("--token-label 'T' --login --login-type so --init-pin"), "{said}");
    }
    assert_eq!(token.count("C_Login"), 0);
}

#[test]
fn a_certificate_whose_key_is_elsewhere_is_found() {
    let Some(ward) = Ward::new() else { return };
    ward.generate("release", "01");
    ward.certify(&ward.request("release"), "release", "01");
    // A key that OpenSSL has, and the token has not.
    let (key, request) = (ward.path("lost.pem"), ward.path("lost.csr"));
    let make = ["req", "-new", "-subj", "/CN=lost", "-nodes", "-keyout", &key, "-out", &request];
    succeed(&[&make[..], &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]].concat());
    ward.certify(&request, "lost", "02");
    let token = ward.token();
    let said = ward.chancery(&token, "pin", ["token", "doctor", "--format", "json"]).ends_with(1);
    assert_eq!(troubles(&said), ["problem certificate-without-key"]);
    let said = ward.chancery(&token, "pin", ["token", "doctor"]).ends_with(1).stdout;
    assert!(said.contains("no private key of the token belongs to `CN=lost`"), "{said}");
    assert!(
        said.contains("chancery token cert export --key 'pkcs11:token=T;object=lost"),
        "{said}"
    );
    assert!(said.ends_with("1 problem, 0 warnings\n"), "{said}");
}

#[test]
fn two_keys_with_one_id_are_named_both() {
    let Some(ward) = Ward::new() else { return };
    ward.generate("first", "0a");
    ward.generate("second", "0a");
    let token = ward.token();
    let said = ward.chancery(&token, "pin", ["token", "doctor"]).ends_with(1).stdout;
    assert!(said.contains("2 keys have the identifier 0a"), "{said}");
    assert!(said.contains("object=first") && said.contains("object=second"), "{said}");
    assert!(said.contains("chancery key rename --key 'pkcs11:"), "{said}");
}

#[test]
fn what_cannot_be_examined_is_said_and_ends_with_five() {
    let Some(ward) = Ward::new() else { return };
    let token = ward.token();
    let absent = ["token", "doctor", "--token", "elsewhere", "--format", "json"];
    let said = ward.chancery(&token, "pin", absent).ends_with(5);
    assert_eq!(troubles(&said), ["problem no-token"]);
    let module = ["token", "doctor", "--module", "/no/such/module.so", "--format", "json"];
    let said = ward.chancery(&token, "pin", module).ends_with(5);
    assert_eq!(troubles(&said), ["problem module-unusable", "problem no-token"]);
    token.follow("fail C_GetSlotList CKR_FUNCTION_NOT_SUPPORTED");
    let said = ward.chancery(&token, "pin", ["token", "doctor", "--format", "json"]).ends_with(5);
    assert_eq!(troubles(&said), ["problem slots-unreadable", "problem no-token"]);
}
