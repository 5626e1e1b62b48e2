//! Why a file could not be read as a PE executable, or a pass over it not be finished.

use core::fmt;

use crate::page_hashes::PageHashObstacle;
use crate::source::SourceError;

/// Why a layout or a pass could not be made. Offsets are from the start of the file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The bytes could not be had at all.
    Source(SourceError),
    /// The file does not begin with `MZ`: it is no executable.
    NotPe,
    /// A header ends after the file does.
    Truncated {
        /// The header, as in `section table`.
        header: &'static str,
        /// Where the header begins.
        offset: u64,
    },
    /// The field at 0x3C points outside the file.
    PeHeaderOutside {
        /// Where it points.
        offset: u64,
    },
    /// There is no `PE\0\0` where the field at 0x3C points: a DOS or a 16-bit Windows program.
    NoPeSignature {
        /// Where it points.
        offset: u64,
    },
    /// The optional header is neither PE32 (0x10B) nor PE32+ (0x20B).
    UnknownMagic {
        /// Where the magic is.
        offset: u64,
        /// What it is; 0x107 is a ROM image, which has no certificate table.
        magic: u16,
    },
    /// The source or the bytes fed to a pass are not as long as the layout says.
    LengthMismatch {
        /// The file's length by its layout.
        expected: u64,
        /// The length that was seen.
        found: u64,
    },
    /// The certificate table is larger than [`MAX_TABLE_LEN`](crate::MAX_TABLE_LEN).
    TableTooLarge {
        /// Its length in bytes.
        len: u64,
    },
    /// The file's layout does not allow page hashes.
    PageHashes(PageHashObstacle),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(_) => f.write_str("the executable cannot be read"),
            Self::NotPe => f.write_str("no MZ at the start: not an executable"),
            Self::Truncated { header, offset } => {
                write!(f, "the {header} at offset {offset:#x} ends outside the file")
            }
            Self::PeHeaderOutside { offset } => {
                write!(f, "the PE header offset {offset:#x} is outside the file")
            }
            Self::NoPeSignature { offset } => {
                write!(f, "no PE signature at offset {offset:#x}")
            }
            Self::UnknownMagic { offset, magic } => {
                let hint = if *magic == ROM_MAGIC { " (a ROM image)" } else { "" };
                write!(f, "unknown optional header magic {magic:#x}{hint} at offset {offset:#x}")
            }
            Self::LengthMismatch { expected, found } => {
                write!(f, "{found} bytes where the layout has {expected}")
            }
            Self::TableTooLarge { len } => {
                write!(f, "a certificate table of {len} bytes is larger than we read")
            }
            Self::PageHashes(obstacle) => write!(f, "no page hashes for this file: {obstacle}"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Source(error) => Some(error),
            _ => None,
        }
    }
}

/// Magic of a ROM image's optional header (PE/COFF, "Optional Header Standard Fields").
const ROM_MAGIC: u16 = 0x107;
