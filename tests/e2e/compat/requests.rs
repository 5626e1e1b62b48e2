//! Requests that another certificate signs too, beside OpenSSL.

use std::fs;

use chancery_testkit::openssl::openssl;

use super::machine::{Cluster, Machine};
use super::scripts::enrolled;

/// A machine with a certificate, and a request for another key.
fn scene<'a>(cluster: &'a Cluster) -> (Machine<'a>, String) {
    let machine = Machine::new(cluster);
    let thumbprint = enrolled(&machine);
    let inf = fs::read_to_string(machine.at("request.inf")).unwrap();
    machine.write("second.inf", inf.replace("release", "second").replace("Example", "Second"));
    machine.line("certreq -q -new second.inf second.csr").ends_with(0);
    machine.line("certutil -encode root.cer root.pem").ends_with(0);
    (machine, thumbprint)
}

#[test]
fn a_request_is_signed_by_another_certificate_and_answered() {
    let Some(cluster) = Cluster::new() else { return };
    let (machine, thumbprint) = scene(&cluster);
    let sign = format!("certreq -sign -binary -cert {thumbprint} second.csr signed.req");
    let signed = machine.line(&sign).ends_with(0);
    assert_eq!(signed.stdout, "CertReq: Request Signed\n");
    machine.line(&sign).ends_with(0x57);
    let at = |name: &str| machine.at(name).to_str().unwrap().to_owned();
    let (file, root, out) = (at("signed.req"), at("root.pem"), at("pkidata.der"));
    let verify = ["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"];
    let verified =
        openssl(verify.iter().copied().chain(["-in", &file, "-CAfile", &root, "-out", &out]));
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    // What OpenSSL took out of it has the request, byte by byte.
    machine.line("certutil -decode second.csr second.der").ends_with(0);
    let (inside, request) = (fs::read(&out).unwrap(), fs::read(at("second.der")).unwrap());
    assert!(inside.windows(request.len()).any(|window| window == request));

    machine.line("certreq -submit signed.req answer.cer").ends_with(0);
    machine.line("certreq -accept answer.cer").ends_with(0);
    machine.line("certutil -user -store My Second").ends_with(0);
    let again = machine.line(&format!("certreq -sign -cert {thumbprint} signed.req more.req"));
    assert!(again.ends_with(0x57).stderr.contains("by another certificate already"));
}

#[test]
fn an_authority_refuses_a_request_whose_other_signature_does_not_count() {
    let Some(cluster) = Cluster::new() else { return };
    let (machine, thumbprint) = scene(&cluster);
    machine.line(&format!("certreq -sign -cert {thumbprint} second.csr signed.req")).ends_with(0);
    let text = fs::read_to_string(machine.at("signed.req")).unwrap();
    assert!(text.starts_with("-----BEGIN NEW CERTIFICATE REQUEST-----\r\n"), "{text}");
    machine.line("certutil -decode signed.req broken.req").ends_with(0);
    let mut bytes = fs::read(machine.at("broken.req")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    machine.write("broken.req", bytes);
    let broken = machine.line("certreq -submit broken.req a.cer").ends_with(0x12);
    assert!(broken.stderr.contains("signature-mismatch"), "{broken:?}");
    machine.line("certutil -delstore Root MYRootCA").ends_with(0);
    let stranger = machine.line("certreq -submit signed.req b.cer").ends_with(0x12);
    assert!(stranger.stderr.contains("no-trust-anchors"), "{stranger:?}");
    assert!(!machine.at("a.cer").exists() && !machine.at("b.cer").exists());
}
