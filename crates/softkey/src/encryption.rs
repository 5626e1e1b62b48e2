//! Passphrase encryption of PKCS#8: PBES2 (RFC 8018 section 6.2), with its cost known beforehand.

use chancery_key::{KeyError, KeyErrorKind, Pin};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode};
use pkcs5::pbes2::{self, EncryptionScheme, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, Salt};
use pkcs8::EncryptedPrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

/// The most PBKDF2 iterations a key file may ask for: some seconds of one processor core.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// The most memory a key file may ask of scrypt, in bytes: `128 · N · r` (RFC 7914 section 2).
pub const MAX_SCRYPT_MEMORY: u64 = 256 * 1024 * 1024;

/// The most work a key file may ask of scrypt, in bytes mixed: `128 · N · r · p`. `N` = 2²⁰ with
/// `r` = 8 and `p` = 1 would be as much, if [`MAX_SCRYPT_MEMORY`] did not refuse it.
pub const MAX_SCRYPT_WORK: u64 = 1024 * 1024 * 1024;

/// Iterations of PBKDF2-HMAC-SHA256 in the files we write, after OWASP's advice of 2023.
const WRITTEN_ITERATIONS: u32 = 600_000;

const DES_EDE3_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");

/// An `EncryptedPrivateKeyInfo` (RFC 5958 section 3) that can be decrypted at a bounded cost.
#[derive(Debug)]
pub(crate) struct Encrypted<'a> {
    parameters: Parameters,
    data: &'a [u8],
}

impl<'a> Encrypted<'a> {
    /// Reads the container and refuses what cannot be decrypted, or only at an absurd cost.
    pub(crate) fn from_der(der: &'a [u8]) -> Result<Self, KeyError> {
        let (algorithm, data) = read_container(der)
            .map_err(|error| malformed("not an encrypted PKCS#8 key").with_source(error))?;
        if algorithm.oid != pbes2::PBES2_OID {
            return Err(malformed(format!(
                "encrypted by {}, which is no PBES2 and too weak to be read",
                algorithm.oid
            )));
        }
        let bad = |error: der::Error| malformed("not the parameters of PBES2").with_source(error);
        let parameters =
            algorithm.parameters.ok_or_else(|| malformed("PBES2 without parameters"))?;
        let (kdf, cipher) = read_pair(parameters).map_err(bad)?;
        let parameters = Parameters { kdf: read_kdf(kdf)?, encryption: read_cipher(cipher)? };
        Ok(Self { parameters, data })
    }

    /// Decrypts to the DER inside. What comes out of CBC is not authenticated: the caller must take
    /// what is no key for a wrong passphrase.
    pub(crate) fn decrypt(&self, passphrase: &Pin) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut buffer = Zeroizing::new(self.data.to_vec());
        let len = self
            .parameters
            .decrypt_in_place(passphrase.expose_secret(), &mut buffer)
            .map_err(|error| match error {
                pkcs5::Error::DecryptFailed => wrong_passphrase(),
                other => {
                    malformed("the encryption of the key is not one we know").with_source(other)
                }
            })?
            .len();
        buffer.truncate(len);
        Ok(buffer)
    }
}

/// Reads the parameters of PBES2 wherever they stand, within the bounds of key files, and returns the
/// iterations of PBKDF2; `None` where it is scrypt.
#[cfg(feature = "pkcs12")]
pub(crate) fn pbes2_iterations(
    algorithm: AlgorithmIdentifierRef<'_>,
) -> Result<Option<u64>, KeyError> {
    let parameters = algorithm.parameters.ok_or_else(|| malformed("PBES2 without parameters"))?;
    let (kdf, cipher) = read_pair(parameters)
        .map_err(|error| malformed("not the parameters of PBES2").with_source(error))?;
    read_cipher(cipher)?;
    Ok(match read_kdf(kdf)? {
        Kdf::Pbkdf2(parameters) => Some(u64::from(parameters.iteration_count)),
        _ => None,
    })
}

/// The passphrase does not open the key.
pub(crate) fn wrong_passphrase() -> KeyError {
    KeyError::new(KeyErrorKind::AuthRefused, "the passphrase does not open the key")
}

/// Says of a refused passphrase where it is from.
pub(crate) fn with_origin(error: KeyError, passphrase: &Pin) -> KeyError {
    match passphrase.origin() {
        Some(origin) if error.kind() == KeyErrorKind::AuthRefused => {
            KeyError::new(error.kind(), format!("{error}; it is from {origin}"))
        }
        _ => error,
    }
}

/// Encrypts the DER of a `PrivateKeyInfo` with AES-256-CBC under PBKDF2-HMAC-SHA256, which every
/// OpenSSL since 1.0 and Windows read, into the DER of an `EncryptedPrivateKeyInfo`.
pub(crate) fn encrypt(key: &[u8], passphrase: &Pin) -> Result<Vec<u8>, KeyError> {
    let failed = |error: pkcs5::Error| {
        KeyError::new(KeyErrorKind::Device, "encrypting the key failed").with_source(error)
    };
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    for random in [&mut salt, &mut iv] {
        getrandom::fill(random).map_err(|error| {
            KeyError::new(KeyErrorKind::Unavailable, "the operating system gives no random numbers")
                .with_source(error)
        })?;
    }
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(WRITTEN_ITERATIONS, &salt, iv)
        .map_err(failed)?;
    let data = parameters.encrypt(passphrase.expose_secret(), key).map_err(failed)?;
    OctetStringRef::new(&data)
        .and_then(|data| {
            EncryptedPrivateKeyInfoRef {
                encryption_algorithm: parameters.into(),
                encrypted_data: data,
            }
            .to_der()
        })
        .map_err(|error| {
            KeyError::new(KeyErrorKind::Device, "encrypting the key failed").with_source(error)
        })
}

fn read_container(der: &[u8]) -> Result<(AlgorithmIdentifierRef<'_>, &[u8]), der::Error> {
    AnyRef::from_der(der)?.sequence(|inner| {
        Ok((AlgorithmIdentifierRef::decode(inner)?, <&OctetStringRef>::decode(inner)?.as_bytes()))
    })
}

fn read_pair(
    parameters: AnyRef<'_>,
) -> Result<(AlgorithmIdentifierRef<'_>, AlgorithmIdentifierRef<'_>), der::Error> {
    parameters.sequence(|inner| {
        Ok((AlgorithmIdentifierRef::decode(inner)?, AlgorithmIdentifierRef::decode(inner)?))
    })
}

/// Reads the key derivation and bounds its cost.
///
/// Field by field, since the readers of `pkcs5` 0.8 panic on some inputs (a salt of more than 32
/// octets, an `N` of zero) and bound nothing.
fn read_kdf(kdf: AlgorithmIdentifierRef<'_>) -> Result<Kdf, KeyError> {
    let bad =
        |error: der::Error| malformed("not the parameters of a key derivation").with_source(error);
    let parameters =
        kdf.parameters.ok_or_else(|| malformed("key derivation without parameters"))?;
    match kdf.oid {
        pbes2::PBKDF2_OID => {
            let (salt, iterations, key_length, prf) = parameters
                .sequence(|inner| {
                    Ok::<_, der::Error>((
                        <&OctetStringRef>::decode(inner)?.as_bytes(),
                        u64::decode(inner)?,
                        Option::<u16>::decode(inner)?,
                        Option::<AlgorithmIdentifierRef<'_>>::decode(inner)?,
                    ))
                })
                .map_err(bad)?;
            let iteration_count = u32::try_from(iterations)
                .ok()
                .filter(|iterations| (1..=MAX_PBKDF2_ITERATIONS).contains(iterations))
                .ok_or_else(|| {
                    malformed(format!(
                        "{iterations} PBKDF2 iterations, where 1 to {MAX_PBKDF2_ITERATIONS} are accepted"
                    ))
                })?;
            let prf = prf.map_or(Ok(Pbkdf2Prf::HmacWithSha1), Pbkdf2Prf::try_from).map_err(bad)?;
            Ok(Kdf::Pbkdf2(Pbkdf2Params {
                salt: read_salt(salt)?,
                iteration_count,
                key_length,
                prf,
            }))
        }
        pbes2::SCRYPT_OID => {
            let (salt, cost_parameter, block_size, parallelization, key_length) = parameters
                .sequence(|inner| {
                    Ok::<_, der::Error>((
                        <&OctetStringRef>::decode(inner)?.as_bytes(),
                        u64::decode(inner)?,
                        u16::decode(inner)?,
                        u16::decode(inner)?,
                        Option::<u16>::decode(inner)?,
                    ))
                })
                .map_err(bad)?;
            bound_scrypt(cost_parameter, block_size, parallelization)?;
            Ok(Kdf::Scrypt(pbes2::ScryptParams {
                salt: read_salt(salt)?,
                cost_parameter,
                block_size,
                parallelization,
                key_length,
            }))
        }
        other => Err(malformed(format!("key derivation {other} is neither PBKDF2 nor scrypt"))),
    }
}

fn bound_scrypt(n: u64, r: u16, p: u16) -> Result<(), KeyError> {
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
        return Err(malformed(format!("scrypt cannot be done with N={n}, r={r}, p={p}")));
    }
    let memory = 128_u64.saturating_mul(n).saturating_mul(u64::from(r));
    let work = memory.saturating_mul(u64::from(p));
    if memory > MAX_SCRYPT_MEMORY {
        return Err(malformed(format!(
            "scrypt with N={n}, r={r} needs {memory} bytes, where {MAX_SCRYPT_MEMORY} are accepted"
        )));
    }
    if work > MAX_SCRYPT_WORK {
        return Err(malformed(format!(
            "scrypt with N={n}, r={r}, p={p} mixes {work} bytes, where {MAX_SCRYPT_WORK} are accepted"
        )));
    }
    Ok(())
}

fn read_salt(salt: &[u8]) -> Result<Salt, KeyError> {
    if salt.len() > Salt::MAX_LEN {
        return Err(malformed(format!(
            "a salt of {} bytes, where {} are accepted",
            salt.len(),
            Salt::MAX_LEN
        )));
    }
    Salt::new(salt).map_err(|error| malformed("not a salt").with_source(error))
}

/// Reads the cipher. Triple DES apart, since the reader of `pkcs5` 0.8 panics on a short vector.
fn read_cipher(cipher: AlgorithmIdentifierRef<'_>) -> Result<EncryptionScheme, KeyError> {
    let bad = |error: der::Error| {
        malformed(format!("cipher {} with parameters we do not know", cipher.oid))
            .with_source(error)
    };
    if cipher.oid == DES_EDE3_CBC {
        let parameters = cipher.parameters.ok_or_else(|| malformed("cipher without parameters"))?;
        let iv = parameters.decode_as::<&OctetStringRef>().map_err(bad)?.as_bytes();
        let iv =
            iv.try_into().map_err(|_| malformed("a triple DES vector that has not 8 bytes"))?;
        return Ok(EncryptionScheme::DesEde3Cbc { iv });
    }
    EncryptionScheme::try_from(cipher).map_err(bad)
}

fn malformed(message: impl Into<String>) -> KeyError {
    KeyError::new(KeyErrorKind::Malformed, message)
}
