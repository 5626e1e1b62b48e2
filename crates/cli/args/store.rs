//! The command line of `chancery store`.

use std::path::PathBuf;

use chancery::certstore::{Location, SystemStore};
use chancery::{Error, ErrorKind, KeyAddress};
use clap::{Args, Subcommand, ValueEnum};

use super::{AccessOptions, key_address};
use crate::settings::store_name;

// Which stores.
#[derive(Args, Debug)]
pub(crate) struct FolderOption {
    /// The folder of certificate stores [default: that of the settings, or the
    /// user's own]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) store_folder: Option<PathBuf>,
}

// Who signs: a key, or a certificate of a store with the key that is bound to it.
#[derive(Args, Debug)]
pub(crate) struct SignKey {
    /// The key: file:PATH, or an RFC 7512 URI as 'pkcs11:token=build;object=release'
    #[arg(long, value_name = "URI", value_parser = key_address, help_heading = "Key options")]
    #[arg(required_unless_present = "thumbprint")]
    pub(crate) key: Option<KeyAddress>,
    #[command(flatten)]
    pub(crate) access: AccessOptions,
    /// The signer's certificate in a store, with the key that is bound to it: its SHA-1 or SHA-256
    /// thumbprint, its serial number, or part of its subject, at least four characters
    #[arg(long, value_name = "HASH", conflicts_with_all = ["key", "cert", "chain"])]
    #[arg(value_parser = certificate_id)]
    pub(crate) thumbprint: Option<String>,
    /// The store of the signer's certificate
    #[arg(long, value_name = "STORE", value_parser = store_name, default_value = "LocalMachine/My")]
    pub(crate) store: SystemStore,
    #[command(flatten)]
    pub(crate) folder: FolderOption,
}

/// Reads what names a certificate to sign with. A letter or two are in the subject of any: `C` is in every name.
fn certificate_id(text: &str) -> Result<String, String> {
    const FEWEST: usize = 4;
    match text.trim().chars().count() {
        FEWEST.. => Ok(text.to_owned()),
        _ => Err(format!("at least {FEWEST} characters, as of a thumbprint")),
    }
}

impl SignKey {
    /// Returns the key's address.
    pub(crate) fn address(&self) -> Result<&KeyAddress, Error> {
        let nobody = || Error::new(ErrorKind::Usage, "say who signs: --key, or --thumbprint");
        self.key.as_ref().ok_or_else(nobody)
    }
}

// Whether to remember a request.
#[derive(Args, Debug)]
pub(crate) struct Pending {
    /// Remember the request in the stores of this location, for store accept
    #[arg(long, value_name = "LOCATION", value_enum, ignore_case = true)]
    pub(crate) pending: Option<LocationName>,
    #[command(flatten)]
    pub(crate) folder: FolderOption,
}

// A certificate in a store.
#[derive(Args, Debug)]
pub(crate) struct InStore {
    /// The store, as LocalMachine/My
    #[arg(value_name = "STORE", value_parser = store_name)]
    pub(crate) store: SystemStore,
    /// The certificate: its thumbprint, serial number, or part of its subject
    #[arg(value_name = "CERT")]
    pub(crate) certificate: String,
    #[command(flatten)]
    pub(crate) folder: FolderOption,
}

/// What to do with a certificate that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IfPresentName {
    /// Refuse
    Refuse,
    /// Leave it as it is
    Keep,
    /// Put the new one in its place
    Replace,
    /// Put the new one in its place, with its old properties
    Inherit,
}

/// How to write a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// The bare certificate
    Der,
    /// The bare certificate as text
    Pem,
    /// A store file, with the properties
    Sst,
    /// A file for regedit, with the properties
    Reg,
}

/// Whose stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum LocationName {
    /// The machine's
    LocalMachine,
    /// The user's
    CurrentUser,
}

impl From<LocationName> for Location {
    fn from(name: LocationName) -> Self {
        match name {
            LocationName::LocalMachine => Self::LocalMachine,
            LocationName::CurrentUser => Self::CurrentUser,
        }
    }
}

// Where a certificate's key is.
#[derive(Args, Debug)]
pub(crate) struct FindKey {
    /// Look for the key here: a token, a key in it, a file or a folder
    /// [default: every token]
    #[arg(long, value_name = "URI", value_parser = key_address, help_heading = "Key options")]
    pub(crate) key: Option<KeyAddress>,
    /// What the store shall call the key's provider
    #[arg(long, value_name = "NAME", help_heading = "Key options")]
    pub(crate) provider: Option<String>,
    #[command(flatten)]
    pub(crate) access: AccessOptions,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Store {
    /// List the stores, or the certificates of one
    #[command(after_help = "Example:\n  chancery store list LocalMachine/My")]
    List {
        /// The store, as LocalMachine/My
        #[arg(value_name = "STORE", value_parser = store_name)]
        store: Option<SystemStore>,
        #[command(flatten)]
        folder: FolderOption,
    },
    /// Show a certificate of a store and its properties
    #[command(after_help = "Example:\n  chancery store show LocalMachine/My 'Example Ltd'")]
    Show {
        #[command(flatten)]
        which: InStore,
    },
    /// Add certificates to a store
    #[command(after_help = "Example:\n  chancery store add LocalMachine/Root root.cer")]
    Add {
        /// The store, as LocalMachine/Root
        #[arg(value_name = "STORE", value_parser = store_name)]
        store: SystemStore,
        /// Certificates in PEM or DER, or a store file
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What to do with a certificate that is there already
        #[arg(long, value_enum, default_value = "refuse")]
        if_present: IfPresentName,
        #[command(flatten)]
        folder: FolderOption,
    },
    /// Remove a certificate from a store
    #[command(after_help = "Example:\n  chancery store remove LocalMachine/My 'Example Ltd'")]
    Remove {
        #[command(flatten)]
        which: InStore,
    },
    /// Write a certificate of a store to a file
    #[command(
        after_help = "Example:\n  chancery store export LocalMachine/Root 'Example Root' --out root.cer"
    )]
    Export {
        #[command(flatten)]
        which: InStore,
        /// How to write it
        #[arg(long, value_enum, default_value = "der")]
        r#as: ExportForm,
        /// Write here
        #[arg(long, value_parser = super::output_path(), value_name = "FILE")]
        out: PathBuf,
    },
    /// Add a certificate and its chain, find its key and bind it
    #[command(
        after_help = "Example:\n  chancery store bind LocalMachine/My release.cer --key 'pkcs11:token=build'"
    )]
    Bind {
        /// The store, as LocalMachine/My
        #[arg(value_name = "STORE", value_parser = store_name)]
        store: SystemStore,
        /// The certificate, and any others in the same file as its chain
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// More certificates of its chain
        #[arg(long, value_name = "FILE")]
        chain: Vec<PathBuf>,
        #[command(flatten)]
        key: FindKey,
        #[command(flatten)]
        folder: FolderOption,
    },
    /// Bind the key of a certificate anew: found by its public key, or as an INF
    /// for certutil -repairstore says
    #[command(
        after_help = "Examples:\n  chancery store repair LocalMachine/My 'Example Ltd' --key 'pkcs11:token=build'\n  chancery store repair LocalMachine/My 'Example Ltd' repair.txt"
    )]
    Repair {
        #[command(flatten)]
        which: InStore,
        /// An INF with a section [Properties]
        #[arg(value_name = "INF", conflicts_with_all = ["key", "provider"])]
        inf: Option<PathBuf>,
        #[command(flatten)]
        key: FindKey,
    },
    /// Accept the answer to a request: into the store My, bound to the request's key
    #[command(after_help = "Example:\n  chancery store accept release.cer --location CurrentUser")]
    Accept {
        /// The certificate, and any others in the same file as its chain
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// More certificates of its chain
        #[arg(long, value_name = "FILE")]
        chain: Vec<PathBuf>,
        /// Whose stores
        #[arg(long, value_enum, ignore_case = true, default_value = "LocalMachine")]
        location: LocationName,
        #[command(flatten)]
        key: FindKey,
        #[command(flatten)]
        folder: FolderOption,
    },
}
