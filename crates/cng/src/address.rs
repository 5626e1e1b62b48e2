//! Where a key is: `cng:provider=...;container=...`.

use core::fmt;
use core::str::FromStr;

/// The provider of keys in software that every Windows has, and the one meant where none is named.
pub const SOFTWARE_PROVIDER: &str = "Microsoft Software Key Storage Provider";

/// The longest address read, in bytes.
const MAX_ADDRESS_LEN: usize = 4_096;

/// `CRYPT_MACHINE_KEYSET` and `NCRYPT_MACHINE_KEY_FLAG`.
const MACHINE_KEYSET: u32 = 0x20;

const SCHEME: &str = "cng:";

/// The address of a key in Windows: provider and container, and what tells a cryptographic service provider
/// from a key storage provider.
///
/// `cng:provider=Microsoft%20Software%20Key%20Storage%20Provider;container=release` is a key of a key storage
/// provider; with `type` it is one of a service provider, as in
/// `cng:provider=...;container=release;type=24;spec=signature`. `scope=machine` is the computer's key and not
/// the user's. The same five things are in a certificate's `CRYPT_KEY_PROV_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address {
    /// The name of the provider.
    pub provider: String,
    /// The name of the key or of its container; without one, every key of the provider is meant.
    pub container: Option<String>,
    /// What kind of provider it is.
    pub service: Service,
    /// Whether the key is the computer's and not the user's.
    pub machine: bool,
}

/// The two kinds of provider there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "Windows has these two, and each is opened in its way")]
pub enum Service {
    /// A key storage provider (CNG).
    KeyStorage,
    /// A cryptographic service provider (`CryptoAPI`).
    Csp {
        /// The type of the provider, as `PROV_RSA_AES` (24).
        kind: u32,
        /// Which of the container's two keys.
        spec: KeySpec,
    },
}

/// Which of the two keys of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a container has room for these two")]
pub enum KeySpec {
    /// `AT_KEYEXCHANGE` (1), which signs as well.
    Exchange,
    /// `AT_SIGNATURE` (2).
    Signature,
}

impl KeySpec {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Exchange, Self::Signature];

    /// Returns the number Windows has for it.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Exchange => 1,
            Self::Signature => 2,
        }
    }

    /// Finds what Windows has this number for.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|spec| spec.number() == number)
    }

    /// Returns the name as in an address.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Signature => "signature",
        }
    }
}

impl Address {
    /// Names a key of a key storage provider.
    #[must_use]
    pub fn key_storage(provider: impl Into<String>, container: impl Into<String>) -> Self {
        let (provider, container) = (provider.into(), Some(container.into()));
        Self { provider, container, service: Service::KeyStorage, machine: false }
    }

    /// Names a key of a cryptographic service provider.
    #[must_use]
    pub fn csp(
        provider: impl Into<String>,
        kind: u32,
        container: impl Into<String>,
        spec: KeySpec,
    ) -> Self {
        let service = Service::Csp { kind, spec };
        let (provider, container) = (provider.into(), Some(container.into()));
        Self { provider, container, service, machine: false }
    }

    /// Names the key that the five fields of a `CRYPT_KEY_PROV_INFO` name: what is bound to a certificate.
    ///
    /// `flags` and `key_spec` are numbers as Windows has them; a service provider's key without a specification
    /// is the one for signatures.
    #[must_use]
    pub fn from_provider_info(
        provider: impl Into<String>,
        container: impl Into<String>,
        provider_type: u32,
        flags: u32,
        key_spec: u32,
    ) -> Self {
        let machine = flags & MACHINE_KEYSET != 0;
        match provider_type {
            0 => Self::key_storage(provider, container),
            kind => {
                let spec = KeySpec::from_number(key_spec).unwrap_or(KeySpec::Signature);
                Self::csp(provider, kind, container, spec)
            }
        }
        .with_machine(machine)
    }

    /// Says whether the key is the computer's.
    #[must_use]
    pub fn with_machine(mut self, machine: bool) -> Self {
        self.machine = machine;
        self
    }
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// It does not begin with `cng:`.
    Scheme,
    /// Longer than 4096 bytes.
    TooLong,
    /// A part that is not `name=value`, has a name of its own, or a value it cannot have.
    Part(String),
    /// A part that is there twice.
    Duplicate(&'static str),
    /// There is neither a provider nor a container.
    Nothing,
    /// `spec=` without `type=`: only service providers have two keys in a container.
    SpecWithoutType,
    /// `type=` without `provider=`: no service provider is meant where none is named.
    TypeWithoutProvider,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("does not begin with `cng:`"),
            Self::TooLong => write!(f, "longer than {MAX_ADDRESS_LEN} bytes"),
            Self::Part(part) => write!(
                f,
                "`{}` is none of provider=NAME, container=NAME, type=NUMBER, spec=signature, \
                 spec=exchange, scope=user, scope=machine",
                part.escape_debug()
            ),
            Self::Duplicate(name) => write!(f, "`{name}=` is there twice"),
            Self::Nothing => f.write_str("names neither `provider=` nor `container=`"),
            Self::SpecWithoutType => f.write_str("has `spec=` without the `type=` of a provider"),
            Self::TypeWithoutProvider => f.write_str("has `type=` without a `provider=`"),
        }
    }
}

impl core::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads an address. Any character but `;` and `%` may stand as itself.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_ADDRESS_LEN {
            return Err(AddressError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(AddressError::Scheme)?;
        let (mut provider, mut container) = (None, None);
        let (mut kind, mut spec, mut machine) = (None, None, None);
        for part in rest.split(';').filter(|part| !part.is_empty()) {
            let bad = || AddressError::Part(part.into());
            let (name, value) = part.split_once('=').ok_or_else(bad)?;
            let value = decode(value).filter(|value| is_name(value)).ok_or_else(bad)?;
            match name {
                "provider" => set(&mut provider, "provider", value)?,
                "container" => set(&mut container, "container", value)?,
                "type" => {
                    let number: u32 = value.parse().map_err(|_| bad())?;
                    set(&mut kind, "type", number)?;
                }
                "spec" => {
                    let named = KeySpec::ALL.into_iter().find(|spec| spec.name() == value);
                    set(&mut spec, "spec", named.ok_or_else(bad)?)?;
                }
                "scope" => {
                    let is_machine = match value.as_str() {
                        "machine" => true,
                        "user" => false,
                        _ => return Err(bad()),
                    };
                    set(&mut machine, "scope", is_machine)?;
                }
                _ => return Err(bad()),
            }
        }
        if provider.is_none() && container.is_none() {
            return Err(AddressError::Nothing);
        }
        // Type 0 is how certificates tell that the provider is one of key storage.
        let service = match (kind, spec) {
            (None | Some(0), Some(_)) => return Err(AddressError::SpecWithoutType),
            (None | Some(0), None) => Service::KeyStorage,
            (Some(kind), spec) => Service::Csp { kind, spec: spec.unwrap_or(KeySpec::Signature) },
        };
        let provider = match (provider, service) {
            (Some(provider), _) => provider,
            (None, Service::KeyStorage) => SOFTWARE_PROVIDER.into(),
            (None, Service::Csp { .. }) => return Err(AddressError::TypeWithoutProvider),
        };
        Ok(Self { provider, container, service, machine: machine.unwrap_or(false) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}provider={}", Encoded(&self.provider))?;
        if let Some(container) = &self.container {
            write!(f, ";container={}", Encoded(container))?;
        }
        if let Service::Csp { kind, spec } = self.service {
            write!(f, ";type={kind};spec={}", spec.name())?;
        }
        if self.machine { f.write_str(";scope=machine") } else { Ok(()) }
    }
}

fn set<T>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), AddressError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(AddressError::Duplicate(name)),
    }
}

/// Names go to C as strings that end with NUL.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// Replaces `%XX` (RFC 3986 section 2.1); `None` for a `%` without two digits, or for what is no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            u8::try_from((high << 4) | low).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

/// Writes all but the characters that stand for themselves in any part of a URI (RFC 3986 section 2.3).
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                write!(f, "{}", char::from(byte))
            }
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written() {
        for (text, written) in [
            (
                "cng:container=release",
                "cng:provider=Microsoft%20Software%20Key%20Storage%20Provider;container=release",
            ),
            (
                "cng:provider=A B;container=r;type=24",
                "cng:provider=A%20B;container=r;type=24;spec=signature",
            ),
            (
                "cng:type=1;spec=exchange;provider=P;container=a%3Bb;scope=machine",
                "cng:provider=P;container=a%3Bb;type=1;spec=exchange;scope=machine",
            ),
            (
                "cng:container=Schlüssel;provider=P;type=0",
                "cng:provider=P;container=Schl%C3%BCssel",
            ),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), written);
            assert_eq!(written.parse(), Ok(address), "{text}");
        }
    }

    #[test]
    fn what_is_bound_to_a_certificate_has_an_address() {
        let address = Address::from_provider_info("P", "r", 24, 0x20, 1);
        let text = "cng:provider=P;container=r;type=24;spec=exchange;scope=machine";
        assert_eq!(address.to_string(), text);
        let address = Address::from_provider_info("P", "r", 0, 0x40, 2);
        assert_eq!(address, Address::key_storage("P", "r"));
    }

    #[test]
    fn what_names_no_key_is_refused() {
        for (text, error) in [
            ("pkcs11:token=a", AddressError::Scheme),
            ("cng:", AddressError::Nothing),
            ("cng:;scope=user", AddressError::Nothing),
            ("cng:container=a;container=b", AddressError::Duplicate("container")),
            ("cng:container=a;spec=signature", AddressError::SpecWithoutType),
            ("cng:container=a;type=0;spec=exchange", AddressError::SpecWithoutType),
            ("cng:container=a;type=24", AddressError::TypeWithoutProvider),
            ("cng:container=", AddressError::Part("container=".into())),
            ("cng:container=a%", AddressError::Part("container=a%".into())),
            ("cng:container=a%4", AddressError::Part("container=a%4".into())),
            ("cng:container=a%00", AddressError::Part("container=a%00".into())),
            ("cng:container=a%ff", AddressError::Part("container=a%ff".into())),
            ("cng:container=a;type=-1", AddressError::Part("type=-1".into())),
            ("cng:container=a;scope=all", AddressError::Part("scope=all".into())),
            ("cng:container=a;pin=1", AddressError::Part("pin=1".into())),
            ("cng:release", AddressError::Part("release".into())),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
        let long = format!("cng:container={}", "a".repeat(MAX_ADDRESS_LEN));
        assert_eq!(long.parse::<Address>(), Err(AddressError::TooLong));
    }
}
