//! The arguments of whatever has to do with timestamps.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use chancery::key::DigestAlgorithm;
use clap::{Args, Subcommand, value_parser};

use super::{BatchOptions, KeyOptions, OutputOptions};

// Which servers to ask for timestamps, and how.
#[derive(Args, Debug)]
pub(crate) struct StampOptions {
    /// Ask this server by RFC 3161; more than once for a list to fall back on [default: those of
    /// the settings]
    #[arg(long, value_name = "URL", help_heading = "Timestamp options")]
    pub(crate) timestamp: Vec<String>,
    /// Ask this server for a counter-signature, as from before RFC 3161; after those of --timestamp
    #[arg(long, value_name = "URL", help_heading = "Timestamp options")]
    pub(crate) timestamp_legacy: Vec<String>,
    /// The hash in requests by RFC 3161
    #[arg(long, value_name = "NAME", default_value = "sha256", help_heading = "Timestamp options")]
    pub(crate) timestamp_digest: DigestAlgorithm,
    /// Go on to the next server when one takes longer [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=600), help_heading = "Timestamp options")]
    pub(crate) timestamp_timeout: Option<u64>,
    /// Accept timestamps by the certificates in this file only [default: whoever may sign timestamps]
    #[arg(long, value_name = "FILE", help_heading = "Timestamp options")]
    pub(crate) tsa_roots: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Timestamp {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) stamp: StampOptions,
    /// Which signature, counted from 0 as `verify` counts
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) index: usize,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    #[command(flatten)]
    pub(crate) batch: BatchOptions,
    /// Ask for this many timestamps at once [default: 4]
    #[arg(long, value_name = "N", value_parser = super::batch::count, help_heading = "Many files")]
    pub(crate) timestamp_jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Tsa {
    /// Answer over HTTP until interrupted; nobody audits this machine's clock
    #[command(after_help = "Example:\n  chancery tsa serve --key file:tsa.key --cert tsa.pem")]
    Serve {
        #[command(flatten)]
        key: KeyOptions,
        /// The server's certificate, and any others in the same file as its chain
        #[arg(long, value_name = "FILE")]
        cert: PathBuf,
        /// More certificates for the chain
        #[arg(long, value_name = "FILE")]
        chain: Vec<PathBuf>,
        /// The address to listen on; port 0 takes any that is free
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3161")]
        listen: SocketAddr,
        /// The policy to stamp under, as in 1.2.3.4.1 [default: one for examples]
        #[arg(long, value_name = "OID")]
        policy: Option<String>,
    },
}
