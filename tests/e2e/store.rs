//! Certificate stores: a certificate goes to another machine, is bound to its key there, and signs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chancery_testkit::openssl::openssl;
use chancery_testkit::softhsm::SoftHsm;

use crate::support::{Run, program, run};

/// A machine: a SoftHSM with tokens of its own, stores of its own, settings of its own.
struct Machine {
    hsm: SoftHsm,
}

impl Machine {
    fn new() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        let machine = Self { hsm };
        fs::write(machine.at("pin"), "1234\n").unwrap();
        let module = machine.hsm.module().display();
        let settings = format!(
            "module = '{module}'\nstore = 'stores'\npin = {{ file = 'pin' }}\n\
             [provider.\"Cavium Key Storage Provider\"]\nmodule = '{module}'\ntoken = 'cluster'\n"
        );
        fs::write(machine.at("chancery.toml"), settings).unwrap();
        Some(machine)
    }

    /// Another machine whose tokens are copies of this one's, as members of a cluster share keys.
    fn clone_of(other: &Self) -> Option<Self> {
        let machine = Self::new()?;
        copy(&other.at("tokens"), &machine.at("tokens"));
        Some(machine)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.hsm.dir().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.hsm.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(args).env_remove("PKCS11_MODULE");
        command.env("CHANCERY_CONFIG", self.at("chancery.toml"));
        command
    }

    /// Runs the command with nothing but its settings.
    fn chancery<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        run(self.command(args))
    }

    /// Makes a key and its certificate under a root: `signer.cer` and `root.cer`.
    fn certify(&self, key: &str) {
        let (ca, root) = (format!("file:{}", self.path("ca.pem")), self.path("root.cer"));
        let (request, signer) = (self.path("request.csr"), self.path("signer.cer"));
        let key = format!("pkcs11:token=cluster;object={key}");
        self.chancery(["key", "generate", "--key", &key, "--rsa", "2048"]).ends_with(0);
        self.chancery(["key", "generate", "--key", &ca, "--ec", "p256"]).ends_with(0);
        let cert = ["cert", "issue", "--key", &ca];
        let root_args = ["--profile", "root", "--subject", "CN=MYRootCA", "--out", &root];
        self.chancery(cert.iter().chain(&root_args)).ends_with(0);
        let subject = "CN=www.mydomain.com,O=Information Technology,C=US";
        let csr = ["csr", "new", "--subject", subject, "--key", &key, "--out", &request];
        self.chancery(csr).ends_with(0);
        let signer_args = ["--request", &request, "--cert", &root, "--out", &signer];
        self.chancery(cert.iter().chain(&signer_args)).ends_with(0);
    }

    fn thumbprint(&self, store: &str) -> String {
        let shown = self.chancery(["store", "list", store, "--format", "json"]).ends_with(0);
        shown.object()["thumbprint"].as_str().unwrap().to_owned()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

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
    let inf = "[Properties]\r\n11 = \"\" ; Add friendly name property\r\n2 = \"{text}\" ; Add Key \
               Provider Information property\r\n_continue_=\"Container=release&\"\r\n\
               _continue_=\"Provider=Cavium Key Storage Provider&\"\r\n_continue_=\"Flags=0&\"\r\n\
               _continue_=\"KeySpec=2\"\r\n";
    fs::write(second.at("repair.txt"), inf).unwrap();
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

#[test]
fn the_answer_to_a_request_is_accepted_with_its_key() {
    let Some(machine) = Machine::new() else { return };
    machine.hsm.init_token("cluster", "1234");
    machine.certify("release");
    let signer = machine.path("signer.cer");
    // Without a pending request, one has to say where the key is.
    let refused = machine.chancery(["store", "accept", &signer]).ends_with(1);
    assert!(refused.stderr.contains("--key"), "{}", refused.stderr);
    let key = ["--key", "pkcs11:token=cluster"];
    machine.chancery(["store", "accept", &signer].iter().chain(&key)).ends_with(0);
    let shown = machine.chancery(["store", "show", "My", "mydomain", "--format", "json"]);
    let shown = shown.ends_with(0).object();
    assert_eq!(shown["key_binding"]["provider"], "PKCS#11 Key Storage Provider");
    assert_eq!(shown["key_binding"]["flags"], 0x20);
    let container = shown["key_binding"]["container"].as_str().unwrap();
    assert!(container.contains("token=cluster"), "{container}");

    // With one pending, its key is the certificate's, and the request is no longer pending.
    let request = machine.path("pending.csr");
    let csr = ["csr", "new", "--subject", "CN=x", "--key", "pkcs11:token=cluster;object=release"];
    let pending = ["--pending", "CurrentUser", "--out", &request];
    machine.chancery(csr.iter().chain(&pending)).ends_with(0);
    machine.chancery(["store", "show", "CurrentUser/REQUEST", "CN=x"]).ends_with(0);
    machine.chancery(["store", "accept", &signer, "--location", "CurrentUser"]).ends_with(0);
    machine.chancery(["store", "show", "CurrentUser/REQUEST", "CN=x"]).ends_with(1);
    let shown = machine.chancery(["store", "show", "CurrentUser/My", "mydomain"]).ends_with(0);
    assert!(shown.stdout.contains("object=release"), "{}", shown.stdout);
}

/// Every way a binding can be wrong is named, and nothing is signed.
#[test]
fn a_binding_that_leads_nowhere_or_to_another_key_signs_nothing() {
    let Some(machine) = Machine::new() else { return };
    machine.hsm.init_token("cluster", "1234");
    machine.certify("release");
    let other = "pkcs11:token=cluster;object=other";
    machine.chancery(["key", "generate", "--key", other, "--rsa", "2048"]).ends_with(0);
    machine.chancery(["store", "add", "My", &machine.path("signer.cer")]).ends_with(0);
    machine.chancery(["store", "add", "Root", &machine.path("root.cer")]).ends_with(0);
    let (_folder, file) = program();
    let before = fs::read(&file).unwrap();
    let sign = |code: i32| {
        let run = machine.chancery([
            "sign".as_ref(),
            "--thumbprint".as_ref(),
            OsStr::new("mydomain"),
            file.as_os_str(),
        ]);
        let run = run.ends_with(code);
        assert_eq!(fs::read(&file).unwrap(), before);
        run.stderr
    };
    assert!(sign(5).contains("no key is bound"));

    // Written straight into the store, as another program may have done it.
    let bind = |container: &str, provider: &str| {
        use chancery::certstore::{CertificateStore, KeyBinding, PropertyId, SstFile};
        let mut store = SstFile::new(machine.at("stores/LocalMachine/My.sst"));
        let thumbprint = store.entries().unwrap()[0].thumbprint();
        let value = KeyBinding::new(container, provider).encode().unwrap();
        store.update(&thumbprint, &[(PropertyId::KEY_PROVIDER_INFO, Some(value))]).unwrap();
    };
    let ours = "PKCS#11 Key Storage Provider";
    bind("pkcs11:token=absent;object=release", ours);
    assert!(sign(5).contains("absent"));
    bind("release", "Unknown Key Storage Provider");
    assert!(sign(5).contains("[provider.\"Unknown Key Storage Provider\"]"));
    // The key of the certificate is still on the token, and is found whatever the label says.
    bind("pkcs11:token=cluster;object=other", ours);
    let copy = machine.path("signed.exe");
    let signed = ["sign", "--thumbprint", "mydomain", file.to_str().unwrap(), "--out", &copy];
    machine.chancery(signed).ends_with(0);
    // When it is gone, the one in its place is named and not signed with.
    machine.hsm.pkcs11_tool([
        "--login",
        "--pin",
        "1234",
        "--token-label",
        "cluster",
        "--delete-object",
        "--type",
        "privkey",
        "--label",
        "release",
    ]);
    let said = sign(1);
    assert!(said.contains("another modulus") && said.contains("object=other"), "{said}");
    bind("pkcs11:token=cluster;object=release", ours);
    assert!(sign(5).contains("is gone"));
}
