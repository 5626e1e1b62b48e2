//! The command line of `chancery token`.

use std::path::PathBuf;

use chancery::KeyAddress;
use chancery::pkcs11::{Uri, UriError};
use clap::{Args, Subcommand};

use super::key::hex_bytes;
use super::{AccessOptions, Hex, KeyOptions, key_address};

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Token {
    /// List the tokens of a module, or of every module in the usual places
    #[command(after_help = "Example:\n  chancery token list")]
    List {
        /// The PKCS#11 module
        #[arg(long, value_name = "PATH", env = "PKCS11_MODULE")]
        module: Option<PathBuf>,
    },
    /// The certificates that a token keeps
    #[command(subcommand)]
    Cert(TokenCert),
    /// Say what is wrong, from the module to a signature, and what to type
    ///
    /// Nothing on the token is changed. The PIN is given to one token at most, and not where that could lock
    /// it.
    #[command(
        after_help = "Example:\n  chancery token doctor --token build --key 'pkcs11:token=build;object=release'"
    )]
    Doctor(Box<Doctor>),
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// The token, by its label or URI [default: those of the keys, or all]
    #[arg(long, value_name = "LABEL", value_parser = token_address)]
    pub(crate) token: Option<Uri>,
    /// A key that is to sign; may be given several times
    #[arg(long, value_name = "URI", value_parser = key_address)]
    pub(crate) key: Vec<KeyAddress>,
    #[command(flatten)]
    pub(crate) access: AccessOptions,
}

/// Reads a label, or the URI of a token.
fn token_address(text: &str) -> Result<Uri, String> {
    if text.starts_with("pkcs11:") {
        text.parse().map_err(|error: UriError| error.to_string())
    } else {
        Ok(Uri::new().with_token(text))
    }
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum TokenCert {
    /// List them, and which key each belongs to
    #[command(after_help = "Example:\n  chancery token cert list --key 'pkcs11:token=build'")]
    List {
        #[command(flatten)]
        place: KeyOptions,
    },
    /// Write certificates to the token, each under the identifier of its key
    #[command(
        after_help = "Example:\n  chancery token cert import release.pem --key 'pkcs11:token=build'"
    )]
    Import {
        /// PEM or DER
        file: PathBuf,
        #[command(flatten)]
        place: KeyOptions,
    },
    /// Write one as PEM
    #[command(
        after_help = "Example:\n  chancery token cert export --key 'pkcs11:token=build;object=release'"
    )]
    Export {
        #[command(flatten)]
        place: KeyOptions,
        #[command(flatten)]
        which: Which,
        /// Write here [default: stdout]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Delete one for good; its key stays
    #[command(
        after_help = "Example:\n  chancery token cert delete --key 'pkcs11:token=build;object=old' --yes"
    )]
    Delete {
        #[command(flatten)]
        place: KeyOptions,
        #[command(flatten)]
        which: Which,
        /// Yes, for good; without it the certificate is shown and stays
        #[arg(long)]
        yes: bool,
    },
}

// Which of several certificates.
#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The one with this SHA-1 thumbprint
    #[arg(long, value_name = "HEX", value_parser = hex_bytes)]
    pub(crate) thumbprint: Option<Hex>,
}
