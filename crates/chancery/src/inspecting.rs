//! What is in a file's signatures, unjudged.

mod asn1_tree;

use std::path::Path;

use chancery_authenticode::{Subject, spc};
use chancery_cms::{Attributes, SignedData};
use chancery_key::DigestAlgorithm;
use chancery_x509::Certificate;

pub use self::asn1_tree::{Asn1Value, inspect_asn1};
use crate::Error;
use crate::verifying::open_subject;

/// What is in a file's signatures.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The format's short name.
    pub format: &'static str,
    /// Facts about the file's layout, each with its name.
    pub layout: Vec<(&'static str, String)>,
    /// What is odd about the place for signatures, by stable names.
    pub reasons: Vec<&'static str>,
    /// The signatures, nested ones after the one they are in.
    pub signatures: Vec<InspectedSignature>,
}

/// One signature.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InspectedSignature {
    /// Where it begins in the file; `None` for a nested one.
    pub offset: Option<u64>,
    /// Its DER's length in bytes.
    pub length: usize,
    /// Why it could not be read, where it could not.
    pub error: Option<String>,
    /// The content's type, dotted.
    pub content_type: String,
    /// The hash and digest it carries of the file.
    pub digest: Option<(DigestAlgorithm, Vec<u8>)>,
    /// The certificates in it.
    pub certificates: Vec<Certificate>,
    /// Which of these is the signer's.
    pub signer: Option<usize>,
    /// Signed attributes: type, number of values, length in bytes.
    pub signed_attributes: Vec<(String, usize, usize)>,
    /// Unsigned attributes: type, number of values, length in bytes.
    pub unsigned_attributes: Vec<(String, usize, usize)>,
}

/// Reads what is in a file's signatures. Nothing is verified.
///
/// # Errors
/// [`crate::ErrorKind::Io`] or [`crate::ErrorKind::Malformed`].
pub fn inspect_file(path: &Path) -> Result<Inspection, Error> {
    let failed = |error| Error::of_subject("inspect", path, error);
    let mut subject = open_subject(path, "inspect")?;
    let embedded = subject.embedded().map_err(failed)?;
    let layout = subject.layout();
    let facts = vec![
        ("machine", format!("{:#06x}", layout.machine())),
        ("magic", if layout.is_pe32_plus() { "PE32+" } else { "PE32" }.to_owned()),
        ("subsystem", layout.subsystem().to_string()),
        ("sections", layout.sections().len().to_string()),
        ("length", layout.file_len().to_string()),
        ("checksum", format!("{:#010x}", layout.stored_checksum())),
        (
            "certificate_table",
            layout
                .table_range()
                .map_or("none".to_owned(), |range| format!("{:#x}..{:#x}", range.start, range.end)),
        ),
    ];
    let mut signatures = Vec::new();
    for signature in &embedded.signatures {
        match SignedData::from_der_prefix(&signature.bytes) {
            Ok((signed_data, _)) => {
                let nested: Vec<&[u8]> = signed_data
                    .signers
                    .iter()
                    .filter_map(|signer| signer.unsigned_attributes.as_ref())
                    .flat_map(|set| set.values(chancery_authenticode::oid::NESTED_SIGNATURE))
                    .map(|value| value.raw)
                    .collect();
                signatures.push(describe(&signed_data, Some(signature.offset)));
                signatures.extend(nested.into_iter().map(|der| match SignedData::from_der(der) {
                    Ok(signed_data) => describe(&signed_data, None),
                    Err(error) => unreadable(&error, None, der.len()),
                }));
            }
            Err(error) => {
                signatures.push(unreadable(&error, Some(signature.offset), signature.bytes.len()));
            }
        }
    }
    Ok(Inspection {
        format: subject.format(),
        layout: facts,
        reasons: embedded.reasons.iter().map(|reason| reason.name()).collect(),
        signatures,
    })
}

fn unreadable(
    error: &chancery_cms::Error,
    offset: Option<u64>,
    length: usize,
) -> InspectedSignature {
    let cause = core::error::Error::source(error).map(|cause| format!(": {cause}"));
    InspectedSignature {
        offset,
        length,
        error: Some(format!("{error}{}", cause.unwrap_or_default())),
        ..InspectedSignature::default()
    }
}

fn describe(signed_data: &SignedData<'_>, offset: Option<u64>) -> InspectedSignature {
    let certificates = signed_data.read_certificates().readable;
    let first = signed_data.signers.first();
    let indirect = signed_data.content.map(spc::IndirectData::from_tlv);
    InspectedSignature {
        offset,
        length: signed_data.raw.len(),
        error: None,
        content_type: signed_data.content_type.to_string(),
        digest: indirect
            .and_then(Result::ok)
            .and_then(|data| Some((data.algorithm()?, data.digest.to_vec()))),
        signer: first.and_then(|signer| {
            certificates.iter().position(|certificate| signer.identifier.names(certificate))
        }),
        signed_attributes: list(first.and_then(|signer| signer.signed_attributes.as_ref())),
        unsigned_attributes: list(first.and_then(|signer| signer.unsigned_attributes.as_ref())),
        certificates,
    }
}

fn list(attributes: Option<&Attributes<'_>>) -> Vec<(String, usize, usize)> {
    let all = attributes.into_iter().flat_map(|set| {
        set.iter().map(|one| (one.oid.to_string(), one.values.len(), one.raw.len()))
    });
    all.collect()
}
