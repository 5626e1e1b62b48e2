//! What is shown of certificates and requests, beside what openssl shows.

use std::fs;
use std::path::Path;

use chancery_testkit::openssl::openssl;

use crate::support::chancery;

const EXTENSIONS: &str = "\
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
extendedKeyUsage = codeSigning,1.3.6.1.4.1.99999.5
subjectKeyIdentifier = hash
subjectAltName = DNS:example.com,email:jo@example.com,URI:https://example.com/,IP:10.1.2.3,IP:fe80::1,otherName:1.2.3;UTF8:jo,dirName:there
crlDistributionPoints = URI:http://example.com/a.crl
authorityInfoAccess = caIssuers;URI:http://example.com/a.cer,OCSP;URI:http://ocsp.example.com/
certificatePolicies = 2.23.140.1.4.1,@policy
nameConstraints = critical,permitted;DNS:example.com,excluded;IP:10.0.0.0/255.0.0.0
1.3.6.1.4.1.99999.1 = critical,DER:0500
[there]
CN = There
[policy]
policyIdentifier = 1.2.3.4
CPS.1 = http://example.com/cps
userNotice.1 = @notice
[notice]
explicitText = UTF8:Read\u{202e}me
";

fn make(folder: &Path, args: &[&str]) -> String {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let config = format!("[req]\ndistinguished_name = name\n[name]\n[ext]\n{EXTENSIONS}");
    fs::write(at("openssl.cnf"), config).unwrap();
    let out = at("out.pem");
    let fixed = ["req", "-config", &at("openssl.cnf"), "-newkey", "ec", "-pkeyopt"];
    let more = ["ec_paramgen_curve:P-256", "-noenc", "-keyout", &at("key"), "-subj", "/CN=Shown"];
    let output = openssl([&fixed[..], &more, args, &["-out", &out]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[test]
fn every_extension_is_shown_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = make(folder.path(), &["-x509", "-extensions", "ext"]);
    let run = chancery(["cert", "show", &certificate]).ends_with(0);
    for line in [
        "basicConstraints (critical)\n    CA:TRUE, pathlen:0",
        "keyUsage (critical)\n    keyCertSign, cRLSign",
        "extKeyUsage\n    codeSigning\n    1.3.6.1.4.1.99999.5",
        "DNS:example.com\n    email:jo@example.com\n    URI:https://example.com/",
        "IP Address:10.1.2.3\n    IP Address:fe80::1\n    othername:1.2.3:jo\n    DirName:CN=There",
        "cRLDistributionPoints\n    URI:http://example.com/a.crl",
        "CA Issuers - URI:http://example.com/a.cer\n    OCSP - URI:http://ocsp.example.com/",
        "2.23.140.1.4.1 (code signing)\n    1.2.3.4\n      CPS: http://example.com/cps",
        "user notice: Read\\u{202e}me",
        "permitted DNS:example.com\n    excluded IP Address:10.0.0.0/255.0.0.0",
        "1.3.6.1.4.1.99999.1 (critical)\n    05:00",
    ] {
        assert!(run.stdout.contains(line), "{line}\nin {}", run.stdout);
    }
    // The identifier of the key is the one openssl shows.
    let output = openssl(["x509", "-in", &certificate, "-noout", "-ext", "subjectKeyIdentifier"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(run.stdout.contains(said.lines().last().unwrap().trim()), "{said}");
}

#[test]
fn requests_show_the_same_and_json_names_what_is_not_understood() {
    let folder = tempfile::tempdir().unwrap();
    let request = make(folder.path(), &["-new", "-reqexts", "ext"]);
    let run = chancery(["csr", "show", &request]).ends_with(0);
    assert!(run.stdout.contains("subjectAltName\n    DNS:example.com"), "{}", run.stdout);
    let shown = chancery(["csr", "show", "--format", "json", &request]).object();
    let extensions = shown["extensions"].as_array().unwrap();
    let find = |oid: &str| extensions.iter().find(|one| one["oid"] == oid).unwrap();
    assert_eq!(find("2.5.29.19")["name"], "basicConstraints");
    assert_eq!(find("2.5.29.19")["understood"], true);
    assert_eq!(find("1.3.6.1.4.1.99999.1")["understood"], false);
    assert_eq!(find("1.3.6.1.4.1.99999.1")["critical"], true);
    assert_eq!(find("1.3.6.1.4.1.99999.1")["values"], serde_json::json!(["05:00"]));
}

#[test]
fn an_extension_out_of_order_is_shown_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[req]\ndistinguished_name = name\n[name]\n[ext]\nsubjectAltName = DER:0101ff\n";
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("openssl.cnf"), config).unwrap();
    let (config, key, out) = (at("openssl.cnf"), at("key"), at("out.pem"));
    let mut args =
        vec!["req", "-config", &config, "-newkey", "rsa:2048", "-noenc", "-keyout", &key];
    args.extend(["-subj", "/CN=Odd", "-x509", "-extensions", "ext", "-out", &out]);
    assert!(openssl(args).status.success());
    let shown = chancery(["cert", "show", "--format", "json", &out]).ends_with(0).object();
    let odd = shown["extensions"].as_array().unwrap();
    let odd = odd.iter().find(|one| one["name"] == "subjectAltName").unwrap();
    assert_eq!((&odd["understood"], &odd["values"][0]), (&false.into(), &"01:01:FF".into()));
}
