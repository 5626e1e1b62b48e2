#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        reason = "a test that overflows fails, as it should"
    )
)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod certificates;
mod checksum;
mod embed;
mod error;
mod field;
mod layout;
mod page_hashes;
mod pass;
mod patch;
mod patch_bytes;
mod reading;
mod removal;
mod section;
mod source;
mod table;

pub use certificates::{
    CERTIFICATE_HEADER_LEN, MAX_CERTIFICATES, REVISION_2, TYPE_PKCS_SIGNED_DATA, TableFinding,
    WinCertificate, certificates,
};
pub use checksum::ChecksumState;
pub use embed::EmbedError;
pub use error::Error;
pub use layout::Layout;
pub use page_hashes::{MAX_PAGE_TABLE_LEN, PageHashObstacle, PageHashes};
pub use pass::{Outcome, Pass, Sink, authentihash};
pub use patch::{BaseDigest, Edit, Patch, PatchError};
pub use removal::{Removal, RemovedChecksum, SignerPadding};
pub use section::Section;
#[cfg(feature = "std")]
pub use source::SeekSource;
pub use source::{Source, SourceError};
pub use table::{CertificateDirectory, CertificateTable, MAX_TABLE_LEN, TableFault};
