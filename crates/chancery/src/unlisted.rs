//! Signatures at the end of a file that its header does not name: what a run leaves that is killed while it writes in
//! place, or a tool that takes the entry away and not the signature.

use chancery_authenticode::PeSubject;
use chancery_pe::{
    CERTIFICATE_HEADER_LEN, CertificateTable, REVISION_2, Source, SourceError,
    TYPE_PKCS_SIGNED_DATA, TableFault,
};

/// How far before the end of a file such a signature is looked for, in bytes, besides right behind its sections. Signatures
/// take kilobytes; with page hashes they take more, but programs that have other data behind their sections have none.
const REACH: u64 = 64 << 10;

/// What is looked at of a signature: the header of its entry, and its DER as far as it says what it is.
const BEGINNING: usize = 24;

/// `pkcs7-signedData`, as the type of a `ContentInfo` (RFC 2315, 14).
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// A signature that the header does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unlisted {
    /// Whether its end is missing.
    pub(crate) is_torn: bool,
}

/// Looks for a signature at the end of a file that has none by its header; `None` where there is none.
///
/// Nothing is read where the file ends with its sections.
pub(crate) fn find(subject: &mut PeSubject<impl Source>) -> Result<Option<Unlisted>, SourceError> {
    let layout = subject.layout();
    let end = layout.file_len();
    let of_section = |section: &chancery_pe::Section| section.raw_range().end;
    let behind = layout.sections().iter().map(of_section).max().unwrap_or(0);
    let first = behind.checked_next_multiple_of(8).unwrap_or(end);
    if *layout.certificate_table() != CertificateTable::Absent || first >= end {
        return Ok(None);
    }
    let last = end.saturating_sub(REACH).next_multiple_of(8).max(first);
    let mut read = |range: std::ops::Range<u64>| {
        let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default();
        let mut bytes = vec![0; len];
        subject.source_mut().read_exact_at(range.start, &mut bytes).map(|()| bytes)
    };
    if last > first {
        let bytes = read(first..end.min(first.saturating_add(BEGINNING as u64)))?;
        if let Some(found) = entry(&bytes, end.saturating_sub(first)) {
            return Ok(Some(found));
        }
    }
    let mut left = end.saturating_sub(last);
    for bytes in read(last..end)?.windows(BEGINNING).step_by(8) {
        if let Some(found) = entry(bytes, left) {
            return Ok(Some(found));
        }
        left = left.saturating_sub(8);
    }
    Ok(None)
}

/// Reads the beginning of an entry that `left` bytes of the file are left for: it is one with a signature in it, and the
/// file ends with it, or before.
fn entry(bytes: &[u8], left: u64) -> Option<Unlisted> {
    let (header, der) = bytes.split_first_chunk::<8>()?;
    let [l0, l1, l2, l3, r0, r1, t0, t1] = *header;
    let is_signature = u16::from_le_bytes([r0, r1]) == REVISION_2
        && u16::from_le_bytes([t0, t1]) == TYPE_PKCS_SIGNED_DATA;
    let (body, content) = match *der {
        [0x30, 0x82, a, b, ref content @ ..] => {
            (u32::from_be_bytes([0, 0, a, b]).checked_add(4)?, content)
        }
        [0x30, 0x83, a, b, c, ref content @ ..] => {
            (u32::from_be_bytes([0, a, b, c]).checked_add(5)?, content)
        }
        _ => return None,
    };
    let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    let unpadded = CERTIFICATE_HEADER_LEN.saturating_add(u64::from(body));
    // Signers write the length with its padding, or without.
    let is_length = (unpadded..=unpadded.next_multiple_of(8)).contains(&length);
    if !is_signature || !is_length || !content.starts_with(&SIGNED_DATA) {
        return None;
    }
    let is_torn = left < length;
    let is_last = is_torn || left <= length.next_multiple_of(8);
    is_last.then_some(Unlisted { is_torn })
}

/// Returns where a certificate table ends that data follows.
pub(crate) fn end_before_trailing_data(subject: &PeSubject<impl Source>) -> Option<u64> {
    let layout = subject.layout();
    match layout.certificate_table() {
        CertificateTable::Malformed { reason: TableFault::DataAfterTable, .. } => {
            layout.table_range().map(|range| range.end)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

    use super::*;

    /// An entry with a signature of so many bytes, its padding included in its length or not.
    fn signature(content: usize, is_padded: bool) -> Vec<u8> {
        let mut der = vec![0x30, 0x82];
        der.extend(u16::try_from(SIGNED_DATA.len() + content).unwrap().to_be_bytes());
        der.extend(SIGNED_DATA);
        der.resize(der.len() + content, 7);
        let unpadded = 8 + der.len();
        let length = if is_padded { unpadded.next_multiple_of(8) } else { unpadded };
        let mut entry = u32::try_from(length).unwrap().to_le_bytes().to_vec();
        entry.extend([0, 2, 2, 0]);
        entry.extend(der);
        entry.resize(unpadded.next_multiple_of(8), 0);
        entry
    }

    fn found(overlay: Vec<u8>) -> Option<bool> {
        let image = tiny_pe(&TinyPe { overlay, ..TinyPe::default() });
        let mut subject = PeSubject::parse(image.as_slice()).unwrap();
        find(&mut subject).unwrap().map(|found| found.is_torn)
    }

    #[test]
    fn a_signature_at_the_end_is_found_whole_or_torn_and_behind_other_data() {
        for before in [0, 8, 4096, 70_000, 200_000] {
            for is_padded in [false, true] {
                let whole = signature(1000, is_padded);
                let after = |part: &[u8]| [&vec![0x5a; before], part].concat();
                assert_eq!(found(after(&whole)), Some(false), "{before}");
                assert_eq!(found(after(&whole[..600])), Some(true), "{before}");
                assert_eq!(found(after(&whole[..BEGINNING])), Some(true), "{before}");
                assert_eq!(
                    found(after(&whole[..BEGINNING - 1])),
                    None,
                    "it does not say what it is"
                );
            }
        }
        // A long one, where sections end.
        let long = signature(65_000, true);
        assert_eq!(found(long.clone()), Some(false));
        assert_eq!(found(long[..BEGINNING + 8].to_vec()), Some(true));
    }

    #[test]
    fn what_is_no_signature_at_the_end_is_none() {
        let whole = signature(1000, true);
        assert_eq!(found(Vec::new()), None);
        assert_eq!(found(vec![0x5a; 100_000]), None);
        assert_eq!(found([&whole[..], &[0; 8]].concat()), None, "something follows");
        assert_eq!(found([&[0; 4], &whole[..]].concat()), None, "no table begins there");
        // Any byte that says what it is.
        for at in [0, 1, 4, 5, 6, 7, 8, 9, 10, 12, 16, 22] {
            let mut other = whole.clone();
            other[at] ^= 0x40;
            assert_eq!(found(other), None, "byte {at}");
        }
    }

    #[test]
    fn a_file_that_is_signed_by_its_header_has_none_unlisted() {
        let mut image = tiny_pe(&TinyPe { overlay: signature(1000, true), ..TinyPe::default() });
        let (offset, size) = (tiny_pe(&TinyPe::default()).len(), signature(1000, true).len());
        let subject = PeSubject::parse(image.as_slice()).unwrap();
        let at = subject.layout().certificate_directory().unwrap().entry_offset;
        let at = usize::try_from(at).unwrap();
        for (place, value) in [(at, offset), (at + 4, size)] {
            image[place..place + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
        }
        let mut subject = PeSubject::parse(image.as_slice()).unwrap();
        assert!(matches!(subject.layout().certificate_table(), CertificateTable::Present(_)));
        assert_eq!(find(&mut subject).unwrap(), None);
    }
}
