//! `chancery cert export`

use std::path::PathBuf;

use chancery::KeyAddress;
use clap::Args;

use super::{AccessOptions, key_address};

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// The certificates: PEM, DER, or a PKCS#7 bundle
    pub(crate) file: PathBuf,
    /// Write DER instead of PEM
    #[arg(long, conflicts_with = "pkcs12")]
    pub(crate) der: bool,
    /// Write one PKCS#7 bundle of all certificates, a .p7b file
    #[arg(long, conflicts_with = "pkcs12")]
    pub(crate) pkcs7: bool,
    /// Write a PKCS#12 file of a key and the certificates, a .p12 or .pfx file
    #[arg(long, requires_all = ["key", "out"])]
    pub(crate) pkcs12: bool,
    /// Write here [default: stdout]
    #[arg(long, value_parser = super::output_path(), value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The key file whose key goes into a PKCS#12 file
    #[arg(long, value_name = "URI", value_parser = key_address, requires = "pkcs12", help_heading = "Key options")]
    pub(crate) key: Option<KeyAddress>,
    /// Read the password of the new PKCS#12 file from this file [default: as for the key]
    #[arg(long, value_name = "FILE", requires = "pkcs12", help_heading = "Key options")]
    pub(crate) new_pin_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) access: AccessOptions,
}
