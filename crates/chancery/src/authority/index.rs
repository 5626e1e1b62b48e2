//! What an authority did, a JSON object a line.

use core::fmt;
use std::collections::HashMap;

use chancery_x509::{RevocationReason, SerialNumber, Time};
use serde::{Deserialize, Serialize};

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issued {
    /// Its serial number in hex.
    pub serial: String,
    /// Its subject, by RFC 4514.
    pub subject: String,
    /// What it is for: `intermediate`, `code-signing`, `time-stamping`, `tls-server`.
    pub profile: String,
    /// The first second of its validity.
    pub not_before: Time,
    /// The last second of its validity.
    pub not_after: Time,
    /// The SHA-256 of its DER in hex.
    pub sha256: String,
    /// That it was revoked, where it was.
    pub revocation: Option<Revocation>,
}

/// That a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// When.
    pub date: Time,
    /// Why.
    pub reason: RevocationReason,
    /// Since when it was not to be relied on, where that was earlier.
    pub invalid_since: Option<Time>,
}

/// A line of the index. Fields may be added; none goes or changes its meaning.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event {
    Issued {
        serial: String,
        subject: String,
        profile: String,
        not_before: String,
        not_after: String,
        sha256: String,
    },
    Revoked {
        serial: String,
        date: String,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invalid_since: Option<String>,
    },
    Crl {
        number: u64,
        this_update: String,
        next_update: String,
    },
}

/// Why an index cannot be read.
#[derive(Debug)]
pub(super) struct IndexError {
    line: usize,
    source: Option<serde_json::Error>,
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is no event of an authority", self.line)
    }
}

impl core::error::Error for IndexError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as &(dyn core::error::Error + 'static))
    }
}

/// Everything an authority did.
#[derive(Debug, Default)]
pub(super) struct Index {
    issued: Vec<Issued>,
    by_serial: HashMap<String, usize>,
    last_crl: u64,
}

impl Index {
    pub(super) fn read(text: &str) -> Result<Self, IndexError> {
        let mut index = Self::default();
        for (line, text) in (1..).zip(text.lines()) {
            let event = serde_json::from_str(text)
                .map_err(|error| IndexError { line, source: Some(error) })?;
            index.apply(event).ok_or(IndexError { line, source: None })?;
        }
        Ok(index)
    }

    /// Takes an event in; `None` where it makes no sense.
    pub(super) fn apply(&mut self, event: Event) -> Option<()> {
        let time = |text: &str| Time::parse_rfc3339(text);
        // An older index leaves out the zero that a serial number may begin with.
        let whole = |text: String| match text.parse::<SerialNumber>() {
            Ok(serial) => serial.to_string(),
            Err(_) => text,
        };
        match event {
            Event::Issued { serial, subject, profile, not_before, not_after, sha256 } => {
                let serial = whole(serial);
                let (not_before, not_after) = (time(&not_before)?, time(&not_after)?);
                let known = self.by_serial.insert(serial.clone(), self.issued.len());
                self.issued.push(Issued {
                    serial,
                    subject,
                    profile,
                    not_before,
                    not_after,
                    sha256,
                    revocation: None,
                });
                known.is_none().then_some(())
            }
            Event::Revoked { serial, date, reason, invalid_since } => {
                let place = self.by_serial.get(&whole(serial))?;
                let invalid_since = match invalid_since {
                    Some(text) => Some(time(&text)?),
                    None => None,
                };
                self.issued.get_mut(*place)?.revocation = Some(Revocation {
                    date: time(&date)?,
                    reason: reason.parse().ok()?,
                    invalid_since,
                });
                Some(())
            }
            Event::Crl { number, .. } => {
                let grows = number > self.last_crl;
                self.last_crl = number;
                grows.then_some(())
            }
        }
    }

    pub(super) fn issued(&self) -> &[Issued] {
        &self.issued
    }

    /// Finds a certificate by its serial number in hex.
    pub(super) fn find(&self, serial: &str) -> Option<&Issued> {
        self.by_serial.get(serial).and_then(|place| self.issued.get(*place))
    }

    /// Returns the number of the next revocation list.
    pub(super) const fn next_crl(&self) -> Option<u64> {
        self.last_crl.checked_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUED: &str = r#"{"event":"issued","serial":"1f","subject":"CN=A","profile":"code-signing","not_before":"2026-01-01T00:00:00Z","not_after":"2027-01-01T00:00:00Z","sha256":"00"}"#;
    const REVOKED: &str =
        r#"{"event":"revoked","serial":"1f","date":"2026-02-01T00:00:00Z","reason":"superseded"}"#;
    const CRL: &str = r#"{"event":"crl","number":4,"this_update":"a","next_update":"b"}"#;

    #[test]
    fn events_are_read_in_their_order() {
        let index = Index::read(&[ISSUED, REVOKED, CRL].join("\n")).unwrap();
        let issued = index.find("1f").unwrap();
        assert_eq!(issued.revocation.unwrap().reason, RevocationReason::Superseded);
        assert_eq!(index.next_crl(), Some(5));
        assert!(index.find("1e").is_none());
    }

    #[test]
    fn a_serial_number_is_whole_octets_whether_it_was_written_so_or_not() {
        let short = [ISSUED, REVOKED].join("\n").replace("1f", "5b7");
        let index = Index::read(&short.replacen("5b7", "05b7", 1)).unwrap();
        assert!(index.find("05b7").unwrap().revocation.is_some());
        assert_eq!(Index::read(&short).unwrap().issued()[0].serial, "05b7");
    }

    #[test]
    fn what_makes_no_sense_is_named_by_its_line() {
        for (lines, line) in [
            (&[ISSUED, ISSUED][..], 2),
            (&[REVOKED], 1),
            (&[CRL, CRL], 2),
            (&[ISSUED, "{}"], 2),
            (&[ISSUED, "{\"event\":\"other\"}"], 2),
            (&[ISSUED, &ISSUED.replace("1f", "20").replace("2026-01", "2026-13")], 2),
        ] {
            let error = Index::read(&lines.join("\n")).unwrap_err();
            assert!(error.to_string().starts_with(&format!("line {line} ")), "{error}");
        }
    }
}
