//! One file a command: parse, call the library, print.

mod attach;
mod audit;
mod ca;
mod cert;
mod cert_export;
mod cms;
mod csr;
mod csr_verify;
mod digest;
mod extract;
mod fetch;
mod inspect;
mod key;
mod quickstart;
mod remove;
mod sign;
mod store;
mod timestamp;
mod token;
mod tsa;
mod verify;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use chancery::chain::{Crl, TrustAnchors};
use chancery::key::{DigestAlgorithm, KeyAlgorithm, SignatureScheme};
use chancery::x509::{Certificate, Name, Time};
use chancery::{
    Error, ErrorKind, read_certificate_file, read_crls, read_trust_anchors, scheme_for,
};
use clap::CommandFactory;

pub(crate) use self::cert::usages;
use crate::args::{Cli, Command, JudgeOptions};
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::{self, Ui};

/// Runs a command and says how it ended.
pub(crate) fn run(command: Command, ui: &mut Ui) -> Exit {
    match command {
        Command::Quickstart(args) => settle(quickstart::run(&args, ui), ui),
        Command::Sign(args) => sign::run(&args, ui),
        Command::Verify(args) => verify::run(&args, ui),
        Command::Inspect(args) => inspect::run(&args, ui),
        Command::Remove(args) => remove::run(&args, ui),
        Command::Extract(args) => settle(extract::run(&args, ui), ui),
        Command::Attach(args) => attach::run(&args, ui),
        Command::Timestamp(args) => timestamp::run(&args, ui),
        Command::Audit(args) => settle(audit::run(&args, ui), ui),
        Command::Tsa(args) => settle(tsa::run(&args, ui), ui),
        Command::Digest(args) => digest::run(&args, ui),
        Command::Cms(args) => settle(cms::run(&args, ui), ui),
        Command::Key(args) => settle(key::run(&args, ui), ui),
        Command::Csr(args) => settle(csr::run(&args, ui), ui),
        Command::Ca(args) => settle(ca::run(&args, ui), ui),
        Command::Cert(args) => settle(cert::run(&args, ui), ui),
        Command::Store(args) => settle(store::run(&args, ui), ui),
        Command::Token(args) => settle(token::run(&args, ui), ui),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "chancery", &mut script);
            ui::print(&String::from_utf8_lossy(&script));
            Exit::Done
        }
    }
}

/// Prints the error of a command that has but one.
fn settle(result: Result<Exit, Error>, ui: &mut Ui) -> Exit {
    result.unwrap_or_else(|error| ui.error(&error, None))
}

/// Reads the clock.
fn now() -> Result<Time, Error> {
    Time::now().map_err(|error| Error::of_certificate("use the system's time", error))
}

/// Chooses the scheme for a key: the hash asked for, or the one that fits.
fn scheme(key: KeyAlgorithm, digest: Option<DigestAlgorithm>) -> Result<SignatureScheme, Error> {
    let digest = digest.unwrap_or_else(|| SignatureScheme::conventional_digest(key));
    scheme_for(key, digest)
}

/// By what certificates are judged.
#[derive(Debug)]
struct Evidence {
    anchors: TrustAnchors,
    crls: Vec<Crl>,
    time: Time,
}

impl Evidence {
    /// Reads the files that the options name.
    fn gather(options: &JudgeOptions) -> Result<Self, Error> {
        let time = match &options.at {
            None => now()?,
            Some(text) => Time::parse_rfc3339(text).ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("`{text}` is no time as 2026-01-31T12:00:00Z"))
            })?,
        };
        let anchors = read_trust_anchors(&options.roots)?;
        let mut crls = Vec::new();
        for path in &options.crl {
            crls.extend(read_crls(path)?);
        }
        Ok(Self { anchors, crls, time })
    }
}

/// Says how to trust somebody, where nobody is trusted because nobody was named. Once is enough for many files.
fn trust_nobody(options: &JudgeOptions, ui: &mut Ui) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if options.roots.is_empty() && !SAID.swap(true, Ordering::Relaxed) {
        ui.note("  hint: name the certificates to trust:  --roots PATH");
    }
}

/// Reads every certificate of a file.
fn certificates(path: &Path) -> Result<Vec<Certificate>, Error> {
    read_certificate_file(path)
}

/// Reads a distinguished name given as an option.
fn name(text: &str) -> Result<Name, Error> {
    text.parse().map_err(|error| {
        Error::new(ErrorKind::Usage, format!("`{text}` is no distinguished name"))
            .with_source(error)
    })
}

/// Writes PEM to a new file and says so, or to stdout.
fn write_pem(pem: &str, out: Option<&Path>, ui: &mut Ui) -> Result<Exit, Error> {
    match out {
        Some(path) => {
            chancery::write_new_file(path, pem.as_bytes(), false)?;
            let object =
                json::Written { schema: 1, r#type: "written", output: json::OutputName::new(path) };
            ui.success(&object, || format!("wrote {}", shown(path)));
        }
        None => ui.result(&serde_json::json!({"schema": 1, "type": "pem", "pem": pem}), || {
            pem.trim_end().to_owned()
        }),
    }
    Ok(Exit::Done)
}
