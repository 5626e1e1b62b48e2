//! PKCS#11 URIs (RFC 7512): which token, which object, which module.

mod parse;
mod percent;

use core::fmt;
use core::str::FromStr;

use percent::Escaped;

/// The longest URI we read, in bytes.
const MAX_URI_LEN: usize = 8_192;

/// The class of object that a URI's `type` names (RFC 7512 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectType {
    /// A private key.
    Private,
    /// A public key.
    Public,
    /// A certificate.
    Cert,
    /// A secret key.
    SecretKey,
    /// A data object.
    Data,
}

impl ObjectType {
    /// Every type.
    pub const ALL: [Self; 5] =
        [Self::Private, Self::Public, Self::Cert, Self::SecretKey, Self::Data];

    /// Returns the name in a URI: `private`, `public`, `cert`, `secret-key`, `data`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
            Self::Cert => "cert",
            Self::SecretKey => "secret-key",
            Self::Data => "data",
        }
    }
}

/// A PKCS#11 URI (RFC 7512), as in `pkcs11:token=build;object=release;type=private`.
///
/// Every attribute narrows; one left out allows anything. `Display` writes the canonical form: attributes
/// in a fixed order, and percent-encoded wherever RFC 3986 has no unreserved character; the octets of
/// `id` always are. Parsing it gives the same value again.
///
/// Path attributes we do not know are refused, since ignoring what narrows would find other keys. Query
/// attributes we do not know are ignored. `pin-value` is refused: addresses are written to logs and
/// stores, and PINs must not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Uri {
    /// `token`: the label of the token.
    pub token: Option<String>,
    /// `manufacturer` of the token.
    pub manufacturer: Option<String>,
    /// `serial` number of the token.
    pub serial: Option<String>,
    /// `model` of the token.
    pub model: Option<String>,
    /// `library-manufacturer`: who made the module.
    pub library_manufacturer: Option<String>,
    /// `library-description` of the module.
    pub library_description: Option<String>,
    /// `library-version` of the module, major and minor.
    pub library_version: Option<(u8, u8)>,
    /// `slot-manufacturer`: who made the reader.
    pub slot_manufacturer: Option<String>,
    /// `slot-description` of the reader.
    pub slot_description: Option<String>,
    /// `slot-id`: the number of the slot, which many modules change at every start.
    pub slot_id: Option<u64>,
    /// `object`: the label of the object, `CKA_LABEL`.
    pub object: Option<String>,
    /// `id` of the object, `CKA_ID`.
    pub id: Option<Vec<u8>>,
    /// `type`: the class of the object, `CKA_CLASS`.
    pub object_type: Option<ObjectType>,
    /// `pin-source`: where the PIN is to be had, as in `file:/run/pin`. For the caller to interpret; `Keyring` of the crate
    /// `chancery` reads such files.
    pub pin_source: Option<String>,
    /// `module-name`: the module's file name without `lib` and extension.
    pub module_name: Option<String>,
    /// `module-path`: the module's path. Loading a module runs it: do not take this from strangers.
    pub module_path: Option<String>,
}

impl Uri {
    /// Makes the URI that allows everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the token's label.
    #[must_use]
    pub fn with_token(mut self, label: impl Into<String>) -> Self {
        self.token = Some(label.into());
        self
    }

    /// Sets the token's serial number.
    #[must_use]
    pub fn with_serial(mut self, serial: impl Into<String>) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// Sets the object's label.
    #[must_use]
    pub fn with_object(mut self, label: impl Into<String>) -> Self {
        self.object = Some(label.into());
        self
    }

    /// Sets the object's identifier.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Vec<u8>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the object's class.
    #[must_use]
    pub const fn with_type(mut self, object_type: ObjectType) -> Self {
        self.object_type = Some(object_type);
        self
    }
}

/// What is wrong with a URI, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriError {
    kind: UriErrorKind,
    offset: usize,
}

impl UriError {
    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> &UriErrorKind {
        &self.kind
    }

    /// Returns the offset of the first byte that is wrong.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// The ways in which a text is no PKCS#11 URI for us.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UriErrorKind {
    /// It does not begin with `pkcs11:`.
    Scheme,
    /// It is longer than 8192 bytes, or would be with every character escaped that its canonical form
    /// escapes.
    TooLong,
    /// An attribute without `=`.
    NoValue,
    /// A path attribute that RFC 7512 does not define.
    UnknownAttribute(String),
    /// An attribute that is there twice.
    Duplicate(String),
    /// A `%` that two hexadecimal digits do not follow.
    PercentEncoding,
    /// A character that must be percent-encoded.
    Character(char),
    /// A text that is not UTF-8 after decoding.
    NotUtf8,
    /// A `type` that is none of `private`, `public`, `cert`, `secret-key`, `data`.
    ObjectType,
    /// A `slot-id` that is no decimal number, or a `library-version` that is not `M` or `M.N`.
    Number,
    /// A `pin-value`: a PIN does not belong in an address, which is logged and stored.
    PinValue,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            UriErrorKind::Scheme => f.write_str("a PKCS#11 URI begins with `pkcs11:`"),
            UriErrorKind::TooLong => write!(f, "a PKCS#11 URI has at most {MAX_URI_LEN} bytes"),
            UriErrorKind::NoValue => f.write_str("attribute without `=`"),
            UriErrorKind::UnknownAttribute(name) => {
                write!(f, "unknown attribute `{}`", name.escape_debug())
            }
            UriErrorKind::Duplicate(name) => write!(f, "attribute `{name}` is there twice"),
            UriErrorKind::PercentEncoding => f.write_str("`%` without two hexadecimal digits"),
            UriErrorKind::Character(found) => write!(f, "{found:?} must be percent-encoded"),
            UriErrorKind::NotUtf8 => f.write_str("the value is not UTF-8"),
            UriErrorKind::ObjectType => {
                f.write_str("`type` is none of ")?;
                let names = ObjectType::ALL.map(ObjectType::name);
                f.write_str(&names.join(", "))
            }
            UriErrorKind::Number => f.write_str("the value is no number of this kind"),
            UriErrorKind::PinValue => f.write_str(
                "`pin-value` is refused: addresses are logged and stored; write where the PIN is, as \
                 `pin-source=file:/run/pin`",
            ),
        }?;
        write!(f, " at byte {}", self.offset)
    }
}

impl core::error::Error for UriError {}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        parse::uri(text)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let mut path = List { between: ';', begun: false };
        path.text(f, "token", &self.token)?;
        path.text(f, "manufacturer", &self.manufacturer)?;
        path.text(f, "serial", &self.serial)?;
        path.text(f, "model", &self.model)?;
        path.text(f, "library-manufacturer", &self.library_manufacturer)?;
        path.text(f, "library-description", &self.library_description)?;
        if let Some((major, minor)) = self.library_version {
            path.begin(f, "library-version")?;
            write!(f, "{major}.{minor}")?;
        }
        path.text(f, "slot-manufacturer", &self.slot_manufacturer)?;
        path.text(f, "slot-description", &self.slot_description)?;
        if let Some(slot) = self.slot_id {
            path.begin(f, "slot-id")?;
            write!(f, "{slot}")?;
        }
        path.text(f, "object", &self.object)?;
        if let Some(id) = &self.id {
            path.begin(f, "id")?;
            write!(f, "{}", Escaped::every_octet(id))?;
        }
        if let Some(object_type) = self.object_type {
            path.begin(f, "type")?;
            f.write_str(object_type.name())?;
        }
        let query = [
            ("pin-source", &self.pin_source),
            ("module-name", &self.module_name),
            ("module-path", &self.module_path),
        ];
        if query.iter().any(|(_, value)| value.is_some()) {
            f.write_str("?")?;
        }
        let mut list = List { between: '&', begun: false };
        for (name, value) in query {
            if let Some(value) = value {
                list.begin(f, name)?;
                write!(f, "{}", Escaped::query(value))?;
            }
        }
        Ok(())
    }
}

/// Writes attributes with a separator between them.
struct List {
    between: char,
    begun: bool,
}

impl List {
    fn begin(&mut self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        if self.begun {
            write!(f, "{}", self.between)?;
        }
        self.begun = true;
        write!(f, "{name}=")
    }

    fn text(
        &mut self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        value: &Option<String>,
    ) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        self.begin(f, name)?;
        write!(f, "{}", Escaped::path(value))
    }
}

#[cfg(test)]
mod tests;
