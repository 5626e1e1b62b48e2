//! What the tests of another implementation ask it, and the one in Rust.

use chancery_key::{KeyAlgorithm, PublicKey, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::verify::compute_plainly;

pub(crate) const RSA: &[SignatureScheme] = &[
    SignatureScheme::RsaPkcs1Sha256,
    SignatureScheme::RsaPkcs1Sha384,
    SignatureScheme::RsaPkcs1Sha512,
];
pub(crate) const ECDSA: &[SignatureScheme] =
    &[SignatureScheme::EcdsaSha256, SignatureScheme::EcdsaSha384, SignatureScheme::EcdsaSha512];

const MESSAGE: &[u8] = b"message";

/// What an implementation is given.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) key: &'a PublicKey,
    pub(crate) scheme: SignatureScheme,
    pub(crate) message: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// Has signatures by every key and scheme, good and bad, judged by `held` and in Rust.
pub(crate) fn agree(
    schemes: &[(KeyAlgorithm, &[SignatureScheme])],
    held: impl Fn(Given<'_>) -> bool,
) {
    let both = |given: Given<'_>| {
        let digest = crate::digest(given.scheme.digest(), given.message);
        let plain = compute_plainly(given.key, given.scheme, &digest, given.signature).is_ok();
        assert_eq!(held(given), plain, "{}", given.scheme);
        plain
    };
    let mut all = Vec::new();
    for (algorithm, schemes) in schemes {
        let key = SoftKey::generate(*algorithm).unwrap();
        for scheme in *schemes {
            let signature = key.sign(*scheme, MESSAGE).unwrap().as_bytes().to_vec();
            all.push((key.public_key().clone(), *scheme, signature));
        }
    }
    for (key, scheme, signature) in &all {
        let good = Given { key, scheme: *scheme, message: MESSAGE, signature };
        assert!(both(good));
        assert!(!both(Given { message: b"Message", ..good }));
        let longer = [signature.as_slice(), &[0]].concat();
        let (zeros, ones) = (vec![0; signature.len()], vec![0xFF; signature.len()]);
        for bad in [&[], longer.as_slice(), &zeros, &ones] {
            assert!(!both(Given { signature: bad, ..good }));
        }
    }
    let changes = (0..all.len(), any::<prop::sample::Index>(), 0..8_u32);
    let flipped = TestRunner::default().run(&changes, |(which, at, bit)| {
        let (key, scheme, signature) = &all[which];
        let mut signature = signature.clone();
        let at = at.index(signature.len());
        signature[at] ^= 1 << bit;
        let given = Given { key, scheme: *scheme, message: MESSAGE, signature: &signature };
        prop_assert!(!both(given));
        Ok(())
    });
    flipped.unwrap();
}
