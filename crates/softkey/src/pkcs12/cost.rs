//! What a PKCS#12 file asks for before anything is derived from a password.

use chancery_key::KeyError;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use pkcs5::pbes2;
use spki::AlgorithmIdentifierRef;

use super::malformed;
use crate::encryption;

/// The most iterations one key derivation of a PKCS#12 file may ask for.
pub const MAX_PKCS12_ITERATIONS: u32 = 1_000_000;

/// The most iterations that all key derivations of a PKCS#12 file may ask for together: each bag can have one
/// of its own.
pub const MAX_PKCS12_TOTAL_ITERATIONS: u64 = 4_000_000;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const SHROUDED_KEY_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const SHA_3DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const SHA_RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");

/// Tells whether bytes are a SEQUENCE that begins with version 3, as `PFX` does and no private key.
pub(super) fn is_pfx(bytes: &[u8]) -> bool {
    let version = |bytes| {
        let mut reader = SliceReader::new(bytes)?;
        der::Header::decode(&mut reader)?.tag().assert_eq(Tag::Sequence)?;
        u8::decode(&mut reader)
    };
    matches!(version(bytes), Ok(3))
}

/// Refuses a file without a MAC, or with a cost beyond the limits.
pub(super) fn check(der: &[u8]) -> Result<(), KeyError> {
    let mut tally = Tally(0);
    let read = AnyRef::from_der(der).and_then(|pfx| {
        pfx.sequence(|inner| {
            let version = u8::decode(inner)?;
            let content = AnyRef::decode(inner)?;
            let mac = Option::<AnyRef<'_>>::decode(inner)?;
            Ok::<_, der::Error>((version, content, mac))
        })
    });
    let (version, content, mac) = read.map_err(not_a_pfx)?;
    if version != 3 {
        return Err(malformed(format!("PKCS#12 of version {version}, where 3 is read")));
    }
    let mac = mac.ok_or_else(|| {
        malformed("no MAC protects the PKCS#12 file, so that nothing tells whether it is whole")
    })?;
    tally.add(mac_iterations(mac).map_err(not_a_pfx)?)?;
    let (content_type, content) = content_info(content).map_err(not_a_pfx)?;
    if content_type != DATA {
        return Err(malformed(format!(
            "protected by {content_type}, where a password and a MAC are read"
        )));
    }
    for safe in elements(octets(content).map_err(not_a_pfx)?).map_err(not_a_pfx)? {
        tally.safe(safe)?;
    }
    Ok(())
}

/// Iterations so far.
struct Tally(u64);

impl Tally {
    fn add(&mut self, iterations: u64) -> Result<(), KeyError> {
        if iterations == 0 || iterations > u64::from(MAX_PKCS12_ITERATIONS) {
            return Err(malformed(format!(
                "{iterations} iterations, where 1 to {MAX_PKCS12_ITERATIONS} are accepted"
            )));
        }
        self.0 = self.0.saturating_add(iterations);
        if self.0 > MAX_PKCS12_TOTAL_ITERATIONS {
            return Err(malformed(format!(
                "more than {MAX_PKCS12_TOTAL_ITERATIONS} iterations in all"
            )));
        }
        Ok(())
    }

    /// Looks at one `ContentInfo` of the `AuthenticatedSafe`.
    fn safe(&mut self, safe: AnyRef<'_>) -> Result<(), KeyError> {
        let (content_type, content) = content_info(safe).map_err(not_a_pfx)?;
        match content_type {
            DATA => {
                for bag in elements(octets(content).map_err(not_a_pfx)?).map_err(not_a_pfx)? {
                    self.bag(bag)?;
                }
                Ok(())
            }
            ENCRYPTED_DATA => self.algorithm(content_encryption(content).map_err(not_a_pfx)?),
            other => Err(malformed(format!("contents of type {other} are not read"))),
        }
    }

    fn bag(&mut self, bag: AnyRef<'_>) -> Result<(), KeyError> {
        let (bag_type, value) = content_info(bag).map_err(not_a_pfx)?;
        if bag_type == SHROUDED_KEY_BAG {
            let read = value.sequence(|inner| {
                let algorithm = AlgorithmIdentifierRef::decode(inner)?;
                AnyRef::decode(inner)?;
                Ok::<_, der::Error>(algorithm)
            });
            self.algorithm(read.map_err(not_a_pfx)?)?;
        }
        Ok(())
    }

    fn algorithm(&mut self, algorithm: AlgorithmIdentifierRef<'_>) -> Result<(), KeyError> {
        match algorithm.oid {
            pbes2::PBES2_OID => {
                let iterations = encryption::pbes2_iterations(algorithm)?;
                self.add(
                    iterations.ok_or_else(|| {
                        malformed("scrypt, where a PKCS#12 file with PBKDF2 is read")
                    })?,
                )
            }
            SHA_3DES | SHA_RC2_40 => {
                let parameters =
                    algorithm.parameters.ok_or_else(|| malformed("cipher without parameters"))?;
                let read = parameters.sequence(|inner| {
                    <&OctetStringRef>::decode(inner)?;
                    u64::decode(inner)
                });
                self.add(read.map_err(not_a_pfx)?)
            }
            other => Err(malformed(format!("encrypted by {other}, which is not read"))),
        }
    }
}

/// Reads `MacData`: digest, salt, and iterations unless it is one.
fn mac_iterations(mac: AnyRef<'_>) -> Result<u64, der::Error> {
    mac.sequence(|inner| {
        AnyRef::decode(inner)?;
        <&OctetStringRef>::decode(inner)?;
        Ok(Option::<u64>::decode(inner)?.unwrap_or(1))
    })
}

/// Reads a type and what is explicitly tagged 0 after it, passing over the attributes of bags.
fn content_info(info: AnyRef<'_>) -> Result<(ObjectIdentifier, AnyRef<'_>), der::Error> {
    info.sequence(|inner| {
        let content_type = ObjectIdentifier::decode(inner)?;
        let content = AnyRef::decode(inner)?;
        while !inner.is_finished() {
            AnyRef::decode(inner)?;
        }
        Ok((content_type, AnyRef::from_der(content.value())?))
    })
}

/// Reads `EncryptedData` as far as its algorithm.
fn content_encryption(data: AnyRef<'_>) -> Result<AlgorithmIdentifierRef<'_>, der::Error> {
    data.sequence(|inner| {
        u8::decode(inner)?;
        let content = AnyRef::decode(inner)?;
        while !inner.is_finished() {
            AnyRef::decode(inner)?;
        }
        content.sequence(|inner| {
            AnyRef::decode(inner)?;
            let algorithm = AlgorithmIdentifierRef::decode(inner)?;
            while !inner.is_finished() {
                AnyRef::decode(inner)?;
            }
            Ok(algorithm)
        })
    })
}

fn octets<'a>(any: AnyRef<'a>) -> Result<AnyRef<'a>, der::Error> {
    any.tag().assert_eq(Tag::OctetString)?;
    AnyRef::from_der(any.value())
}

fn elements(any: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>, der::Error> {
    any.sequence(|inner| {
        let mut all = Vec::new();
        while !inner.is_finished() {
            all.push(AnyRef::decode(inner)?);
        }
        Ok(all)
    })
}

fn not_a_pfx(error: der::Error) -> KeyError {
    malformed("not a PKCS#12 file").with_source(error)
}
