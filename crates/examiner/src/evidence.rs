//! What shows that we may accept what a tool refuses.
//!
//! A name for a difference is not enough: each kind of difference is shown again for every signature that has it,
//! by a program that we did not write. Where that does not succeed, we are weaker.

use std::fs;
use std::path::Path;

use chancery_authenticode::{PeSubject, Report, Severity, SignatureReport, SignatureSet, Subject};
use chancery_cms::{SignedData, SignerInfo, oid as cms_oid};
use chancery_timestamp::Reason as Wrong;

use crate::corpus::Examined;
use crate::opinion::{Agreement, Opinion};
use crate::tools;

/// One field of one signature that we accept and a tool refuses.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Cell<'a> {
    /// The file.
    pub examined: &'a Examined,
    /// Ours, of the file.
    pub report: &'a Report,
    /// Ours, of the signature.
    pub signature: &'a SignatureReport,
    /// The tool.
    pub tool: &'static str,
    /// The field.
    pub field: &'static str,
    /// Whom to trust, as PEM.
    pub roots: &'a Path,
}

/// Shows why a tool refuses a field, and how that stands to our answer; none where nothing shows it.
///
/// # Errors
/// Where a tool cannot be asked.
pub fn of(cell: &Cell<'_>) -> Result<Option<(Agreement, &'static str)>, String> {
    let found = |wanted: &str| {
        let all = cell.report.reasons.iter().chain(&cell.signature.reasons);
        all.filter(|one| one.severity() >= Severity::Invalid).any(|one| one.name() == wanted)
    };
    Ok(match (cell.tool, cell.field) {
        ("osslsigncode", "timestamp") => bare_hash(cell)?.then_some((
            Agreement::Refuted,
            "OpenSSL asks for a DigestInfo; it recovers the bare hash of the signed attributes from the server's \
             signature",
        )),
        ("osslsigncode", "chain") => (bare_hash(cell)? && path_holds_when_stamped(cell)?).then_some((
            Agreement::Refuted,
            "judged now, since it does not count the counter-signature over a bare hash; told the time of that, it \
             accepts the path",
        )),
        ("lief", "digest") if found("message-digest-mismatch") => {
            others_accept_the_digest(cell).then_some((
                Agreement::Elsewhere,
                "it calls a wrong messageDigest by the same name; the file's digest is right by osslsigncode and \
                 signify, and we refuse the signature for message-digest-mismatch",
            ))
        }
        ("lief", "digest") if found("table-past-end-of-file") => {
            accepted_with_the_table_cut(cell)?.then_some((
                Agreement::Elsewhere,
                "it hashes part of the table that ends after the file, and finds our digest where the directory \
                 entry says how long the table is; we refuse the file for table-past-end-of-file",
            ))
        }
        _ => None,
    })
}

/// Tells whether every valid timestamp of the signature is one that OpenSSL shows to be over a bare hash.
fn bare_hash(cell: &Cell<'_>) -> Result<bool, String> {
    let valid: Vec<_> = cell.signature.timestamps.iter().filter(|one| one.is_valid()).collect();
    let tolerated = |one: &&chancery_timestamp::TimestampReport| {
        one.tolerated.contains(&Wrong::BareHashSignature)
    };
    if valid.is_empty() || !valid.iter().all(tolerated) {
        return Ok(false);
    }
    let path = &cell.examined.file.path;
    let file = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let counter_signatures = counter_signatures(&file, cell.signature.index)?;
    let mut shown = 0_usize;
    for value in &counter_signatures {
        let counter = SignerInfo::from_der(value).map_err(|error| error.to_string())?;
        let server = valid.iter().filter_map(|one| one.signer.as_ref());
        let server = server.into_iter().find(|one| counter.identifier.names(one));
        let (Some(server), Some(digest), Some(attributes)) =
            (server, counter.digest(), &counter.signed_attributes)
        else {
            continue;
        };
        let hash = chancery_sigverify::digest(digest, &attributes.signed_bytes());
        let recovered = tools::openssl_recovers(counter.signature, server)?;
        shown += usize::from(recovered.as_deref() == Some(hash.as_slice()));
    }
    Ok(shown == valid.len())
}

/// Returns the legacy timestamps of one signature, each the DER of a SignerInfo.
fn counter_signatures(file: &[u8], index: usize) -> Result<Vec<Vec<u8>>, String> {
    let read = || -> Result<Vec<u8>, chancery_authenticode::Error> {
        SignatureSet::read(&PeSubject::parse(file)?.embedded()?)?.get(index)
    };
    let signature = read().map_err(|error| error.to_string())?;
    let signed_data = SignedData::from_der(&signature).map_err(|error| error.to_string())?;
    let unsigned = signed_data.signers.iter().filter_map(|one| one.unsigned_attributes.as_ref());
    let values = unsigned.flat_map(|all| all.values(cms_oid::COUNTER_SIGNATURE));
    Ok(values.map(|value| value.raw.to_vec()).collect())
}

/// Asks osslsigncode again, at the time of the timestamp.
fn path_holds_when_stamped(cell: &Cell<'_>) -> Result<bool, String> {
    let at = Some(cell.signature.judged_at);
    let again = tools::osslsigncode(&cell.examined.file.path, cell.roots, at)?;
    Ok(again.get(cell.signature.index).is_some_and(|one| one.chain == Some(true)))
}

/// Tells whether osslsigncode and signify both find the digest to be the file's.
fn others_accept_the_digest(cell: &Cell<'_>) -> bool {
    let mut others = cell.examined.tools.iter().filter(|(name, _)| *name != cell.tool);
    let accepts = |all: &[Opinion]| all.get(cell.signature.index).map(|one| one.digest);
    others.all(|(_, opinions)| accepts(opinions) == Some(Some(true)))
}

/// Asks LIEF again, about a copy whose directory entry says how long the table is. No digest covers that entry.
fn accepted_with_the_table_cut(cell: &Cell<'_>) -> Result<bool, String> {
    let path = &cell.examined.file.path;
    let mut file = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Some(()) = cut_table(&mut file) else { return Ok(false) };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let copy = folder.path().join("cut.exe");
    fs::write(&copy, file).map_err(|error| format!("{}: {error}", copy.display()))?;
    let asked = tools::signify_and_lief(std::slice::from_ref(&copy), cell.roots)?;
    let (_, lief) = asked.get(&copy).cloned().unwrap_or_default();
    Ok(lief.get(cell.signature.index).is_some_and(|one| one.digest == Some(true)))
}

/// Lets the certificate table end with the file.
fn cut_table(file: &mut [u8]) -> Option<()> {
    const E_LFANEW: usize = 0x3c;
    const PE32_PLUS: u16 = 0x20b;
    let number = |file: &[u8], at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?))
    };
    let optional = usize::try_from(number(file, E_LFANEW)?).ok()? + 24;
    let magic = u16::from_le_bytes(file.get(optional..optional + 2)?.try_into().ok()?);
    // The fifth directory entry: 32 bytes after the first, which is where the magic number puts it.
    let entry = optional + if magic == PE32_PLUS { 144 } else { 128 };
    let offset = number(file, entry)?;
    let size = u32::try_from(file.len()).ok()?.checked_sub(offset)?;
    file.get_mut(entry + 4..entry + 8)?.copy_from_slice(&size.to_le_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use chancery_key::{DigestAlgorithm, KeyAlgorithm, SignatureScheme, SigningKey as _};
    use chancery_pe::Layout;
    use chancery_softkey::SoftKey;
    use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

    use super::*;
    use crate::forge::ForgedCertificate;

    #[test]
    fn openssl_recovers_what_the_signer_signed_and_nobody_else() {
        let key = || SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
        let certificate = |key: &SoftKey| {
            let mut forged = ForgedCertificate::leaf("CN=Leaf", key);
            forged.scheme = SignatureScheme::RsaPkcs1Sha256;
            forged.by(key)
        };
        let (signer, stranger) = (key(), key());
        let signature = signer.sign(SignatureScheme::RsaPkcs1Sha256, b"message").unwrap();
        let recover = |key| tools::openssl_recovers(signature.as_bytes(), &certificate(key));
        let recovered = recover(&signer).unwrap().unwrap();
        let hash = chancery_sigverify::digest(DigestAlgorithm::Sha256, b"message");
        // With its DigestInfo, which a signature over a bare hash has not.
        assert!(recovered.ends_with(&hash) && recovered.len() > hash.len());
        assert_eq!(recover(&stranger).unwrap(), None);
    }

    #[test]
    fn a_table_is_cut_where_the_file_ends() {
        for pe32_plus in [false, true] {
            let mut file = tiny_pe(&TinyPe { pe32_plus, ..TinyPe::default() });
            let slot = Layout::parse(&mut file.as_slice()).unwrap().flat_ranges()[1].end;
            let slot = usize::try_from(slot).unwrap();
            let offset = u32::try_from(file.len()).unwrap();
            file[slot..slot + 4].copy_from_slice(&offset.to_le_bytes());
            file[slot + 4..slot + 8].copy_from_slice(&u32::MAX.to_le_bytes());
            file.extend([0; 16]);
            cut_table(&mut file).unwrap();
            assert_eq!(file[slot + 4..slot + 8], 16_u32.to_le_bytes());
        }
        assert_eq!(cut_table(&mut [0; 70]), None);
    }
}
