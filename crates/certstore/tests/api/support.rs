//! Certificates and stores to test with.

use std::sync::LazyLock;

use chancery_certstore::{Element, Entry, KeyBinding, List, Properties, PropertyId};
use chancery_key::{EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_x509::{Certificate, CertificateBuilder, Profile, SerialNumber, Time, Validity};

/// A self-signed certificate with a key of its own; the number is in its name and its serial number.
pub(crate) fn make(number: u8) -> Certificate {
    let key = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
    let validity = Validity::from_now(Time::now().unwrap(), 30).unwrap();
    let serial = SerialNumber::from_octets([number; 20]);
    let subject = format!("CN=Signer {number},O=Exämple \\, Inc.").parse().unwrap();
    let public_key = key.public_key().clone();
    CertificateBuilder::new(Profile::CodeSigning, subject, public_key, validity, serial)
        .self_signed(&key, SignatureScheme::EcdsaSha256)
        .unwrap()
}

/// Four of them, made once.
pub(crate) fn certificates() -> &'static [Certificate; 4] {
    static ALL: LazyLock<[Certificate; 4]> = LazyLock::new(|| [1, 2, 3, 4].map(make));
    &ALL
}

/// One of them in a store, with a friendly name and a key.
pub(crate) fn bound(index: usize) -> Entry {
    let mut entry = Entry::new(certificates()[index].clone());
    entry.properties_mut().set_text(PropertyId::FRIENDLY_NAME, "Grüße ✓ 🔑");
    let binding =
        KeyBinding::new("pkcs11:token=build;object=release", "PKCS#11 Key Storage Provider");
    entry.properties_mut().set(PropertyId::KEY_PROVIDER_INFO, binding.encode().unwrap());
    entry
}

/// Random numbers that are the same each time: xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn bytes(&mut self, limit: u64) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    pub(crate) fn properties(&mut self) -> Properties {
        let mut properties = Properties::new();
        for _ in 0..self.below(6) {
            let id = match self.below(3) {
                0 => PropertyId::FRIENDLY_NAME,
                1 => PropertyId::ARCHIVED,
                _ => match PropertyId::new(u32::try_from(self.below(0x1_0000)).unwrap()) {
                    Some(id) => id,
                    None => continue,
                },
            };
            properties.set(id, self.bytes(60));
        }
        properties
    }

    /// Certificates real and not, lists, with and without properties.
    pub(crate) fn store(&mut self) -> Vec<Element> {
        let element = |random: &mut Self| {
            let properties = random.properties();
            match random.below(6) {
                0 => Element::RevocationList(List::new(random.bytes(100), properties)),
                1 => Element::TrustList(List::new(random.bytes(100), properties)),
                2 => Element::Certificate(Entry::from_parts(random.bytes(200), properties)),
                index => {
                    let index = usize::try_from(index - 2).unwrap();
                    let der = certificates()[index].as_der().to_vec();
                    Element::Certificate(Entry::from_parts(der, properties))
                }
            }
        };
        (0..self.below(8)).map(|_| element(self)).collect()
    }
}
