//! Where the private key of a certificate is: CRYPT_KEY_PROV_INFO as stores keep it.

use core::fmt;

use chancery_key::without_pin_value;

use crate::wide;

/// Values of [`KeyBinding::key_spec`].
pub mod key_spec {
    /// A CNG key, which has none.
    pub const NONE: u32 = 0;
    /// AT_KEYEXCHANGE.
    pub const KEY_EXCHANGE: u32 = 1;
    /// AT_SIGNATURE.
    pub const SIGNATURE: u32 = 2;
}

/// Bits of [`KeyBinding::flags`].
pub mod provider_flag {
    /// CRYPT_MACHINE_KEYSET, NCRYPT_MACHINE_KEY_FLAG: the key is the machine's, not the user's.
    pub const MACHINE_KEYSET: u32 = 0x20;
    /// CRYPT_SILENT: ask nobody anything.
    pub const SILENT: u32 = 0x40;
}

/// The length of the structure before its texts, in bytes: seven 32-bit numbers, on 64-bit systems too.
const HEADER_LEN: usize = 28;

/// The length of one parameter's entry, in bytes: number, offset, length, flags.
const PARAMETER_LEN: usize = 16;

/// The most parameters that are read.
const MAX_PARAMETERS: usize = 64;

/// The longest container or provider name, in UTF-16 units. A container may be a PKCS#11 URI.
const MAX_NAME_LEN: usize = 8192;

/// Which key, in which container of which provider, belongs to a certificate: property 2 (CRYPT_KEY_PROV_INFO).
///
/// It narrows where to look; that a key is the right one, the certificate's public key decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of CRYPT_KEY_PROV_INFO")]
pub struct KeyBinding {
    /// The key container's name; for a key in a token its PKCS#11 URI.
    pub container: Option<String>,
    /// The provider's name, as `Microsoft Software Key Storage Provider`.
    pub provider: Option<String>,
    /// The provider's type; 0 for CNG key storage providers.
    pub provider_type: u32,
    /// Of [`provider_flag`].
    pub flags: u32,
    /// Of [`key_spec`].
    pub key_spec: u32,
    /// Parameters for the provider. Hardly anybody has them.
    pub parameters: Vec<ProviderParameter>,
}

/// A parameter for a provider (CRYPT_KEY_PROV_PARAM).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of CRYPT_KEY_PROV_PARAM")]
pub struct ProviderParameter {
    /// What it is (`PP_*`).
    pub parameter: u32,
    /// Its flags.
    pub flags: u32,
    /// Its value.
    pub data: Vec<u8>,
}

/// Why bytes are no key provider info, or a value cannot be written as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// Shorter than its header.
    #[error("{len} bytes, shorter than its {HEADER_LEN}-byte header")]
    Truncated {
        /// How many bytes there are.
        len: usize,
    },
    /// An offset or length that leads out of the property.
    #[error("the {what} lies outside of it, at byte {offset}")]
    Outside {
        /// What is there.
        what: &'static str,
        /// The offset.
        offset: u32,
    },
    /// Text that is not UTF-16LE with a final zero.
    #[error("the {what} is no UTF-16 text with a final zero")]
    Text {
        /// Which text.
        what: &'static str,
    },
    /// More than is read or written.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
}

impl KeyBinding {
    /// Names a container and its provider; a CNG key of the user.
    #[must_use]
    pub fn new(container: impl Into<String>, provider: impl Into<String>) -> Self {
        Self {
            container: Some(container.into()),
            provider: Some(provider.into()),
            ..Self::default()
        }
    }

    /// Reads property 2.
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BindingError> {
        let (header, _) = bytes
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(BindingError::Truncated { len: bytes.len() })?;
        let mut words = header.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let (container, provider) = (next(), next());
        let (provider_type, flags) = (next(), next());
        let (count, parameters) = (next(), next());
        let key_spec = next();
        Ok(Self {
            container: text(bytes, container, "container name")?,
            provider: text(bytes, provider, "provider name")?,
            provider_type,
            flags,
            key_spec,
            parameters: read_parameters(bytes, count, parameters)?,
        })
    }

    /// Writes property 2: the container right behind the header, then the provider, then the parameters.
    ///
    /// # Errors
    /// [`BindingError::Limit`] for more than is read, [`BindingError::Text`] for a name with a zero in it.
    pub fn encode(&self) -> Result<Vec<u8>, BindingError> {
        if self.parameters.len() > MAX_PARAMETERS {
            return Err(BindingError::Limit { what: "parameters", limit: MAX_PARAMETERS });
        }
        let mut tail = Tail(Vec::new());
        let container = tail.text(self.container.as_deref(), "container name")?;
        let provider = tail.text(self.provider.as_deref(), "provider name")?;
        let parameters = tail.parameters(&self.parameters)?;
        let count = u32::try_from(self.parameters.len()).unwrap_or_default();
        let header =
            [container, provider, self.provider_type, self.flags, count, parameters, self.key_spec];
        let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.append(&mut tail.0);
        Ok(bytes)
    }
}

impl fmt::Display for KeyBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        // Others may have written an address with a PIN into it.
        let container = or_none(&self.container);
        let container = without_pin_value(&container);
        write!(f, "container `{container}` of `{}`", or_none(&self.provider))
    }
}

/// Reads the text at an offset; 0 stands for none.
fn text(bytes: &[u8], offset: u32, what: &'static str) -> Result<Option<String>, BindingError> {
    if offset == 0 {
        return Ok(None);
    }
    let outside = BindingError::Outside { what, offset };
    let start = usize::try_from(offset).map_err(|_| outside.clone())?;
    if start < HEADER_LEN {
        return Err(outside);
    }
    let rest = bytes.get(start..).ok_or(outside)?;
    let longest = rest.get(..(MAX_NAME_LEN.saturating_add(1)).saturating_mul(2)).unwrap_or(rest);
    wide::decode(longest).map(Some).ok_or(BindingError::Text { what })
}

fn read_parameters(
    bytes: &[u8],
    count: u32,
    offset: u32,
) -> Result<Vec<ProviderParameter>, BindingError> {
    let outside = |offset| BindingError::Outside { what: "parameter", offset };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > MAX_PARAMETERS {
        return Err(BindingError::Limit { what: "parameters", limit: MAX_PARAMETERS });
    }
    let part = |offset: u32, len: usize| {
        let start = usize::try_from(offset).ok()?;
        bytes.get(start..start.checked_add(len)?)
    };
    let table = part(offset, count.saturating_mul(PARAMETER_LEN)).ok_or(outside(offset))?;
    let mut parameters = Vec::with_capacity(count);
    let mut left = bytes.len();
    for entry in table.as_chunks::<PARAMETER_LEN>().0 {
        let mut words = entry.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let (parameter, offset, len, flags) = (next(), next(), next(), next());
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        // Together they are no longer than the property: entries that share bytes would multiply them.
        left = left.checked_sub(len).ok_or(outside(offset))?;
        let data = part(offset, len).ok_or(outside(offset))?.to_vec();
        parameters.push(ProviderParameter { parameter, flags, data });
    }
    Ok(parameters)
}

/// What comes behind the header.
struct Tail(Vec<u8>);

impl Tail {
    fn offset(&self) -> Result<u32, BindingError> {
        let offset = self.0.len().saturating_add(HEADER_LEN);
        u32::try_from(offset).map_err(|_| BindingError::Limit { what: "bytes", limit: usize::MAX })
    }

    fn text(&mut self, text: Option<&str>, what: &'static str) -> Result<u32, BindingError> {
        let Some(text) = text else { return Ok(0) };
        if text.contains('\0') {
            return Err(BindingError::Text { what });
        }
        if text.encode_utf16().count() > MAX_NAME_LEN {
            return Err(BindingError::Limit { what: "characters of a name", limit: MAX_NAME_LEN });
        }
        let offset = self.offset()?;
        self.0.append(&mut wide::encode(text));
        Ok(offset)
    }

    fn parameters(&mut self, all: &[ProviderParameter]) -> Result<u32, BindingError> {
        if all.is_empty() {
            return Ok(0);
        }
        let table = self.offset()?;
        let start = self.0.len();
        self.0.resize(start.saturating_add(all.len().saturating_mul(PARAMETER_LEN)), 0);
        let mut entries = Vec::new();
        for one in all {
            let offset = self.offset()?;
            let len = u32::try_from(one.data.len())
                .map_err(|_| BindingError::Limit { what: "bytes", limit: usize::MAX })?;
            entries.extend(
                [one.parameter, offset, len, one.flags].iter().flat_map(|w| w.to_le_bytes()),
            );
            self.0.extend_from_slice(&one.data);
        }
        if let Some(place) = self.0.get_mut(start..start.saturating_add(entries.len())) {
            place.copy_from_slice(&entries);
        }
        Ok(table)
    }
}
