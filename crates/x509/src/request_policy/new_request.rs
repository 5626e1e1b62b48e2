//! The keys of `[NewRequest]`, each read into the draft. What they mean together is decided at the end.

use chancery_inf::Entry;
use chancery_key::{DigestAlgorithm, EcCurve};

use super::draft::{Draft, Given, RequestType};
use super::error::{Failure, Place, PolicyErrorKind as Kind};
use super::key_usage;
use super::subject::NameFlags;
use super::value::{Symbol, bits, boolean, number, unknown};
use super::{NoticeKind, ValidityUnit, date};

/// NCRYPT_ALLOW_SIGNING_FLAG.
const ALLOW_SIGNING: u32 = 2;

const PROPERTIES: [Symbol; 4] = [
    ("NCRYPT_ALLOW_DECRYPT_FLAG", 1),
    ("NCRYPT_ALLOW_SIGNING_FLAG", ALLOW_SIGNING),
    ("NCRYPT_ALLOW_KEY_AGREEMENT_FLAG", 4),
    ("NCRYPT_ALLOW_ALL_USAGES", 0x00ff_ffff),
];

/// The kinds of keys certreq makes; `None` for those that cannot sign here.
const ALGORITHMS: [(&str, Option<Algorithm>); 9] = [
    ("RSA", Some(Algorithm::Rsa)),
    ("ECDSA_P256", Some(Algorithm::Ec(EcCurve::P256))),
    ("ECDSA_P384", Some(Algorithm::Ec(EcCurve::P384))),
    ("ECDSA_P521", Some(Algorithm::Ec(EcCurve::P521))),
    ("ECDH_P256", None),
    ("ECDH_P384", None),
    ("ECDH_P521", None),
    ("DSA", None),
    ("DH", None),
];

/// A kind of key without its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rsa,
    Ec(EcCurve),
}

fn text(entry: &Entry) -> Result<String, Failure> {
    let value = entry.value();
    if value.is_empty() { Err(Kind::Empty.into()) } else { Ok(value.into_owned()) }
}

/// Makes a reader of a boolean key.
macro_rules! boolean_keys {
    ($($name:ident)+) => {$(
        pub(crate) fn $name(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
            draft.$name = Some(Given::new(boolean(&entry.value())?, place));
            Ok(())
        }
    )+};
}

boolean_keys! { exportable machine_key_set use_existing_key_set alternate_signature_algorithm }

/// Makes a reader of a key whose value is a text that is not empty.
macro_rules! text_keys {
    ($($name:ident)+) => {$(
        pub(crate) fn $name(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
            draft.$name = Some(Given::new(text(entry)?, place));
            Ok(())
        }
    )+};
}

text_keys! { key_container provider_name friendly_name }

/// Keeps the subject, empty or not: its flags may come after it.
pub(crate) fn subject(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.subject = Some(Given::new(entry.value().into_owned(), place));
    Ok(())
}

pub(crate) fn name_flags(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.name_flags = NameFlags::parse(&entry.value())?;
    if draft.name_flags.wants_other_strings() {
        let why = "names are written as PrintableString, IA5String and UTF8String only";
        draft.notice(place, NoticeKind::NotApplicable, why);
    }
    Ok(())
}

pub(crate) fn hash_algorithm(
    draft: &mut Draft,
    entry: &Entry,
    place: &Place,
) -> Result<(), Failure> {
    let value = text(entry)?;
    let plain = value.trim().replace('-', "");
    if ["md2", "md4", "md5"].iter().any(|name| plain.eq_ignore_ascii_case(name)) {
        return Err(Kind::Unsupported { why: "its collisions are practical; SHA256 is not" }.into());
    }
    let known = DigestAlgorithm::ALL.map(DigestAlgorithm::name);
    let digest = plain.parse().map_err(|_| unknown(&value, "hash algorithm", known))?;
    if digest == DigestAlgorithm::Sha1 {
        let why = "certificate authorities refuse SHA-1; SHA256 is accepted everywhere";
        draft.notice(place, NoticeKind::Weak, why);
    }
    draft.hash_algorithm = Some(Given::new(digest, place));
    Ok(())
}

pub(crate) fn key_algorithm(
    draft: &mut Draft,
    entry: &Entry,
    place: &Place,
) -> Result<(), Failure> {
    let value = text(entry)?;
    let found = ALGORITHMS.iter().find(|(name, _)| name.eq_ignore_ascii_case(value.trim()));
    let known = || ALGORITHMS.iter().filter(|(_, algorithm)| algorithm.is_some());
    draft.key_algorithm = match found {
        Some((_, Some(algorithm))) => Some(Given::new(*algorithm, place)),
        Some((_, None)) => {
            let why = "such a key does not sign by RSA or ECDSA; RSA and ECDSA_P256 do";
            return Err(Kind::Unsupported { why }.into());
        }
        None => {
            return Err(unknown(&value, "key algorithm", known().map(|(name, _)| *name)).into());
        }
    };
    Ok(())
}

pub(crate) fn key_length(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.key_length = Some(Given::new(number(&entry.value())?, place));
    Ok(())
}

pub(crate) fn usage(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.key_usage = Some(Given::new(key_usage::key_usage(&entry.value())?, place));
    Ok(())
}

pub(crate) fn usage_property(
    draft: &mut Draft,
    entry: &Entry,
    place: &Place,
) -> Result<(), Failure> {
    let flags = bits(&entry.value(), &PROPERTIES, "key usage property")?;
    if flags & ALLOW_SIGNING == 0 {
        return Err(Kind::Unsupported { why: "a key has to sign its own request" }.into());
    }
    if flags != ALLOW_SIGNING {
        draft.notice(
            place,
            NoticeKind::NotApplicable,
            "keys are made to sign and for nothing else",
        );
    }
    Ok(())
}

pub(crate) fn request_type(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    const TYPES: [(&str, u32, Option<RequestType>); 5] = [
        ("PKCS10", 1, Some(RequestType::Pkcs10)),
        ("PKCS7", 2, None),
        ("CMC", 3, None),
        ("Cert", 4, Some(RequestType::Cert)),
        ("SCEP", 0xfd00, None),
    ];
    let value = text(entry)?;
    let as_number = number(&value).ok();
    let found = TYPES
        .iter()
        .find(|(name, id, _)| name.eq_ignore_ascii_case(value.trim()) || as_number == Some(*id));
    match found {
        Some((_, _, Some(kind))) => draft.request_type = Some(Given::new(*kind, place)),
        Some((_, _, None)) => {
            return Err(Kind::Unsupported { why: "requests are PKCS10, or Cert" }.into());
        }
        None => return Err(unknown(&value, "request type", TYPES.map(|(name, ..)| name)).into()),
    }
    Ok(())
}

pub(crate) fn not_before(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.not_before = Some(Given::new(date::date(&entry.value())?, place));
    Ok(())
}

pub(crate) fn not_after(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.not_after = Some(Given::new(date::date(&entry.value())?, place));
    Ok(())
}

pub(crate) fn validity_period(
    draft: &mut Draft,
    entry: &Entry,
    place: &Place,
) -> Result<(), Failure> {
    let value = text(entry)?;
    let found =
        ValidityUnit::ALL.iter().find(|unit| unit.name().eq_ignore_ascii_case(value.trim()));
    let unit = found.ok_or_else(|| {
        unknown(&value, "unit of time", ValidityUnit::ALL.map(ValidityUnit::name))
    })?;
    draft.validity_period = Some(Given::new(*unit, place));
    Ok(())
}

pub(crate) fn validity_units(
    draft: &mut Draft,
    entry: &Entry,
    place: &Place,
) -> Result<(), Failure> {
    let count = number(&entry.value())?;
    if count == 0 {
        let what = "count of at least one";
        return Err(
            Kind::Value { value: entry.value().into_owned(), what, suggestion: None }.into()
        );
    }
    draft.validity_units = Some(Given::new(count, place));
    Ok(())
}
