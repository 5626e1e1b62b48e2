//! Answers what authenticode-parser says of PE files: a file name a line in, one line out for each.
//!
//! The first line names the library and its version. An answer is `unsigned`, `unreadable REASON`,
//! or the flags of all signatures and countersignatures, such as
//! `signature Valid, countersignature Valid, signature WrongFileDigest`.

#![deny(unsafe_code)]
#![allow(clippy::print_stdout, reason = "answering on standard output is what this program does")]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, Write as _};

use authenticode_parser::{InitializationToken, parse_pe};

/// The lock file this program is built from: it alone knows the library's version.
const LOCK_FILE: &str = include_str!("../../../../Cargo.lock");

fn main() -> io::Result<()> {
    #[expect(unsafe_code, reason = "the only way to initialise the library")]
    // SAFETY: this is the first statement of a program with one thread, so nothing else can be
    // within OpenSSL meanwhile.
    let token = unsafe { InitializationToken::new() };
    println!("authenticode-parser {}", locked_version("authenticode-parser").unwrap_or("unknown"));
    for line in io::stdin().lock().lines() {
        println!("{}", answer(&token, &line?));
        io::stdout().flush()?;
    }
    Ok(())
}

fn answer(token: &InitializationToken, file: &str) -> String {
    let data = match fs::read(file) {
        Ok(data) => data,
        Err(error) => return format!("unreadable {file}: {error}"),
    };
    let mut flags = String::new();
    if let Some(array) = parse_pe(token, &data) {
        for signature in array.signatures() {
            // Writing to a String cannot fail.
            let _ = write!(flags, ", signature {}", name(signature.verify_flags()));
            for counter in signature.countersigs() {
                let _ = write!(flags, ", countersignature {}", name(counter.verify_flags()));
            }
        }
    }
    flags.strip_prefix(", ").unwrap_or("unsigned").to_owned()
}

fn name(flag: Option<impl std::fmt::Debug>) -> String {
    flag.map_or_else(|| "Unknown".to_owned(), |flag| format!("{flag:?}"))
}

fn locked_version(package: &str) -> Option<&'static str> {
    let mut lines = LOCK_FILE.lines();
    lines.find(|line| line.strip_prefix("name = ").is_some_and(|name| quoted(name) == package))?;
    lines.next()?.strip_prefix("version = ").map(quoted)
}

fn quoted(text: &str) -> &str {
    text.trim_matches('"')
}
