//! The command line.
//!
//! The arguments of a command are made when it is the one that was named: all of them together are most of the time the
//! process takes to start. So a structure of arguments has no doc comment, which clap would then take for what the
//! command does.

mod authority;
mod batch;
mod content;
mod export;
mod key;
mod rules;
mod secrets;
mod signature;
pub(crate) mod store;
mod timestamp;
mod token;

use std::collections::BTreeSet;
use std::error::Error as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use chancery::key::{DigestAlgorithm, PinSource, RememberedPins};
use chancery::{HsmEnvironmentPin, KeyAddress, KeyAddressError, Keyring, TokenOptions};
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

pub(crate) use self::authority::{AuthoritySource, Ca, Issue, ProfileName, Revoke, Rules};
pub(crate) use self::batch::{Audit, BatchOptions, RecordOptions};
pub(crate) use self::content::{Cms, CmsSign, CmsVerify, PurposeName};
pub(crate) use self::export::Export;
pub(crate) use self::key::{FindBy, Hex, Key, KeyType};
pub(crate) use self::rules::RuleOptions;
pub(crate) use self::secrets::without_secrets;
pub(crate) use self::signature::{Attach, Extract, ForSigning, OutputOptions, Remove};
pub(crate) use self::timestamp::{StampOptions, Timestamp, Tsa};
pub(crate) use self::token::{Doctor, Token, TokenCert, Which};
use crate::pin::{PinOptions, warn_of_readers};
use crate::settings;
use crate::shown::one_line;
use crate::ui::Format;

const EXIT_CODES: &str = "\
Exit codes:
  0 done                         5 key or device unavailable
  1 checked, the answer is no    6 several keys fit
  2 wrong usage                  7 no timestamp
  3 malformed input              8 cannot read or write
  4 authentication               9 a call of a PKCS#11 module hung
                                70 a fault in chancery
                               130 interrupted

The command lines of other tools, unchanged; /? after one says what it knows:
  chancery signtool|certreq|certutil|import_key|key_mgmt_util|openssl ...

Example, from nothing to a signed and verified program:
  chancery quickstart";

/// Sign Windows programs with keys that never leave a hardware security module
#[derive(Debug, Parser)]
#[command(name = "chancery", version, max_term_width = 80, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: CommonOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug)]
pub(crate) struct CommonOptions {
    /// How to write results
    #[arg(long, value_enum, default_value_t, global = true)]
    pub(crate) format: Format,
    /// Leave out what says that all is well
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// The file of settings [default: chancery.toml here, or the user's]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Give up, with exit code 9, when a call of a PKCS#11 module takes longer
    #[arg(long, global = true, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..))]
    pub(crate) token_timeout: Option<u64>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Go the whole way once: key, certificate, signature, verdict
    #[command(after_help = "Example:\n  chancery quickstart setup.exe --out try-out")]
    Quickstart(Quickstart),
    /// Sign files
    #[command(
        after_help = "Example:\n  chancery sign setup.exe --key 'pkcs11:token=build;object=release' \\\n      --cert release.pem --chain issuing.pem"
    )]
    Sign(Box<Sign>),
    /// Verify the signatures of files
    #[command(after_help = "Example:\n  chancery verify setup.exe --roots ca.pem")]
    Verify(Verify),
    /// Show what is in the signatures of a file
    #[command(after_help = "Example:\n  chancery inspect setup.exe")]
    Inspect(Inspect),
    /// Take signatures out of files
    #[command(
        after_help = "Examples:\n  chancery remove setup.exe\n  chancery remove setup.exe --index 1 --out setup-once.exe\n  chancery remove --recursive dist"
    )]
    Remove(Remove),
    /// Copy a signature out of a file
    #[command(after_help = "Example:\n  chancery extract setup.exe --out setup.p7b")]
    Extract(Extract),
    /// Put a detached signature into the file it was made for
    #[command(after_help = "Example:\n  chancery attach setup.exe setup.p7b")]
    Attach(Attach),
    /// Timestamp signatures that are there already
    #[command(
        after_help = "Example:\n  chancery timestamp setup.exe --timestamp http://timestamp.example.com"
    )]
    Timestamp(Timestamp),
    /// Compute the digest a signature would carry
    #[command(
        after_help = "Examples:\n  chancery digest setup.exe --digest sha256\n  chancery digest setup.exe --for-signing --cert release.pem --chain issuing.pem"
    )]
    Digest(Digest),
    /// Sign any file by PKCS#7, and verify such signatures
    #[command(subcommand)]
    Cms(Cms),
    /// Make, list, find and test keys
    #[command(subcommand)]
    Key(Key),
    /// Make and show certification requests
    #[command(subcommand)]
    Csr(Csr),
    /// Issue and show certificates
    #[command(subcommand)]
    Cert(Cert),
    /// Keep a certificate authority in a folder
    #[command(subcommand)]
    Ca(Ca),
    /// Show tokens
    #[command(subcommand)]
    Token(Token),
    /// Keep certificates in stores, with the keys that belong to them
    #[command(subcommand)]
    Store(store::Store),
    /// Check logs of signatures
    #[command(subcommand)]
    Audit(Audit),
    /// Answer requests for timestamps
    #[command(subcommand)]
    Tsa(Tsa),
    /// Write shell completions
    #[command(after_help = "Example:\n  chancery completions bash > chancery.bash")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Reads a key address; an error says all of why it is none.
fn key_address(text: &str) -> Result<KeyAddress, String> {
    text.parse().map_err(|error: KeyAddressError| {
        one_line(&match (&error, error.source()) {
            (_, Some(cause)) => format!("{error}: {cause}"),
            (KeyAddressError::UnknownScheme(name), None) if !name.contains([':', '=', ';']) => {
                format!(
                    "{error}: say 'pkcs11:object={name}' for a key in a token, or 'file:{name}' for a file"
                )
            }
            (_, None) => error.to_string(),
        })
    })
}

/// Reads where to write. The sign for stdout elsewhere would make a file of that name, which is hard to be rid of.
fn output_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.as_os_str() == "-" {
        true => Err("it does not stand for stdout here; for a file of that name type ./-"),
        false => Ok(path),
    })
}

// Which key, and how to get at it.
#[derive(Args, Debug)]
pub(crate) struct KeyOptions {
    /// The key: file:PATH (PEM, DER or PKCS#12), or an RFC 7512 URI as 'pkcs11:token=build;object=release'
    #[arg(long, value_name = "URI", value_parser = key_address, help_heading = "Key options")]
    pub(crate) key: KeyAddress,
    #[command(flatten)]
    pub(crate) access: AccessOptions,
}

// How to get at keys.
#[derive(Args, Debug)]
pub(crate) struct AccessOptions {
    /// The PKCS#11 module to load for pkcs11: keys
    #[arg(long, value_name = "PATH", env = "PKCS11_MODULE", help_heading = "Key options")]
    pub(crate) module: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pin: PinOptions,
    /// Ask once for the PIN of a key that wants it for every signature
    #[arg(long, help_heading = "Key options")]
    pub(crate) remember_pin: bool,
    /// Spend the last try before the token locks
    #[arg(long, help_heading = "Key options")]
    pub(crate) allow_final_try: bool,
    /// Use the token in this many sessions at once [default: 8 at most]
    #[arg(long, value_name = "N", value_parser = batch::count, help_heading = "Key options")]
    pub(crate) sessions: Option<NonZeroUsize>,
}

impl AccessOptions {
    /// Makes the keyring these options describe.
    pub(crate) fn keyring(&self, may_prompt: bool) -> Keyring {
        let source = self.pin.source(may_prompt);
        let source = if self.pin.is_given() { source } else { settings::pins(source) };
        let pins: Arc<dyn PinSource> =
            if self.remember_pin { Arc::new(RememberedPins::new(source)) } else { source };
        let mut tokens = TokenOptions::default();
        tokens.sessions = self.sessions;
        tokens.allow_final_try = self.allow_final_try;
        let module = self.module.clone().or_else(|| settings::current().module.clone());
        let keyring = Keyring::new(module, pins).with_tokens(tokens);
        let settings = settings::current();
        if self.pin.is_given() {
            return keyring.with_shared_pin(BTreeSet::new());
        }
        // What the command line says goes before the address.
        let keyring = keyring.with_pin_sources(warn_of_readers);
        if settings.pin.is_some() || HsmEnvironmentPin::is_set() {
            keyring.with_shared_pin(settings.token_pins.keys().cloned().collect())
        } else {
            keyring
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Quickstart {
    /// The program to sign; a small one is made without it
    pub(crate) file: Option<PathBuf>,
    /// The folder for what is made
    #[arg(long, value_parser = output_path(), value_name = "FOLDER", default_value = "chancery-quickstart")]
    pub(crate) out: PathBuf,
    /// Sign with this key on a token, made where it is not there yet
    #[arg(long, value_name = "URI", value_parser = key_address, help_heading = "Key options")]
    pub(crate) key: Option<KeyAddress>,
    #[command(flatten)]
    pub(crate) access: AccessOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Sign {
    /// The files to sign; patterns, `@LIST` with a name a line, and with --recursive folders
    #[arg(required_unless_present = "digest_file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Sign what `digest --for-signing` wrote, or SignTool's .p7u or .dig, and write the signature beside it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "cert", "dry_run"])]
    pub(crate) digest_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: store::SignKey,
    /// The signer's certificate, and any others in the same file as its chain;
    /// `token` for those beside the key on its token (./token for such a file);
    /// not needed for a key in a PKCS#12 file
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// More certificates for the chain
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Vec<PathBuf>,
    /// The hash, or several for a signature each, the first one as the primary [default: sha256; as strong as the
    /// curve for EC keys]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) digest: Vec<DigestAlgorithm>,
    /// The padding of RSA signatures: rsa-pkcs1 or rsa-pss [default: rsa-pkcs1]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) scheme: Option<SchemeName>,
    /// What the program is called
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Where to read more about the program
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Also sign a hash of every page, so that Windows can check pages as it loads them
    #[arg(long)]
    pub(crate) page_hashes: bool,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    #[command(flatten)]
    pub(crate) stamp: StampOptions,
    /// Write nothing where no server gives a timestamp [default: warn and go on]
    #[arg(long, help_heading = "Timestamp options")]
    pub(crate) require_timestamp: bool,
    /// Ask no server, whatever the settings say
    #[arg(long, help_heading = "Timestamp options")]
    #[arg(conflicts_with_all = ["timestamp", "timestamp_legacy", "require_timestamp"])]
    pub(crate) no_timestamp: bool,
    /// Hash the written file once more from the disk
    #[arg(long)]
    pub(crate) reread: bool,
    /// State that a company signs, and not an individual
    #[arg(long)]
    pub(crate) commercial: bool,
    /// Refuse to sign with what a revocation list in this file names
    #[arg(long, value_name = "FILE")]
    pub(crate) crl: Vec<PathBuf>,
    /// Say what would be done and do nothing: no login, no signature, nothing written
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) if_signed: IfSigned,
    /// Go on in spite of what can be survived: it becomes a warning
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) record: RecordOptions,
    #[command(flatten)]
    pub(crate) batch: BatchOptions,
    /// Ask for this many timestamps at once [default: 4]
    #[arg(long, value_name = "N", value_parser = batch::count, help_heading = "Many files")]
    pub(crate) timestamp_jobs: Option<NonZeroUsize>,
}

/// How RSA keys sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemeName {
    /// PKCS#1 v1.5, which every Windows verifies
    RsaPkcs1,
    /// PSS, which Windows verifies only in part
    RsaPss,
    /// ECDSA, for keys on curves
    Ecdsa,
}

// What to do with files that are signed already.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct IfSigned {
    /// Replace all signatures a file has
    #[arg(long)]
    pub(crate) replace: bool,
    /// Add to the signatures a file has, where they hold
    #[arg(long)]
    pub(crate) append: bool,
    /// Leave files alone that carry a valid signature by this certificate; they are not copied to --out
    #[arg(long)]
    pub(crate) skip_signed: bool,
}

impl IfSigned {
    /// Returns what was chosen.
    pub(crate) const fn choice(&self) -> chancery::IfSigned {
        if self.replace {
            chancery::IfSigned::Replace
        } else if self.append {
            chancery::IfSigned::Append
        } else if self.skip_signed {
            chancery::IfSigned::Skip
        } else {
            chancery::IfSigned::Refuse
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The files to verify
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) judge: JudgeOptions,
    #[command(flatten)]
    pub(crate) batch: BatchOptions,
    /// Trust the certificates in this file or folder for timestamps, and not those of --roots
    #[arg(long, value_name = "PATH")]
    pub(crate) tsa_roots: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: RuleOptions,
}

// By what certificates are judged.
#[derive(Args, Debug)]
pub(crate) struct JudgeOptions {
    /// Trust the certificates in this file or folder; without any, nobody is trusted
    #[arg(long, value_name = "PATH")]
    pub(crate) roots: Vec<PathBuf>,
    /// Take the revocation lists in this file for evidence
    #[arg(long, value_name = "FILE")]
    pub(crate) crl: Vec<PathBuf>,
    /// Fetch missing issuers and revocation lists over HTTP from where the certificates say they are
    #[arg(long)]
    pub(crate) fetch: bool,
    /// Judge certificates at this time, as 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// The file
    pub(crate) file: PathBuf,
    /// Show the signatures' ASN.1, value by value with its offset in the file
    #[arg(long)]
    pub(crate) asn1: bool,
    /// The same, and every byte of the values that have no text
    #[arg(long)]
    pub(crate) hex: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Digest {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The hash; more than once for several
    #[arg(long, value_name = "NAME", default_value = "sha256")]
    pub(crate) digest: Vec<DigestAlgorithm>,
    #[command(flatten)]
    pub(crate) for_signing: ForSigning,
}

// What to ask for.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct RequestSource {
    /// An INF as for certreq -new; the key is made where it is not there yet
    #[arg(value_name = "INF")]
    pub(crate) inf: Option<PathBuf>,
    /// A code-signing certificate for this subject, the most specific part first
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// The same as this certificate, under another key
    #[arg(long, value_name = "CERT")]
    pub(crate) like: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct NewRequest {
    #[command(flatten)]
    pub(crate) from: RequestSource,
    #[command(flatten)]
    pub(crate) key: KeyOptions,
    /// The hash, with --subject [default: sha256; as strong as the curve for EC keys]
    #[arg(long, value_name = "NAME", requires = "subject")]
    pub(crate) digest: Option<DigestAlgorithm>,
    /// Write here [default: stdout]
    #[arg(long, value_parser = output_path(), value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pending: store::Pending,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Csr {
    /// Make a request for a certificate
    #[command(
        after_help = "Examples:\n  chancery csr new --subject 'CN=Example,O=Example Ltd,C=GB' \\\n      --key file:key.pem --out request.csr\n  chancery csr new request.inf --key 'pkcs11:token=build;object=release' \\\n      --out request.csr\n  chancery csr new --like old.cer --key 'pkcs11:token=new;object=release'"
    )]
    New(Box<NewRequest>),
    /// Verify a request's signature and show what it asks for
    #[command(after_help = "Example:\n  chancery csr show request.csr")]
    Show {
        /// The request
        file: PathBuf,
    },
    /// Tell whether a request is in order and signed with the key in it
    #[command(after_help = "Example:\n  chancery csr verify request.csr")]
    Verify {
        /// The requests
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Cert {
    /// Answer a request, or make a self-signed certificate
    #[command(
        after_help = "Examples:\n  chancery cert issue --profile root --subject 'CN=Example Root' \\\n      --key file:ca.pem --out root.pem\n  chancery cert issue --request request.csr --cert root.pem --key file:ca.pem \\\n      --out signer.pem\n  chancery cert issue request.csr --ca issuing --days 460 \\\n      --crl-url http://crl.example.com/ca.crl --out signer.pem"
    )]
    Issue(Box<Issue>),
    /// Record that an authority in a folder takes a certificate back
    #[command(
        after_help = "Example:\n  chancery cert revoke signer.pem --ca issuing --reason key-compromise"
    )]
    Revoke(Revoke),
    /// Judge a code-signing certificate by the rules, and say what is wrong
    #[command(
        after_help = "Example:\n  chancery cert verify signer.pem --roots ca.pem --crl ca.crl"
    )]
    Verify {
        /// The certificate, and any others in the same file as its chain
        file: PathBuf,
        /// More certificates that may stand between it and a root
        #[arg(long, value_name = "FILE")]
        chain: Vec<PathBuf>,
        #[command(flatten)]
        judge: JudgeOptions,
    },
    /// Write certificates, or a key file with its certificates, in another form
    #[command(
        after_help = "Examples:\n  chancery cert export signer.pem --der --out signer.cer\n  chancery cert export chain.pem --pkcs7 --out chain.p7b\n  chancery cert export chain.pem --pkcs12 --key file:key.pem --out signer.p12"
    )]
    Export(Box<Export>),
    /// Print the modulus of an RSA certificate's key, as openssl does
    #[command(after_help = "Example:\n  chancery cert modulus signer.pem")]
    Modulus {
        /// PEM or DER
        file: PathBuf,
    },
    /// Show the certificates in a file
    #[command(after_help = "Example:\n  chancery cert show signer.pem")]
    Show {
        /// PEM or DER
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn said(command: &clap::Command, path: &str, all: &mut Vec<(String, Option<String>)>) {
        for below in command.get_subcommands() {
            let path = format!("{path} {}", below.get_name());
            said(below, &path, all);
            all.push((path, below.get_about().map(ToString::to_string)));
        }
    }

    #[test]
    fn a_command_says_of_itself_what_the_list_of_commands_says_of_it() {
        let mut command = Cli::command();
        let (mut listed, mut by_itself) = (Vec::new(), Vec::new());
        said(&command, "chancery", &mut listed);
        command.build();
        said(&command, "chancery", &mut by_itself);
        // clap adds these as it builds.
        by_itself.retain(|(path, _)| !path.split(' ').any(|word| word == "help"));
        assert!(listed.len() > 50, "{}", listed.len());
        for (listed, by_itself) in listed.iter().zip(&by_itself) {
            assert_eq!(listed, by_itself);
        }
        assert_eq!(listed.len(), by_itself.len());
    }
}
