//! The signatures of a file as a list that can be changed.

use chancery_cms::{
    SignedData, add_certificates, add_unsigned_value, oid as cms_oid, retain_unsigned,
    set_unsigned_values,
};
use chancery_timestamp::Stamp;
use chancery_x509::asn1::Tlv;

use crate::{Embedded, Error, oid};

/// The signatures of a file, to be counted, taken out, added to, and put back by
/// [`Subject::replace`](crate::Subject::replace).
///
/// They are counted as a [`Report`](crate::Report) counts them: each entry of the file, then those nested in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignatureSet {
    /// `ContentInfo`s without padding, with what is nested in them.
    entries: Vec<Vec<u8>>,
}

/// Where a signature is.
#[derive(Clone, Copy)]
enum Place {
    Entry(usize),
    Nested { entry: usize, value: usize },
}

impl SignatureSet {
    /// Reads what a subject has.
    ///
    /// # Errors
    /// [`Error::Encoding`] or [`Error::Cms`] where an entry, or what is nested in one, is no signature.
    pub fn read(embedded: &Embedded) -> Result<Self, Error> {
        let mut entries = Vec::new();
        for signature in &embedded.signatures {
            let entry = SignedData::from_der_prefix(&signature.bytes)?.0.raw.to_vec();
            for value in nested(&entry)? {
                SignedData::from_der(&value)?;
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// Returns how many there are, nested ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        let counts = self.entries.iter().map(|entry| nested(entry).map_or(0, |all| all.len()));
        counts.fold(self.entries.len(), usize::saturating_add)
    }

    /// Tells whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the `ContentInfo` of one, and whatever is nested in it.
    ///
    /// # Errors
    /// [`Error::NoSuchSignature`].
    pub fn get(&self, index: usize) -> Result<Vec<u8>, Error> {
        match self.place(index)? {
            Place::Entry(entry) => self.entry(entry).map(<[u8]>::to_vec),
            Place::Nested { entry, value } => nested(self.entry(entry)?)?
                .into_iter()
                .nth(value)
                .ok_or(Error::NoSuchSignature { index, count: self.len() }),
        }
    }

    /// Tells how many signatures are nested in the first entry.
    ///
    /// # Errors
    /// [`Error::Cms`]; none in practice: [`read`](Self::read) has read them.
    pub fn nested_in_primary(&self) -> Result<usize, Error> {
        self.entries.first().map_or(Ok(0), |primary| nested(primary).map(|all| all.len()))
    }

    /// Adds one: as an entry of its own, as UEFI programs have them, or nested in the first entry. The first of
    /// all becomes an entry either way.
    ///
    /// # Errors
    /// [`Error::Encoding`] or [`Error::Cms`] where it is no signature, or there would be more than can be read.
    pub fn append(&mut self, signature: &[u8], as_entry: bool) -> Result<(), Error> {
        SignedData::from_der(signature)?;
        match self.entries.first_mut().filter(|_| !as_entry) {
            Some(primary) => {
                *primary = add_unsigned_value(primary, oid::NESTED_SIGNATURE, signature)?;
            }
            None => self.entries.push(signature.to_vec()),
        }
        Ok(())
    }

    /// Takes one out. Where others are nested in it, the first of them takes its place, and the rest are
    /// nested in that one, in their order.
    ///
    /// A signature that was appended says so in a signed attribute (its sequence number), and goes on to say so in
    /// its new place.
    ///
    /// # Errors
    /// [`Error::NoSuchSignature`]; [`Error::Cms`] where a nested signature cannot take the place.
    pub fn remove(&mut self, index: usize) -> Result<(), Error> {
        match self.place(index)? {
            Place::Nested { entry, value } => {
                let mut values = nested(self.entry(entry)?)?;
                if value < values.len() {
                    values.remove(value);
                }
                let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
                let changed =
                    set_unsigned_values(self.entry(entry)?, oid::NESTED_SIGNATURE, &values)?;
                self.set_entry(entry, changed);
            }
            Place::Entry(entry) => {
                let values = nested(self.entry(entry)?)?;
                let mut values = values.iter();
                let Some(first) = values.next() else {
                    self.entries.remove(entry);
                    return Ok(());
                };
                let mut heir = first.clone();
                for value in values {
                    heir = add_unsigned_value(&heir, oid::NESTED_SIGNATURE, value)?;
                }
                self.set_entry(entry, heir);
            }
        }
        Ok(())
    }

    /// Takes out every unsigned attribute but the nested signatures, of these too: timestamps, and whatever
    /// nobody signed.
    ///
    /// # Errors
    /// [`Error::Cms`] where a signature has not exactly one signer.
    pub fn remove_unsigned_attributes(&mut self) -> Result<(), Error> {
        for entry in &mut self.entries {
            let mut values = Vec::new();
            for value in nested(entry)? {
                values.push(retain_unsigned(&value, |kind| kind == oid::NESTED_SIGNATURE)?);
            }
            let bare = retain_unsigned(entry, |_| false)?;
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            *entry = set_unsigned_values(&bare, oid::NESTED_SIGNATURE, &values)?;
        }
        Ok(())
    }

    /// Returns what a timestamp of one is over: its signature value.
    ///
    /// # Errors
    /// [`Error::NoSuchSignature`]; [`Error::Cms`] where it has not exactly one signer.
    pub fn signature_value(&self, index: usize) -> Result<Vec<u8>, Error> {
        let bytes = self.get(index)?;
        let signed_data = SignedData::from_der(&bytes)?;
        match signed_data.signers.as_slice() {
            [signer] => Ok(signer.signature.to_vec()),
            signers => Err(Error::Cms(chancery_cms::Error::NotOneSigner(signers.len()))),
        }
    }

    /// Puts a timestamp into one, in the place of those it has. What is nested in it stays.
    ///
    /// Nobody checks here that the stamp is over this signature: a
    /// [`Timestamper`](chancery_timestamp::Timestamper) hands out none that is not.
    ///
    /// # Errors
    /// [`Error::NoSuchSignature`]; [`Error::Cms`] where it has not exactly one signer, or no room for the server's
    /// certificates.
    pub fn stamp(&mut self, index: usize, stamp: &Stamp) -> Result<(), Error> {
        let stamped = stamped(&self.get(index)?, stamp)?;
        let (entry, changed) = match self.place(index)? {
            Place::Entry(entry) => (entry, stamped),
            Place::Nested { entry, value } => {
                let mut values = nested(self.entry(entry)?)?;
                if let Some(old) = values.get_mut(value) {
                    *old = stamped;
                }
                let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
                let primary = self.entry(entry)?;
                (entry, set_unsigned_values(primary, oid::NESTED_SIGNATURE, &values)?)
            }
        };
        self.set_entry(entry, changed);
        Ok(())
    }

    /// Returns the entries to put into the file.
    #[must_use]
    pub fn entries(&self) -> Vec<&[u8]> {
        self.entries.iter().map(Vec::as_slice).collect()
    }

    fn entry(&self, index: usize) -> Result<&[u8], Error> {
        let missing = || Error::NoSuchSignature { index, count: self.len() };
        self.entries.get(index).map(Vec::as_slice).ok_or_else(missing)
    }

    fn set_entry(&mut self, index: usize, bytes: Vec<u8>) {
        if let Some(entry) = self.entries.get_mut(index) {
            *entry = bytes;
        }
    }

    fn place(&self, index: usize) -> Result<Place, Error> {
        let mut left = index;
        for (entry, bytes) in self.entries.iter().enumerate() {
            let Some(value) = left.checked_sub(1) else { return Ok(Place::Entry(entry)) };
            let count = nested(bytes)?.len();
            if value < count {
                return Ok(Place::Nested { entry, value });
            }
            left = value.saturating_sub(count);
        }
        Err(Error::NoSuchSignature { index, count: self.len() })
    }
}

/// Puts a timestamp into a `ContentInfo`, in the place of those it has, of either kind.
fn stamped(content_info: &[u8], stamp: &Stamp) -> Result<Vec<u8>, Error> {
    let is_stamp =
        |kind| matches!(kind, oid::RFC3161_COUNTER_SIGNATURE | cms_oid::COUNTER_SIGNATURE);
    let (attribute, value) = stamp.attribute();
    let bare = retain_unsigned(content_info, |kind| !is_stamp(kind))?;
    let stamped = set_unsigned_values(&bare, attribute, &[value])?;
    Ok(add_certificates(&stamped, stamp.certificates())?)
}

/// Returns the signatures nested in a `ContentInfo`.
fn nested(content_info: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let signed_data = SignedData::from_der(content_info)?;
    let unsigned =
        signed_data.signers.iter().filter_map(|signer| signer.unsigned_attributes.as_ref());
    let values = unsigned.flat_map(|attributes| attributes.values(oid::NESTED_SIGNATURE));
    Ok(values
        .map(|value| Tlv::parse(value.raw).map(|tlv| tlv.raw.to_vec()))
        .collect::<Result<_, _>>()?)
}
