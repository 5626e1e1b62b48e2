//! PKCS#12 in both directions with OpenSSL, and files made to cost or to break something.

use std::fs;

use chancery_key::{EcCurve, KeyErrorKind, Pin, SigningKey};
use chancery_softkey::{MAX_PKCS12_ITERATIONS, Pkcs12, SoftKey};
use proptest::prelude::*;

use super::openssl::OpenSsl;
use super::support::{Passphrase, chain, ec, rsa};

const PASSWORD: &str = "correct-horse";

/// Makes `key.pem`, `cert.pem` (self-signed) of a new P-256 key.
fn make_certificate(openssl: &OpenSsl) {
    openssl.run(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=Signer \
         -keyout key.pem -out cert.pem",
    );
}

/// Exports them under the password with more options.
fn export(openssl: &OpenSsl, options: &str) -> Vec<u8> {
    let line = format!(
        "pkcs12 -export -inkey key.pem -in cert.pem -passout pass:{PASSWORD} -out file.p12{options}"
    );
    openssl.run(&line);
    fs::read(openssl.at("file.p12")).unwrap()
}

#[test]
fn what_openssl_exports_is_opened_whatever_the_cipher() {
    let Some(openssl) = OpenSsl::find() else { return };
    make_certificate(&openssl);
    openssl.run("x509 -in cert.pem -outform DER -out cert.der");
    let certificate = fs::read(openssl.at("cert.der")).unwrap();
    let public_key = openssl.public_key(&openssl.at("key.pem"));
    for options in [
        "",
        " -legacy",
        " -descert -legacy",
        " -certpbe AES-128-CBC -keypbe AES-192-CBC -macalg SHA512",
        " -certpbe NONE",
        " -certpbe NONE -keypbe NONE",
        " -iter 100000",
        " -nomaciter",
    ] {
        let der = export(&openssl, options);
        let pins = Passphrase::new(PASSWORD);
        let file = Pkcs12::from_der(&der, &pins, "file.p12").unwrap();
        assert_eq!(file.key().public_key(), &public_key, "{options}");
        assert_eq!(file.certificates(), std::slice::from_ref(&certificate), "{options}");
        assert_eq!(pins.asked().len(), 1);
        // As a key file it is opened like any other.
        let path = openssl.at("file.p12");
        let key = SoftKey::open_file(&path, &Passphrase::new(PASSWORD)).unwrap();
        assert_eq!(key.public_key(), &public_key);
        let error = Pkcs12::from_der(&der, &Passphrase::new("wrong"), "file.p12").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRefused, "{options}: {}", chain(&error));
    }
}

#[test]
fn openssl_opens_what_is_written() {
    let Some(openssl) = OpenSsl::find() else { return };
    make_certificate(&openssl);
    openssl.run("x509 -in cert.pem -outform DER -out cert.der");
    let certificate = fs::read(openssl.at("cert.der")).unwrap();
    let pem = fs::read_to_string(openssl.at("key.pem")).unwrap();
    let key = SoftKey::from_pem(&pem, &Passphrase::none(), "key.pem").unwrap();
    let der = key.to_pkcs12(&[&certificate], "signer", &Pin::new(PASSWORD.into())).unwrap();
    fs::write(openssl.at("ours.p12"), &der).unwrap();
    openssl.run(&format!(
        "pkcs12 -in ours.p12 -passin pass:{PASSWORD} -noenc -nocerts -out out-key.pem"
    ));
    openssl.run(&format!("pkcs12 -in ours.p12 -passin pass:{PASSWORD} -nokeys -out out-cert.pem"));
    openssl.run("x509 -in out-cert.pem -outform DER -out out.der");
    assert_eq!(fs::read(openssl.at("out.der")).unwrap(), certificate);
    assert_eq!(openssl.public_key(&openssl.at("out-key.pem")), *key.public_key());
    let wrong = ["pkcs12", "-in", "ours.p12", "-passin", "pass:wrong", "-nokeys"];
    assert!(!openssl.runs(wrong));
}

#[test]
fn keys_of_every_type_come_back() {
    for key in [rsa(), &ec(EcCurve::P384), &ec(EcCurve::P521)] {
        let password = "pässwörd";
        let der = key.to_pkcs12(&[], "key", &Pin::new(password.into())).unwrap();
        let file = Pkcs12::from_der(&der, &Passphrase::new(password), "x").unwrap();
        assert_eq!(file.key().public_key(), key.public_key());
        assert!(file.certificates().is_empty());
    }
}

#[test]
fn a_file_without_a_mac_or_a_key_or_with_another_cipher_is_refused_by_name() {
    let Some(openssl) = OpenSsl::find() else { return };
    make_certificate(&openssl);
    for (options, expected) in [
        (" -nomac", "no MAC protects"),
        (" -nokeys", "there is no private key in it"),
        (" -legacy -certpbe PBE-SHA1-RC4-128", "encrypted by 1.2.840.113549.1.12.1.1, which"),
    ] {
        let der = export(&openssl, options);
        let error = Pkcs12::from_der(&der, &Passphrase::new(PASSWORD), "x").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Malformed);
        assert!(chain(&error).contains(expected), "{}", chain(&error));
    }
}

/// Replaces the iterations that stand `nth` in a file; the value fills as many octets.
fn with_iterations(der: &[u8], nth: usize, value: [u8; 3]) -> Vec<u8> {
    // openssl was asked for 65537 iterations, which nothing else in the file is.
    let wanted = [2, 3, 1, 0, 1];
    let places: Vec<usize> =
        (0..der.len()).filter(|start| der[*start..].starts_with(&wanted)).collect();
    let mut der = der.to_vec();
    der[places[nth] + 2..][..3].copy_from_slice(&value);
    der
}

#[test]
fn hostile_iterations_are_refused_before_the_password_is_asked_for() {
    let Some(openssl) = OpenSsl::find() else { return };
    make_certificate(&openssl);
    for options in [" -iter 65537", " -iter 65537 -legacy"] {
        let der = export(&openssl, options);
        for nth in 0..3 {
            let hostile = with_iterations(&der, nth, [0x7f, 0xff, 0xff]);
            let pins = Passphrase::new(PASSWORD);
            let error = Pkcs12::from_der(&hostile, &pins, "x").unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::Malformed);
            let expected = format!("8388607 iterations, where 1 to {MAX_PKCS12_ITERATIONS}");
            assert!(chain(&error).contains(&expected), "{options} {nth}: {}", chain(&error));
            assert_eq!(pins.asked(), []);
            let negative = with_iterations(&der, nth, [0xff, 0, 0]);
            let error = Pkcs12::from_der(&negative, &pins, "x").unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::Malformed);
            assert_eq!(pins.asked(), []);
        }
    }
}

/// A DER value, with the length in the shortest form.
fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let head = match (u8::try_from(contents.len()), u16::try_from(contents.len()).unwrap()) {
        (Ok(len @ ..0x80), _) => vec![tag, len],
        (Ok(len), _) => vec![tag, 0x81, len],
        (Err(_), len) => [&[tag, 0x82], &len.to_be_bytes()[..]].concat(),
    };
    [head.as_slice(), contents].concat()
}

#[test]
fn iterations_count_together() {
    let oid = |last: u8| vec![6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, last];
    let parameters = [&[0x30, 15, 4, 8][..], &[7; 8], &[2, 3, 0x0f, 0x42, 0x40]].concat();
    let cipher = [&[6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 3][..], &parameters];
    let key = tlv(0x30, &[tlv(0x30, &cipher.concat()), tlv(4, &[0; 16])].concat());
    let bag = tlv(0x30, &[oid(2), tlv(0xa0, &key)].concat());
    let data = |inner: &[u8]| {
        let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
        tlv(0x30, &[&oid[..], &tlv(0xa0, &tlv(4, inner))].concat())
    };
    let file = |bags: usize| {
        let safe = data(&tlv(0x30, &bag.repeat(bags)));
        let mac = tlv(0x30, &[&[0x30, 0][..], &[4, 1, 0]].concat());
        tlv(0x30, &[&[2, 1, 3][..], &data(&tlv(0x30, &safe)), &mac].concat())
    };
    let error = |bags| chain(&Pkcs12::from_der(&file(bags), &Passphrase::none(), "x").unwrap_err());
    assert!(error(3).contains("nobody to ask"), "{}", error(3));
    assert!(error(5).contains("more than 4000000 iterations in all"), "{}", error(5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_file_never_panics_and_never_opens(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut der = WRITTEN.clone();
        let at = at.index(der.len());
        if cut { der.truncate(at) } else { der[at] = value }
        let opened = Pkcs12::from_der(&der, &Passphrase::new(PASSWORD), "x");
        prop_assert!(opened.is_err() || der == *WRITTEN);
    }
}

static WRITTEN: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
    ec(EcCurve::P256).to_pkcs12(&[], "key", &Pin::new(PASSWORD.into())).unwrap()
});
