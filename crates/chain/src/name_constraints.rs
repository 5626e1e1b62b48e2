//! Name constraints (RFC 5280 section 4.2.1.10).

use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Certificate, Error};

use crate::general_name::GeneralName;
use crate::normal_name::{NormalName, email_addresses};
use crate::oid;

mod matching;

use matching::Fit;

/// How often a name is compared with a constraint in one path. Certificates with many names below CAs with
/// many constraints would cost the product of both.
const MAX_NAME_COMPARISONS: usize = 1 << 18;

/// What a name constraint has against a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A name outside of everything that is permitted for its form.
    NotPermitted,
    /// A name inside of something that is excluded.
    Excluded,
    /// A name of a form whose constraints are not understood here.
    UnsupportedForm,
    /// More comparisons than [`MAX_NAME_COMPARISONS`].
    TooMany,
}

/// The constraints of one CA.
#[derive(Clone, Debug)]
pub(crate) struct NameConstraints {
    permitted: Vec<GeneralName>,
    excluded: Vec<GeneralName>,
}

impl NameConstraints {
    /// Reads the extension's value.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Error> {
        let list = Tlv::parse(der)?.expect(tag::SEQUENCE, "name constraints")?;
        let mut parts = list.reader();
        let mut subtrees = |number| match parts.optional(tag::context_constructed(number))? {
            Some(tlv) if !tlv.contents.is_empty() => {
                tlv.reader().map(|subtree| subtree.and_then(base)).collect()
            }
            Some(tlv) => Err(Error::Der { offset: tlv.offset, what: "at least one subtree" }),
            None => Ok(Vec::new()),
        };
        let (permitted, excluded) = (subtrees(0)?, subtrees(1)?);
        parts.finish()?;
        if list.contents.is_empty() {
            return Err(Error::Der { offset: list.offset, what: "permitted or excluded subtrees" });
        }
        Ok(Self { permitted, excluded })
    }

    fn check(&self, name: &GeneralName) -> Result<(), Violation> {
        if self.excluded.iter().any(|base| matching::fit_excluded(name, base) == Fit::Within) {
            return Err(Violation::Excluded);
        }
        let mut all = self.permitted.iter().chain(&self.excluded);
        if all.any(|base| matching::fit_permitted(name, base) == Fit::Unsupported) {
            return Err(Violation::UnsupportedForm);
        }
        let mut any_of_form = false;
        for base in &self.permitted {
            match matching::fit_permitted(name, base) {
                Fit::Within => return Ok(()),
                Fit::Outside => any_of_form = true,
                Fit::OtherForm | Fit::Unsupported => {}
            }
        }
        if any_of_form { Err(Violation::NotPermitted) } else { Ok(()) }
    }
}

/// Reads a GeneralSubtree, whose minimum and maximum RFC 5280 fixes.
fn base(subtree: Tlv<'_>) -> Result<GeneralName, Error> {
    let mut parts = subtree.expect(tag::SEQUENCE, "general subtree")?.reader();
    let tlv = parts.read()?;
    let base = GeneralName::from_tlv(tlv)?;
    if let Some(minimum) = parts.optional(tag::context(0))?
        && minimum.contents != [0]
    {
        return Err(Error::Der { offset: minimum.offset, what: "minimum of 0" });
    }
    parts.finish()?;
    match &base {
        GeneralName::Ip(octets) if !matching::is_network(octets) => {
            Err(Error::Der { offset: tlv.offset, what: "address and mask of a network" })
        }
        _ => Ok(base),
    }
}

/// The constraints that bind the certificates further down a path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constraints {
    all: Vec<NameConstraints>,
    comparisons: usize,
}

impl Constraints {
    /// Adds those of one more CA.
    pub(crate) fn add(&mut self, constraints: NameConstraints) {
        self.all.push(constraints);
    }

    /// Checks every name of a certificate; `Ok(Some(_))` says which constraint is violated.
    ///
    /// # Errors
    /// What is wrong with the certificate's subjectAltName.
    pub(crate) fn check(&mut self, certificate: &Certificate) -> Result<Option<Violation>, Error> {
        if self.all.is_empty() {
            return Ok(None);
        }
        let names = names(certificate)?;
        let bases: usize =
            self.all.iter().map(|one| one.permitted.len().saturating_add(one.excluded.len())).sum();
        self.comparisons = self.comparisons.saturating_add(names.len().saturating_mul(bases));
        if self.comparisons > MAX_NAME_COMPARISONS {
            return Ok(Some(Violation::TooMany));
        }
        let pairs = names.iter().flat_map(|name| self.all.iter().map(move |one| (name, one)));
        Ok(pairs.map(|(name, one)| one.check(name)).find_map(Result::err))
    }
}

/// Collects the names that constraints apply to: the subject, the e-mail addresses in it, and every
/// subjectAltName.
///
/// RFC 5280 asks for the addresses in the subject only where there is no subjectAltName; that would let a
/// certificate hide one behind the other, so here they always count.
fn names(certificate: &Certificate) -> Result<Vec<GeneralName>, Error> {
    let subject = NormalName::of(certificate.subject());
    let mut names = Vec::new();
    if !subject.is_empty() {
        names.push(GeneralName::Directory(subject));
    }
    names.extend(email_addresses(certificate.subject()).into_iter().map(GeneralName::Rfc822));
    if let Some(extension) = certificate.extensions().get(oid::SUBJECT_ALT_NAME) {
        let list =
            Tlv::parse(&extension.value)?.expect(tag::SEQUENCE, "subject alternative name")?;
        names.extend(GeneralName::list(list)?);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use chancery_x509::asn1;

    use super::*;

    fn subtree(base: &[u8], rest: &[u8]) -> Vec<u8> {
        asn1::sequence(&[base, rest])
    }

    fn dns(name: &str) -> Vec<u8> {
        asn1::tlv(tag::context(2), &[name.as_bytes()])
    }

    fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
        let part = |number, subtrees: &[Vec<u8>]| {
            let subtrees: Vec<&[u8]> = subtrees.iter().map(Vec::as_slice).collect();
            if subtrees.is_empty() {
                Vec::new()
            } else {
                asn1::tlv(tag::context_constructed(number), &subtrees)
            }
        };
        asn1::sequence(&[&part(0, permitted), &part(1, excluded)])
    }

    #[test]
    fn a_name_of_a_form_without_permitted_subtrees_is_free() {
        let der = constraints(&[subtree(&dns("example.com"), &[])], &[]);
        let one = NameConstraints::from_der(&der).unwrap();
        assert_eq!(one.check(&GeneralName::Dns("a.example.com".into())), Ok(()));
        assert_eq!(
            one.check(&GeneralName::Dns("example.org".into())),
            Err(Violation::NotPermitted)
        );
        assert_eq!(one.check(&GeneralName::Rfc822("jo@example.org".into())), Ok(()));
    }

    #[test]
    fn what_is_excluded_stays_so_inside_of_what_is_permitted() {
        let der = constraints(
            &[subtree(&dns("example.com"), &[])],
            &[subtree(&dns("secret.example.com"), &[])],
        );
        let one = NameConstraints::from_der(&der).unwrap();
        assert_eq!(one.check(&GeneralName::Dns("www.example.com".into())), Ok(()));
        assert_eq!(
            one.check(&GeneralName::Dns("a.secret.example.com".into())),
            Err(Violation::Excluded)
        );
    }

    #[test]
    fn an_unknown_form_is_refused_only_where_it_is_constrained() {
        let registered_id = |arc| vec![0x88, 1, arc];
        let name = |arc| GeneralName::from_tlv(Tlv::parse(&registered_id(arc)).unwrap()).unwrap();
        for der in [
            constraints(&[subtree(&registered_id(42), &[])], &[]),
            constraints(&[], &[subtree(&registered_id(42), &[])]),
        ] {
            let one = NameConstraints::from_der(&der).unwrap();
            assert_eq!(one.check(&name(41)), Err(Violation::UnsupportedForm));
            assert_eq!(one.check(&GeneralName::Dns("example.com".into())), Ok(()));
        }
        let other_form = constraints(&[subtree(&dns("example.com"), &[])], &[]);
        assert_eq!(NameConstraints::from_der(&other_form).unwrap().check(&name(41)), Ok(()));
    }

    #[test]
    fn distances_other_than_the_default_are_refused() {
        let good = constraints(&[subtree(&dns("a"), &[0x80, 1, 0])], &[]);
        assert!(NameConstraints::from_der(&good).is_ok());
        for rest in [&[0x80, 1, 1][..], &[0x81, 1, 0]] {
            let bad = constraints(&[subtree(&dns("a"), rest)], &[]);
            assert!(NameConstraints::from_der(&bad).is_err(), "{rest:?}");
        }
    }

    #[test]
    fn constraints_that_constrain_nothing_are_malformed() {
        for bad in [&[0x30, 0][..], &[0x30, 2, 0xa0, 0], &[0x30, 2, 0xa1, 0], &[0x31, 0]] {
            assert!(NameConstraints::from_der(bad).is_err(), "{bad:x?}");
        }
        let half_a_network = subtree(&[0x87, 4, 10, 0, 0, 0], &[]);
        assert!(NameConstraints::from_der(&constraints(&[half_a_network], &[])).is_err());
    }
}
