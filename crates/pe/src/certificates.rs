//! The attribute certificate table: `WIN_CERTIFICATE` entries, read and written.

use alloc::vec::Vec;

use crate::field::{len_of, padding_to_8, slice_len, u16_at, u32_at};

/// Length of what precedes the signature in each entry: length, revision and type.
pub const CERTIFICATE_HEADER_LEN: u64 = 8;

/// `WIN_CERT_REVISION_2_0`, the revision every signer writes.
pub const REVISION_2: u16 = 0x0200;

/// `WIN_CERT_TYPE_PKCS_SIGNED_DATA`: the body is a DER `ContentInfo` with `SignedData`.
pub const TYPE_PKCS_SIGNED_DATA: u16 = 0x0002;

/// The most entries that are read or written. Windows programs have one, UEFI programs a few.
pub const MAX_CERTIFICATES: usize = 256;

/// One entry of the table (PE/COFF, "The Attribute Certificate Table").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WinCertificate<'a> {
    /// Where the entry begins in the table.
    pub offset: u64,
    /// `dwLength`: the length it claims, with the eight bytes of its header.
    pub length: u32,
    /// `wRevision`.
    pub revision: u16,
    /// `wCertificateType`.
    pub certificate_type: u16,
    /// `bCertificate`: what follows the header, with its padding, clipped to the table.
    pub body: &'a [u8],
    /// The whole entry, clipped to the table.
    pub bytes: &'a [u8],
}

/// Something in a table that a signer would not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableFinding {
    /// An entry claims to be shorter than its own header; nothing after it was read.
    BadLength {
        /// Where the entry begins in the table.
        offset: u64,
        /// The length it claims.
        length: u32,
    },
    /// An entry claims to reach beyond the table; it was read as far as there are bytes.
    BeyondEnd {
        /// Where the entry begins in the table.
        offset: u64,
        /// The length it claims.
        length: u32,
    },
    /// The entries' lengths, each rounded up to eight, do not add up to the table's length because
    /// the last one is not padded.
    LengthNotRoundedSum {
        /// What they add up to.
        sum: u64,
    },
    /// An entry's revision is not 2.0.
    WrongRevision {
        /// Where the entry begins in the table.
        offset: u64,
        /// The revision it has.
        revision: u16,
    },
    /// An entry is not PKCS#7 signed data.
    UnknownType {
        /// Where the entry begins in the table.
        offset: u64,
        /// The type it has.
        certificate_type: u16,
    },
    /// Bytes that are no entry follow the last one.
    TrailingData {
        /// Where they begin in the table.
        offset: u64,
    },
    /// There are more than [`MAX_CERTIFICATES`]; the others were not read.
    TooManyEntries {
        /// Where the first unread one begins in the table.
        offset: u64,
    },
}

impl TableFinding {
    /// Returns the stable kebab-case name used in machine-readable output.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BadLength { .. } => "bad-length",
            Self::BeyondEnd { .. } => "beyond-end",
            Self::LengthNotRoundedSum { .. } => "length-not-rounded-sum",
            Self::WrongRevision { .. } => "wrong-revision",
            Self::UnknownType { .. } => "unknown-type",
            Self::TrailingData { .. } => "trailing-data",
            Self::TooManyEntries { .. } => "too-many-entries",
        }
    }
}

/// Reads every entry of a table that can be read, and says what is wrong with it.
///
/// Give it the bytes of [`Layout::table_range`](crate::Layout::table_range). Findings are in the
/// order of the table; a table as signers write it has none.
#[must_use]
pub fn certificates(table: &[u8]) -> (Vec<WinCertificate<'_>>, Vec<TableFinding>) {
    let mut entries = Vec::new();
    let mut findings = Vec::new();
    let end = len_of(table);
    let mut offset = 0;
    while offset < end {
        let rest = table.get(slice_len(offset)..).unwrap_or_default();
        let Some(header) = Header::read(rest) else {
            findings.push(TableFinding::TrailingData { offset });
            break;
        };
        if entries.len() == MAX_CERTIFICATES {
            findings.push(TableFinding::TooManyEntries { offset });
            break;
        }
        let length = header.length;
        if u64::from(length) < CERTIFICATE_HEADER_LEN {
            findings.push(if rest.iter().all(|byte| *byte == 0) && offset != 0 {
                TableFinding::TrailingData { offset }
            } else {
                TableFinding::BadLength { offset, length }
            });
            break;
        }
        findings.extend(header.findings(offset));
        let bytes = rest.get(..slice_len(length.into())).unwrap_or(rest);
        entries.push(WinCertificate {
            offset,
            length,
            revision: header.revision,
            certificate_type: header.certificate_type,
            body: bytes.get(slice_len(CERTIFICATE_HEADER_LEN)..).unwrap_or_default(),
            bytes,
        });
        let unrounded = offset.saturating_add(length.into());
        offset = unrounded.saturating_add(padding_to_8(length.into()));
        if unrounded > end {
            let offset = unrounded.saturating_sub(length.into());
            findings.push(TableFinding::BeyondEnd { offset, length });
        } else if offset > end {
            findings.push(TableFinding::LengthNotRoundedSum { sum: offset });
        }
    }
    (entries, findings)
}

/// Writes one entry as signers do: revision 2.0, signed data, padded with zeros to eight bytes, the
/// padding counted in its length. None for a body of 4 GiB.
pub(crate) fn push_certificate(table: &mut Vec<u8>, body: &[u8]) -> Option<()> {
    let unpadded = CERTIFICATE_HEADER_LEN.checked_add(len_of(body))?;
    let length = u32::try_from(unpadded.checked_add(padding_to_8(unpadded))?).ok()?;
    table.extend(length.to_le_bytes());
    table.extend(REVISION_2.to_le_bytes());
    table.extend(TYPE_PKCS_SIGNED_DATA.to_le_bytes());
    table.extend(body);
    table.extend(core::iter::repeat_n(0, slice_len(padding_to_8(unpadded))));
    Some(())
}

struct Header {
    length: u32,
    revision: u16,
    certificate_type: u16,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            length: u32_at(bytes, 0)?,
            revision: u16_at(bytes, 4)?,
            certificate_type: u16_at(bytes, 6)?,
        })
    }

    fn findings(&self, offset: u64) -> impl Iterator<Item = TableFinding> {
        let Self { revision, certificate_type, .. } = *self;
        let wrong_revision =
            (revision != REVISION_2).then_some(TableFinding::WrongRevision { offset, revision });
        let unknown_type = (certificate_type != TYPE_PKCS_SIGNED_DATA)
            .then_some(TableFinding::UnknownType { offset, certificate_type });
        wrong_revision.into_iter().chain(unknown_type)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn table(bodies: &[&[u8]]) -> Vec<u8> {
        let mut table = Vec::new();
        for body in bodies {
            push_certificate(&mut table, body).unwrap();
        }
        table
    }

    fn names(table: &[u8]) -> Vec<&'static str> {
        certificates(table).1.iter().map(TableFinding::name).collect()
    }

    #[test]
    fn reads_what_it_writes() {
        let table = table(&[b"one", b"", b"12345678"]);
        assert_eq!(table.len(), 16 + 8 + 16);
        let (entries, findings) = certificates(&table);
        assert_eq!(findings, []);
        let bodies: Vec<_> = entries.iter().map(|entry| (entry.offset, entry.body)).collect();
        assert_eq!(bodies, [(0, &b"one\0\0\0\0\0"[..]), (16, b""), (24, b"12345678")]);
        assert!(entries.iter().all(|entry| entry.length % 8 == 0));
    }

    #[test]
    fn names_what_a_signer_would_not_write() {
        let good = table(&[b"12345678"]);
        let changed = |at: usize, to: &[u8]| {
            let mut bytes = good.clone();
            bytes[at..at + to.len()].copy_from_slice(to);
            bytes
        };
        assert_eq!(names(&good), [""; 0]);
        assert_eq!(names(&changed(0, &[0, 0, 0, 0])), ["bad-length"]);
        assert_eq!(names(&changed(0, &[7, 0, 0, 0])), ["bad-length"]);
        assert_eq!(names(&changed(0, &[0xFF; 4])), ["beyond-end"]);
        assert_eq!(names(&changed(4, &[0, 1])), ["wrong-revision"]);
        assert_eq!(names(&changed(6, &[0xF1, 0x0E])), ["unknown-type"]);
        assert_eq!(names(&changed(0, &[13, 0, 0, 0])), [""; 0], "rounding up fills the table");
        assert_eq!(names(&changed(0, &[13, 0, 0, 0])[..13]), ["length-not-rounded-sum"]);
        assert_eq!(names(&[&good[..], &[0; 24]].concat()), ["trailing-data"]);
        assert_eq!(names(&[&good[..], &[1; 3]].concat()), ["trailing-data"]);
        assert_eq!(names(&[0; 16]), ["bad-length"], "no entry at all is no padding");
    }

    #[test]
    fn a_length_of_all_ones_gives_the_bytes_at_hand() {
        let mut bytes = table(&[b"signature"]);
        bytes[..4].copy_from_slice(&[0xFF; 4]);
        let (entries, _) = certificates(&bytes);
        assert_eq!(entries[0].body, &bytes[8..]);
        assert_eq!(entries[0].length, u32::MAX);
    }

    #[test]
    fn stops_at_the_limit() {
        let bytes = table(&vec![&b""[..]; MAX_CERTIFICATES + 1]);
        let (entries, findings) = certificates(&bytes);
        assert_eq!(entries.len(), MAX_CERTIFICATES);
        let offset = (MAX_CERTIFICATES * 8) as u64;
        assert_eq!(findings, [TableFinding::TooManyEntries { offset }]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_entries_inside_them(
            table in proptest::collection::vec(prop_oneof![0u8..20, any::<u8>()], 0..200)
        ) {
            let (entries, _) = certificates(&table);
            for entry in entries {
                let offset = entry.offset as usize;
                prop_assert_eq!(entry.bytes, &table[offset..offset + entry.bytes.len()]);
            }
        }
    }
}
