//! Hash functions chosen at run time.

use core::fmt;

use chancery_key::DigestAlgorithm;
use sha1::Sha1;
use sha2::{Digest, Sha256};
#[cfg(not(feature = "aws-lc-rs"))]
use sha2::{Sha384, Sha512};

#[cfg(feature = "aws-lc-rs")]
use crate::aws_lc::{Sha384, Sha512};

/// An incremental hash whose function is chosen at run time.
///
/// ```
/// use chancery_key::DigestAlgorithm;
/// use chancery_sigverify::{Hasher, digest};
///
/// let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
/// hasher.update(b"in two ");
/// hasher.update(b"pieces");
/// assert_eq!(hasher.finish(), digest(DigestAlgorithm::Sha256, b"in two pieces"));
/// ```
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    /// Starts a hash over nothing yet.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Sha1 => State::Sha1(Sha1::new()),
            DigestAlgorithm::Sha256 => State::Sha256(Sha256::new()),
            DigestAlgorithm::Sha384 => State::Sha384(Sha384::new()),
            DigestAlgorithm::Sha512 => State::Sha512(Sha512::new()),
        })
    }

    /// Returns the function this hash computes.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        match self.0 {
            State::Sha1(_) => DigestAlgorithm::Sha1,
            State::Sha256(_) => DigestAlgorithm::Sha256,
            State::Sha384(_) => DigestAlgorithm::Sha384,
            State::Sha512(_) => DigestAlgorithm::Sha512,
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            State::Sha1(state) => state.update(data),
            State::Sha256(state) => state.update(data),
            State::Sha384(state) => state.update(data),
            State::Sha512(state) => state.update(data),
        }
    }

    /// Returns the digest of everything taken in,
    /// [`output_len`](DigestAlgorithm::output_len) bytes long.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
            State::Sha384(state) => state.finalize().to_vec(),
            State::Sha512(state) => state.finalize().to_vec(),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.algorithm())
    }
}

/// Hashes bytes that are all there.
#[must_use]
pub fn digest(algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(data);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's own example, `abc`.
    fn digest_of_abc(algorithm: DigestAlgorithm) -> &'static str {
        match algorithm {
            DigestAlgorithm::Sha1 => "a9993e364706816aba3e25717850c26c9cd0d89d",
            DigestAlgorithm::Sha256 => {
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            }
            DigestAlgorithm::Sha384 => {
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                 8086072ba1e7cc2358baeca134c825a7"
            }
            DigestAlgorithm::Sha512 => {
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
            }
        }
    }

    #[test]
    fn every_algorithm_gives_its_known_answer() {
        for algorithm in DigestAlgorithm::ALL {
            let found = digest(algorithm, b"abc");
            assert_eq!(found.len(), algorithm.output_len());
            let hex: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, digest_of_abc(algorithm), "{algorithm}");
        }
    }

    #[test]
    fn pieces_hash_as_the_whole() {
        let data: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for algorithm in DigestAlgorithm::ALL {
            for split in [0, 1, 63, 64, 65, 127, 128, 999, 1000] {
                let mut hasher = Hasher::new(algorithm);
                hasher.update(&data[..split]);
                hasher.update(&data[split..]);
                assert_eq!(hasher.algorithm(), algorithm);
                assert_eq!(hasher.finish(), digest(algorithm, &data), "{algorithm} at {split}");
            }
        }
    }
}
