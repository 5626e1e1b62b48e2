//! `import_key` of AWS CloudHSM's client for Windows: a key pair of the HSM becomes a key container.

use chancery::key::KeyErrorKind;
use chancery::{Error, ErrorKind, KeyHalf, ProviderKeys, proved};

use super::console::{complain, explain, remark, say};
use super::credentials::keyring;
use super::grammar::{Line, Misread, Status, Tool, Verb, refused, valued};
use crate::settings::current;

pub(super) const TOOL: Tool = Tool {
    name: "import_key",
    purpose: "has a key pair of the token stand for a key container.",
    mark: '-',
    slash: false,
    verb_mark: "",
    verbs: &[Verb {
        name: "",
        operands: "-from HSM -privateKeyHandle N -publicKeyHandle N",
        meaning: "Checks that the two handles are halves of one pair and that it signs.",
        status: Status::Done,
        options: &[
            valued(
                "from",
                "HSM",
                "Where the pair is; RSA, to read a key from a file, is not done.",
            ),
            valued("privateKeyHandle", "N", "The number of the private half, from findKey -c 3."),
            valued("publicKeyHandle", "N", "The number of the public half, from findKey -c 2."),
            refused(
                "RSA",
                "Imports a key from a file.",
                "a key that was in a file is no key of an HSM: chancery key generate",
            ),
        ],
    }],
    notes: &[
        "The provider is the one that chancery.toml names; a key pair's container is its label, or its PKCS#11 URI \
         where another key has the label.",
        "A container needs nothing on this machine: every key pair of the token is one. What this adds is the check.",
    ],
};

/// The number that the tool ends with when it fails.
const FAILED: u32 = 1;

pub(super) fn run(args: &[String]) -> u32 {
    let [verb] = TOOL.verbs else { return FAILED };
    match TOOL.read_rest(verb, args).and_then(|line| Ok((handles(&line)?, line))) {
        Err(Misread(message)) => {
            complain(&format!("import_key: {message}"));
            FAILED
        }
        Ok(((private, public), _)) => match import(private, public) {
            Ok(provider) => {
                say(&format!("Represented 1 keypairs in {provider}."));
                0
            }
            Err(error) => {
                if error.kind() == ErrorKind::Key(KeyErrorKind::AuthRequired) {
                    complain("n3fips_password is not set");
                }
                explain(&error);
                FAILED
            }
        },
    }
}

fn handles(line: &Line) -> Result<(u32, u32), Misread> {
    match line.value("from") {
        Some(place) if place.eq_ignore_ascii_case("HSM") => {}
        Some(place) => {
            return Err(Misread(format!("-from {place} is not done here; -from HSM is")));
        }
        None => return Err(Misread("say where the key is: -from HSM".to_owned())),
    }
    if !line.operands.is_empty() {
        return Err(Misread(format!("`{}` is no option", line.operands.join(" "))));
    }
    let number = |name: &str| {
        let text = line.value(name).ok_or_else(|| {
            Misread(format!("-{name} N is missing; key_mgmt_util findKey prints the number"))
        })?;
        text.parse().map_err(|_| Misread(format!("-{name}: `{text}` is no number of a key")))
    };
    Ok((number("privateKeyHandle")?, number("publicKeyHandle")?))
}

fn import(private: u32, public: u32) -> Result<String, Error> {
    let keyring = keyring(None);
    let provider = ProviderKeys::only(current(), &keyring)?;
    let (key, half) = provider.by_handle(private)?;
    let usage = |message: String| Err(Error::new(ErrorKind::Usage, message));
    if half != KeyHalf::Private {
        return usage(format!("handle {private} is that of a public key"));
    }
    if public != key.public_handle {
        let (other, half) = provider.by_handle(public)?;
        return match half {
            KeyHalf::Private => usage(format!("handle {public} is that of a private key")),
            KeyHalf::Public => usage(format!(
                "the handles are of two pairs: {private} of {}, {public} of {}",
                key.container, other.container
            )),
        };
    }
    proved(&*provider.open(&key)?, &key.container)?;
    remark(&format!("the container is {}", key.container));
    Ok(provider.name().to_owned())
}
