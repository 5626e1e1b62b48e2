//! The extensions that carry policies (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14).

use std::collections::BTreeSet;

use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Error, Extensions};
use const_oid::ObjectIdentifier;

use crate::oid;

/// What a certificate says of policies. A broken extension is named by its type.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyExtensions {
    /// `None` where there is no certificatePolicies.
    pub(crate) policies: Option<BTreeSet<ObjectIdentifier>>,
    /// A critical certificatePolicies has a qualifier that is not understood.
    pub(crate) unknown_critical_qualifier: bool,
    /// Pairs of issuerDomainPolicy and subjectDomainPolicy.
    pub(crate) mappings: Vec<(ObjectIdentifier, ObjectIdentifier)>,
    /// After how many certificates an explicit policy is required.
    pub(crate) require_explicit: Option<u32>,
    /// After how many certificates mappings no longer count.
    pub(crate) inhibit_mapping: Option<u32>,
    /// After how many certificates anyPolicy no longer counts.
    pub(crate) inhibit_any: Option<u32>,
}

impl PolicyExtensions {
    /// # Errors
    /// The type of the extension that is malformed.
    pub(crate) fn read(extensions: &Extensions) -> Result<Self, ObjectIdentifier> {
        let mut all = Self::default();
        let mut step = |oid, read: fn(&mut Self, Tlv<'_>) -> Result<(), Error>| {
            let Some(extension) = extensions.get(oid) else { return Ok(()) };
            Tlv::parse(&extension.value).and_then(|tlv| read(&mut all, tlv)).map_err(|_| oid)
        };
        step(oid::CERTIFICATE_POLICIES, Self::read_policies)?;
        step(oid::POLICY_MAPPINGS, Self::read_mappings)?;
        step(oid::POLICY_CONSTRAINTS, Self::read_constraints)?;
        step(oid::INHIBIT_ANY_POLICY, |all, tlv| {
            all.inhibit_any = Some(skip_certificates(tlv.integer()?, tlv)?);
            Ok(())
        })?;
        let critical =
            extensions.get(oid::CERTIFICATE_POLICIES).is_some_and(|extension| extension.critical);
        all.unknown_critical_qualifier &= critical;
        Ok(all)
    }

    fn read_policies(&mut self, tlv: Tlv<'_>) -> Result<(), Error> {
        let mut policies = BTreeSet::new();
        for information in not_empty(tlv)?.reader() {
            let mut parts = information?.expect(tag::SEQUENCE, "policy information")?.reader();
            policies.insert(parts.read()?.oid()?);
            if let Some(qualifiers) = parts.optional(tag::SEQUENCE)? {
                for qualifier in not_empty(qualifiers)?.reader() {
                    let mut parts = qualifier?.expect(tag::SEQUENCE, "policy qualifier")?.reader();
                    let kind = parts.read()?.oid()?;
                    self.unknown_critical_qualifier |=
                        ![oid::CPS_QUALIFIER, oid::USER_NOTICE_QUALIFIER].contains(&kind);
                }
            }
            parts.finish()?;
        }
        self.policies = Some(policies);
        Ok(())
    }

    fn read_mappings(&mut self, tlv: Tlv<'_>) -> Result<(), Error> {
        for mapping in not_empty(tlv)?.reader() {
            let mut parts = mapping?.expect(tag::SEQUENCE, "policy mapping")?.reader();
            self.mappings.push((parts.read()?.oid()?, parts.read()?.oid()?));
            parts.finish()?;
        }
        Ok(())
    }

    fn read_constraints(&mut self, tlv: Tlv<'_>) -> Result<(), Error> {
        let mut parts = not_empty(tlv)?.reader();
        let mut number = |number| -> Result<Option<u32>, Error> {
            let tlv = parts.optional(tag::context(number))?;
            tlv.map(|tlv| skip_certificates(tlv.contents, tlv)).transpose()
        };
        self.require_explicit = number(0)?;
        self.inhibit_mapping = number(1)?;
        parts.finish()
    }
}

fn not_empty(tlv: Tlv<'_>) -> Result<Tlv<'_>, Error> {
    let tlv = tlv.expect(tag::SEQUENCE, "sequence")?;
    if tlv.contents.is_empty() {
        return Err(Error::Der { offset: tlv.offset, what: "sequence with something in it" });
    }
    Ok(tlv)
}

/// Reads the octets of SkipCerts. Numbers longer than any path are as good as the largest we have.
fn skip_certificates(octets: &[u8], tlv: Tlv<'_>) -> Result<u32, Error> {
    match octets {
        [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] if octets != [0] => {
            Err(Error::Der { offset: tlv.offset, what: "number of certificates" })
        }
        octets => {
            let digits = octets.strip_prefix(&[0]).unwrap_or(octets);
            let number = || digits.iter().fold(0, |sum, digit| (sum << 8) | u32::from(*digit));
            Ok(if digits.len() > 4 { u32::MAX } else { number() })
        }
    }
}

#[cfg(test)]
mod tests {
    use chancery_x509::asn1;

    use super::*;

    fn extensions(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Extensions {
        let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
        let extension =
            asn1::sequence(&[&asn1::object_identifier(&oid), critical, &asn1::octet_string(value)]);
        Extensions::from_tlv(Tlv::parse(&asn1::sequence(&[&extension])).unwrap()).unwrap()
    }

    fn policies_with_qualifier(qualifier: ObjectIdentifier) -> Vec<u8> {
        let qualifier = asn1::sequence(&[&asn1::object_identifier(&qualifier), &[0x16, 1, b'x']]);
        let any = asn1::object_identifier(&oid::ANY_POLICY);
        asn1::sequence(&[&asn1::sequence(&[&any, &asn1::sequence(&[&qualifier])])])
    }

    #[test]
    fn an_unknown_qualifier_matters_in_a_critical_extension_only() {
        let known = policies_with_qualifier(oid::CPS_QUALIFIER);
        let unknown = policies_with_qualifier(oid::ANY_POLICY);
        let read = |critical, value: &[u8]| {
            PolicyExtensions::read(&extensions(oid::CERTIFICATE_POLICIES, critical, value)).unwrap()
        };
        assert!(read(true, &unknown).unknown_critical_qualifier);
        assert!(!read(false, &unknown).unknown_critical_qualifier);
        assert!(!read(true, &known).unknown_critical_qualifier);
        assert_eq!(read(true, &known).policies, Some(BTreeSet::from([oid::ANY_POLICY])));
    }

    #[test]
    fn constraints_are_read_by_their_numbers() {
        let read = |value: &[u8]| {
            let extensions = extensions(oid::POLICY_CONSTRAINTS, true, value);
            PolicyExtensions::read(&extensions)
                .map(|all| (all.require_explicit, all.inhibit_mapping))
        };
        assert_eq!(read(&[0x30, 3, 0x80, 1, 0]), Ok((Some(0), None)));
        assert_eq!(read(&[0x30, 6, 0x80, 1, 5, 0x81, 1, 2]), Ok((Some(5), Some(2))));
        assert_eq!(read(&[0x30, 7, 0x81, 5, 1, 0, 0, 0, 0]), Ok((None, Some(u32::MAX))));
        assert_eq!(read(&[0x30, 4, 0x81, 2, 0, 0x80]), Ok((None, Some(0x80))));
        for bad in [
            &[0x30, 0][..],
            &[0x30, 2, 0x80, 0],
            &[0x30, 3, 0x80, 1, 0xff],
            &[0x30, 4, 0x80, 2, 0, 1],
            &[0x30, 6, 0x81, 1, 2, 0x80, 1, 5],
        ] {
            assert_eq!(read(bad), Err(oid::POLICY_CONSTRAINTS), "{bad:x?}");
        }
    }

    #[test]
    fn lists_without_members_are_malformed() {
        for oid in [oid::CERTIFICATE_POLICIES, oid::POLICY_MAPPINGS, oid::INHIBIT_ANY_POLICY] {
            assert_eq!(
                PolicyExtensions::read(&extensions(oid, false, &[0x30, 0])).unwrap_err(),
                oid
            );
        }
    }
}
