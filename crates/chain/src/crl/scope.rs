//! Which certificates a revocation list is about, and which lists are about a certificate (RFC 5280 sections
//! 4.2.1.13 and 5.2.5).

use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Certificate, Error};

use crate::general_name::GeneralName;
use crate::normal_name::NormalName;
use crate::oid;

/// The most distribution points looked at in one certificate. Real ones have a handful.
const MAX_DISTRIBUTION_POINTS: usize = 16;

/// A set of reasons for revocation, by the bits of ReasonFlags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reasons(u16);

impl Reasons {
    pub(crate) const NONE: Self = Self(0);
    /// Bits 1 to 8; bit 0 is not used.
    pub(crate) const ALL: Self = Self(0x1fe);

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Tells whether there is anything in it that is not in `other`.
    pub(crate) const fn adds_to(self, other: Self) -> bool {
        self.0 & !other.0 != 0
    }

    /// Reads the contents of a BIT STRING, whatever its tag.
    fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let error = Error::Der { offset: tlv.offset, what: "reason flags" };
        match tlv.contents {
            [0..=7, octets @ ..] if octets.len() <= 2 => {
                let bits = octets
                    .iter()
                    .rev()
                    .fold(0, |bits, octet| (bits << 8) | u16::from(octet.reverse_bits()));
                Ok(Self(bits & Self::ALL.0))
            }
            _ => Err(error),
        }
    }
}

/// One place where the revocation of a certificate is published.
#[derive(Clone, Debug)]
pub(crate) struct DistributionPoint {
    /// Its names; none where only the issuer of the list is given.
    names: Vec<GeneralName>,
    reasons: Reasons,
    /// Who issues the list, where that is not the certificate's issuer.
    pub(crate) crl_issuers: Vec<NormalName>,
}

impl DistributionPoint {
    /// The point for lists that no distribution point names (RFC 5280 section 6.3.3, last paragraph).
    pub(crate) fn implied(issuer: &NormalName) -> Self {
        Self {
            names: vec![GeneralName::Directory(issuer.clone())],
            reasons: Reasons::ALL,
            crl_issuers: Vec::new(),
        }
    }

    /// Reads cRLDistributionPoints; none where there is no such extension.
    pub(crate) fn of(certificate: &Certificate, issuer: &NormalName) -> Result<Vec<Self>, Error> {
        let Some(extension) = certificate.extensions().get(oid::CRL_DISTRIBUTION_POINTS) else {
            return Ok(Vec::new());
        };
        let list = Tlv::parse(&extension.value)?.expect(tag::SEQUENCE, "distribution points")?;
        let points = list.reader().map(|point| Self::from_tlv(point?, issuer));
        let points = points.take(MAX_DISTRIBUTION_POINTS.saturating_add(1));
        let points = points.collect::<Result<Vec<_>, _>>()?;
        if points.len() > MAX_DISTRIBUTION_POINTS {
            let what = "CRL distribution points";
            return Err(Error::Limit { what, limit: MAX_DISTRIBUTION_POINTS });
        }
        Ok(points)
    }

    pub(crate) fn into_names(self) -> Vec<GeneralName> {
        self.names
    }

    fn from_tlv(tlv: Tlv<'_>, issuer: &NormalName) -> Result<Self, Error> {
        let mut parts = tlv.expect(tag::SEQUENCE, "distribution point")?.reader();
        let name = parts.optional(tag::context_constructed(0))?;
        let reasons = parts.optional(tag::context(1))?;
        let crl_issuers = match parts.optional(tag::context_constructed(2))? {
            Some(list) => GeneralName::list(list)?
                .into_iter()
                .filter_map(|name| match name {
                    GeneralName::Directory(name) => Some(name),
                    _ => None,
                })
                .collect(),
            None => Vec::new(),
        };
        parts.finish()?;
        let names = match name {
            Some(name) => point_names(name, crl_issuers.first().unwrap_or(issuer))?,
            None => Vec::new(),
        };
        let reasons = reasons.map_or(Ok(Reasons::ALL), Reasons::from_tlv)?;
        Ok(Self { names, reasons, crl_issuers })
    }

    /// Tells whether one of our names is one of these; without a name of our own, those who issue the list
    /// are our names (RFC 5280 section 6.3.3 (b)(2)(i)).
    fn is_named_by(&self, names: &[GeneralName]) -> bool {
        if self.names.is_empty() {
            let mut issuers = self.crl_issuers.iter().cloned().map(GeneralName::Directory);
            issuers.any(|issuer| names.contains(&issuer))
        } else {
            self.names.iter().any(|name| names.contains(name))
        }
    }
}

/// Reads DistributionPointName inside its explicit tag.
fn point_names(tlv: Tlv<'_>, issuer: &NormalName) -> Result<Vec<GeneralName>, Error> {
    const FULL_NAME: u8 = tag::context_constructed(0);
    const RELATIVE: u8 = tag::context_constructed(1);
    let name = tlv.only()?;
    match name.tag {
        FULL_NAME => GeneralName::list(name),
        RELATIVE => Ok(vec![GeneralName::Directory(issuer.with_rdn(name)?)]),
        _ => Err(Error::Der { offset: name.offset, what: "distribution point name" }),
    }
}

/// issuingDistributionPoint: what a list is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    names: Vec<GeneralName>,
    only_users: bool,
    only_cas: bool,
    only_attributes: bool,
    reasons: Reasons,
    /// The list names certificates of other issuers too.
    pub(crate) indirect: bool,
}

impl Scope {
    /// The scope of a list without issuingDistributionPoint.
    pub(super) const FULL: Self = Self {
        names: Vec::new(),
        only_users: false,
        only_cas: false,
        only_attributes: false,
        reasons: Reasons::ALL,
        indirect: false,
    };

    pub(super) fn from_tlv(tlv: Tlv<'_>, issuer: &NormalName) -> Result<Self, Error> {
        let mut parts = tlv.expect(tag::SEQUENCE, "issuing distribution point")?.reader();
        let names = match parts.optional(tag::context_constructed(0))? {
            Some(name) => point_names(name, issuer)?,
            None => Vec::new(),
        };
        let only_users = flag(parts.optional(tag::context(1))?)?;
        let only_cas = flag(parts.optional(tag::context(2))?)?;
        let reasons = parts.optional(tag::context(3))?;
        let indirect = flag(parts.optional(tag::context(4))?)?;
        let only_attributes = flag(parts.optional(tag::context(5))?)?;
        parts.finish()?;
        let reasons = reasons.map_or(Ok(Reasons::ALL), Reasons::from_tlv)?;
        Ok(Self { names, only_users, only_cas, only_attributes, reasons, indirect })
    }

    /// Tells for which reasons a list of this scope answers for a certificate (a CA or not) at a
    /// distribution point; `None` where the list is about others (RFC 5280 section 6.3.3 (b) and (d)).
    pub(crate) fn covers(&self, is_ca: bool, point: &DistributionPoint) -> Option<Reasons> {
        let wrong_kind =
            self.only_attributes || if is_ca { self.only_users } else { self.only_cas };
        let elsewhere = !self.names.is_empty() && !point.is_named_by(&self.names);
        let not_for_others = !point.crl_issuers.is_empty() && !self.indirect;
        (!wrong_kind && !elsewhere && !not_for_others)
            .then(|| self.reasons.intersection(point.reasons))
    }
}

fn flag(tlv: Option<Tlv<'_>>) -> Result<bool, Error> {
    match tlv.map(|tlv| (tlv.contents, tlv.offset)) {
        None | Some(([0], _)) => Ok(false),
        Some(([0xff], _)) => Ok(true),
        Some((_, offset)) => Err(Error::Der { offset, what: "boolean of 00 or FF" }),
    }
}

#[cfg(test)]
mod tests {
    use chancery_x509::asn1;

    use super::*;

    fn name(text: &str) -> NormalName {
        NormalName::of(&text.parse().unwrap())
    }

    fn uri(text: &str) -> Vec<u8> {
        asn1::tlv(
            tag::context_constructed(0),
            &[&asn1::tlv(
                tag::context_constructed(0),
                &[&asn1::tlv(tag::context(6), &[text.as_bytes()])],
            )],
        )
    }

    fn point(parts: &[&[u8]]) -> DistributionPoint {
        let der = asn1::sequence(parts);
        DistributionPoint::from_tlv(Tlv::parse(&der).unwrap(), &name("CN=CA")).unwrap()
    }

    fn scope(parts: &[&[u8]]) -> Scope {
        let der = asn1::sequence(parts);
        Scope::from_tlv(Tlv::parse(&der).unwrap(), &name("CN=CA")).unwrap()
    }

    #[test]
    fn reasons_are_bits_from_the_left() {
        let read = |der: &[u8]| Reasons::from_tlv(Tlv::parse(der).unwrap());
        assert_eq!(read(&[0x81, 2, 5, 0x60]).unwrap(), Reasons(0b110));
        assert_eq!(read(&[0x81, 3, 7, 0, 0x80]).unwrap(), Reasons(0x100));
        assert_eq!(read(&[0x81, 2, 0, 0x80]).unwrap(), Reasons::NONE, "bit 0 is not used");
        assert!(read(&[0x81, 0]).is_err() && read(&[0x81, 2, 8, 0]).is_err());
        assert!(read(&[0x81, 4, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn a_list_for_another_point_is_not_about_this_one() {
        let here = point(&[&uri("http://a/")]);
        assert_eq!(scope(&[&uri("http://a/")]).covers(false, &here), Some(Reasons::ALL));
        assert_eq!(scope(&[&uri("http://b/")]).covers(false, &here), None);
        assert_eq!(Scope::FULL.covers(false, &here), Some(Reasons::ALL));
    }

    #[test]
    fn a_relative_name_is_below_the_issuer_of_the_list() {
        let relative: chancery_x509::Name = "CN=1".parse().unwrap();
        let rdn = Tlv::parse(relative.as_der()).unwrap().only().unwrap();
        let relative = asn1::tlv(tag::context_constructed(1), &[rdn.contents]);
        let relative = point(&[&asn1::tlv(tag::context_constructed(0), &[&relative])]);
        let full = GeneralName::Directory(name("CN=1,CN=CA"));
        assert!(relative.is_named_by(&[full]));
        assert!(!relative.is_named_by(&[GeneralName::Directory(name("CN=1"))]));
    }

    #[test]
    fn lists_are_for_users_or_for_cas() {
        let here = point(&[&uri("http://a/")]);
        let users = scope(&[&[0x81, 1, 0xff]]);
        let cas = scope(&[&[0x82, 1, 0xff]]);
        assert!(users.covers(false, &here).is_some() && users.covers(true, &here).is_none());
        assert!(cas.covers(true, &here).is_some() && cas.covers(false, &here).is_none());
        assert_eq!(scope(&[&[0x85, 1, 0xff]]).covers(false, &here), None);
    }

    #[test]
    fn who_names_another_issuer_gets_an_indirect_list_only() {
        let issuer = asn1::tlv(
            tag::context_constructed(2),
            &[&asn1::tlv(
                tag::context_constructed(4),
                &["CN=Other".parse::<chancery_x509::Name>().unwrap().as_der()],
            )],
        );
        let elsewhere = point(&[&uri("http://a/"), &issuer]);
        assert_eq!(elsewhere.crl_issuers, [name("CN=Other")]);
        assert_eq!(Scope::FULL.covers(false, &elsewhere), None);
        assert!(scope(&[&[0x84, 1, 0xff]]).covers(false, &elsewhere).is_some());
        // Without a name of its own, the point is called after who issues the list.
        assert!(point(&[&issuer]).is_named_by(&[GeneralName::Directory(name("CN=other"))]));
    }
}
