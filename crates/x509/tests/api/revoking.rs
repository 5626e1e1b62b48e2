//! Revocation lists we sign, read by the crate that judges them and by OpenSSL.

use std::fs;

use chancery_chain::{Crl, Policy, RevocationMode, Status, TrustAnchors, validate};
use chancery_key::SignatureScheme as S;
use chancery_testkit::openssl::openssl;
use chancery_x509::{
    CrlBuilder, Error, Identity, Profile, RevocationReason, RevokedCertificate, SerialNumber,
    to_pem,
};

use super::support::{issue, p256, root_identity, time};

fn list(number: u64) -> CrlBuilder {
    CrlBuilder::new(number, time("2026-01-01"), time("2045-01-01")).unwrap()
}

#[test]
fn a_list_is_read_back_with_every_entry() {
    let ca = root_identity("CN=Root");
    let leaf = issue(&ca, Profile::CodeSigning, "CN=Leaf", &p256()).unwrap();
    let high: SerialNumber = "ff00000001".parse().unwrap();
    let signed = list(300)
        .revoke(RevokedCertificate::new(&leaf, time("2026-01-01")))
        .revoke(
            RevokedCertificate::new(&leaf, time("2025-12-31"))
                .reason(RevocationReason::KeyCompromise)
                .invalid_since(time("2025-12-01")),
        )
        .revoke(
            RevokedCertificate::of_serial(&high, time("2025-11-01"))
                .reason(RevocationReason::Unspecified),
        )
        .sign(&ca, S::EcdsaSha256)
        .unwrap();
    let crl = Crl::from_der(signed.as_der()).unwrap();
    assert_eq!(crl.issuer(), ca.certificate().subject());
    assert_eq!(crl.number(), Some(&[1, 44][..]));
    assert_eq!(crl.this_update(), time("2026-01-01"));
    assert_eq!(crl.next_update(), Some(time("2045-01-01")));
    assert!(!crl.is_delta());
    assert_eq!(crl.len(), 2, "one entry for one certificate: the later one");
    let entry = crl.find(crl.issuer(), leaf.serial()).unwrap();
    assert_eq!(entry.date, time("2025-12-31"));
    assert_eq!(entry.reason, Some(RevocationReason::KeyCompromise));
    assert_eq!(entry.invalidity_date, Some(time("2025-12-01")));
    // A high first bit gets an octet of zeros before it, and unspecified is not written.
    let entry = crl.find(crl.issuer(), &[0, 0xff, 0, 0, 0, 1]).unwrap();
    assert_eq!((entry.reason, entry.invalidity_date), (None, None));
}

#[test]
fn many_entries_keep_one_for_each_certificate() {
    let ca = root_identity("CN=Root");
    let entries = (1..=20_000_u32).map(|number| {
        let serial = format!("{:x}", number % 15_000 + 1).parse().unwrap();
        RevokedCertificate::of_serial(&serial, time("2026-01-01"))
    });
    let signed = list(1).revoke_all(entries).sign(&ca, S::EcdsaSha256).unwrap();
    assert_eq!(Crl::from_der(signed.as_der()).unwrap().len(), 15_000);
}

#[test]
fn a_revoked_certificate_is_no_longer_trusted() {
    let ca = root_identity("CN=Root");
    let leaf = issue(&ca, Profile::CodeSigning, "CN=Leaf", &p256()).unwrap();
    let judge = |builder: CrlBuilder| {
        let signed = builder.sign(&ca, S::EcdsaSha256).unwrap();
        let crls = [Crl::from_der(signed.as_der()).unwrap()];
        let mut policy = Policy::code_signing(time("2026-06-01"));
        policy.revocation = RevocationMode::Hard;
        let anchors = TrustAnchors::new(vec![ca.certificate().clone()]);
        validate(&leaf, &[], &anchors, &crls, &policy).status
    };
    assert_eq!(judge(list(1)), Status::Trusted);
    let entry = RevokedCertificate::new(&leaf, time("2026-02-01"));
    assert_eq!(judge(list(2).revoke(entry)), Status::Revoked);
}

#[test]
fn who_may_not_sign_lists_signs_none() {
    let ca = root_identity("CN=Root");
    let key = p256();
    let leaf = issue(&ca, Profile::CodeSigning, "CN=Leaf", &key).unwrap();
    let leaf = Identity::new(key, leaf, &[]).unwrap();
    let refused = list(1).sign(&leaf, S::EcdsaSha256);
    assert!(matches!(refused, Err(Error::NoCrlSigner { issuer }) if issuer == "CN=Leaf"));
    let refused = list(1).sign(&ca, S::RsaPkcs1Sha256);
    assert!(matches!(refused, Err(Error::Scheme { .. })));
    let entry = RevokedCertificate::new(ca.certificate(), time("2026-01-01"));
    let refused =
        list(1).revoke(entry.reason(RevocationReason::RemoveFromCrl)).sign(&ca, S::EcdsaSha256);
    assert!(matches!(refused, Err(Error::RevocationReason("remove-from-crl"))));
    for next in ["2026-01-01", "2025-12-31"] {
        let refused = CrlBuilder::new(1, time("2026-01-01"), time(next));
        assert!(matches!(refused, Err(Error::Validity)));
    }
}

#[test]
fn openssl_verifies_our_lists_and_no_changed_one() {
    let folder = std::env::temp_dir().join(format!("chancery-crl-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let ca = root_identity("CN=Root");
    let leaf = issue(&ca, Profile::CodeSigning, "CN=Leaf", &p256()).unwrap();
    fs::write(at("ca.pem"), to_pem("CERTIFICATE", ca.certificate().as_der())).unwrap();
    fs::write(at("leaf.pem"), to_pem("CERTIFICATE", leaf.as_der())).unwrap();
    let entry = RevokedCertificate::new(&leaf, time("2026-01-01"))
        .reason(RevocationReason::Superseded)
        .invalid_since(time("2025-12-01"));
    let signed = list(7).revoke(entry).sign(&ca, S::EcdsaSha256).unwrap();
    let verify = |der: &[u8]| {
        fs::write(at("crl.pem"), to_pem("X509 CRL", der)).unwrap();
        let crl = ["crl", "-in", &at("crl.pem"), "-noout", "-text", "-verify", "-CAfile"];
        let output = openssl(crl.iter().copied().chain([at("ca.pem").as_str()]));
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).into_owned()
    };
    let said = verify(signed.as_der());
    for part in [
        "verify OK",
        "Version 2 (0x1)",
        "X509v3 CRL Number",
        "Superseded",
        "Invalidity Date",
        "Dec  1 00:00:00 2025 GMT",
        "X509v3 Authority Key Identifier",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let mut changed = signed.as_der().to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert!(!verify(&changed).contains("verify OK"));

    let check = |crl: &str| {
        fs::write(at("crl.pem"), crl).unwrap();
        let output = openssl([
            "verify",
            "-crl_check",
            "-CAfile",
            &at("ca.pem"),
            "-CRLfile",
            &at("crl.pem"),
            &at("leaf.pem"),
        ]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (accepted, said) = check(&list(1).sign(&ca, S::EcdsaSha256).unwrap().to_pem());
    assert!(accepted, "{said}");
    let (accepted, said) = check(&signed.to_pem());
    assert!(!accepted && said.contains("certificate revoked"), "{said}");
    fs::remove_dir_all(&folder).unwrap();
}
