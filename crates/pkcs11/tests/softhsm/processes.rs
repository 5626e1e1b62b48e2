//! Several processes at one token, which SoftHSM's file store does not take well.

use std::env;
use std::process::Stdio;

use chancery_key::{EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery_pkcs11::{Module, Uri};
use chancery_testkit::softhsm::isolated;

use crate::pins::Pins;
use crate::{PIN, make, new_token, store};

/// Set in the processes that sign.
const SIGNER: &str = "CHANCERY_TEST_SIGNER";

const PROCESSES: usize = 4;
const SIGNATURES: usize = 100;

#[test]
fn four_processes_make_four_hundred_signatures_and_count_what_they_had_to_repeat() {
    isolated(|hsm| {
        if env::var_os(SIGNER).is_some() {
            let store = store(hsm, "build", Pins::of(PIN));
            let key = store.open_key(&Uri::new().with_object("release")).unwrap();
            let scheme = SignatureScheme::EcdsaSha256;
            for number in 0..SIGNATURES {
                let message = number.to_be_bytes();
                let signature = key.sign(scheme, &message).unwrap();
                chancery_sigverify::verify(
                    key.public_key(),
                    scheme,
                    &message,
                    signature.as_bytes(),
                )
                .unwrap();
            }
            let statistics = Module::load(hsm.module()).unwrap().statistics();
            assert_eq!(statistics.calls_of("C_Sign"), SIGNATURES as u64);
            println!(
                "signer: {SIGNATURES} good, {} retries {:?}",
                statistics.retried(),
                statistics.retries
            );
            return;
        }
        make(&new_token(hsm, "build"), "release", KeyAlgorithm::Ec(EcCurve::P256));
        let name = "processes::four_processes_make_four_hundred_signatures_and_count_what_they_had_to_repeat";
        let start = || {
            let mut signer = hsm.command(env::current_exe().unwrap());
            signer.args([name, "--exact", "--nocapture"]).env(SIGNER, "1");
            signer.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let signers: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
        for signer in signers {
            let output = signer.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{text}{errors}");
            let line = text.lines().find(|line| line.contains("signer: "));
            let line = line.unwrap_or_else(|| panic!("no count in {text}"));
            assert!(line.contains("signer: 100 good, "), "{line}");
            println!("{line}");
        }
    });
}
