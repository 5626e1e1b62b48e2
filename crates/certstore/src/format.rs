//! What can be wrong with the bytes of a store.

use crate::{MAX_PROPERTIES, MAX_STORE_LEN, PropertyId};

/// Why bytes are no store, no element of one, or no registry file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The first eight bytes are not those of a store file.
    #[error("not a certificate store file: it does not begin with 00 00 00 00 and `CERT`")]
    Magic,
    /// More bytes than are read or written.
    #[error("longer than {MAX_STORE_LEN} bytes")]
    TooLong,
    /// The end comes in the middle of a record, or before the record that ends a store.
    #[error("cut off at byte {offset}")]
    Truncated {
        /// Where the record begins that is not there.
        offset: usize,
    },
    /// A record says that it is longer than what is left.
    #[error("the record at byte {offset} claims {claimed} bytes, where {left} are left")]
    Length {
        /// Where the record begins.
        offset: usize,
        /// The length it claims.
        claimed: u32,
        /// How many bytes there are.
        left: usize,
    },
    /// A record whose second number is not the 1 that all have.
    #[error("the record at byte {offset} has encoding {found}, where all have 1")]
    Encoding {
        /// Where the record begins.
        offset: usize,
        /// The number that is there.
        found: u32,
    },
    /// A number that no property has.
    #[error("the record at byte {offset} has number {found}, which no property has")]
    PropertyId {
        /// Where the record begins.
        offset: usize,
        /// The number that is there.
        found: u32,
    },
    /// The same property twice for one certificate.
    #[error("property {id} a second time at byte {offset}")]
    DuplicateProperty {
        /// Where the second one begins.
        offset: usize,
        /// The property.
        id: PropertyId,
    },
    /// More properties than anything has.
    #[error("more than {MAX_PROPERTIES} properties at byte {offset}")]
    TooManyProperties {
        /// Where the first begins that is too many.
        offset: usize,
    },
    /// A property with no certificate behind it.
    #[error("the property at byte {offset} belongs to no certificate")]
    PropertyAfterContext {
        /// Where the property begins.
        offset: usize,
    },
    /// More than one certificate or list in what may hold one.
    #[error("a second certificate or list at byte {offset}, where there may be one")]
    SecondContext {
        /// Where the second begins.
        offset: usize,
    },
    /// Neither a certificate nor a list.
    #[error("no certificate or list in it")]
    NoContext,
    /// More bytes behind the end.
    #[error("{len} bytes behind the end, from byte {offset} on")]
    Trailing {
        /// Where they begin.
        offset: usize,
        /// How many there are.
        len: usize,
    },
    /// A registry file that begins otherwise.
    #[error(
        "not a registry file: it begins with neither `Windows Registry Editor Version 5.00` nor `REGEDIT4`"
    )]
    RegistryHeader,
    /// Text of a registry file that is not in its encoding.
    #[error("registry file in an unknown encoding")]
    RegistryEncoding,
    /// A line of a registry file that cannot be read.
    #[error("line {line}: {what}")]
    RegistryLine {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A certificate of a registry file whose bytes are no element of a store.
    #[error("line {line}: the blob is broken: {error}")]
    RegistryBlob {
        /// The line, from 1.
        line: usize,
        /// What is wrong with the bytes.
        error: Box<Self>,
    },
}
