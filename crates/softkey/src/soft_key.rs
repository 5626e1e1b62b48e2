//! The key itself.

use core::fmt;
use std::path::Path;

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    DigestAlgorithm, KeyAlgorithm, KeyError, KeyErrorKind, Pin, PinSource, PublicKey, Signature,
    SignatureScheme, SigningKey,
};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::container::Container;
use crate::private_key::PrivateKey;
use crate::{ec_key, ed25519_key, encryption, file, pem, rsa_key};

/// A private key in this process's memory.
///
/// RSA of 2048 to 4096 bits signs by PKCS#1 v1.5 with SHA-1, SHA-256, SHA-384 and SHA-512 and by PSS
/// with all but SHA-1; P-256, P-384 and P-521 sign by ECDSA, also not with SHA-1; Ed25519 signs messages
/// and no digests. PKCS#1 v1.5, ECDSA (RFC 6979) and Ed25519 give the same signature for the same message
/// every time. The secret is wiped when the key is dropped.
pub struct SoftKey {
    public_key: PublicKey,
    private_key: PrivateKey,
}

impl SoftKey {
    /// Makes a key pair with the operating system's random numbers; RSA keys get the public exponent
    /// 65537.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotPermitted`] for a type or size this crate does not sign with.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        Self::new(PrivateKey::generate(algorithm)?)
    }

    /// Reads the one private key in PEM text: PKCS#8 plain or encrypted (PBES2), PKCS#1, SEC 1.
    ///
    /// Certificates, curve parameters and remarks around the key are passed over. `name` is what
    /// errors and the request for a passphrase call the text, normally its file. `pins` is asked
    /// once if the key is encrypted, else never.
    ///
    /// # Errors
    /// [`KeyErrorKind::Malformed`] for text without a key we read, or whose key derivation costs more
    /// than this crate's limits; [`KeyErrorKind::NotPermitted`] for an RSA key of another size;
    /// [`KeyErrorKind::AuthRefused`] for a wrong passphrase; whatever `pins` says.
    pub fn from_pem(text: &str, pins: &dyn PinSource, name: &str) -> Result<Self, KeyError> {
        Self::from_container(pem::private_key(text.as_bytes()), pins, name)
    }

    /// Reads the DER of a private key, in any form [`from_pem`](Self::from_pem) reads.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(der: &[u8], pins: &dyn PinSource, name: &str) -> Result<Self, KeyError> {
        Self::from_container(Ok(Container::find_in_der(der)), pins, name)
    }

    /// Reads PEM or DER, whichever it is; with the feature `pkcs12` also a PKCS#12 file.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_bytes(bytes: &[u8], pins: &dyn PinSource, name: &str) -> Result<Self, KeyError> {
        #[cfg(feature = "pkcs12")]
        if crate::Pkcs12::is_in(bytes) {
            return crate::Pkcs12::from_der(bytes, pins, name).map(|file| file.into_parts().0);
        }
        Self::from_container(Container::find(bytes), pins, name)
    }

    /// Reads a key file of at most [`MAX_KEY_FILE_LEN`](crate::MAX_KEY_FILE_LEN) bytes.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`] where there is no such file, [`KeyErrorKind::Io`] where it cannot
    /// be read; otherwise as [`from_pem`](Self::from_pem).
    pub fn open_file(path: &Path, pins: &dyn PinSource) -> Result<Self, KeyError> {
        Self::from_bytes(&file::read(path)?, pins, &path.display().to_string())
    }

    /// Writes the key into a new file as [`to_encrypted_pem`](Self::to_encrypted_pem) gives it. On
    /// Unix only the owner may read it (mode 0600).
    ///
    /// # Errors
    /// [`KeyErrorKind::AlreadyExists`] where there is anything of that name: nothing is overwritten;
    /// [`KeyErrorKind::Io`] where it cannot be written, and then nothing is left behind.
    pub fn create_file(&self, path: &Path, passphrase: &Pin) -> Result<(), KeyError> {
        file::create_private(path, self.to_encrypted_pem(passphrase)?.as_bytes())
    }

    /// Writes PKCS#8 in PEM, encrypted by PBES2 with PBKDF2-HMAC-SHA256 (600 000 iterations) and
    /// AES-256-CBC.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unavailable`] where the operating system gives no random numbers.
    pub fn to_encrypted_pem(&self, passphrase: &Pin) -> Result<String, KeyError> {
        let der = self.private_key.to_pkcs8_der()?;
        pem::write("ENCRYPTED PRIVATE KEY", &encryption::encrypt(der.as_bytes(), passphrase)?)
    }

    /// Writes PKCS#8 in PEM, **unprotected**: whoever reads it has the key.
    ///
    /// # Errors
    /// None in practice: a key that was read or made can be encoded.
    pub fn danger_to_plain_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let der = self.private_key.to_pkcs8_der()?;
        pem::write("PRIVATE KEY", der.as_bytes()).map(Zeroizing::new)
    }

    #[cfg(feature = "pkcs12")]
    pub(crate) const fn private_key(&self) -> &PrivateKey {
        &self.private_key
    }

    /// Completes a private key with its public half.
    pub(crate) fn new(private_key: PrivateKey) -> Result<Self, KeyError> {
        Ok(Self { public_key: private_key.public_key()?, private_key })
    }

    fn from_container(
        found: Result<Option<Container>, KeyError>,
        pins: &dyn PinSource,
        name: &str,
    ) -> Result<Self, KeyError> {
        found
            .and_then(|found| {
                found.ok_or_else(|| {
                    KeyError::new(KeyErrorKind::Malformed, "there is no private key in it")
                })
            })
            .and_then(|container| container.open(pins, name))
            .and_then(Self::new)
            .map_err(|error| {
                KeyError::new(error.kind(), format!("cannot open the key in {name}"))
                    .with_source(error)
            })
    }

    fn refuse(&self, scheme: SignatureScheme) -> KeyError {
        KeyError::new(
            KeyErrorKind::UnsupportedScheme,
            format!("a software key of type {} does not sign with {scheme}", self.algorithm()),
        )
    }

    fn algorithm(&self) -> KeyAlgorithm {
        self.public_key.algorithm()
    }
}

impl SigningKey for SoftKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn schemes(&self) -> &[SignatureScheme] {
        match self.private_key {
            PrivateKey::Rsa(_) => rsa_key::SCHEMES,
            PrivateKey::Ec(_) => ec_key::SCHEMES,
            PrivateKey::Ed25519(_) => ed25519_key::SCHEMES,
        }
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        if let PrivateKey::Ed25519(key) = &self.private_key
            && scheme == SignatureScheme::Ed25519
        {
            return Ok(Signature::from_x509_bytes(key.sign(message)));
        }
        match scheme.digest() {
            DigestAlgorithm::Sha1 => self.sign_digest(scheme, &Sha1::digest(message)),
            DigestAlgorithm::Sha256 => self.sign_digest(scheme, &Sha256::digest(message)),
            DigestAlgorithm::Sha384 => self.sign_digest(scheme, &Sha384::digest(message)),
            DigestAlgorithm::Sha512 => self.sign_digest(scheme, &Sha512::digest(message)),
        }
    }
}

impl DigestSigner for SoftKey {
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError> {
        if !self.schemes().contains(&scheme) {
            return Err(self.refuse(scheme));
        }
        let expected = scheme.digest().output_len();
        if digest.len() != expected {
            return Err(KeyError::new(
                KeyErrorKind::Malformed,
                format!("a digest of {} bytes, where {scheme} has {expected}", digest.len()),
            ));
        }
        match &self.private_key {
            PrivateKey::Rsa(key) => key.sign_digest(scheme, digest),
            PrivateKey::Ec(key) => key.sign_digest(scheme, digest).map(Ok),
            PrivateKey::Ed25519(_) => {
                return Err(KeyError::new(
                    KeyErrorKind::UnsupportedScheme,
                    format!("{scheme} is over the message itself, and no digest can stand for it"),
                ));
            }
        }
        .unwrap_or_else(|| Err(self.refuse(scheme)))
        .map(Signature::from_x509_bytes)
    }
}

impl fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftKey({})", self.algorithm())
    }
}
