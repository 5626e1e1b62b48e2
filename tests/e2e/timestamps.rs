//! `chancery sign --timestamp`, `chancery timestamp`, `chancery tsa serve`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use chancery_testkit::openssl::openssl;
use chancery_testkit::oracles::Oracles;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{chancery, command, names, program, rsa, section_offset};

const EXTENSIONS: &str = "
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";

/// A root and a timestamp server's certificate, made by OpenSSL.
struct Authority {
    folder: TempDir,
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::make);

impl Authority {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cnf"), EXTENSIONS).unwrap();
        let authority = Self { folder };
        let at = |name: &str| authority.at(name).to_str().unwrap().to_owned();
        let run = |args: &[String]| {
            let output = openssl(args);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let key = |name: &str| {
            let key = at(&format!("{name}.key"));
            ["-newkey", "rsa:2048", "-noenc", "-keyout", &key].map(str::to_owned).to_vec()
        };
        let (config, root) = (at("cnf"), at("ca.pem"));
        let root_args = ["req", "-x509", "-config", &config, "-extensions", "ca"];
        let more = ["-subj", "/CN=Stamps Root", "-days", "90", "-out", &root];
        run(&[&root_args.map(str::to_owned)[..], &key("ca"), &more.map(str::to_owned)].concat());
        let (csr, ca_key, server) = (at("csr"), at("ca.key"), at("tsa.pem"));
        let request = ["req", "-config", &config, "-subj", "/CN=Stamps", "-out", &csr];
        run(&[&request.map(str::to_owned)[..], &key("tsa")].concat());
        let issue = ["x509", "-req", "-in", &csr, "-CA", &root, "-CAkey", &ca_key, "-days", "90"];
        let more = ["-CAcreateserial", "-extfile", &config, "-extensions", "tsa", "-out", &server];
        run(&[&issue.map(str::to_owned)[..], &more.map(str::to_owned)].concat());
        authority
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// `chancery tsa serve`, ended with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// The root above the server's certificate, PEM.
    pub(crate) fn root() -> PathBuf {
        AUTHORITY.at("ca.pem")
    }

    pub(crate) fn start() -> Self {
        let key = format!("file:{}", AUTHORITY.at("tsa.key").display());
        let certificate = AUTHORITY.at("tsa.pem");
        let mut serve = command(["tsa", "serve", "--key", &key, "--listen", "127.0.0.1:0"]);
        serve.arg("--cert").arg(certificate).args(["--format", "json"]).stdout(Stdio::piped());
        let mut child = serve.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let object: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: object["url"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address nobody listens on.
fn nowhere() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}/")
}

fn verify(file: &Path) -> Value {
    let (roots, tsa_roots) = (&rsa().root, AUTHORITY.at("ca.pem"));
    let mut verify = command(["verify", "--format", "json", "--roots"]);
    verify.arg(roots).arg("--tsa-roots").arg(tsa_roots).arg(file);
    crate::support::run(verify).object()
}

/// Insists that those who know roots accept the file with its timestamp, in our word and theirs.
fn assert_accepted(file: &Path) {
    let (signers, servers) =
        (fs::read(&rsa().root).unwrap(), fs::read(AUTHORITY.at("ca.pem")).unwrap());
    let both = AUTHORITY.folder.path().join(format!("both-{}.pem", std::process::id()));
    fs::write(&both, [signers, servers].concat()).unwrap();
    let oracles = Oracles::discover();
    for oracle in oracles.iter().filter(|oracle| oracle.has_anchors()) {
        let verdict = oracle.verify(file, &both);
        assert_eq!(verdict, chancery_testkit::oracles::Verdict::Accepted, "{}", oracle.name());
    }
    let output = Command::new("osslsigncode")
        .args(["verify".as_ref(), "-CAfile".as_ref(), rsa().root.as_os_str()])
        .args(["-TSA-CAfile".as_ref(), AUTHORITY.at("ca.pem").as_os_str()])
        .args(["-in".as_ref(), file.as_os_str()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Timestamp Server Signature verification: ok"), "{said}");
}

#[test]
fn a_signature_is_stamped_as_it_is_made() {
    let server = Server::start();
    for (option, kind) in [("--timestamp", "rfc3161"), ("--timestamp-legacy", "legacy")] {
        let (_folder, program) = program();
        let path = program.to_str().unwrap();
        rsa().sign([path, option, &server.url, "--require-timestamp"]).ends_with(0);
        let report = verify(&program);
        assert_eq!(report["verdict"], "valid", "{report}");
        let stamps = report["signatures"][0]["timestamps"].as_array().unwrap().clone();
        assert_eq!(stamps.len(), 1);
        assert_eq!((&stamps[0]["kind"], &stamps[0]["valid"]), (&kind.into(), &true.into()));
        assert_eq!(stamps[0]["signer"], "CN=Stamps");
        assert_eq!(stamps[0]["time"], report["signatures"][0]["judged_at"]);
        assert_accepted(&program);
    }
}

#[test]
fn what_stamps_were_put_on_is_told() {
    let server = Server::start();
    let told = |said: &Value| {
        assert_eq!(said["timestamps"].as_array().unwrap().len(), 1, "{said}");
        said["timestamps"][0].clone()
    };
    let in_file = |file: &Path, index: usize| {
        let report = verify(file)["signatures"][index]["timestamps"][0].clone();
        serde_json::json!({
            "signature": index,
            "kind": report["kind"],
            "time": report["time"],
            "signer": "CN=Stamps",
        })
    };
    let (_folder, file) = program();
    let path = file.to_str().unwrap();
    let json = ["--format", "json"];
    let said = rsa().sign([&[path, "--digest", "sha256,sha384"][..], &json].concat());
    assert_eq!(said.ends_with(0).object()["timestamps"], serde_json::json!([]));
    let stamp = ["timestamp", path, "--index", "1", "--timestamp", &server.url];
    let said = chancery([&stamp[..], &json].concat()).ends_with(0).object();
    assert_eq!(told(&said), in_file(&file, 1));
    let appended = [path, "--append", "--timestamp", &server.url];
    let said = rsa().sign([&appended[..], &json].concat()).ends_with(0).object();
    assert_eq!(told(&said), in_file(&file, 2));

    let said = chancery(stamp).ends_with(0).stdout;
    let time = in_file(&file, 1)["time"].as_str().unwrap().trim_end_matches('Z').to_owned();
    assert!(said.starts_with(&format!("{path}: timestamped {time}")), "{said}");
    assert!(said.trim_end().ends_with(" by CN=Stamps"), "{said}");
    let replaced = [path, "--replace", "--digest", "sha256", "--timestamp-legacy", &server.url];
    let said = rsa().sign(replaced).ends_with(0).stdout;
    let time = in_file(&file, 0)["time"].as_str().unwrap().to_owned();
    assert!(
        said.contains(&format!(": signed, timestamped {time} by CN=Stamps (sha256:")),
        "{said}"
    );
}

#[test]
fn no_signature_that_does_not_hold_is_stamped() {
    let (_folder, file) = program();
    let path = file.to_str().unwrap();
    rsa().sign([path]).ends_with(0);
    let mut changed = fs::read(&file).unwrap();
    let offset = section_offset(&changed).unwrap();
    changed[usize::try_from(offset).unwrap()] ^= 1;
    fs::write(&file, &changed).unwrap();
    // Nobody is asked.
    let refused = chancery(["timestamp", path, "--timestamp", &nowhere()]).ends_with(1);
    assert!(refused.stderr.contains("signature 0 of"), "{}", refused.stderr);
    assert!(refused.stderr.contains("chancery verify"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("--replace"), "{}", refused.stderr);
    assert_eq!(fs::read(&file).unwrap(), changed);
}

#[test]
fn signatures_that_are_there_are_stamped_one_by_one() {
    let server = Server::start();
    let (_folder, program) = program();
    let path = program.to_str().unwrap();
    rsa().sign([path, "--digest", "sha256,sha384"]).ends_with(0);
    let stamp = |more: &[&str]| {
        chancery([&["timestamp", path, "--timestamp-digest", "sha512"][..], more].concat())
    };
    let rfc3161 = ["--timestamp", &server.url];
    let kinds = || {
        let report = verify(&program);
        assert_eq!(report["verdict"], "valid", "{report}");
        let kind = |one: &Value| one["timestamps"][0]["kind"].as_str().unwrap_or("none").to_owned();
        report["signatures"].as_array().unwrap().iter().map(kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(), ["none", "none"]);
    stamp(&[&rfc3161[..], &["--index", "1"]].concat()).ends_with(0);
    assert_eq!(kinds(), ["none", "rfc3161"]);
    stamp(&["--timestamp-legacy", &server.url]).ends_with(0);
    assert_eq!(kinds(), ["legacy", "rfc3161"]);
    stamp(&rfc3161).ends_with(0);
    assert_eq!(kinds(), ["rfc3161", "rfc3161"]);
    assert_accepted(&program);
    stamp(&[&rfc3161[..], &["--index", "2"]].concat()).ends_with(1);
    let tsa_roots = rsa().root.to_str().unwrap();
    let before = fs::read(&program).unwrap();
    let refused = stamp(&[&rfc3161[..], &["--tsa-roots", tsa_roots]].concat()).ends_with(7);
    assert!(refused.stderr.contains("chain-incomplete"), "{}", refused.stderr);
    assert_eq!(fs::read(&program).unwrap(), before);
}

#[test]
fn without_a_server_nothing_is_written_where_a_timestamp_is_required() {
    let (folder, program) = program();
    let path = program.to_str().unwrap();
    let before = fs::read(&program).unwrap();
    let (one, other) = (nowhere(), nowhere());
    let servers = ["--timestamp", &one, "--timestamp", &other];
    let failed = rsa().sign([&[path, "--require-timestamp"][..], &servers].concat()).ends_with(7);
    assert!(failed.stderr.contains(&one) && failed.stderr.contains(&other), "{}", failed.stderr);
    assert_eq!(fs::read(&program).unwrap(), before);
    assert_eq!(names(folder.path()), ["program.exe"], "nothing is left behind");

    let warned = rsa().sign([&[path][..], &servers].concat()).ends_with(0);
    assert!(warned.stderr.contains("not timestamped"), "{}", warned.stderr);
    assert_eq!(verify(&program)["signatures"][0]["timestamps"], Value::Array(Vec::new()));
    // A list falls back on one that works.
    let server = Server::start();
    chancery(["timestamp", path, "--timestamp", &one, "--timestamp", &server.url]).ends_with(0);
    assert_eq!(verify(&program)["signatures"][0]["timestamps"][0]["valid"], true);
}

#[test]
fn what_makes_no_sense_is_said_before_anything_is_done() {
    let (_folder, program) = program();
    let path = program.to_str().unwrap();
    rsa().sign([path, "--require-timestamp"]).ends_with(2);
    rsa().sign([path, "--timestamp", "ftp://example.org/"]).ends_with(2);
    chancery(["timestamp", path]).ends_with(2);
    let run = chancery(["timestamp", path, "--timestamp", "http://me:secret@example.org/"]);
    assert!(!run.ends_with(2).stderr.contains("secret"));
    // A certificate for signing code stamps nothing.
    let mut serve = command(["tsa", "serve", "--listen", "127.0.0.1:0"]);
    serve.args(rsa().options());
    let refused = crate::support::run(serve).ends_with(1);
    assert!(refused.stderr.contains("not for timestamps"), "{}", refused.stderr);
}

#[test]
fn the_servers_of_the_settings_are_asked_where_no_option_says_otherwise() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("chancery.toml");
    fs::write(&settings, format!("timestamp = ['{}', '{}']\n", nowhere(), server.url)).unwrap();
    let config = ["--config", settings.to_str().unwrap()];
    let stamps =
        |file: &Path| verify(file)["signatures"][0]["timestamps"].as_array().unwrap().len();
    let sign = |file: &Path, more: &[&str]| {
        let path = file.to_str().unwrap();
        rsa().sign([path, "--replace"].iter().chain(&config).chain(more))
    };
    let (_folder, program) = program();
    sign(&program, &["--require-timestamp"]).ends_with(0);
    assert_eq!(stamps(&program), 1);
    sign(&program, &["--no-timestamp"]).ends_with(0);
    assert_eq!(stamps(&program), 0);
    // The command line names servers of its own: those of the settings do not help out.
    sign(&program, &["--timestamp", &nowhere(), "--require-timestamp"]).ends_with(7);
    sign(&program, &["--no-timestamp", "--require-timestamp"]).ends_with(2);
    chancery(["timestamp", program.to_str().unwrap()].iter().chain(&config)).ends_with(0);
    assert_eq!(stamps(&program), 1);
    chancery(["timestamp", program.to_str().unwrap(), "--config", "/dev/null"]).ends_with(2);
}
