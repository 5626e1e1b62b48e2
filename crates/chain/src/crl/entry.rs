//! One line of a revocation list.

use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Error, Extensions, RevocationReason, Time};
use const_oid::ObjectIdentifier;

use crate::oid;

/// What a revocation list says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokedEntry {
    /// revocationDate: when the issuer processed it, or the date it was back-dated to.
    pub date: Time,
    /// invalidityDate: when the key was compromised or the certificate became wrong (RFC 5280 section 5.3.2).
    pub invalidity_date: Option<Time>,
    /// The reason, where the list says.
    pub reason: Option<RevocationReason>,
}

impl RevokedEntry {
    /// Returns from when on signatures do not count: the earlier of both dates.
    #[must_use]
    pub fn since(&self) -> Time {
        self.invalidity_date.map_or(self.date, |invalidity| invalidity.min(self.date))
    }
}

/// The extensions of an entry, taken apart.
#[derive(Debug, Default)]
pub(super) struct EntryExtensions {
    pub(super) reason: Option<RevocationReason>,
    pub(super) invalidity_date: Option<Time>,
    /// The DER of the certificateIssuer's directory name.
    pub(super) certificate_issuer: Option<Vec<u8>>,
    /// The first critical extension that is not known.
    pub(super) unprocessed: Option<ObjectIdentifier>,
}

impl EntryExtensions {
    pub(super) fn read(extensions: &Extensions) -> Result<Self, Error> {
        let mut all = Self::default();
        for extension in extensions.iter() {
            let value = Tlv::parse(&extension.value);
            match extension.oid {
                oid::REASON_CODE => {
                    const ENUMERATED: u8 = 0x0a;
                    let value = value?.expect(ENUMERATED, "reason code")?;
                    let reason = match value.contents {
                        [code] => RevocationReason::from_code(*code),
                        _ => None,
                    };
                    let error = Error::Der { offset: value.offset, what: "reason code" };
                    all.reason = Some(reason.ok_or(error)?);
                }
                oid::INVALIDITY_DATE => {
                    let value = value?.expect(tag::GENERALIZED_TIME, "invalidity date")?;
                    all.invalidity_date = Some(Time::from_tlv(value)?);
                }
                oid::CERTIFICATE_ISSUER => {
                    let list = value?.expect(tag::SEQUENCE, "certificate issuer")?;
                    let directory = tag::context_constructed(4);
                    let mut names = list.reader();
                    let name =
                        names.find(|name| name.as_ref().is_ok_and(|name| name.tag == directory));
                    let error = Error::Der { offset: list.offset, what: "a directory name" };
                    all.certificate_issuer = Some(name.ok_or(error)??.only()?.raw.to_vec());
                }
                unknown if extension.critical => {
                    all.unprocessed = all.unprocessed.or(Some(unknown));
                }
                _ => {}
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_date_counts() {
        let day = |day: u64| Time::from_unix(day * 86_400).unwrap();
        let mut entry = RevokedEntry { date: day(5), invalidity_date: None, reason: None };
        assert_eq!(entry.since(), day(5));
        entry.invalidity_date = Some(day(3));
        assert_eq!(entry.since(), day(3));
        entry.invalidity_date = Some(day(7));
        assert_eq!(entry.since(), day(5));
    }
}
