//! Two articles about signing with a key in an HSM, replayed line by line: what they type, what they show for it, and
//! what is printed here.
//!
//! Each article has its own token, and each of its machines a home of its own. Where the articles' texts are at hand
//! (`chancery_testkit::articles`), they prove that no line is left out and that what is compared is what they show.

mod replay;
mod shown;
mod source;
mod steps;

use std::fs;
use std::path::Path;

use chancery_testkit::articles::article_with;
use chancery_testkit::openssl::openssl;
use chancery_testkit::oracles::Oracles;

use self::replay::{Replay, table};
use self::shown::compare;
pub(crate) use self::shown::folded;
use self::source::{Reader, typed_lines};
use self::steps::{Answer, FIRST_ARTICLE, SECOND_ARTICLE, Step};
use super::machine::{Cluster, Machine, PIN, PROVIDER};
use super::page::Page;

/// The request of the first article, with the no-break spaces of its page.
const REQUEST: &str = "\u{a0}[Version]\nSignature = \"$Windows NT$\"\n[NewRequest]\n\
    Subject = \"CN=example.com,C=US,ST=Washington,L=Seattle,O=ExampleOrg,OU=WebServer\"\n\
    HashAlgorithm = SHA256\nKeyAlgorithm = RSA\nKeyLength = 2048\n\
    ProviderName = \"Cavium Key Storage Provider\"\n\
    KeyUsage = \"CERT_DIGITAL_SIGNATURE_KEY_USAGE\"\nMachineKeySet = True\u{a0} \u{a0} \u{a0} \n";

/// The subject of the certificate that the second article has already.
const SUBJECT: &str = "CN=www.mydomain.com,OU=Certificate Management,O=Information Technology,L=Houston,ST=Texas,C=US";

/// What binds the key in the second article.
const REPAIR: &str = "[Properties]\n11 = \"\" ; Add friendly name property\n\
    2 = \"{text}\" ; Add Key Provider Information property\n\
    _continue_=\"Container=<key container name>&\"\n\
    _continue_=\"Provider=Cavium Key Storage Provider&\"\n_continue_=\"Flags=0&\"\n_continue_=\"KeySpec=2\"\n";

/// The heading of the table of all lines in `docs/migrate.md`.
pub(crate) const TABLE: &str = "Line by line";

const SIGNED: &str = "C:\\Users\\Administrator\\Desktop\\<test.exe>";
const VERIFIED: &str = "C:\\Users\\Administrators\\Desktop\\<test.exe>";

/// What the first article needs that it has its reader do elsewhere, and its lines.
fn first_article(machine: &Machine<'_>) -> Replay {
    machine.make_authority();
    let program = machine.program("test.exe").display().to_string();
    machine.write("IISCertRequest.inf", REQUEST);
    let mut replay = Replay::new("first", FIRST_ARTICLE);
    replay.fill("<IISCertRequest.inf IISCertRequest.csr>", "IISCertRequest.inf IISCertRequest.csr");
    replay.fill("<signedCertificate.cer>", "signedCertificate.cer");
    replay.fill(SIGNED, &program);
    replay.fill(VERIFIED, &program);
    replay.line(machine);
    let csr = machine.at("IISCertRequest.csr");
    let checked = openssl(["req", "-verify", "-noout", "-in", csr.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    machine.line("certreq -submit -binary IISCertRequest.csr signedCertificate.cer").ends_with(0);
    replay.line(machine);
    // The request was waiting in REQUEST, and is no more.
    machine.line("certutil -store REQUEST 0").ends_with(4);
    let listed = replay.line(machine);
    replay.fill("<thumbprint>", listed.split_whitespace().next().unwrap());
    replay.line(machine);
    machine.line("certutil -ca.cert root.cer").ends_with(0);
    machine.line("certutil -addstore Root root.cer").ends_with(0);
    replay.line(machine);
    assert_accepted(machine, &program);
    replay
}

/// Insists that somebody else's verifiers accept a file, with the private authority that the articles have.
fn assert_accepted(machine: &Machine<'_>, file: &str) {
    let pem = machine.at("root.pem");
    let root = openssl(["x509", "-in", machine.at("root.cer").to_str().unwrap()]);
    fs::write(&pem, root.stdout).unwrap();
    Oracles::discover().assert_accept(Path::new(file), &pem);
}

/// The machine on which the key of the second article was made and its certificate issued. Returns the container.
fn make_certificate(machine: &Machine<'_>) -> String {
    machine.make_authority();
    machine.write(
        "request.inf",
        REQUEST.replace(
            "CN=example.com,C=US,ST=Washington,L=Seattle,O=ExampleOrg,OU=WebServer",
            SUBJECT,
        ),
    );
    for line in [
        "certreq -q -new request.inf request.csr",
        "certreq -q -submit -binary request.csr signed.cer",
        "certreq -q -accept signed.cer",
    ] {
        machine.line(line).ends_with(0);
    }
    let shown = machine.line("store show My www.mydomain.com --format json").object();
    shown["key_binding"]["container"].as_str().unwrap().to_owned()
}

/// The second article: a machine that has the certificate, the root and the token, and nothing else.
fn second_article(first: &Machine<'_>, second: &Machine<'_>, container: &str) -> Replay {
    let program = second.program("test.exe").display().to_string();
    let modulus = second.at("modulus.txt").display().to_string();
    let mut replay = Replay::new("second", SECOND_ARTICLE);
    replay.fill("<my root certificate>.cer", "root.cer");
    replay.fill("<my signed certificate>.cer", "signed.cer");
    replay.fill("<signed certificate in base64>.cer", "base64.cer");
    let (user, password) = PIN.split_once(':').unwrap();
    replay.fill("<CU username>", user);
    replay.fill("<CU password>", password);
    replay.fill("C:\\\\Users\\\\Administrator\\\\Desktop\\\\modulus.txt", &modulus);
    replay.fill(SIGNED, &program);
    replay.fill(VERIFIED, &program);

    replay.line(first);
    second.bring(first, "root.cer");
    second.bring(first, "signed.cer");
    replay.line(second);
    replay.line(second);
    let listed = replay.line(second);
    let serial = listed.split_once("Serial Number: ").unwrap().1.lines().next().unwrap();
    replay.fill("<certificate serial number>", serial);
    replay.line(second);
    // OpenSSL says the same of what was encoded, and decoding it gives back what it was.
    let ours = replay.line(second);
    let base64 = second.at("base64.cer");
    let theirs = openssl(["x509", "-noout", "-modulus", "-in", base64.to_str().unwrap()]);
    assert_eq!(ours.as_bytes(), theirs.stdout);
    second.line("certutil -decode base64.cer decoded.cer").ends_with(0);
    let read = |name: &str| fs::read(second.at(name)).unwrap();
    assert_eq!(read("decoded.cer"), read("signed.cer"));
    second.write("modulus.txt", &ours);

    let handle = |text: &String| {
        let after = text.split_once("matching keys:").unwrap().1;
        after.split_whitespace().next().unwrap().to_owned()
    };
    let answers = replay.prompt(second, "key_mgmt_util", 3);
    replay.fill("<public key handle>", &handle(&answers[1]));
    replay.fill("<private key handle>", &handle(&answers[2]));
    replay.line(second);
    let keys = replay.line(second);
    assert!(keys.contains(container), "{keys}");
    second.write("repair.txt", REPAIR.replace("<key container name>", container));
    replay.line(second);
    let bound = replay.line(second);
    assert!(bound.contains(&format!("  Key Container = {container}\n  Provider = {PROVIDER}\n")));
    let listed = replay.line(second);
    replay.fill("<thumbprint>", listed.split_whitespace().next().unwrap());
    replay.line(second);
    replay.line(second);
    assert_accepted(second, &program);
    leave_store(second, container);
    replay
}

/// Leaves the store that was written, and what it has to say, for the tests that read it in a Windows.
fn leave_store(machine: &Machine<'_>, container: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("second-article");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(machine.at("stores/LocalMachine/My.sst"), folder.join("My.sst")).unwrap();
    fs::copy(machine.at("signed.cer"), folder.join("signed.cer")).unwrap();
    fs::write(folder.join("container.txt"), container).unwrap();
}

#[test]
fn every_line_of_both_articles_does_what_they_show() {
    let Some(cluster) = Cluster::new() else { return };
    let first = first_article(&Machine::new(&cluster));
    // Another key in another token: each article begins with none.
    let Some(cluster) = Cluster::new() else { return };
    let old = Machine::new(&cluster);
    let container = make_certificate(&old);
    let second = second_article(&old, &Machine::new(&cluster), &container);

    let written = table(&[first, second]);
    println!("{written}");
    Page::open("docs/migrate.md").ends_with(TABLE, &written);
}

#[test]
fn the_lines_and_answers_are_those_of_the_articles() {
    for (steps, phrase, files) in [
        (FIRST_ARTICLE, "certreq -new", &[REQUEST][..]),
        (SECOND_ARTICLE, "findKey -c 2", &[REPAIR]),
    ] {
        let Some(article) = article_with(phrase) else { return };
        let typed = typed_lines(&article);
        let lines: Vec<_> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Line(line) => Some(line.typed),
                Step::Aside { .. } => None,
            })
            .collect();
        assert_eq!(typed.len(), lines.len(), "{typed:#?}");
        for (typed, line) in typed.iter().zip(&lines) {
            assert!(typed.starts_with(line), "`{typed}` is not `{line}`");
        }
        println!("{} lines at the prompts of the article with `{phrase}`", lines.len());
        let whole = folded(&article);
        for file in files {
            assert!(whole.contains(&folded(file)), "not in the article: {file}");
        }
        let mut reader = Reader::new(&article);
        for step in steps {
            match step {
                Step::Aside { phrase, .. } => assert!(whole.contains(phrase), "{phrase}"),
                Step::Line(line) => {
                    reader.skip_line(line.typed);
                    if let Answer::Shown { after, text, until, .. } = line.answer {
                        reader.skip(after);
                        compare(reader.read_to(until), text).unwrap();
                    }
                }
            }
        }
    }
}
