//! What is combined.

use std::fmt;

use chancery::key::DigestAlgorithm;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

/// The kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Pe32,
    Pe32Plus,
    Arm64,
    Clr,
    Efi,
    Overlay,
    OddSize,
}

impl Shape {
    pub(crate) const ALL: [Self; 7] = [
        Self::Pe32,
        Self::Pe32Plus,
        Self::Arm64,
        Self::Clr,
        Self::Efi,
        Self::Overlay,
        Self::OddSize,
    ];

    /// Makes a program of two sections, one of them longer than a page.
    pub(crate) fn program(self) -> Vec<u8> {
        let sections = vec![vec![0x31, 0xC0, 0xC3], (0..=u8::MAX).cycle().take(5000).collect()];
        let like = TinyPe { sections, ..TinyPe::default() };
        tiny_pe(&match self {
            Self::Pe32 => TinyPe { pe32_plus: false, ..like },
            Self::Pe32Plus => like,
            Self::Arm64 => TinyPe { machine: Some(0xAA64), ..like },
            Self::Clr => TinyPe { pe32_plus: false, clr: true, ..like },
            Self::Efi => TinyPe { subsystem: 10, ..like },
            Self::Overlay => TinyPe { overlay: b"overlay ".repeat(100), ..like },
            Self::OddSize => TinyPe { overlay: b"odd".to_vec(), ..like },
        })
    }
}

/// The signer's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
}

impl Key {
    pub(crate) const ALL: [Self; 6] =
        [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384, Self::P521];

    /// Returns what `openssl genpkey` is told.
    pub(crate) const fn openssl(self) -> [&'static str; 2] {
        match self {
            Self::Rsa2048 => ["RSA", "rsa_keygen_bits:2048"],
            Self::Rsa3072 => ["RSA", "rsa_keygen_bits:3072"],
            Self::Rsa4096 => ["RSA", "rsa_keygen_bits:4096"],
            Self::P256 => ["EC", "ec_paramgen_curve:P-256"],
            Self::P384 => ["EC", "ec_paramgen_curve:P-384"],
            Self::P521 => ["EC", "ec_paramgen_curve:P-521"],
        }
    }
}

/// The hashes of the file, and of the signature.
pub(crate) const DIGESTS: [DigestAlgorithm; 3] =
    [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

/// What the signature is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// With a description and an address.
    Opus,
    PageHashes,
    /// Added to one that somebody else made before.
    Appended,
    /// Two by the same key in one run, by different hashes.
    Dual,
    Rfc3161,
    Legacy,
}

impl Form {
    pub(crate) const ALL: [Self; 7] = [
        Self::Plain,
        Self::Opus,
        Self::PageHashes,
        Self::Appended,
        Self::Dual,
        Self::Rfc3161,
        Self::Legacy,
    ];

    /// Returns how many signatures there are in the end.
    pub(crate) const fn signatures(self) -> usize {
        match self {
            Self::Appended | Self::Dual => 2,
            _ => 1,
        }
    }

    pub(crate) const fn is_stamped(self) -> bool {
        matches!(self, Self::Rfc3161 | Self::Legacy)
    }
}

/// One of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) shape: Shape,
    pub(crate) key: Key,
    pub(crate) digest: DigestAlgorithm,
    pub(crate) form: Form,
}

impl Cell {
    /// Returns every combination.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for form in Form::ALL {
            for shape in Shape::ALL {
                for key in Key::ALL {
                    all.extend(DIGESTS.map(|digest| Self { shape, key, digest, form }));
                }
            }
        }
        all
    }

    /// Tells whether its stamp comes from `openssl ts` rather than from our own authority.
    pub(crate) const fn is_stamped_by_openssl(&self) -> bool {
        matches!((self.form, self.shape), (Form::Rfc3161, Shape::Pe32Plus))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, key, digest, form } = self;
        write!(f, "{shape:?}/{key:?}/{}/{form:?}", digest.name())
    }
}
