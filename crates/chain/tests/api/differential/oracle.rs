//! Verifiers of other people.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use chancery_testkit::openssl::openssl;
use chancery_x509::{Certificate, to_pem};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::ring as algorithms;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::maker::{NOW, time};

use super::chains::Chain;

/// Asks `openssl verify`: whether it accepts, and what it said.
///
/// Security level 2 is 112 bits: RSA from 2048 bits on, no SHA-1.
pub fn ask_openssl(chain: &Chain, dir: &Path) -> (bool, String) {
    let file = |name: &str, certificates: &[Certificate]| -> OsString {
        let path = dir.join(name);
        let pem: String =
            certificates.iter().map(|one| to_pem("CERTIFICATE", one.as_der())).collect();
        fs::write(&path, pem).unwrap();
        path.into()
    };
    let mut args: Vec<OsString> =
        ["verify", "-no-CApath", "-no-CAstore", "-purpose", "any", "-auth_level", "2", "-attime"]
            .map(OsString::from)
            .into();
    args.push(time(NOW).unix().to_string().into());
    args.extend(["-CAfile".into(), file("anchors.pem", std::slice::from_ref(&chain.anchor))]);
    if !chain.candidates.is_empty() {
        args.extend(["-untrusted".into(), file("others.pem", &chain.candidates)]);
    }
    args.push(file("leaf.pem", std::slice::from_ref(&chain.leaf)));
    let output = openssl(args);
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Everything this build of it can verify: no SHA-1, no P-521.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
];

/// The contents octets of id-kp-codeSigning.
const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];

/// Asks rustls-webpki for a path that is good for signing code.
pub fn ask_webpki(chain: &Chain) -> (bool, String) {
    let der = |certificate: &Certificate| CertificateDer::from(certificate.as_der().to_vec());
    let (leaf, anchor) = (der(&chain.leaf), der(&chain.anchor));
    let others: Vec<CertificateDer<'_>> = chain.candidates.iter().map(der).collect();
    let now = Duration::from_secs(time(NOW).unix());
    let verdict = anchor_from_trusted_cert(&anchor).and_then(|anchor| {
        let usage = KeyUsage::required_if_present(CODE_SIGNING);
        let now = UnixTime::since_unix_epoch(now);
        EndEntityCert::try_from(&leaf)?
            .verify_for_usage(ALGORITHMS, &[anchor], &others, now, usage, None, None)
            .map(|_| ())
    });
    match verdict {
        Ok(()) => (true, String::new()),
        Err(error) => (false, format!("{error:?}")),
    }
}
