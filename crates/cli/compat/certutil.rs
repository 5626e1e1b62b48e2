//! `certutil`: stores, keys in containers, and files.

mod dump;
pub(super) mod files;
mod options;
mod stores;
mod verify;

use chancery::certstore::{Location, SystemStore};
use chancery::{Error, ErrorKind};

use super::console::{explain, say};
use super::grammar::{Line, Misread};
use super::hresult::HResult;
pub(super) use options::TOOL;

/// Why a verb was not done.
#[derive(Debug)]
enum Failure {
    Error(Error),
    Number(HResult),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Misread> for Failure {
    fn from(Misread(message): Misread) -> Self {
        Self::Error(Error::new(ErrorKind::Usage, message))
    }
}

pub(super) fn run(args: &[String]) -> u32 {
    let line = match TOOL.read_marked(args) {
        Ok(line) => line,
        Err(Misread(message)) => {
            say(&format!("CertUtil: {message}"));
            return HResult::INVALID_ARGUMENT.code;
        }
    };
    let verb = line.verb.name;
    match perform(&line) {
        Ok(()) => {
            say(&format!("CertUtil: -{verb} command completed successfully."));
            0
        }
        Err(failure) => {
            let number = match &failure {
                Failure::Error(error) => HResult::of(error),
                Failure::Number(number) => *number,
            };
            say(&format!("CertUtil: -{verb} command FAILED: {}", number.numbers()));
            say(&format!("CertUtil: {}", number.sentence()));
            if let Failure::Error(error) = &failure {
                explain(error);
            }
            number.code
        }
    }
}

fn perform(line: &Line) -> Result<(), Failure> {
    match line.verb.name {
        "addstore" => stores::add(line),
        "delstore" => stores::delete(line),
        "store" | "viewstore" => stores::list(line),
        "repairstore" => stores::repair(line),
        "key" => stores::containers(line),
        "csplist" => stores::providers(line),
        "ca.cert" => files::authority_certificate(line),
        "encode" => files::encode(line),
        "decode" => files::decode(line),
        "hashfile" => files::hash(line),
        "verify" => verify::run(line),
        _ => dump::run(line),
    }
}

/// The store that a line names: of the machine, or with an option elsewhere.
fn store_of(line: &Line, name: &str) -> Result<SystemStore, Failure> {
    line.not_both("user", "enterprise")?;
    line.not_both("user", "grouppolicy")?;
    let location = if line.has("user") {
        Location::CurrentUser
    } else if line.has("enterprise") {
        Location::LocalMachineEnterprise
    } else if line.has("grouppolicy") {
        Location::LocalMachineGroupPolicy
    } else {
        Location::LocalMachine
    };
    let named = SystemStore::new(location, name);
    Ok(named.map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?)
}

/// Insists on a number of operands between two.
fn between(line: &Line, least: usize, most: usize) -> Result<Vec<&str>, Failure> {
    let all: Vec<&str> = line.operands.iter().map(String::as_str).collect();
    if (least..=most).contains(&all.len()) {
        return Ok(all);
    }
    let verb = line.verb;
    let message = format!("-{} takes {}, and {} were given", verb.name, verb.operands, all.len());
    Err(Misread(message).into())
}
