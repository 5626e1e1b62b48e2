//! The command line of certificate authorities: `ca`, `cert issue`, `cert revoke`.

use std::path::PathBuf;

use chancery::KeyAddress;
use chancery::key::DigestAlgorithm;
use chancery::x509::{AlternativeName, Location, RevocationReason, SerialNumber};
use clap::{Args, Subcommand, ValueEnum, value_parser};

use super::{AccessOptions, KeyOptions, key_address};

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileName {
    /// A root certificate authority, self-signed
    Root,
    /// A certificate authority under a root
    Intermediate,
    /// An end entity that signs code
    #[value(alias = "codesigning")]
    CodeSigning,
    /// A timestamping authority
    #[value(alias = "timestamping")]
    TimeStamping,
    /// A TLS server; needs an alternative name
    #[value(alias = "tls")]
    TlsServer,
}

/// What a new authority is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthorityProfile {
    /// A root, self-signed
    Root,
}

/// The rules a certificate must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rules {
    /// What makes sense anywhere: sound keys, no SHA-1, within the issuer's validity
    Private,
    /// Those of the CA/Browser Forum for code signing besides
    CodeSigningBaseline,
}

#[derive(Args, Debug)]
pub(crate) struct Issue {
    /// The request to answer
    #[arg(value_name = "CSR", conflicts_with_all = ["request", "subject"],
        required_unless_present_any = ["request", "subject"])]
    pub(crate) csr: Option<PathBuf>,
    /// The request to answer
    #[arg(long, value_name = "FILE", conflicts_with = "subject")]
    pub(crate) request: Option<PathBuf>,
    /// The subject of a self-signed certificate
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// The folder of the authority that issues it, with its certificate and key
    #[arg(long, value_name = "DIR", conflicts_with_all = ["subject", "cert", "key"])]
    pub(crate) ca: Option<PathBuf>,
    /// The issuer's certificate; self-signed without it
    #[arg(long, value_name = "FILE", required_unless_present_any = ["subject", "ca"])]
    pub(crate) cert: Option<PathBuf>,
    /// The issuer's key: file:PATH, or an RFC 7512 URI
    #[arg(long, value_name = "URI", value_parser = key_address, help_heading = "Key options",
        required_unless_present = "ca")]
    pub(crate) key: Option<KeyAddress>,
    #[command(flatten)]
    pub(crate) access: AccessOptions,
    /// What the certificate is for
    #[arg(long, value_enum, default_value = "code-signing")]
    pub(crate) profile: ProfileName,
    /// How long it is valid [default: 365; with --ca 3650 for an intermediate, and at most as long as the authority]
    #[arg(long, value_parser = value_parser!(u32).range(1..))]
    pub(crate) days: Option<u32>,
    /// The hash [default: sha256; as strong as the curve for EC keys]
    #[arg(long, value_name = "NAME")]
    pub(crate) digest: Option<DigestAlgorithm>,
    /// A name beside the subject, as dns=www.example.com or ip=192.0.2.1
    #[arg(long = "san", value_name = "KIND=NAME")]
    pub(crate) names: Vec<AlternativeName>,
    /// Where the list of revoked certificates is found
    #[arg(long = "crl-url", value_name = "URL")]
    pub(crate) crl: Vec<Location>,
    /// Where the issuer's certificate is found
    #[arg(long = "aia", value_name = "URL")]
    pub(crate) ca_issuers: Vec<Location>,
    /// An OCSP responder
    #[arg(long, value_name = "URL")]
    pub(crate) ocsp: Vec<Location>,
    /// A certificate policy, as 2.23.140.1.4.1
    #[arg(long = "certificate-policy", value_name = "OID")]
    pub(crate) policies: Vec<String>,
    /// Sign only what keeps these rules [default: private with --ca]
    #[arg(long, value_enum)]
    pub(crate) rules: Option<Rules>,
    /// Write here [default: stdout]
    #[arg(long, value_parser = super::output_path(), value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// The certificate
    #[arg(value_name = "CERT", required_unless_present = "serial", conflicts_with = "serial")]
    pub(crate) cert: Option<PathBuf>,
    /// Its serial number in hex
    #[arg(long, value_name = "N")]
    pub(crate) serial: Option<SerialNumber>,
    /// The folder of the authority that issued it
    #[arg(long, value_name = "DIR")]
    pub(crate) ca: PathBuf,
    /// Why, as key-compromise, superseded or cessation-of-operation
    #[arg(long)]
    pub(crate) reason: RevocationReason,
    /// Since when it is not to be relied on, as 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) invalid_since: Option<String>,
}

// Where the certificate of an authority comes from.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct AuthoritySource {
    /// Whom a new root is about
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// A certificate that another authority issued for the key
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Ca {
    /// Make a certificate authority in a folder, over a key that is there
    #[command(
        after_help = "Examples:\n  chancery ca init root --subject 'CN=Example Root,O=Example Ltd,C=GB' \\\n      --key 'pkcs11:token=ca;object=root'\n  chancery ca init issuing --cert issuing.pem --chain root/ca.pem \\\n      --key 'pkcs11:token=ca;object=issuing'"
    )]
    Init {
        /// The folder, empty or not there yet
        dir: PathBuf,
        #[command(flatten)]
        from: AuthoritySource,
        /// More certificates above that of --cert
        #[arg(long, value_name = "FILE", requires = "cert")]
        chain: Vec<PathBuf>,
        #[command(flatten)]
        key: KeyOptions,
        /// What the authority is, with --subject
        #[arg(long, value_enum, default_value = "root")]
        profile: AuthorityProfile,
        /// How long a root is valid [default: thirty years]
        #[arg(long, default_value_t = 10_950, hide_default_value = true,
            value_parser = value_parser!(u32).range(1..))]
        days: u32,
    },
    /// Sign the list of revoked certificates, into the file crl.pem of the folder
    #[command(after_help = "Example:\n  chancery ca crl issuing --days 7 --pin-file pin")]
    Crl {
        /// The folder
        dir: PathBuf,
        /// By when there is another
        #[arg(long, default_value_t = 7, value_parser = value_parser!(u32).range(1..))]
        days: u32,
        #[command(flatten)]
        access: AccessOptions,
    },
    /// List the certificates an authority issued
    #[command(after_help = "Example:\n  chancery ca list issuing --format json")]
    List {
        /// The folder
        dir: PathBuf,
    },
}
