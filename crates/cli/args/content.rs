//! The arguments of signatures over any file.

use std::path::PathBuf;

use chancery::key::DigestAlgorithm;
use clap::{Args, Subcommand, ValueEnum};

use super::{JudgeOptions, KeyOptions, SchemeName, StampOptions};

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Cms {
    /// Write a signature over a file, beside it or around it
    #[command(
        after_help = "Examples:\n  chancery cms sign notes.txt --key 'pkcs11:token=build;object=release' \\\n      --cert release.pem --chain issuing.pem\n  chancery cms sign notes.txt --attached --key file:key.pem --cert signer.pem \\\n      --chain ca.pem --out notes.p7m"
    )]
    Sign(Box<CmsSign>),
    /// Verify a signature over a file
    #[command(
        after_help = "Example:\n  chancery cms verify notes.txt.p7s --content notes.txt --roots ca.pem"
    )]
    Verify(Box<CmsVerify>),
}

#[derive(Args, Debug)]
pub(crate) struct CmsSign {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: KeyOptions,
    /// The signer's certificate, and any others in the same file as its chain
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,
    /// More certificates for the chain
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Vec<PathBuf>,
    /// The hash [default: sha256; as strong as the curve for EC keys]
    #[arg(long, value_name = "NAME")]
    pub(crate) digest: Option<DigestAlgorithm>,
    /// The padding of RSA signatures: rsa-pkcs1 or rsa-pss [default: rsa-pkcs1]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) scheme: Option<SchemeName>,
    /// Put the file, of at most 12 MiB, into the signature
    #[arg(long)]
    pub(crate) attached: bool,
    /// State when it was signed, by this machine's clock; it proves nothing
    #[arg(long)]
    pub(crate) signing_time: bool,
    /// Go on in spite of what can be survived: it becomes a warning
    #[arg(long)]
    pub(crate) force: bool,
    /// Write here: PEM where the name ends in .pem, else DER [default: FILE.p7s, attached FILE.p7m]
    #[arg(long, value_parser = super::output_path(), value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) stamp: StampOptions,
    /// Write nothing where no server gives a timestamp [default: warn and go on]
    #[arg(long, help_heading = "Timestamp options")]
    pub(crate) require_timestamp: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CmsVerify {
    /// The signature: PKCS#7 in DER, PEM or Base64
    pub(crate) signature: PathBuf,
    /// What a detached signature is over
    #[arg(long, value_name = "FILE")]
    pub(crate) content: Option<PathBuf>,
    /// Write the content of an attached signature here, where it is valid
    #[arg(long, value_parser = super::output_path(), value_name = "FILE", conflicts_with = "content")]
    pub(crate) out: Option<PathBuf>,
    /// What the signer's certificate has to be for
    #[arg(long, value_enum, value_name = "NAME", default_value_t = PurposeName::CodeSigning)]
    pub(crate) purpose: PurposeName,
    /// Judge timestamps by the certificates in this file [default: --roots]
    #[arg(long, value_name = "FILE")]
    pub(crate) tsa_roots: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) judge: JudgeOptions,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PurposeName {
    /// Signing code
    CodeSigning,
    /// Whatever it says it is for
    Any,
}
