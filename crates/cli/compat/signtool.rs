//! `signtool`: sign, verify, timestamp, remove.

mod change;
mod options;
mod p7;
mod selection;
mod sign;
mod verify;

use chancery::timestamp::TimestampKind;
use chancery::timestamp::http::{HttpSettings, HttpTimestamper, TimestampServer};
use chancery::x509::Time;
use chancery::{Error, ErrorKind};

pub(super) use self::options::TOOL;
use super::console::{complain, explain_causes, remark, say};
use super::grammar::{Line, Misread, expand_files, response_files};
use crate::shown::{one_line, shown};

/// How many files went well, with a warning, and not.
#[derive(Debug, Default)]
struct Counts {
    done: usize,
    warnings: usize,
    errors: usize,
}

/// What kept a whole run from being done.
#[derive(Debug)]
enum Stop {
    Line(Misread),
    Error(Error),
    /// It has been said already.
    Said,
}

impl From<Misread> for Stop {
    fn from(misread: Misread) -> Self {
        Self::Line(misread)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

pub(super) fn run(args: &[String]) -> u32 {
    match run_line(args) {
        Ok(counts) if counts.errors > 0 => 1,
        Ok(counts) if counts.warnings > 0 => 2,
        Ok(_) => 0,
        Err(Stop::Line(Misread(message))) => {
            complain(&format!("SignTool Error: {message}"));
            1
        }
        Err(Stop::Error(error)) => {
            fail(&error);
            1
        }
        Err(Stop::Said) => 1,
    }
}

fn run_line(args: &[String]) -> Result<Counts, Stop> {
    let args = response_files(args)?;
    let mut line = TOOL.read(&args)?;
    line.not_both("q", "v")?;
    line.not_both("q", "debug")?;
    line.operands = expand_files(&line.operands);
    if line.operands.is_empty() {
        let message = "Missing filename: name the files after the options";
        return Err(Misread(message.to_owned()).into());
    }
    let counts = match line.verb.name {
        "sign" => sign::run(&line),
        "verify" => verify::run(&line),
        "timestamp" => change::timestamp(&line),
        _ => change::remove(&line),
    }?;
    if line.has("v") || line.has("debug") || (counts.errors > 0 && !line.has("q")) {
        let participle = participle(&line);
        say(&format!("\nNumber of {participle}: {}", counts.done));
        say(&format!("Number of warnings: {}", counts.warnings));
        say(&format!("Number of errors: {}", counts.errors));
    }
    Ok(counts)
}

fn participle(line: &Line) -> &'static str {
    match line.verb.name {
        "sign" => "files successfully Signed",
        "verify" if line.has("all") => "signatures successfully Verified",
        "verify" => "files successfully Verified",
        "timestamp" => "files successfully timestamped",
        _ => "files successfully processed",
    }
}

/// Says what went wrong, in one line of the tool's and with our reasons beneath.
fn fail(error: &Error) {
    complain(&format!("SignTool Error: {}", one_line(&error.to_string())));
    explain_causes(error);
}

/// Tells whether a file is there, and says so where it is not.
fn is_there(file: &str) -> bool {
    let is_there = std::path::Path::new(file).exists();
    if !is_there {
        complain(&format!("SignTool Error: File not found: {}", shown(file)));
    }
    is_there
}

fn now() -> Result<Time, Error> {
    Time::now().map_err(|error| Error::of_certificate("use the system's time", error))
}

/// Says lines that a quiet run leaves out.
fn tell(line: &Line, text: &str) {
    if !line.has("q") {
        say(text);
    }
}

/// Makes the client for the timestamp server that a line names.
fn timestamper(line: &Line) -> Result<Option<HttpTimestamper>, Stop> {
    line.not_both("t", "tr")?;
    if line.has("t") && line.has("td") {
        let message =
            "/td is the digest of /tr; servers of /t choose their own. Type /tr URL /td sha256";
        return Err(Misread(message.to_owned()).into());
    }
    if line.has("td") && !line.has("tr") {
        return Err(Misread("/td without /tr: name the server, /tr URL".to_owned()).into());
    }
    if line.is_before("td", "tr") {
        remark(
            "/td before /tr is lost on SignTool, which then asks for SHA-1; here it counts. Type /tr first",
        );
    }
    let (url, kind) = match (line.value("tr"), line.value("t")) {
        (Some(url), _) => (url, TimestampKind::Rfc3161),
        (None, Some(url)) => (url, TimestampKind::Legacy),
        (None, None) => return Ok(None),
    };
    let mut settings = HttpSettings::default();
    if kind == TimestampKind::Rfc3161 {
        let digest = line.value("td").ok_or_else(|| {
            Misread("No timestamp digest algorithm specified. Type /td sha256 after /tr".to_owned())
        })?;
        settings.digest = self::digest("/td", digest)?;
    }
    settings.environment_proxy = true;
    // The cause names the address, without what may be a password in it.
    let failed = |error| {
        Error::new(ErrorKind::Usage, "cannot ask the server for timestamps").with_source(error)
    };
    let server = TimestampServer::new(url, kind).map_err(failed)?;
    Ok(Some(HttpTimestamper::new(vec![server], settings).map_err(failed)?))
}

/// Reads the name of a hash.
fn digest(option: &str, name: &str) -> Result<chancery::key::DigestAlgorithm, Misread> {
    name.to_ascii_lowercase().parse().map_err(|_| {
        Misread(format!(
            "{option} {name}: no hash that is used here; SHA1, SHA256, SHA384, SHA512 are"
        ))
    })
}
