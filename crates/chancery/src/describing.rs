//! Extensions of certificates and requests in words, as `openssl x509 -text` has them.

mod general_name;
mod purpose;

use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Error, Extension, Extensions, oid};
use const_oid::ObjectIdentifier;

use general_name::{general_name, general_names, printable};
pub use purpose::purpose_name;

const ISSUER_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.18");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const AUTHORITY_INFO_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const CPS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.1");
const USER_NOTICE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.2");

/// The most lines for one extension: a hostile one has as many names as fit into a file.
const MAX_LINES: usize = 256;

/// What one extension says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescribedExtension {
    /// Its type.
    pub oid: ObjectIdentifier,
    /// The name of its type in RFC 5280, where it is known here.
    pub name: Option<&'static str>,
    /// Whether a reader who does not know it must refuse the certificate.
    pub critical: bool,
    /// What it says, line by line; the hex of its DER where that is not understood.
    pub values: Vec<String>,
    /// Whether it was understood: of a known type, and in order.
    pub is_understood: bool,
}

/// Describes extensions in their order.
#[must_use]
pub fn describe_extensions(extensions: &Extensions) -> Vec<DescribedExtension> {
    extensions.iter().map(|extension| describe(extensions, extension)).collect()
}

fn describe(all: &Extensions, extension: &Extension) -> DescribedExtension {
    let read = match extension.oid {
        oid::BASIC_CONSTRAINTS => Some(("basicConstraints", basic_constraints(all))),
        oid::KEY_USAGE => Some(("keyUsage", key_usage(all))),
        oid::EXTENDED_KEY_USAGE => Some(("extKeyUsage", purposes(all))),
        oid::SUBJECT_KEY_IDENTIFIER => Some(("subjectKeyIdentifier", subject_key(all))),
        oid::AUTHORITY_KEY_IDENTIFIER => Some(("authorityKeyIdentifier", authority_key(extension))),
        oid::SUBJECT_ALTERNATIVE_NAME => Some(("subjectAltName", names(extension))),
        ISSUER_ALTERNATIVE_NAME => Some(("issuerAltName", names(extension))),
        NAME_CONSTRAINTS => Some(("nameConstraints", name_constraints(extension))),
        CRL_DISTRIBUTION_POINTS => Some(("cRLDistributionPoints", distribution_points(extension))),
        CERTIFICATE_POLICIES => Some(("certificatePolicies", policies(extension))),
        AUTHORITY_INFO_ACCESS => Some(("authorityInfoAccess", information_access(extension))),
        _ => None,
    };
    let (name, values) = match read {
        Some((name, values)) => (Some(name), values.ok()),
        None => (None, None),
    };
    let is_understood = values.is_some();
    let mut values = values.unwrap_or_else(|| vec![hex(&extension.value)]);
    if values.len() > MAX_LINES {
        let more = values.len().saturating_sub(MAX_LINES);
        values.truncate(MAX_LINES);
        values.push(format!("and {more} more"));
    }
    DescribedExtension {
        oid: extension.oid,
        name,
        critical: extension.critical,
        values,
        is_understood,
    }
}

fn basic_constraints(all: &Extensions) -> Result<Vec<String>, Error> {
    Ok(vec![match all.ca()? {
        None => "CA:FALSE".into(),
        Some(ca) => match ca.path_len {
            None => "CA:TRUE".into(),
            Some(path_len) => format!("CA:TRUE, pathlen:{path_len}"),
        },
    }])
}

fn key_usage(all: &Extensions) -> Result<Vec<String>, Error> {
    let usage = all.key_usage()?.map(|usage| usage.names()).unwrap_or_default();
    Ok(vec![usage.join(", ")])
}

fn purposes(all: &Extensions) -> Result<Vec<String>, Error> {
    let purposes = all.extended_key_usage()?.unwrap_or_default();
    Ok(purposes.iter().map(purpose_name).collect())
}

fn subject_key(all: &Extensions) -> Result<Vec<String>, Error> {
    Ok(all.subject_key_identifier()?.map(hex).into_iter().collect())
}

fn authority_key(extension: &Extension) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for part in sequence(extension)?.reader() {
        let part = part?;
        match part.tag {
            KEY_IDENTIFIER => lines.push(format!("keyid:{}", hex(part.contents))),
            ISSUER => lines.extend(general_names(part)?),
            SERIAL => lines.push(format!("serial:{}", hex(part.contents))),
            _ => return Err(unexpected(part)),
        }
    }
    Ok(lines)
}

const KEY_IDENTIFIER: u8 = tag::context(0);
const ISSUER: u8 = tag::context_constructed(1);
const SERIAL: u8 = tag::context(2);

fn names(extension: &Extension) -> Result<Vec<String>, Error> {
    general_names(sequence(extension)?)
}

fn name_constraints(extension: &Extension) -> Result<Vec<String>, Error> {
    const PERMITTED: u8 = tag::context_constructed(0);
    const EXCLUDED: u8 = tag::context_constructed(1);
    let mut lines = Vec::new();
    for part in sequence(extension)?.reader() {
        let part = part?;
        let word = match part.tag {
            PERMITTED => "permitted",
            EXCLUDED => "excluded",
            _ => return Err(unexpected(part)),
        };
        for subtree in part.reader() {
            let base = subtree?.expect(tag::SEQUENCE, "subtree")?.reader().read()?;
            lines.push(format!("{word} {}", general_name(base)?));
        }
    }
    Ok(lines)
}

fn distribution_points(extension: &Extension) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for point in sequence(extension)?.reader() {
        let mut parts = point?.expect(tag::SEQUENCE, "distribution point")?.reader();
        if let Some(name) = parts.optional(tag::context_constructed(0))? {
            let full = name.only()?;
            if full.tag == tag::context_constructed(0) {
                lines.extend(general_names(full)?);
            } else {
                lines.push(format!("relative to the issuer:{}", hex(full.contents)));
            }
        }
        if let Some(reasons) = parts.optional(tag::context(1))? {
            lines.push(format!("for reasons:{}", hex(reasons.contents)));
        }
        if let Some(issuers) = parts.optional(tag::context_constructed(2))? {
            let names = general_names(issuers)?;
            lines.extend(names.iter().map(|name| format!("issued by {name}")));
        }
        parts.finish()?;
    }
    Ok(lines)
}

fn information_access(extension: &Extension) -> Result<Vec<String>, Error> {
    let describe = |access: Result<Tlv<'_>, Error>| {
        let mut parts = access?.expect(tag::SEQUENCE, "access description")?.reader();
        let method = match parts.read()?.oid()? {
            CA_ISSUERS => "CA Issuers".to_owned(),
            OCSP => "OCSP".to_owned(),
            other => other.to_string(),
        };
        Ok(format!("{method} - {}", general_name(parts.read()?)?))
    };
    sequence(extension)?.reader().map(describe).collect()
}

fn policies(extension: &Extension) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for policy in sequence(extension)?.reader() {
        let mut parts = policy?.expect(tag::SEQUENCE, "policy information")?.reader();
        lines.push(purpose::policy_name(&parts.read()?.oid()?));
        let Some(qualifiers) = parts.optional(tag::SEQUENCE)? else { continue };
        for qualifier in qualifiers.reader() {
            let mut parts = qualifier?.expect(tag::SEQUENCE, "policy qualifier")?.reader();
            let (kind, value) = (parts.read()?.oid()?, parts.read()?);
            lines.push(match kind {
                CPS => format!("  CPS: {}", printable(value.contents)),
                USER_NOTICE => format!("  user notice: {}", user_notice(value)),
                other => format!("  {other}: {}", hex(value.raw)),
            });
        }
    }
    Ok(lines)
}

/// Takes the explicit text, which comes last if it is there; else the DER.
fn user_notice(notice: Tlv<'_>) -> String {
    let last = notice.reader().filter_map(Result::ok).last();
    match last {
        Some(text) if matches!(text.tag, tag::UTF8_STRING | tag::IA5_STRING | 0x1a) => {
            printable(text.contents)
        }
        _ => hex(notice.raw),
    }
}

fn sequence(extension: &Extension) -> Result<Tlv<'_>, Error> {
    Tlv::parse(&extension.value)?.expect(tag::SEQUENCE, "extension value")
}

const fn unexpected(tlv: Tlv<'_>) -> Error {
    Error::Der { offset: tlv.offset, what: "a part of the extension" }
}

/// Writes octets as `0A:1B`.
fn hex(octets: &[u8]) -> String {
    let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    pairs.join(":")
}
