//! What `getAttribute` knows of a key.

use chancery::key::{KeyAlgorithm, PublicKey, PublicKeyNumbers};
use chancery::{KeyHalf, ProviderKey};

use crate::compat::certificate_text::hex;
use crate::compat::console::say;
use crate::compat::grammar::Misread;

/// The number that stands for all of them.
pub(super) const ALL: &str = "512";

/// An attribute: its number, which is that of PKCS#11, its name, and its value where the token tells it and the half
/// of the key has one.
struct Attribute {
    number: u32,
    name: &'static str,
    value: fn(&ProviderKey, KeyHalf) -> Option<String>,
}

const ATTRIBUTES: [Attribute; 12] = [
    Attribute {
        number: 0,
        name: "OBJ_ATTR_CLASS",
        value: |_, half| Some(number(if half == KeyHalf::Public { 2 } else { 3 })),
    },
    // Keys that are found are kept: those of a session are seen by its process alone.
    Attribute { number: 1, name: "OBJ_ATTR_TOKEN", value: |_, _| Some(number(1)) },
    Attribute { number: 3, name: "OBJ_ATTR_LABEL", value: |key, _| key.info.label.clone() },
    Attribute {
        number: 256,
        name: "OBJ_ATTR_KEY_TYPE",
        value: |key, _| match public(key)?.algorithm() {
            KeyAlgorithm::Rsa { .. } => Some(number(0)),
            KeyAlgorithm::Ec(_) => Some(number(3)),
            _ => None,
        },
    },
    Attribute {
        number: 258,
        name: "OBJ_ATTR_ID",
        value: |key, _| key.info.id.as_deref().map(|id| format!("0x{}", hex(id))),
    },
    Attribute {
        number: 261,
        name: "OBJ_ATTR_DECRYPT",
        value: |key, half| of_private(half, key.info.can_decrypt),
    },
    Attribute {
        number: 264,
        name: "OBJ_ATTR_SIGN",
        value: |key, half| of_private(half, Some(key.info.can_sign)),
    },
    Attribute {
        number: 288,
        name: "OBJ_ATTR_MODULUS",
        value: |key, _| rsa(key).map(|(modulus, _)| hex(modulus)),
    },
    Attribute {
        number: 289,
        name: "OBJ_ATTR_MODULUS_BITS",
        value: |key, _| match public(key)?.algorithm() {
            KeyAlgorithm::Rsa { bits } => Some(format!("{bits:#x}")),
            _ => None,
        },
    },
    Attribute {
        number: 290,
        name: "OBJ_ATTR_PUBLIC_EXPONENT",
        value: |key, _| rsa(key).map(|(_, exponent)| format!("0x{}", hex(exponent))),
    },
    Attribute {
        number: 354,
        name: "OBJ_ATTR_EXTRACTABLE",
        value: |key, half| of_private(half, key.info.never_extractable.map(|never| !never)),
    },
    Attribute {
        number: 356,
        name: "OBJ_ATTR_NEVER_EXTRACTABLE",
        value: |key, half| of_private(half, key.info.never_extractable),
    },
];

fn number(value: u8) -> String {
    format!("{value:#04x}")
}

fn of_private(half: KeyHalf, value: Option<bool>) -> Option<String> {
    value.filter(|_| half == KeyHalf::Private).map(|value| number(u8::from(value)))
}

fn public(key: &ProviderKey) -> Option<&PublicKey> {
    key.info.public_key.as_ref()
}

fn rsa(key: &ProviderKey) -> Option<(&[u8], &[u8])> {
    match public(key)?.numbers() {
        PublicKeyNumbers::Rsa { modulus, exponent } => Some((modulus, exponent)),
        _ => None,
    }
}

/// Returns the lines for an attribute, or for all that the key has.
pub(super) fn of(key: &ProviderKey, half: KeyHalf, wanted: &str) -> Result<Vec<String>, Misread> {
    let line = |one: &Attribute| Some(format!("{}\n{}\n", one.name, (one.value)(key, half)?));
    if wanted == ALL {
        return Ok(ATTRIBUTES.iter().filter_map(line).collect());
    }
    let known = wanted.parse().ok();
    let known = ATTRIBUTES.iter().find(|one| Some(one.number) == known).ok_or_else(|| {
        Misread(format!("-a {wanted} is not told here; listAttributes prints what is"))
    })?;
    let none =
        || Misread(format!("{} has no {}, or its token does not say", key.container, known.name));
    Ok(vec![line(known).ok_or_else(none)?])
}

/// Prints the attributes and their numbers.
pub(super) fn list() {
    say("\nFollowing are the possible attribute values for getAttributes:\n");
    for attribute in &ATTRIBUTES {
        say(&format!("      {:<32}= {}", attribute.name, attribute.number));
    }
}
