//! Certificate revocation lists (RFC 5280 section 5).

use core::cmp::Ordering;
use core::fmt;
use core::ops::Range;

use chancery_key::{PublicKey, SignatureScheme};
use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Error, Extensions, Name, Time, oid as x509_oid, scheme_from_algorithm};
use const_oid::ObjectIdentifier;

use crate::normal_name::NormalName;
use crate::oid;

mod entry;
mod scope;

use entry::EntryExtensions;
pub use entry::RevokedEntry;
pub(crate) use scope::{DistributionPoint, Reasons, Scope};

/// A certificate revocation list: its fields, and the bytes it came in.
///
/// Complete, delta and indirect lists are understood. The signature is verified over the bytes that were
/// read, by [`validate`](crate::validate), which also finds out whose it is.
#[derive(Clone)]
pub struct Crl {
    der: Vec<u8>,
    tbs: Range<usize>,
    issuer: Name,
    pub(crate) normal_issuer: NormalName,
    this_update: Time,
    next_update: Option<Time>,
    number: Option<Number>,
    base_number: Option<Number>,
    key_identifier: Option<Vec<u8>>,
    pub(crate) scope: Scope,
    /// The first critical extension, of the list or an entry, that is not known.
    unprocessed: Option<ObjectIdentifier>,
    /// Who else issued certificates that are in the list.
    other_issuers: Vec<NormalName>,
    /// In the order of serial numbers.
    entries: Vec<Entry>,
    scheme: Option<SignatureScheme>,
    signature: Vec<u8>,
}

/// A CRLNumber, of up to 20 octets: big-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number(Vec<u8>);

impl Number {
    fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        match tlv.integer()? {
            [0x80..=0xff, ..] => Err(Error::Der { offset: tlv.offset, what: "CRL number" }),
            [0, digits @ ..] | digits => Ok(Self(digits.to_vec())),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A line of the list; its serial number's octets are where they were read.
#[derive(Clone, Debug)]
struct Entry {
    serial: Range<usize>,
    /// `None` for the issuer of the list itself, else an index into `other_issuers`.
    issuer: Option<usize>,
    revoked: RevokedEntry,
}

impl Crl {
    /// Reads a list from its DER, which must be all of `der`.
    ///
    /// # Errors
    /// [`Error::Der`] with the byte offset for a broken structure; [`Error::AlgorithmMismatch`],
    /// [`Error::DuplicateExtension`] for contents RFC 5280 does not allow. Critical extensions we do not
    /// know, and an unknown signature algorithm, are no errors: the list is then of no use.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let mut outer = Tlv::parse(der)?.expect(tag::SEQUENCE, "certificate list")?.reader();
        let tbs = outer.expect(tag::SEQUENCE, "TBSCertList")?;
        let algorithm = outer.expect(tag::SEQUENCE, "signature algorithm")?;
        // Signatures are whole octets; a string of other length is one that does not verify.
        let signature =
            outer.expect(tag::BIT_STRING, "signature")?.bit_string().unwrap_or_default();
        outer.finish()?;

        let mut fields = tbs.reader();
        let version_2 = match fields.optional(tag::INTEGER)? {
            Some(version) if version.small_integer()? == 1 => true,
            Some(version) => return Err(Error::Der { offset: version.offset, what: "version 2" }),
            None => false,
        };
        if fields.expect(tag::SEQUENCE, "signature algorithm")?.raw != algorithm.raw {
            return Err(Error::AlgorithmMismatch);
        }
        let issuer = Name::from_der(fields.expect(tag::SEQUENCE, "issuer")?.raw)?;
        let this_update = Time::from_tlv(fields.read()?)?;
        let next_update = match fields.optional(tag::UTC_TIME)? {
            None => fields.optional(tag::GENERALIZED_TIME)?,
            some => some,
        };
        let revoked = fields.optional(tag::SEQUENCE)?;
        let extensions = match fields.optional(tag::context_constructed(0))? {
            Some(explicit) if version_2 => Extensions::from_tlv(explicit.only()?)?,
            Some(explicit) => {
                let what = "version 2 where there are extensions";
                return Err(Error::Der { offset: explicit.offset, what });
            }
            None => Extensions::default(),
        };
        fields.finish()?;

        let normal_issuer = NormalName::of(&issuer);
        let mut crl = Self {
            tbs: tbs.offset..tbs.offset.saturating_add(tbs.raw.len()),
            this_update,
            next_update: next_update.map(Time::from_tlv).transpose()?,
            number: number(&extensions, oid::CRL_NUMBER)?,
            base_number: number(&extensions, oid::DELTA_CRL_INDICATOR)?,
            key_identifier: extensions.authority_key_identifier()?.map(<[u8]>::to_vec),
            scope: match extensions.get(oid::ISSUING_DISTRIBUTION_POINT) {
                Some(extension) => Scope::from_tlv(Tlv::parse(&extension.value)?, &normal_issuer)?,
                None => Scope::FULL,
            },
            unprocessed: extensions
                .iter()
                .find(|extension| extension.critical && !PROCESSED.contains(&extension.oid))
                .map(|extension| extension.oid),
            other_issuers: Vec::new(),
            entries: Vec::new(),
            scheme: scheme_from_algorithm(algorithm).ok(),
            signature: signature.to_vec(),
            issuer,
            normal_issuer,
            der: der.to_vec(),
        };
        if let Some(revoked) = revoked {
            crl.read_entries(revoked)?;
        }
        Ok(crl)
    }

    fn read_entries(&mut self, list: Tlv<'_>) -> Result<(), Error> {
        // An entry without certificateIssuer is of the same issuer as the one before (section 5.3.3).
        let mut issuer = None;
        for entry in list.reader() {
            let mut parts = entry?.expect(tag::SEQUENCE, "revoked certificate")?.reader();
            let serial = parts.read()?;
            let octets = serial.integer()?;
            let date = Time::from_tlv(parts.read()?)?;
            let extensions = match parts.optional(tag::SEQUENCE)? {
                Some(tlv) => EntryExtensions::read(&Extensions::from_tlv(tlv)?)?,
                None => EntryExtensions::default(),
            };
            parts.finish()?;
            self.unprocessed = self.unprocessed.or(extensions.unprocessed);
            if let Some(name) = extensions.certificate_issuer {
                let name = NormalName::from_der(&name)?;
                issuer = (name != self.normal_issuer).then_some(self.other_issuers.len());
                if issuer.is_some() {
                    self.other_issuers.push(name);
                }
            }
            let end = serial.offset.saturating_add(serial.raw.len());
            self.entries.push(Entry {
                serial: end.saturating_sub(octets.len())..end,
                issuer,
                revoked: RevokedEntry {
                    date,
                    invalidity_date: extensions.invalidity_date,
                    reason: extensions.reason,
                },
            });
        }
        let der = &self.der;
        self.entries.sort_by(|a, b| der.get(a.serial.clone()).cmp(&der.get(b.serial.clone())));
        Ok(())
    }

    /// Returns the DER it came in.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Returns who issued it.
    #[must_use]
    pub const fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Returns when it was issued.
    #[must_use]
    pub const fn this_update(&self) -> Time {
        self.this_update
    }

    /// Returns by when the next one is issued. A list that does not say is never current.
    #[must_use]
    pub const fn next_update(&self) -> Option<Time> {
        self.next_update
    }

    /// Returns the number that grows from list to list: big-endian without leading zeros.
    #[must_use]
    pub fn number(&self) -> Option<&[u8]> {
        self.number.as_ref().map(|number| number.0.as_slice())
    }

    /// Tells whether it lists only what changed since another one.
    #[must_use]
    pub const fn is_delta(&self) -> bool {
        self.base_number.is_some()
    }

    /// Returns how many certificates are in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether no certificate is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Looks a certificate up by its issuer and the contents octets of its serial number. Whether the list
    /// may be relied on is another question.
    #[must_use]
    pub fn find(&self, issuer: &Name, serial: &[u8]) -> Option<RevokedEntry> {
        self.find_normal(&NormalName::of(issuer), serial)
    }

    /// Of several entries for one certificate, the one with the earliest date counts.
    pub(crate) fn find_normal(&self, issuer: &NormalName, serial: &[u8]) -> Option<RevokedEntry> {
        let start = self.entries.partition_point(|entry| self.serial_of(entry) < serial);
        let same_serial = self.entries.get(start..).unwrap_or_default();
        same_serial
            .iter()
            .take_while(|entry| self.serial_of(entry) == serial)
            .filter(|entry| match entry.issuer {
                None => self.normal_issuer == *issuer,
                Some(index) => self.other_issuers.get(index) == Some(issuer),
            })
            .map(|entry| entry.revoked)
            .min_by_key(RevokedEntry::since)
    }

    fn serial_of(&self, entry: &Entry) -> &[u8] {
        self.der.get(entry.serial.clone()).unwrap_or_default()
    }

    pub(crate) const fn scheme(&self) -> Option<SignatureScheme> {
        self.scheme
    }

    pub(crate) const fn has_unprocessed_extension(&self) -> bool {
        self.unprocessed.is_some()
    }

    pub(crate) fn key_identifier(&self) -> Option<&[u8]> {
        self.key_identifier.as_deref()
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let tbs = self.der.get(self.tbs.clone()).unwrap_or_default();
        self.scheme.is_some_and(|scheme| {
            chancery_sigverify::verify(key, scheme, tbs, &self.signature).is_ok()
        })
    }

    /// Tells whether `time` lies between this list and the next.
    pub(crate) fn is_current(&self, time: Time) -> bool {
        self.this_update <= time && self.next_update.is_some_and(|next| time <= next)
    }

    /// Tells whether this delta brings that complete list up to date (RFC 5280 sections 5.2.4, 6.3.3 (c)),
    /// if one key signed both.
    pub(crate) fn updates(&self, complete: &Self) -> bool {
        let in_order = match (&self.base_number, &self.number, &complete.number) {
            (Some(base), Some(number), Some(complete)) => base <= complete && complete < number,
            _ => false,
        };
        in_order && self.normal_issuer == complete.normal_issuer && self.scope == complete.scope
    }

    /// Orders lists by age, for those of one issuer.
    pub(crate) fn age(&self) -> (Time, Option<&Number>) {
        (self.this_update, self.number.as_ref())
    }
}

/// Extensions that may be critical because what they say is honoured.
const PROCESSED: [ObjectIdentifier; 4] = [
    x509_oid::AUTHORITY_KEY_IDENTIFIER,
    oid::CRL_NUMBER,
    oid::DELTA_CRL_INDICATOR,
    oid::ISSUING_DISTRIBUTION_POINT,
];

fn number(extensions: &Extensions, oid: ObjectIdentifier) -> Result<Option<Number>, Error> {
    let extension = extensions.get(oid);
    extension.map(|extension| Number::from_tlv(Tlv::parse(&extension.value)?)).transpose()
}

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Crl {}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({}, {}, {} entries)", self.issuer, self.this_update, self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let number = |der: &[u8]| Number::from_tlv(Tlv::parse(der).unwrap());
        let small = number(&[2, 1, 0x7f]).unwrap();
        let high = number(&[2, 2, 0, 0x80]).unwrap();
        let large = number(&[2, 2, 1, 0]).unwrap();
        assert!(small < high && high < large);
        assert_eq!(number(&[2, 1, 0]).unwrap(), Number(vec![]));
        assert!(number(&[2, 1, 0x80]).is_err() && number(&[4, 1, 1]).is_err());
    }
}
