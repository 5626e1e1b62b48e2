//! Certificate stores: what is in them, what is bound, what may go wrong.

use std::ffi::OsStr;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use chancery::certstore::{
    Element, KeyBinding, PropertyId, RegistryFile, SystemStore, read_sst, write_sst,
};
use chancery_testkit::openssl::openssl;

use crate::machine::Machine;
use crate::support::{names, program};

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

/// Makes a self-signed certificate with a new key.
fn certificate(machine: &Machine, name: &str) -> String {
    let (file, key) = (machine.path(&format!("{name}.cer")), machine.path("openssl.key"));
    let subject = format!("/CN={name}");
    let kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];
    let made = ["-keyout", &key, "-subj", &subject, "-days", "90", "-out", &file];
    assert!(openssl(["req", "-x509"].iter().chain(&kind).chain(&made)).status.success());
    file
}

#[test]
fn a_provider_that_settings_map_to_a_token_is_bound_and_signs() {
    let Some(machine) = Machine::new() else { return };
    machine.hsm.init_token("cluster", "1234");
    machine.certify("release");
    let provider = "Cavium Key Storage Provider";
    let bind = ["store", "bind", "My", &machine.path("signer.cer"), "--provider", provider];
    machine.chancery(bind).ends_with(0);
    machine.chancery(["store", "add", "Root", &machine.path("root.cer")]).ends_with(0);
    let show = ["store", "show", "My", "mydomain", "--format", "json"];
    let shown = machine.chancery(show).ends_with(0).object();
    assert_eq!(shown["key_binding"]["provider"], provider);
    assert_eq!(shown["key_binding"]["provider_type"], 0);
    let (_folder, file) = program();
    let sign = ["sign", "--thumbprint", "mydomain", file.to_str().unwrap()];
    machine.chancery(sign).ends_with(0);

    // The settings now name a token that is not there.
    let settings = fs::read_to_string(machine.at("chancery.toml")).unwrap();
    let moved = settings.replace("token = 'cluster'", "token = 'absent'");
    fs::write(machine.at("chancery.toml"), moved).unwrap();
    let bare = |container: &str| write_binding(&machine, &KeyBinding::new(container, provider));
    bare("release");
    let replace = ["sign", "--replace", "--thumbprint", "mydomain", file.to_str().unwrap()];
    let refused = machine.chancery(replace).ends_with(5);
    assert!(refused.stderr.contains("absent"), "{}", refused.stderr);
    assert!(refused.stderr.contains("`cluster`"), "what is there is named: {}", refused.stderr);
    fs::write(machine.at("chancery.toml"), settings).unwrap();
    machine.chancery(replace).ends_with(0);
}

/// Writes a binding straight into the one certificate of the store My, as another program may have done it.
fn write_binding(machine: &Machine, binding: &KeyBinding) {
    let path = machine.at("stores/LocalMachine/My.sst");
    let mut elements = read_sst(&fs::read(&path).unwrap()).unwrap();
    let [Element::Certificate(entry)] = &mut elements[..] else { panic!("one certificate") };
    entry.properties_mut().set(PropertyId::KEY_PROVIDER_INFO, binding.encode().unwrap());
    fs::write(&path, write_sst(&elements).unwrap()).unwrap();
}

#[test]
fn a_dry_run_by_thumbprint_tells_all_but_logs_in_nowhere() {
    let Some(machine) = Machine::new() else { return };
    machine.hsm.init_token("cluster", "1234");
    machine.certify("release");
    machine.chancery(["store", "bind", "My", &machine.path("signer.cer")]).ends_with(0);
    machine.chancery(["store", "add", "Root", &machine.path("root.cer")]).ends_with(0);
    let (_folder, file) = program();
    let before = fs::read(&file).unwrap();
    let sign = |more: &[&str]| {
        let args = ["sign", file.to_str().unwrap(), "--thumbprint", "mydomain"];
        machine.chancery(args.iter().chain(more))
    };
    // There is no PIN to be had, so nobody can have logged in.
    fs::rename(machine.at("pin"), machine.at("no-pin")).unwrap();
    let plan = sign(&["--dry-run", "--format", "json"]).ends_with(0).object();
    assert_eq!((&plan["type"], &plan["action"]), (&"plan".into(), &"sign".into()));
    assert_eq!(plan["signer"], "CN=www.mydomain.com,O=Information Technology,C=US");
    assert!(plan["key"].as_str().unwrap().contains("token=cluster;object=release"), "{plan}");
    sign(&[]).ends_with(4);
    assert_eq!(fs::read(&file).unwrap(), before);
    fs::rename(machine.at("no-pin"), machine.at("pin")).unwrap();
    let signed = sign(&["--format", "json"]).ends_with(0).object();
    assert_eq!(signed["authentihash"], plan["authentihash"]);
    assert_eq!(signed["thumbprint"], plan["thumbprint"]);

    let unknown = ["sign", "--dry-run", "--thumbprint", "nobody", file.to_str().unwrap()];
    machine.chancery(unknown).ends_with(1);
    machine.chancery(["store", "remove", "My", "mydomain"]).ends_with(0);
    machine.chancery(["store", "add", "My", &machine.path("signer.cer")]).ends_with(0);
    assert!(sign(&["--dry-run"]).ends_with(5).stderr.contains("no key is bound"));
}

#[test]
fn store_files_and_registry_files_carry_the_binding_elsewhere() {
    let Some(machine) = Machine::new() else { return };
    machine.hsm.init_token("cluster", "1234");
    machine.certify("release");
    machine.chancery(["store", "bind", "My", &machine.path("signer.cer")]).ends_with(0);
    let export = |form: &str, name: &str| {
        let out = machine.path(name);
        let export = ["store", "export", "My", "mydomain", "--as", form, "--out", &out];
        machine.chancery(export).ends_with(0);
        machine.chancery(export).ends_with(8);
        fs::read(&out).unwrap()
    };
    let show = |store: &str| {
        let show = ["store", "show", store, "mydomain", "--format", "json"];
        let mut shown = machine.chancery(show).ends_with(0).object();
        shown.as_object_mut().unwrap().remove("store");
        shown
    };
    export("sst", "my.sst");
    machine.chancery(["store", "add", "CurrentUser/My", &machine.path("my.sst")]).ends_with(0);
    assert_eq!(show("CurrentUser/My"), show("LocalMachine/My"));

    let registry = export("reg", "my.reg");
    let units: Vec<u16> =
        registry.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).unwrap();
    assert!(text.starts_with("\u{feff}Windows Registry Editor Version 5.00\r\n"), "{text}");
    let key = format!(
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SystemCertificates\\My\\Certificates\\{}]",
        machine.thumbprint("My").to_uppercase()
    );
    assert!(text.lines().any(|line| line.eq_ignore_ascii_case(&key)), "{key} in {text}");
    let read = RegistryFile::from_bytes(&registry).unwrap();
    let store: SystemStore = "LocalMachine/My".parse().unwrap();
    let of_file = read_sst(&fs::read(machine.at("my.sst")).unwrap()).unwrap();
    let ([Element::Certificate(one)], [Element::Certificate(other)]) =
        (&read.stores[&store][..], &of_file[..])
    else {
        panic!("one certificate in each")
    };
    assert_eq!(one.der(), other.der());
    assert_eq!(one.key_binding().unwrap(), other.key_binding().unwrap());
    assert!(one.key_binding().unwrap().is_some());

    // The bare forms are what openssl reads.
    export("der", "my.der");
    export("pem", "my.pem");
    for (form, name) in [("DER", "my.der"), ("PEM", "my.pem")] {
        let args = ["x509", "-noout", "-inform", form, "-in", &machine.path(name)];
        assert!(openssl(args).status.success());
    }
}

#[test]
fn one_certificate_twice_with_different_properties_is_ambiguous_until_replaced() {
    let Some(machine) = Machine::new() else { return };
    machine.hsm.init_token("cluster", "1234");
    machine.certify("release");
    machine.chancery(["store", "bind", "My", &machine.path("signer.cer")]).ends_with(0);
    let path = machine.at("stores/LocalMachine/My.sst");
    let mut elements = read_sst(&fs::read(&path).unwrap()).unwrap();
    let Element::Certificate(mut copy) = elements[0].clone() else { panic!("a certificate") };
    copy.properties_mut().remove(PropertyId::KEY_PROVIDER_INFO);
    elements.push(Element::Certificate(copy));
    fs::write(&path, write_sst(&elements).unwrap()).unwrap();

    assert_eq!(machine.chancery(["store", "list", "My"]).ends_with(0).stdout.lines().count(), 2);
    let (_folder, file) = program();
    let sign = ["sign", "--thumbprint", "mydomain", file.to_str().unwrap()];
    for args in [&["store", "show", "My", "mydomain"][..], &sign] {
        let many = machine.chancery(args).ends_with(6);
        assert!(many.stderr.contains("several times with different properties"), "{many:?}");
        assert!(many.stderr.contains("--if-present replace"), "{many:?}");
    }
    let add = ["store", "add", "My", &machine.path("signer.cer"), "--if-present", "replace"];
    machine.chancery(add).ends_with(0);
    machine.chancery(["store", "show", "My", "mydomain"]).ends_with(0);
    assert_eq!(machine.chancery(["store", "list", "My"]).ends_with(0).stdout.lines().count(), 1);
}

/// `flock` of util-linux holds the lock as another program may.
#[test]
#[cfg(target_os = "linux")]
fn a_locked_store_is_waited_for_and_named() {
    let Some(machine) = Machine::new() else { return };
    let (one, two) = (certificate(&machine, "one"), certificate(&machine, "two"));
    machine.chancery(["store", "add", "My", &one]).ends_with(0);
    let mut hold = std::process::Command::new("flock");
    hold.arg(machine.at("stores/LocalMachine/My.sst.lock")).args(["cat"]);
    let mut holder = hold.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let is_free = || {
        let mut test = std::process::Command::new("flock");
        let lock = machine.at("stores/LocalMachine/My.sst.lock");
        test.arg("--nonblock").arg(lock).arg("true").status().unwrap().success()
    };
    while is_free() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let refused = machine.chancery(["store", "add", "My", &two]).ends_with(8);
    assert!(refused.stderr.contains("My.sst"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: try again"), "{}", refused.stderr);
    let list = |count| {
        let listed = machine.chancery(["store", "list", "My"]).ends_with(0).stdout;
        assert_eq!(listed.lines().count(), count, "reading waits for nobody: {listed}");
    };
    list(1);
    drop(holder.stdin.take());
    holder.wait().unwrap();
    machine.chancery(["store", "add", "My", &two]).ends_with(0);
    list(2);
}

#[test]
fn a_command_killed_while_saving_leaves_the_store_before_or_after() {
    let Some(machine) = Machine::new() else { return };
    let (one, two) = (certificate(&machine, "one"), certificate(&machine, "two"));
    machine.chancery(["store", "add", "My", &one]).ends_with(0);
    let store = machine.at("stores/LocalMachine/My.sst");
    let before = fs::read(&store).unwrap();
    let add = ["store", "add", "My", &two];
    machine.chancery(add).ends_with(0);
    let after = fs::read(&store).unwrap();
    assert_ne!(before, after);
    // Later and later, until one gets through.
    let mut killed = 0;
    for micros in (0..).step_by(400) {
        fs::write(&store, &before).unwrap();
        let mut command = machine.command(add);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(micros));
        let _ = child.kill();
        let status = child.wait().unwrap();
        let now = fs::read(&store).unwrap();
        assert!(now == before || now == after, "{} bytes after {micros} us", now.len());
        if status.success() {
            assert_eq!(now, after);
            break;
        }
        killed += 1;
    }
    assert!(killed > 0, "none was killed");
    fs::write(&store, &before).unwrap();
    // Nothing it left keeps the next one from saving.
    machine.chancery(add).ends_with(0);
    let left = names(store.parent().unwrap());
    let own = left.iter().filter(|name| name.ends_with(".sst")).collect::<Vec<_>>();
    assert_eq!(own, ["My.sst"], "{left:?}");
}

#[test]
fn a_list_is_read_in_columns_by_people_and_as_objects_by_programs() {
    let Some(machine) = Machine::new() else { return };
    for (store, name) in [("My", "one"), ("My", "two"), ("CurrentUser/Root", "three")] {
        machine.chancery(["store", "add", store, &certificate(&machine, name)]).ends_with(0);
    }
    let stores = machine.chancery(["store", "list"]).ends_with(0).stdout;
    assert_eq!(stores, "CurrentUser/Root      1\nLocalMachine/My       2\n");
    let listed = machine.chancery(["store", "list", "My"]).ends_with(0).stdout;
    let columns: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    for (line, subject) in columns.iter().zip(["CN=one", "CN=two"]) {
        let [thumbprint, last_day, key, .., name] = &line[..] else { panic!("{listed}") };
        assert_eq!((thumbprint.len(), last_day.len(), *key, *name), (40, 10, "-", subject));
    }
    let starts: Vec<_> = listed.lines().map(|line| line.find("CN=")).collect();
    assert_eq!(starts[0], starts[1], "{listed}");

    let objects = machine.chancery(["store", "list", "--format", "json"]).ends_with(0).objects();
    let counts: Vec<_> = objects.iter().map(|one| (&one["store"], &one["certificates"])).collect();
    assert_eq!(
        counts,
        [(&"CurrentUser/Root".into(), &1.into()), (&"LocalMachine/My".into(), &2.into())]
    );
    let entries = machine.chancery(["store", "list", "My", "--format", "json"]).ends_with(0);
    for (object, line) in entries.objects().iter().zip(&columns) {
        assert_eq!(object["type"], "store-entry");
        assert_eq!(object["thumbprint"].as_str().unwrap().to_uppercase(), line[0]);
        assert_eq!(object["key_binding"], serde_json::Value::Null);
    }
}
