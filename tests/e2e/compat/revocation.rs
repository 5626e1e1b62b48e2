//! Revocation lists in stores, and `certutil -verify` by them; the lists are OpenSSL's.

use super::machine::{Cluster, Machine};
use crate::fetch::Pki;

/// A machine that trusts the root of a public key infrastructure and knows the authority below it.
fn scene<'a>(cluster: &'a Cluster, pki: &Pki) -> Machine<'a> {
    let machine = Machine::new(cluster);
    machine.run(&["certutil", "-addstore", "Root", &pki.path("root.pem")]).ends_with(0);
    machine.run(&["certutil", "-addstore", "CA", &pki.path("ca.pem")]).ends_with(0);
    machine
}

#[test]
fn a_certificate_is_judged_by_the_lists_in_the_stores() {
    let Some(cluster) = Cluster::new() else { return };
    let pki = Pki::make();
    let machine = scene(&cluster, &pki);
    let signer = pki.path("signer.pem");
    let verify = ["certutil", "-verify", &signer];
    let unknown = machine.run(&verify).ends_with(0);
    assert!(unknown.stdout.contains("0x80092012 (-2146885614 CRYPT_E_NO_REVOCATION_CHECK)"));
    assert!(unknown.stderr.contains("certutil -addstore CA FILE.crl"), "{unknown:?}");

    let list = pki.path("ca.crl");
    let add = ["certutil", "-addstore", "CA", &list];
    for what in ["added to", "already in"] {
        let added = machine.run(&add).ends_with(0);
        let shown = format!(
            "CA \"Intermediate Certification Authorities\"\nCRL \"Fetched ca\" {what} store.\n\
             CertUtil: -addstore command completed successfully.\n"
        );
        assert_eq!(added.stdout, shown);
    }
    let listed = machine.line("certutil -store CA").ends_with(0).stdout;
    for part in ["== CRL 0 ==", "Issuer: CN=Fetched ca\n", "CRL Entries: 0\n", " NextUpdate: "] {
        assert!(listed.contains(part), "{listed}");
    }
    let good = machine.run(&verify).ends_with(0).stdout;
    assert!(good.contains("Leaf certificate revocation check passed\n"), "{good}");
    assert!(good.contains("Revocation: not on the lists\n"), "{good}");

    // On a machine that does not have the list of a moment ago: both are of one second.
    pki.revoke_signer();
    machine.run(&verify).ends_with(0);
    let machine = scene(&cluster, &pki);
    machine.run(&add).ends_with(0);
    let revoked = machine.run(&verify).ends_with(0x0c).stdout;
    for part in
        ["Leaf certificate is REVOKED (Reason=0)", "0x800b010c (-2146762484 CERT_E_REVOKED)"]
    {
        assert!(revoked.contains(part), "{revoked}");
    }
}

#[test]
fn what_is_missing_is_fetched_when_asked_for() {
    let Some(cluster) = Cluster::new() else { return };
    let pki = Pki::make();
    let machine = Machine::new(&cluster);
    machine.run(&["certutil", "-addstore", "Root", &pki.path("root.pem")]).ends_with(0);
    let signer = pki.path("signer.pem");
    machine.run(&["certutil", "-verify", &signer]).ends_with(0x0a);
    let verify = ["certutil", "-urlfetch", "-verify", &signer];
    let good = machine.run(&verify).ends_with(0).stdout;
    for part in ["/ca.cer\"\n", "/ca.crl\"\n", "Leaf certificate revocation check passed\n"] {
        assert!(good.contains(part), "{good}");
    }
    pki.revoke_signer();
    machine.run(&verify).ends_with(0x0c);
}

#[test]
fn a_list_that_its_issuer_did_not_sign_is_no_evidence() {
    let Some(cluster) = Cluster::new() else { return };
    let pki = Pki::make();
    let machine = scene(&cluster, &pki);
    let mut list = std::fs::read_to_string(pki.at("ca.crl")).unwrap();
    // A byte of the signature, in the last line of Base64.
    let end = list.find("=").or_else(|| list.find("\n-----END")).unwrap() - 4;
    let other = if &list[end..=end] == "A" { "B" } else { "A" };
    list.replace_range(end..=end, other);
    machine.write("forged.crl", list);
    machine.line("certutil -addstore CA forged.crl").ends_with(0);
    let signer = pki.path("signer.pem");
    let judged = machine.run(&["certutil", "-verify", &signer]).ends_with(0).stdout;
    assert!(judged.contains("Revocation: unknown (crl-bad-signature)"), "{judged}");
    assert!(!judged.contains("check passed"), "{judged}");
}
