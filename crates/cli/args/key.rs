//! The command line of `chancery key`.

use std::path::PathBuf;

use chancery::key::EcCurve;
use clap::{Args, Subcommand};

use super::KeyOptions;

// What key pair to make.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct KeyType {
    /// An RSA key of this many bits: 2048, 3072 or 4096
    #[arg(long, value_name = "BITS", value_parser = rsa_bits)]
    pub(crate) rsa: Option<u32>,
    /// A key on this curve: p256, p384 or p521
    #[arg(long, value_name = "CURVE", value_parser = curve)]
    pub(crate) ec: Option<EcCurve>,
    /// An Ed25519 key, which signs certificates, requests and CMS; Windows verifies it
    /// in no executable
    #[arg(long)]
    pub(crate) ed25519: bool,
}

/// Reads the length of an RSA key: between those that are made, key files have others too.
fn rsa_bits(text: &str) -> Result<u32, String> {
    let bits = text.parse().ok().filter(|bits| (2048..=4096).contains(bits));
    bits.ok_or_else(|| "keys of 2048, 3072 or 4096 bits are made".into())
}

/// Reads a curve of ECDSA; those of EdDSA are asked for otherwise, or not made at all.
fn curve(text: &str) -> Result<EcCurve, String> {
    match text.to_lowercase().as_str() {
        "ed25519" | "edwards25519" => Err("Ed25519 is no curve of ECDSA: say --ed25519".into()),
        "ed448" | "edwards448" => Err("Ed448 is not done here; Ed25519 is: --ed25519".into()),
        _ => text.parse().map_err(|error: chancery::key::UnknownName| error.to_string()),
    }
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Key {
    /// Make a key pair: in a new encrypted file, or in a token it never leaves
    #[command(
        after_help = "Example:\n  chancery key generate --key 'pkcs11:token=build;object=release' --rsa 3072"
    )]
    Generate {
        #[command(flatten)]
        key: KeyOptions,
        #[command(flatten)]
        kind: KeyType,
    },
    /// List the keys of a token or a folder
    #[command(after_help = "Example:\n  chancery key list --key 'pkcs11:token=build'")]
    List {
        #[command(flatten)]
        place: KeyOptions,
    },
    /// Find the key of a certificate or a modulus
    #[command(
        after_help = "Example:\n  chancery key find --cert release.pem --key 'pkcs11:token=build'"
    )]
    Find {
        #[command(flatten)]
        place: KeyOptions,
        #[command(flatten)]
        by: FindBy,
        /// Look in every token that the URI allows; each is asked about, or has its
        /// PIN in chancery.toml: one PIN is never tried on two
        #[arg(long)]
        all_tokens: bool,
    },
    /// Give a token's key another label or identifier
    #[command(
        after_help = "Example:\n  chancery key rename --key 'pkcs11:token=build;object=release' \\\n      --label release-2025"
    )]
    Rename {
        #[command(flatten)]
        key: KeyOptions,
        #[command(flatten)]
        to: NewName,
    },
    /// Delete a token's key for good; its certificates stay
    #[command(
        after_help = "Example:\n  chancery key delete --key 'pkcs11:token=build;object=old' --yes"
    )]
    Delete {
        #[command(flatten)]
        key: KeyOptions,
        /// Yes, for good; without it the key is shown and stays
        #[arg(long)]
        yes: bool,
    },
    /// Prove that a key signs
    #[command(
        after_help = "Example:\n  chancery key test --key 'pkcs11:token=build;object=release'"
    )]
    Test {
        #[command(flatten)]
        key: KeyOptions,
    },
}

// What a key is to be called.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub(crate) struct NewName {
    /// The new label
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// The new identifier, in hex
    #[arg(long, value_name = "HEX", value_parser = hex_bytes)]
    pub(crate) id: Option<Hex>,
}

/// Bytes given in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

pub(super) fn hex_bytes(text: &str) -> Result<Hex, String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = core::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        pair.bytes()
            .all(|digit| digit.is_ascii_hexdigit())
            .then(|| u8::from_str_radix(pair, 16).ok())?
    };
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    bytes.filter(|bytes| !bytes.is_empty()).map(Hex).ok_or_else(|| "not whole bytes in hex".into())
}

/// Reads the hash of a certificate.
pub(super) fn thumbprint(text: &str) -> Result<Hex, String> {
    let hash = hex_bytes(text)?;
    match hash.0.len() {
        20 | 32 => Ok(hash),
        len => Err(format!("{len} bytes, where a SHA-1 has 20 and a SHA-256 has 32")),
    }
}

// What is known of the key.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct FindBy {
    /// Its certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// Its modulus, as `openssl x509 -noout -modulus` prints it
    #[arg(long, value_name = "FILE")]
    pub(crate) modulus: Option<PathBuf>,
}
