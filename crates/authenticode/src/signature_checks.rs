//! What is checked in one signature before anybody is asked who signed it.

use chancery_chain::Revocation;
use chancery_cms::{SignedData, SignerInfo, oid as cms_oid};
use chancery_key::DigestAlgorithm;
use chancery_x509::asn1::tag;
use chancery_x509::{Certificate, digest_from_algorithm};

use crate::report::UnknownAttribute;
use crate::spc::{self, IndirectData};
use crate::{Check, Measurement, PageHashStatus, SignatureReport, oid};

/// Signed attributes that are read, or known and without consequence.
const KNOWN_SIGNED: [const_oid::ObjectIdentifier; 6] = [
    cms_oid::CONTENT_TYPE,
    cms_oid::MESSAGE_DIGEST,
    cms_oid::SIGNING_TIME,
    oid::SPC_SP_OPUS_INFO,
    oid::SPC_STATEMENT_TYPE,
    oid::SEQUENCE_NUMBER,
];

/// Checks what follows the DER of an entry: zeros up to the next multiple of eight are padding, anything
/// else is data that no signature covers (CVE-2013-3900).
pub(crate) fn check_rest(rest: &[u8], report: &mut SignatureReport) {
    if rest.iter().any(|byte| *byte != 0) {
        report.found(Check::DataAfterSignature);
    } else if rest.len() >= 8 {
        report.found(Check::ExcessPadding);
    }
}

/// Checks that the content speaks of this file.
pub(crate) fn check_content(
    signed_data: &SignedData<'_>,
    measurement: &Measurement,
    report: &mut SignatureReport,
) {
    report.content_type = Some(signed_data.content_type);
    if signed_data.content_type != oid::SPC_INDIRECT_DATA {
        report.found(Check::NotIndirectData);
        return;
    }
    let Some(Ok(data)) = signed_data.content.map(IndirectData::from_tlv) else {
        report.found(Check::BadIndirectData);
        return;
    };
    // sbsign writes the individual-purpose identifier in its place, in EFI programs.
    if !matches!(data.data_type, oid::SPC_PE_IMAGE_DATA | oid::SPC_INDIVIDUAL) {
        report.found(Check::AnotherFormat);
    }
    report.digest = Some(data.digest.to_vec());
    report.digest_algorithm = data.algorithm();
    report.named_digests.content = data.algorithm();
    match data.algorithm() {
        None => report.found(Check::UnsupportedDigest),
        Some(algorithm) => {
            report.digest_matches = measurement.digest(algorithm) == Some(data.digest);
            if !report.digest_matches {
                report.found(Check::DigestMismatch);
            }
            if algorithm == DigestAlgorithm::Sha1 {
                report.found(Check::Sha1Digest);
            }
        }
    }
    report.page_hashes = match data.page_hashes() {
        Ok(None) => PageHashStatus::Absent,
        Ok(Some((algorithm, table))) => {
            let mut measured = measurement.page_hashes.iter();
            match measured.any(|(by, ours)| *by == algorithm && ours == table) {
                true => PageHashStatus::Match,
                false => PageHashStatus::Mismatch,
            }
        }
        Err(_) => PageHashStatus::Mismatch,
    };
    if report.page_hashes == PageHashStatus::Mismatch {
        report.found(Check::PageHashMismatch);
    }
}

/// Checks that the hashes named in three places are one.
pub(crate) fn check_algorithms(
    signed_data: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    report: &mut SignatureReport,
) {
    let declared: Vec<_> = signed_data
        .digest_algorithms
        .iter()
        .map(|algorithm| digest_from_algorithm(*algorithm).ok())
        .collect();
    let used = signer.digest();
    report.named_digests.declared.clone_from(&declared);
    report.named_digests.signer = used;
    if used.is_none() {
        report.found(Check::UnsupportedDigest);
    } else if declared != [used] || report.digest_algorithm.is_some_and(|one| Some(one) != used) {
        report.found(Check::DigestAlgorithmsDiffer);
    }
}

/// Reads what the attributes add. `is_nested`: the signature stands in an attribute of another.
pub(crate) fn check_attributes(
    signer: &SignerInfo<'_>,
    is_nested: bool,
    report: &mut SignatureReport,
) {
    if let Some(signed) = &signer.signed_attributes {
        let opus = signed.single(oid::SPC_SP_OPUS_INFO).filter(|value| value.tag == tag::SEQUENCE);
        if let Some(value) = opus {
            (report.description, report.url) = spc::read_opus_info(value);
        }
        let unknown = signed.iter().filter(|attribute| !KNOWN_SIGNED.contains(&attribute.oid));
        report.unknown_attributes.extend(unknown.map(|attribute| UnknownAttribute {
            oid: attribute.oid,
            is_signed: true,
            len: attribute.raw.len(),
        }));
    }
    let Some(unsigned) = &signer.unsigned_attributes else { return };
    for attribute in unsigned.iter() {
        match attribute.oid {
            // Judged with the signer.
            oid::RFC3161_COUNTER_SIGNATURE | cms_oid::COUNTER_SIGNATURE => {}
            oid::NESTED_SIGNATURE => {
                if is_nested {
                    report.found(Check::NestedTooDeep);
                }
            }
            _ => {
                report.found(Check::UnknownUnsignedAttribute);
                report.unknown_attributes.push(UnknownAttribute {
                    oid: attribute.oid,
                    is_signed: false,
                    len: attribute.raw.len(),
                });
            }
        }
    }
}

/// Finds the certificates of the bag that no path needs. A path was built by signatures, so that a
/// certificate does not become part of one by its name.
pub(crate) fn check_bag(bag: &[Certificate], report: &mut SignatureReport) {
    let stamps = report.timestamps.iter().flat_map(|stamp| stamp.path.iter().chain(&stamp.signer));
    let used: Vec<&Certificate> = report.path.iter().chain(&report.signer).chain(stamps).collect();
    let unused = bag.iter().filter(|certificate| !used.contains(certificate));
    report.unused_certificates = unused.cloned().collect();
    if !report.unused_certificates.is_empty() {
        report.found(Check::UnusedCertificates);
    }
}

/// Tells whether a certificate of the path was revoked after the time it was judged at.
pub(crate) fn is_revoked_later(revocation: &[Revocation]) -> bool {
    revocation.iter().any(|one| matches!(one, Revocation::RevokedLater(_)))
}
