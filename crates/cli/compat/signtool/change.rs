//! `signtool timestamp` and `signtool remove`

use chancery::{RemoveOptions, RemovedPart, StampFileOptions, remove_signatures, timestamp_file};

use super::sign::each;
use super::{Counts, Stop, now, p7, timestamper};
use crate::compat::grammar::{Line, Misread};

pub(super) fn timestamp(line: &Line) -> Result<Counts, Stop> {
    if line.has("p7") {
        return p7::timestamp(line);
    }
    let timestamper = timestamper(line)?.ok_or_else(|| {
        Misread("name a timestamp server: /tr URL /td sha256, or /t URL".to_owned())
    })?;
    let mut options = StampFileOptions::default();
    if let Some(text) = line.value("tp") {
        options.index = text
            .parse()
            .map_err(|_| Misread(format!("/tp {text}: signatures are counted from 0")))?;
    }
    each(line, "Successfully timestamped", |file| {
        timestamp_file(file, &timestamper, now()?, &options).map(drop)
    })
}

pub(super) fn remove(line: &Line) -> Result<Counts, Stop> {
    let mut options = RemoveOptions::default();
    options.part = match (line.has("s"), line.has("u")) {
        (true, _) => RemovedPart::All,
        (false, true) => RemovedPart::UnsignedAttributes,
        (false, false) => {
            return Err(
                Misread("say what goes: /s for signatures, /u for timestamps".to_owned()).into()
            );
        }
    };
    each(line, "Successfully committed changes to the file", |file| {
        remove_signatures(file, now()?, &options).map(drop)
    })
}
