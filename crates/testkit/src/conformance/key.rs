//! Checking keys.

use std::sync::Barrier;
use std::thread;

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    KeyError, KeyErrorKind, PublicKey, PublicKeyNumbers, SchemeFamily, SignatureScheme, SigningKey,
    ecdsa_der_from_fixed, ecdsa_fixed_from_der,
};
use chancery_sigverify::{digest, verify};

use super::{Check, Failure, Report, Tally};

/// Lengths of signed messages: nothing, one byte, around the padding and the block of SHA-256, and
/// two that no buffer for a digest holds.
const MESSAGE_LENGTHS: [usize; 7] = [0, 1, 55, 56, 64, 1_000, 100_000];

const THREADS: usize = 4;
const SIGNATURES_PER_THREAD: usize = 4;

/// Checks a key.
///
/// # Errors
/// Every check that failed.
pub fn check(key: &dyn SigningKey) -> Result<Report, Vec<Failure>> {
    let mut tally = Tally::default();
    check_public_key(key, &mut tally);
    for scheme in key.schemes() {
        check_scheme(key, *scheme, &mut tally);
    }
    check_refusals(key.schemes(), &mut tally, |scheme| key.sign(scheme, b"message").map(drop));
    check_threads(key, &mut tally);
    tally.finish()
}

/// Checks a key that signs digests as well, beyond what [`check`] does.
///
/// # Errors
/// Every check that failed.
pub fn check_digest_signer(key: &dyn DigestSigner) -> Result<Report, Vec<Failure>> {
    let mut tally = Tally::default();
    let message = message(1_000);
    for scheme in key.schemes().iter().copied() {
        let digest = digest(scheme.digest(), &message);
        match key.sign_digest(scheme, &digest) {
            Ok(signature) => {
                let verified = verify(key.public_key(), scheme, &message, signature.as_bytes());
                tally.about(Check::SignsDigest, scheme, verified.map_err(|e| e.to_string()));
            }
            // The trait lets a key do fewer schemes on digests than on messages.
            Err(error) if error.kind() == KeyErrorKind::UnsupportedScheme => continue,
            Err(error) => tally.about(Check::SignsDigest, scheme, Err(error.to_string())),
        }
        for wrong in [&[][..], &digest[1..], &[&digest[..], &[0]].concat()] {
            let outcome = match key.sign_digest(scheme, wrong) {
                Ok(_) => Err(format!("signed {} bytes as a digest", wrong.len())),
                Err(error) if error.kind() == KeyErrorKind::Malformed => Ok(()),
                Err(error) => Err(format!("{} bytes: {:?}: {error}", wrong.len(), error.kind())),
            };
            tally.about(Check::RefusesDigestLength, scheme, outcome);
        }
    }
    let can_any = key.schemes().iter().any(|scheme| scheme.signs_digests());
    if can_any && !tally.report.passed.contains_key(&Check::SignsDigest) {
        tally.note(Check::SignsDigest, Err("no scheme signs a digest".into()));
    }
    check_refusals(key.schemes(), &mut tally, |scheme| {
        key.sign_digest(scheme, &vec![0; scheme.digest().output_len()]).map(drop)
    });
    tally.finish()
}

fn check_public_key(key: &dyn SigningKey, tally: &mut Tally) {
    let first = key.public_key().clone();
    for _ in 0..3 {
        tally.equal(Check::PublicKeyStable, key.public_key().spki_der(), first.spki_der());
    }
    match PublicKey::from_spki_der(first.spki_der()) {
        Ok(read) => tally.equal(Check::SpkiRoundTrip, read.numbers(), first.numbers()),
        Err(error) => tally.note(Check::SpkiRoundTrip, Err(error.to_string())),
    }
    let schemes = key.schemes();
    let outcome = if schemes.is_empty() { Err("no scheme at all".into()) } else { Ok(()) };
    tally.note(Check::SchemesFitKey, outcome);
    for (position, scheme) in schemes.iter().enumerate() {
        let outcome = if !scheme.fits(first.algorithm()) {
            Err(format!("no scheme for a key of type {}", first.algorithm()))
        } else if schemes[..position].contains(scheme) {
            Err("advertised twice".into())
        } else {
            Ok(())
        };
        tally.about(Check::SchemesFitKey, *scheme, outcome);
    }
}

fn check_scheme(key: &dyn SigningKey, scheme: SignatureScheme, tally: &mut Tally) {
    for length in MESSAGE_LENGTHS {
        let message = message(length);
        let signature = match key.sign(scheme, &message) {
            Ok(signature) => signature.into_bytes(),
            Err(error) => {
                tally.about(Check::Signs, scheme, Err(format!("{length} bytes: {error}")));
                continue;
            }
        };
        tally.about(Check::Signs, scheme, Ok(()));
        tally.about(Check::SignatureForm, scheme, form(key.public_key(), &signature));
        let judge =
            |message: &[u8], signature: &[u8]| verify(key.public_key(), scheme, message, signature);
        let verified = judge(&message, &signature).map_err(|e| format!("{length} bytes: {e}"));
        tally.about(Check::Verifies, scheme, verified);

        let mut changed = message.clone();
        match changed.get_mut(length / 2) {
            Some(byte) => *byte ^= 1,
            None => changed.push(0),
        }
        let outcome = refused(judge(&changed, &signature));
        tally.about(Check::RefusesChangedMessage, scheme, outcome);
        let mut changed = signature.clone();
        if let Some(byte) = changed.last_mut() {
            *byte ^= 1;
        }
        let outcome = refused(judge(&message, &changed));
        tally.about(Check::RefusesChangedSignature, scheme, outcome);

        if matches!(scheme.family(), SchemeFamily::RsaPkcs1 | SchemeFamily::EdDsa) {
            let outcome = match key.sign(scheme, &message) {
                Ok(again) if again.as_bytes() == signature => Ok(()),
                Ok(_) => Err(format!("{length} bytes: another signature the second time")),
                Err(error) => Err(format!("{length} bytes, the second time: {error}")),
            };
            tally.about(Check::Deterministic, scheme, outcome);
        }
    }
}

fn check_refusals(
    advertised: &[SignatureScheme],
    tally: &mut Tally,
    sign: impl Fn(SignatureScheme) -> Result<(), KeyError>,
) {
    for scheme in SignatureScheme::ALL {
        if advertised.contains(&scheme) {
            continue;
        }
        let outcome = match sign(scheme) {
            Ok(()) => Err("signed all the same".into()),
            Err(error) if error.kind() == KeyErrorKind::UnsupportedScheme => Ok(()),
            Err(error) => Err(format!("refused as {:?}: {error}", error.kind())),
        };
        tally.about(Check::RefusesUnadvertised, scheme, outcome);
    }
}

fn check_threads(key: &dyn SigningKey, tally: &mut Tally) {
    let Some(scheme) = key.schemes().first().copied() else { return };
    let start = Barrier::new(THREADS);
    let outcomes: Vec<Result<(), String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    (0..SIGNATURES_PER_THREAD)
                        .map(|turn| {
                            let message = message(100 * thread + turn);
                            let signature = key
                                .sign(scheme, &message)
                                .map_err(|error| format!("thread {thread}: {error}"))?;
                            verify(key.public_key(), scheme, &message, signature.as_bytes())
                                .map_err(|error| format!("thread {thread}: {error}"))
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
    });
    for outcome in outcomes {
        tally.about(Check::Concurrent, scheme, outcome);
    }
}

/// Tells whether a signature has the one form it can have.
fn form(key: &PublicKey, signature: &[u8]) -> Result<(), String> {
    match key.numbers() {
        PublicKeyNumbers::Rsa { modulus, .. } if modulus.len() == signature.len() => Ok(()),
        PublicKeyNumbers::Rsa { modulus, .. } => {
            Err(format!("{} bytes for a modulus of {}", signature.len(), modulus.len()))
        }
        PublicKeyNumbers::Ec { curve, .. } => {
            let canonical = ecdsa_fixed_from_der(signature, curve.field_len())
                .and_then(|fixed| ecdsa_der_from_fixed(&fixed));
            match canonical {
                Ok(canonical) if canonical == signature => Ok(()),
                Ok(_) => Err("not the DER of its own numbers".into()),
                Err(error) => Err(error.to_string()),
            }
        }
        PublicKeyNumbers::Ed25519 { .. } if signature.len() == 64 => Ok(()),
        PublicKeyNumbers::Ed25519 { .. } => Err(format!("{} bytes, not 64", signature.len())),
        _ => Err("a key of unknown type".into()),
    }
}

fn refused<E>(verified: Result<(), E>) -> Result<(), String> {
    match verified {
        Ok(()) => Err("verified all the same".into()),
        Err(_) => Ok(()),
    }
}

/// Makes a message whose bytes differ from their neighbours.
fn message(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
