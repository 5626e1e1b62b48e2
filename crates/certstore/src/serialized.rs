//! Stores and their elements as bytes: `.sst` files and the blobs of the registry.
//!
//! Little-endian records of a number, an encoding that is always 1, a length, and data. The properties of a certificate
//! come first, the certificate itself (32) closes the element. Observed from crypt32 of Windows and Wine; there
//! is no public specification.

use crate::{Entry, FormatError, Properties, PropertyId};

/// The longest store that is read or written, in bytes.
pub const MAX_STORE_LEN: usize = 64 << 20;

/// The most properties one certificate can have. About 130 are known.
pub const MAX_PROPERTIES: usize = 256;

/// The first bytes of a store file.
const MAGIC: [u8; 8] = *b"\0\0\0\0CERT";

const HEADER_LEN: usize = 12;
const ENCODING: u32 = 1;
const CERTIFICATE: u32 = 32;
const REVOCATION_LIST: u32 = 33;
const TRUST_LIST: u32 = 34;

/// One thing in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// A certificate.
    Certificate(Entry),
    /// A certificate revocation list.
    RevocationList(List),
    /// A certificate trust list.
    TrustList(List),
}

/// A list in a store: kept, not looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    der: Vec<u8>,
    properties: Properties,
}

impl List {
    /// Takes the bytes of a list and its properties.
    #[must_use]
    pub const fn new(der: Vec<u8>, properties: Properties) -> Self {
        Self { der, properties }
    }

    /// Returns the bytes of the list.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the properties.
    #[must_use]
    pub const fn properties(&self) -> &Properties {
        &self.properties
    }
}

impl Element {
    /// Returns the bytes of the certificate or list.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        match self {
            Self::Certificate(entry) => entry.der(),
            Self::RevocationList(list) | Self::TrustList(list) => list.der(),
        }
    }

    /// Returns the properties.
    #[must_use]
    pub const fn properties(&self) -> &Properties {
        match self {
            Self::Certificate(entry) => entry.properties(),
            Self::RevocationList(list) | Self::TrustList(list) => list.properties(),
        }
    }

    /// The same with other properties.
    pub(crate) fn with_properties(&self, properties: Properties) -> Self {
        let der = self.der().to_vec();
        match self {
            Self::Certificate(_) => Self::Certificate(Entry::from_parts(der, properties)),
            Self::RevocationList(_) => Self::RevocationList(List { der, properties }),
            Self::TrustList(_) => Self::TrustList(List { der, properties }),
        }
    }

    const fn number(&self) -> u32 {
        match self {
            Self::Certificate(_) => CERTIFICATE,
            Self::RevocationList(_) => REVOCATION_LIST,
            Self::TrustList(_) => TRUST_LIST,
        }
    }

    fn new(context: &Record<'_>, properties: Properties) -> Self {
        let der = context.data.to_vec();
        match context.number {
            REVOCATION_LIST => Self::RevocationList(List { der, properties }),
            TRUST_LIST => Self::TrustList(List { der, properties }),
            _ => Self::Certificate(Entry::from_parts(der, properties)),
        }
    }
}

/// Reads a `.sst` file. One of no bytes is an empty store.
///
/// What [`write_sst`] makes of the result is the same bytes, unless the file has its properties behind the certificates,
/// as Wine reads them: that is understood, and written in the order of Windows.
///
/// # Errors
/// [`FormatError`] with the place.
pub fn read_sst(bytes: &[u8]) -> Result<Vec<Element>, FormatError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    if bytes.len() > MAX_STORE_LEN {
        return Err(FormatError::TooLong);
    }
    let body = bytes.strip_prefix(&MAGIC).ok_or(FormatError::Magic)?;
    let mut records = Records { bytes: body, offset: MAGIC.len() };
    let mut all = Vec::new();
    loop {
        let record = records.next()?;
        if record.number == 0 {
            break;
        }
        all.push(record);
    }
    if !records.bytes.is_empty() {
        return Err(FormatError::Trailing { offset: records.offset, len: records.bytes.len() });
    }
    let begins_with_context = all.first().is_some_and(Record::is_context);
    match all.last() {
        Some(last) if !last.is_context() && begins_with_context => properties_last(&all),
        _ => properties_first(&all),
    }
}

fn properties_first(records: &[Record<'_>]) -> Result<Vec<Element>, FormatError> {
    let mut elements = Vec::new();
    let mut properties = Properties::new();
    let mut dangling = None;
    for record in records {
        if record.is_context() {
            elements.push(Element::new(record, core::mem::take(&mut properties)));
            dangling = None;
        } else {
            record.add_to(&mut properties)?;
            dangling = Some(record.offset);
        }
    }
    match dangling {
        Some(offset) => Err(FormatError::PropertyAfterContext { offset }),
        None => Ok(elements),
    }
}

fn properties_last(records: &[Record<'_>]) -> Result<Vec<Element>, FormatError> {
    let mut elements = Vec::new();
    let mut open: Option<(&Record<'_>, Properties)> = None;
    for record in records {
        match &mut open {
            _ if record.is_context() => {
                let closed = open.replace((record, Properties::new()));
                elements.extend(closed.map(|(context, own)| Element::new(context, own)));
            }
            Some((_, own)) => record.add_to(own)?,
            None => return Err(FormatError::PropertyAfterContext { offset: record.offset }),
        }
    }
    elements.extend(open.map(|(context, own)| Element::new(context, own)));
    Ok(elements)
}

/// Writes a `.sst` file.
///
/// # Errors
/// [`FormatError::TooLong`] for more than is read, [`FormatError::TooManyProperties`] likewise.
pub fn write_sst(elements: &[Element]) -> Result<Vec<u8>, FormatError> {
    let mut bytes = MAGIC.to_vec();
    for element in elements {
        write_element(&mut bytes, element)?;
    }
    bytes.extend([0; HEADER_LEN]);
    if bytes.len() > MAX_STORE_LEN { Err(FormatError::TooLong) } else { Ok(bytes) }
}

/// Reads one element, as the registry has it in the value `Blob`, and as CertSerializeCertificateStoreElement writes it.
///
/// # Errors
/// [`FormatError`] with the place.
pub fn read_blob(bytes: &[u8]) -> Result<Element, FormatError> {
    if bytes.len() > MAX_STORE_LEN {
        return Err(FormatError::TooLong);
    }
    let mut records = Records { bytes, offset: 0 };
    let mut properties = Properties::new();
    let mut element = None;
    while !records.bytes.is_empty() {
        let record = records.next()?;
        let offset = record.offset;
        match (record.number, record.is_context(), &element) {
            // The end may be marked, and then is the end.
            (0, ..) if records.bytes.is_empty() => break,
            (0, ..) => {
                return Err(FormatError::Trailing {
                    offset: records.offset,
                    len: records.bytes.len(),
                });
            }
            (_, true, None) => {
                element = Some(Element::new(&record, core::mem::take(&mut properties)));
            }
            (_, true, Some(_)) => return Err(FormatError::SecondContext { offset }),
            (_, false, None) => record.add_to(&mut properties)?,
            (_, false, Some(_)) => return Err(FormatError::PropertyAfterContext { offset }),
        }
    }
    element.ok_or(FormatError::NoContext)
}

/// Writes one element: neither a header nor an end.
///
/// # Errors
/// [`FormatError::TooLong`] for more than is read, [`FormatError::TooManyProperties`] likewise.
pub fn write_blob(element: &Element) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    write_element(&mut bytes, element)?;
    if bytes.len() > MAX_STORE_LEN { Err(FormatError::TooLong) } else { Ok(bytes) }
}

fn write_element(bytes: &mut Vec<u8>, element: &Element) -> Result<(), FormatError> {
    if element.properties().len() > MAX_PROPERTIES {
        return Err(FormatError::TooManyProperties { offset: bytes.len() });
    }
    for (id, value) in element.properties().iter() {
        write_record(bytes, id.number(), value)?;
    }
    write_record(bytes, element.number(), element.der())
}

fn write_record(bytes: &mut Vec<u8>, number: u32, data: &[u8]) -> Result<(), FormatError> {
    let len = u32::try_from(data.len()).map_err(|_| FormatError::TooLong)?;
    bytes.extend([number, ENCODING, len].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend_from_slice(data);
    Ok(())
}

/// One record, and where it begins.
#[derive(Clone, Copy)]
struct Record<'a> {
    number: u32,
    offset: usize,
    data: &'a [u8],
}

impl Record<'_> {
    fn is_context(&self) -> bool {
        PropertyId::CONTEXTS.contains(&self.number)
    }

    fn add_to(&self, properties: &mut Properties) -> Result<(), FormatError> {
        let offset = self.offset;
        let id = PropertyId::new(self.number)
            .ok_or(FormatError::PropertyId { offset, found: self.number })?;
        if properties.len() >= MAX_PROPERTIES {
            return Err(FormatError::TooManyProperties { offset });
        }
        if properties.get(id).is_some() {
            return Err(FormatError::DuplicateProperty { offset, id });
        }
        properties.set(id, self.data);
        Ok(())
    }
}

/// What is left to read.
struct Records<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Records<'a> {
    fn next(&mut self) -> Result<Record<'a>, FormatError> {
        let offset = self.offset;
        let (header, rest) = self
            .bytes
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(FormatError::Truncated { offset })?;
        let mut words = header.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let (number, encoding, claimed) = (next(), next(), next());
        if number == 0 {
            // The end: nothing of it means anything, so all of it must be zero to be written again.
            if encoding != 0 {
                return Err(FormatError::Encoding { offset, found: encoding });
            }
        } else if encoding != ENCODING {
            return Err(FormatError::Encoding { offset, found: encoding });
        }
        let parts = usize::try_from(claimed).ok().and_then(|len| rest.split_at_checked(len));
        let left = rest.len();
        let (data, rest) = parts.ok_or(FormatError::Length { offset, claimed, left })?;
        if number == 0 && !data.is_empty() {
            return Err(FormatError::Length { offset, claimed, left: 0 });
        }
        self.bytes = rest;
        self.offset = offset.saturating_add(HEADER_LEN).saturating_add(data.len());
        Ok(Record { number, offset, data })
    }
}
