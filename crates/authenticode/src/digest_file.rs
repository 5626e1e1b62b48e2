//! What goes from where a file is to where the key is.

use chancery_x509::asn1::{self, Tlv, tag};

use crate::{Error, PreparedSignature};

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The longest name of a file, in bytes: what file systems allow.
const MAX_NAME_LEN: usize = 255;

/// A prepared signature and the file it is for, to be signed where the key is and the file is not.
///
/// In DER it is
///
/// ```text
/// ChanceryDigest ::= SEQUENCE {
///     version   INTEGER (1),
///     format    UTF8String,    -- as in "pe"
///     fileName  UTF8String,    -- for people; without its folder
///     fileLen   INTEGER,       -- in bytes, as the file was before it was signed
///     prepared  ContentInfo }  -- PKCS#7 SignedData without a signature
/// ```
///
/// Everything that is signed is in the last part; nothing else decides anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DigestFile {
    /// The format of the file, as in `pe`.
    pub format: String,
    /// The name of the file, for people.
    pub file_name: String,
    /// The length of the file in bytes.
    pub file_len: u64,
    /// The signature that lacks its value.
    pub prepared: PreparedSignature,
}

impl DigestFile {
    /// The label in PEM.
    pub const LABEL: &str = "CHANCERY DIGEST";

    /// Puts one together. Of the name, control characters and what is too long are left out.
    #[must_use]
    pub fn new(format: &str, name: &str, file_len: u64, prepared: PreparedSignature) -> Self {
        let mut file_name: String = name.chars().filter(|c| !c.is_control()).collect();
        while file_name.len() > MAX_NAME_LEN {
            file_name.pop();
        }
        Self { format: format.to_owned(), file_name, file_len, prepared }
    }

    /// Writes it in DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        asn1::sequence(&[
            &asn1::unsigned_integer(&VERSION.to_be_bytes()),
            &asn1::tlv(tag::UTF8_STRING, &[self.format.as_bytes()]),
            &asn1::tlv(tag::UTF8_STRING, &[self.file_name.as_bytes()]),
            &asn1::unsigned_integer(&self.file_len.to_be_bytes()),
            self.prepared.content_info(),
        ])
    }

    /// Reads it from DER.
    ///
    /// # Errors
    /// [`Error::Encoding`] with the offset; [`Error::NotPrepared`] for another version, a name with control
    /// characters, or a signature that contradicts itself.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::parse(der)?.expect(tag::SEQUENCE, "digest file")?.reader();
        if fields.read()?.small_integer()? != VERSION {
            return Err(Error::NotPrepared { what: "it is of a version that is not known here" });
        }
        let format = text(fields.expect(tag::UTF8_STRING, "format")?)?;
        let file_name = text(fields.expect(tag::UTF8_STRING, "file name")?)?;
        let file_len = length(fields.read()?)?;
        let prepared = fields.expect(tag::SEQUENCE, "prepared signature")?.raw;
        fields.finish()?;
        let prepared = PreparedSignature::from_content_info(prepared)?;
        Ok(Self { format, file_name, file_len, prepared })
    }
}

fn text(tlv: Tlv<'_>) -> Result<String, Error> {
    let text = core::str::from_utf8(tlv.contents).ok();
    let text = text.filter(|text| text.len() <= MAX_NAME_LEN && !text.contains(char::is_control));
    text.map(str::to_owned).ok_or(Error::NotPrepared { what: "a text in it is none" })
}

fn length(tlv: Tlv<'_>) -> Result<u64, Error> {
    let octets = tlv.integer()?;
    let wrong = Error::NotPrepared { what: "the length in it is none" };
    let digits = match octets {
        [0, digits @ ..] => digits,
        [0x80..=0xff, ..] => return Err(wrong),
        digits => digits,
    };
    if digits.len() > 8 {
        return Err(wrong);
    }
    Ok(digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit)))
}
