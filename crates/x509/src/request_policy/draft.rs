//! What was read of an INF, and what it means together.

use chancery_inf::Position;
use chancery_key::{DigestAlgorithm, KeyAlgorithm, SchemeFamily, SignatureScheme};
use const_oid::ObjectIdentifier;

use super::error::{Place, PolicyError, PolicyErrorKind as Kind};
use super::extension::{self, Purposes};
use super::new_request::Algorithm;
use super::subject::{self, NameFlags};
use super::validity::End;
use super::{
    KeyWish, NEW_REQUEST, Notice, NoticeKind, RequestKind, RequestPolicy, ValidityUnit,
    ValidityWish,
};
use crate::{KeyUsage, Name, RequestBuilder, Time, oid};

/// The shortest RSA key asked for (CA/Browser Forum and NIST SP 800-131A), and the longest that Windows makes.
const RSA_BITS: (u32, u32) = (2048, 16384);
/// Windows makes RSA keys in steps of 64 bits.
const RSA_STEP: u32 = 64;
/// certreq's default.
const DEFAULT_RSA_BITS: u32 = 2048;
/// The shortest RSA key that public certificate authorities accept for code signing (CA/Browser Forum Code Signing
/// Baseline Requirements 3.10 section 6.1.5.2).
const PUBLIC_RSA_BITS: u32 = 3072;

/// The most extensions that are read. Real requests have below ten.
const MAX_EXTENSIONS: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Given<T> {
    value: T,
    place: Place,
}

impl<T> Given<T> {
    pub(crate) fn new(value: T, place: &Place) -> Self {
        Self { value, place: place.clone() }
    }

    fn error(&self, kind: Kind) -> PolicyError {
        PolicyError::new(self.place.clone(), kind)
    }
}

/// The request types there is something to do for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestType {
    Pkcs10,
    Cert,
}

/// An extension asked for.
#[derive(Clone, Debug)]
struct Asked {
    oid: ObjectIdentifier,
    critical: bool,
    der: Vec<u8>,
    place: Place,
}

/// Everything that was read so far.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// Whether the file says that it is for Windows.
    pub(crate) has_version: bool,
    pub(crate) subject: Option<Given<String>>,
    pub(crate) name_flags: NameFlags,
    pub(crate) hash_algorithm: Option<Given<DigestAlgorithm>>,
    pub(crate) alternate_signature_algorithm: Option<Given<bool>>,
    pub(crate) key_algorithm: Option<Given<Algorithm>>,
    pub(crate) key_length: Option<Given<u32>>,
    pub(crate) key_container: Option<Given<String>>,
    pub(crate) provider_name: Option<Given<String>>,
    pub(crate) friendly_name: Option<Given<String>>,
    pub(crate) exportable: Option<Given<bool>>,
    pub(crate) machine_key_set: Option<Given<bool>>,
    pub(crate) use_existing_key_set: Option<Given<bool>>,
    pub(crate) key_usage: Option<Given<KeyUsage>>,
    pub(crate) request_type: Option<Given<RequestType>>,
    pub(crate) not_before: Option<Given<Time>>,
    pub(crate) not_after: Option<Given<Time>>,
    pub(crate) validity_period: Option<Given<ValidityUnit>>,
    pub(crate) validity_units: Option<Given<u32>>,
    pub(crate) purposes: Purposes,
    pub(crate) policies: Purposes,
    /// Where the section of basicConstraints is, which makes a CA by being there.
    pub(crate) constraints: Option<Place>,
    pub(crate) constraints_critical: Option<bool>,
    pub(crate) path_length: Option<u32>,
    pub(crate) critical: Option<(Vec<ObjectIdentifier>, Place)>,
    /// Names, and the DER of the pairs.
    pub(crate) attributes: Vec<(String, Vec<u8>)>,
    extensions: Vec<Asked>,
    notices: Vec<Notice>,
}

impl Draft {
    pub(crate) fn notice(&mut self, place: &Place, kind: NoticeKind, why: &'static str) {
        self.notices.push(Notice { place: place.clone(), kind, why });
    }

    /// Asks for an extension that is not asked for yet.
    pub(crate) fn add_extension(
        &mut self,
        oid: ObjectIdentifier,
        critical: bool,
        der: Vec<u8>,
        place: &Place,
    ) -> Result<(), Kind> {
        if self.extensions.iter().any(|other| other.oid == oid) {
            return Err(Kind::Duplicate);
        }
        if self.extensions.len() >= MAX_EXTENSIONS {
            return Err(Kind::Limit { what: "extensions", limit: MAX_EXTENSIONS });
        }
        self.extensions.push(Asked { oid, critical, der, place: place.clone() });
        Ok(())
    }

    /// Decides what it all means. `section` is where `[NewRequest]` is.
    pub(crate) fn finish(
        mut self,
        section: Option<Position>,
    ) -> Result<(RequestPolicy, Vec<Notice>), PolicyError> {
        let kind = self.request_kind()?;
        let key = self.key()?;
        let (digest, pss, scheme) = self.scheme(key.algorithm)?;
        self.add_sections()?;
        let subject = self.subject(section)?;
        let mut request = RequestBuilder::new(subject.clone());
        if let Some(usage) = &self.key_usage {
            if let Some(twice) = self.extensions.iter().find(|asked| asked.oid == oid::KEY_USAGE) {
                return Err(PolicyError::new(twice.place.clone(), Kind::Duplicate));
            }
            request = request.key_usage(usage.value);
        }
        self.apply_critical(subject.is_empty())?;
        for Asked { oid, critical, der, .. } in self.extensions {
            request = request.extension(oid, critical, der);
        }
        let pairs = self.attributes.into_iter().map(|(_, pair)| pair).collect();
        request = request.attribute(oid::ENROLLMENT_NAME_VALUE_PAIR, pairs);
        let friendly_name = self.friendly_name.map(|name| name.value);
        let policy =
            RequestPolicy { subject, key, digest, pss, scheme, kind, friendly_name, request };
        Ok((policy, self.notices))
    }

    fn subject(&self, section: Option<Position>) -> Result<Name, PolicyError> {
        let has_names = self.extensions.iter().any(|a| a.oid == oid::SUBJECT_ALTERNATIVE_NAME);
        match &self.subject {
            Some(given) if !given.value.trim().is_empty() => {
                subject::name(&given.value, self.name_flags).map_err(|kind| given.error(kind))
            }
            // RFC 5280 section 4.2.1.6: the alternative names may be all there is.
            Some(_) if has_names => Ok(Name::empty()),
            Some(given) => Err(given.error(Kind::Empty)),
            None => {
                Err(PolicyError::new(Place::new(NEW_REQUEST, "Subject", section), Kind::Missing))
            }
        }
    }

    fn request_kind(&mut self) -> Result<RequestKind, PolicyError> {
        let kind = self.request_type.as_ref().map_or(RequestType::Pkcs10, |given| given.value);
        if kind == RequestType::Pkcs10 {
            let places = [
                self.not_before.take().map(|given| given.place),
                self.not_after.take().map(|given| given.place),
                self.validity_period.take().map(|given| given.place),
                self.validity_units.take().map(|given| given.place),
            ];
            for place in places.into_iter().flatten() {
                let why = "whoever issues the certificate says how long it is valid";
                self.notice(&place, NoticeKind::NotApplicable, why);
            }
            return Ok(RequestKind::Pkcs10);
        }
        let end = match (&self.not_after, &self.validity_period, &self.validity_units) {
            (None, None, None) => End::After(1, ValidityUnit::Years),
            (None, Some(unit), Some(count)) => End::After(count.value, unit.value),
            (Some(end), None, None) => End::At(end.value),
            (Some(end), ..) => {
                return Err(end.error(Kind::Conflict { other: "ValidityPeriod" }));
            }
            (None, Some(unit), None) => {
                return Err(unit.error(Kind::Needs { other: "ValidityPeriodUnits" }));
            }
            (None, None, Some(count)) => {
                return Err(count.error(Kind::Needs { other: "ValidityPeriod" }));
            }
        };
        let not_before = self.not_before.as_ref().map(|given| given.value);
        if let (Some(begin), End::At(end), Some(given)) = (not_before, end, &self.not_after)
            && end <= begin
        {
            return Err(given.error(Kind::Conflict { other: "a NotBefore that is not before it" }));
        }
        Ok(RequestKind::SelfSigned(ValidityWish { not_before, end }))
    }

    fn key(&mut self) -> Result<KeyWish, PolicyError> {
        let is = |given: &Option<Given<bool>>| given.as_ref().is_some_and(|given| given.value);
        let wish = KeyWish {
            algorithm: self.algorithm()?,
            container: self.key_container.as_ref().map(|given| given.value.clone()),
            provider: self.provider_name.as_ref().map(|given| given.value.clone()),
            existing: is(&self.use_existing_key_set),
            machine: is(&self.machine_key_set),
            exportable: is(&self.exportable),
        };
        if let (Some(given), true) = (&self.use_existing_key_set, wish.existing) {
            if wish.container.is_none() {
                return Err(given.error(Kind::Needs { other: "KeyContainer" }));
            }
            if wish.exportable {
                return Err(given.error(Kind::Conflict { other: "Exportable" }));
            }
        }
        if let (Some(given), true) = (&self.exportable, wish.exportable) {
            let place = given.place.clone();
            let why = "keys are made so that they cannot leave their store";
            self.notice(&place, NoticeKind::NotApplicable, why);
        }
        Ok(wish)
    }

    fn algorithm(&mut self) -> Result<KeyAlgorithm, PolicyError> {
        let algorithm = self.key_algorithm.as_ref().map_or(Algorithm::Rsa, |given| given.value);
        let Algorithm::Ec(curve) = algorithm else { return self.rsa() };
        if let Some(length) = self.key_length.take() {
            let why = "the curve says how long the key is";
            self.notice(&length.place, NoticeKind::NotApplicable, why);
        }
        Ok(KeyAlgorithm::Ec(curve))
    }

    fn rsa(&mut self) -> Result<KeyAlgorithm, PolicyError> {
        let bits = self.key_length.as_ref().map_or(DEFAULT_RSA_BITS, |given| given.value);
        let (min, max) = RSA_BITS;
        let place = match self.key_length.take() {
            Some(given) if !(min..=max).contains(&bits) || !bits.is_multiple_of(RSA_STEP) => {
                return Err(given.error(Kind::KeyLength { bits, min, max, step: RSA_STEP }));
            }
            Some(given) => given.place,
            None => Place::new(NEW_REQUEST, "KeyLength", None),
        };
        let is_new = self.use_existing_key_set.as_ref().is_none_or(|given| !given.value);
        if is_new && bits < PUBLIC_RSA_BITS {
            let why = "public certificate authorities want 3072 bits for code signing";
            self.notice(&place, NoticeKind::Weak, why);
        }
        Ok(KeyAlgorithm::Rsa { bits })
    }

    fn scheme(
        &self,
        key: KeyAlgorithm,
    ) -> Result<(DigestAlgorithm, bool, SignatureScheme), PolicyError> {
        let digest = self.hash_algorithm.as_ref().map_or(DigestAlgorithm::Sha256, |it| it.value);
        let pss = self.alternate_signature_algorithm.as_ref().filter(|given| given.value);
        let family = match (key, pss) {
            (KeyAlgorithm::Rsa { .. }, None) => Some(SchemeFamily::RsaPkcs1),
            (KeyAlgorithm::Rsa { .. }, Some(_)) => Some(SchemeFamily::RsaPss),
            (_, None) => Some(SchemeFamily::Ecdsa),
            (_, Some(_)) => None,
        };
        let scheme = family.and_then(|family| SignatureScheme::new(family, digest));
        scheme.map(|scheme| (digest, pss.is_some(), scheme)).ok_or_else(|| {
            let place = pss.map(|given| given.place.clone());
            let why = "it is RSASSA-PSS, which needs an RSA key and SHA256 or longer";
            PolicyError::new(
                place.unwrap_or_else(|| Place::new(NEW_REQUEST, "HashAlgorithm", None)),
                Kind::Unsupported { why },
            )
        })
    }

    /// Turns the sections that are each one extension into that.
    fn add_sections(&mut self) -> Result<(), PolicyError> {
        let mut sections = Vec::new();
        for (oid, asked) in [
            (oid::EXTENDED_KEY_USAGE, self.purposes.extended_key_usage()),
            (oid::APPLICATION_POLICIES, self.policies.application_policies()),
        ] {
            if let Some((der, critical, place)) = asked {
                sections.push((oid, der, critical, place.clone()));
            }
        }
        if let Some(place) = self.constraints.take() {
            let der = extension::basic_constraints(true, self.path_length);
            // RFC 5280 section 4.2.1.9: critical in the certificate of a CA.
            let critical = self.constraints_critical.unwrap_or(true);
            sections.push((oid::BASIC_CONSTRAINTS, der, critical, place));
        }
        for (oid, der, critical, place) in sections {
            self.add_extension(oid, critical, der, &place)
                .map_err(|kind| PolicyError::new(place, kind))?;
        }
        Ok(())
    }

    fn apply_critical(&mut self, subject_is_empty: bool) -> Result<(), PolicyError> {
        if subject_is_empty {
            // RFC 5280 section 4.2.1.6: critical where there is no other name.
            let names = self.extensions.iter_mut();
            names
                .filter(|asked| asked.oid == oid::SUBJECT_ALTERNATIVE_NAME)
                .for_each(|asked| asked.critical = true);
        }
        let Some((list, place)) = self.critical.take() else { return Ok(()) };
        for oid in list {
            match self.extensions.iter_mut().find(|asked| asked.oid == oid) {
                Some(asked) => asked.critical = true,
                // That of the key KeyUsage is critical anyway.
                None if oid == oid::KEY_USAGE && self.key_usage.is_some() => {}
                None => return Err(PolicyError::new(place, Kind::CriticalWithoutExtension(oid))),
            }
        }
        Ok(())
    }
}
