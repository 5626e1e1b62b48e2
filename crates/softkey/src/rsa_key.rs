//! RSA private keys: PKCS#1 in and out, signing.

use core::ops::RangeInclusive;

use chancery_key::DigestAlgorithm;
use chancery_key::{
    KeyAlgorithm, KeyError, KeyErrorKind, PublicKey, SchemeFamily, SignatureScheme,
};
use der::{Decode, SecretDocument};
use getrandom::SysRng;
use getrandom::rand_core::{TryRng, UnwrapErr};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pss::Pss;
use rsa::traits::{PublicKeyParts, SignatureScheme as Padding};
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Sha256, Sha384, Sha512};

/// Lengths of the modulus that are read and generated, in bits.
const MODULUS_BITS: RangeInclusive<u32> = 2048..=4096;

/// What an RSA key signs with. SHA-1 is left out: nothing new should be signed with it.
pub(crate) const SCHEMES: &[SignatureScheme] = &[
    // For the first of two signatures of a program that must also run on Windows 7.
    SignatureScheme::RsaPkcs1Sha1,
    SignatureScheme::RsaPkcs1Sha256,
    SignatureScheme::RsaPkcs1Sha384,
    SignatureScheme::RsaPkcs1Sha512,
    SignatureScheme::RsaPssSha256,
    SignatureScheme::RsaPssSha384,
    SignatureScheme::RsaPssSha512,
];

/// A key, and what signs with it.
pub(crate) struct RsaKey {
    numbers: RsaPrivateKey,
    /// `None` for a key that AWS-LC will not take.
    #[cfg(feature = "aws-lc-rs")]
    aws_lc: Option<aws_lc_rs::rsa::KeyPair>,
}

impl RsaKey {
    fn new(numbers: RsaPrivateKey) -> Self {
        #[cfg(feature = "aws-lc-rs")]
        let aws_lc = to_pkcs1_der(&numbers)
            .ok()
            .and_then(|der| aws_lc_rs::rsa::KeyPair::from_der(der.as_bytes()).ok());
        Self {
            numbers,
            #[cfg(feature = "aws-lc-rs")]
            aws_lc,
        }
    }

    /// Makes a key with the public exponent 65537.
    pub(crate) fn generate(bits: u32) -> Result<Self, KeyError> {
        generate(bits).map(Self::new)
    }

    /// Reads an `RSAPrivateKey` (RFC 8017 appendix A.1.2) of two primes.
    pub(crate) fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        from_pkcs1_der(der).map(Self::new)
    }

    /// Writes an `RSAPrivateKey`.
    pub(crate) fn to_pkcs1_der(&self) -> Result<SecretDocument, KeyError> {
        to_pkcs1_der(&self.numbers)
    }

    /// Returns the public half.
    pub(crate) fn public_key(&self) -> Result<PublicKey, KeyError> {
        public_key(&self.numbers)
    }

    /// Signs a digest. The private-key operation's result is checked before it is used; the salt of PSS is as long
    /// as the hash.
    ///
    /// Gives `None` for a scheme that is none of [`SCHEMES`].
    pub(crate) fn sign_digest(
        &self,
        scheme: SignatureScheme,
        digest: &[u8],
    ) -> Option<Result<Vec<u8>, KeyError>> {
        #[cfg(feature = "aws-lc-rs")]
        if let Some(signed) = self.sign_by_aws_lc(scheme, digest) {
            return Some(signed);
        }
        sign_digest(&self.numbers, scheme, digest)
    }

    /// Signs in constant time; `None` for what AWS-LC does not sign, SHA-1 for one.
    #[cfg(feature = "aws-lc-rs")]
    fn sign_by_aws_lc(
        &self,
        scheme: SignatureScheme,
        digest: &[u8],
    ) -> Option<Result<Vec<u8>, KeyError>> {
        use aws_lc_rs::digest::{Digest, SHA256, SHA384, SHA512};
        use aws_lc_rs::signature::{
            RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
            RSA_PSS_SHA512, RsaSignatureEncoding,
        };
        let (padding, hash): (&'static RsaSignatureEncoding, _) = match scheme {
            SignatureScheme::RsaPkcs1Sha256 => (&RSA_PKCS1_SHA256, &SHA256),
            SignatureScheme::RsaPkcs1Sha384 => (&RSA_PKCS1_SHA384, &SHA384),
            SignatureScheme::RsaPkcs1Sha512 => (&RSA_PKCS1_SHA512, &SHA512),
            SignatureScheme::RsaPssSha256 => (&RSA_PSS_SHA256, &SHA256),
            SignatureScheme::RsaPssSha384 => (&RSA_PSS_SHA384, &SHA384),
            SignatureScheme::RsaPssSha512 => (&RSA_PSS_SHA512, &SHA512),
            _ => return None,
        };
        let pair = self.aws_lc.as_ref()?;
        let digest = Digest::import_less_safe(digest, hash).ok()?;
        let mut signature = vec![0; pair.public_modulus_len()];
        let signed = pair.sign_digest(padding, &digest, &mut signature);
        Some(signed.map(|()| signature).map_err(|error| {
            KeyError::new(KeyErrorKind::Device, "the RSA operation failed").with_source(error)
        }))
    }
}

fn generate(bits: u32) -> Result<RsaPrivateKey, KeyError> {
    permit(bits)?;
    // The `rsa` crate generates only from a source that cannot fail. Systems whose source fails do
    // so on the first call, so that is tried here, where failing can still be said properly.
    SysRng.try_fill_bytes(&mut [0; 1]).map_err(no_randomness)?;
    let bits = usize::try_from(bits).map_err(|_| not_permitted(bits))?;
    RsaPrivateKey::new(&mut UnwrapErr(SysRng), bits).map_err(|error| {
        KeyError::new(KeyErrorKind::Device, "making an RSA key failed").with_source(error)
    })
}

fn from_pkcs1_der(der: &[u8]) -> Result<RsaPrivateKey, KeyError> {
    let parts = pkcs1::RsaPrivateKeyRef::from_der(der).map_err(|error| {
        KeyError::new(KeyErrorKind::Malformed, "not an RSA private key").with_source(error)
    })?;
    if parts.version() != pkcs1::Version::TwoPrime {
        return Err(KeyError::new(
            KeyErrorKind::Malformed,
            "an RSA key of more than two primes is not read",
        ));
    }
    let modulus = parts.modulus.as_bytes();
    // Lengths come first: arithmetic on numbers of any length takes any time.
    permit(bit_length(modulus))?;
    let numbers = [
        parts.public_exponent.as_bytes(),
        parts.private_exponent.as_bytes(),
        parts.prime1.as_bytes(),
        parts.prime2.as_bytes(),
    ];
    if numbers.iter().any(|number| number.len() > modulus.len()) {
        return Err(bad_numbers());
    }
    let [e, d, p, q] = numbers.map(BoxedUint::from_be_slice_vartime);
    let n = BoxedUint::from_be_slice_vartime(modulus);
    RsaPrivateKey::from_components(n, e, d, vec![p, q])
        .map_err(|error| bad_numbers().with_source(error))
}

fn to_pkcs1_der(key: &RsaPrivateKey) -> Result<SecretDocument, KeyError> {
    key.to_pkcs1_der().map_err(|error| {
        KeyError::new(KeyErrorKind::Malformed, "the RSA key cannot be encoded").with_source(error)
    })
}

fn public_key(key: &RsaPrivateKey) -> Result<PublicKey, KeyError> {
    PublicKey::from_rsa_numbers(&key.n().to_be_bytes(), &key.e().to_be_bytes())
        .map_err(|error| bad_numbers().with_source(error))
}

/// Signs in Rust alone, blinded.
fn sign_digest(
    key: &RsaPrivateKey,
    scheme: SignatureScheme,
    digest: &[u8],
) -> Option<Result<Vec<u8>, KeyError>> {
    if !SCHEMES.contains(&scheme) {
        return None;
    }
    let algorithm = scheme.digest();
    let mut rng = SysRng;
    let rng = Some(&mut rng);
    let signed = match (scheme.family(), algorithm) {
        (SchemeFamily::RsaPkcs1, _) => Pkcs1v15Sign {
            hash_len: Some(algorithm.output_len()),
            prefix: algorithm.digest_info_prefix().into(),
        }
        .sign(rng, key, digest),
        (SchemeFamily::RsaPss, DigestAlgorithm::Sha256) => {
            Pss::<Sha256>::new().sign(rng, key, digest)
        }
        (SchemeFamily::RsaPss, DigestAlgorithm::Sha384) => {
            Pss::<Sha384>::new().sign(rng, key, digest)
        }
        (SchemeFamily::RsaPss, DigestAlgorithm::Sha512) => {
            Pss::<Sha512>::new().sign(rng, key, digest)
        }
        _ => return None,
    };
    Some(signed.map_err(|error| {
        KeyError::new(KeyErrorKind::Device, "the RSA operation failed").with_source(error)
    }))
}

fn permit(bits: u32) -> Result<(), KeyError> {
    if MODULUS_BITS.contains(&bits) { Ok(()) } else { Err(not_permitted(bits)) }
}

fn not_permitted(bits: u32) -> KeyError {
    KeyError::new(
        KeyErrorKind::NotPermitted,
        format!(
            "{}: only keys of {} to {} bits are used",
            KeyAlgorithm::Rsa { bits },
            MODULUS_BITS.start(),
            MODULUS_BITS.end()
        ),
    )
}

fn bad_numbers() -> KeyError {
    KeyError::new(KeyErrorKind::Malformed, "the numbers make no RSA private key")
}

fn no_randomness(error: getrandom::Error) -> KeyError {
    KeyError::new(KeyErrorKind::Unavailable, "the operating system gives no random numbers")
        .with_source(error)
}

/// Counts the bits of a big-endian number without leading zeros.
fn bit_length(bytes: &[u8]) -> u32 {
    let Some(first) = bytes.first() else { return 0 };
    u32::try_from(bytes.len())
        .ok()
        .and_then(|len| len.checked_mul(8))
        .map_or(u32::MAX, |bits| bits.saturating_sub(first.leading_zeros()))
}
