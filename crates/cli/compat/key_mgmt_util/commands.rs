//! What each command of `key_mgmt_util` does and prints.

use std::path::Path;
use std::sync::Arc;

use chancery::key::{EcCurve, KeyAlgorithm, KeyErrorKind, KeyQuery, KeyTemplate};
use chancery::{
    Error, ErrorKind, KeyHalf, Keyring, ProviderKey, ProviderKeys, read_modulus, write_new_file,
};

use super::attributes;
use crate::compat::console::{complain, explain, remark, say};
use crate::compat::credentials::{AskedPin, HeldPin, keyring, keyring_with};
use crate::compat::grammar::{Line, Misread};
use crate::settings::current;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was done.
    Done,
    /// It was not.
    Failed,
    /// The prompt ends.
    Exit,
}

/// What lasts from command to command.
#[derive(Debug, Default)]
pub(super) struct Session {
    keyring: Option<Keyring>,
}

/// What is wrong: the line, or what it asks for.
enum Trouble {
    Line(Misread),
    Error(Error),
}

impl From<Misread> for Trouble {
    fn from(misread: Misread) -> Self {
        Self::Line(misread)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

const SUCCESS: &str = "0x00 : HSM Return: SUCCESS";

impl Session {
    pub(super) fn execute(&mut self, line: &Line) -> Answer {
        if line.verb.name == "exit" {
            return Answer::Exit;
        }
        let function = function(line.verb.name);
        match self.perform(line, function) {
            Ok(()) => Answer::Done,
            Err(Trouble::Line(Misread(message))) => {
                complain(&format!("Error: {message}"));
                Answer::Failed
            }
            Err(Trouble::Error(error)) => {
                say(&format!("\t{function} returned: {}", returned(error.kind())));
                explain(&error);
                Answer::Failed
            }
        }
    }

    fn perform(&mut self, line: &Line, function: &str) -> Result<(), Trouble> {
        if !line.operands.is_empty() {
            // Not what they are: one may be a password.
            let (count, verb) = (line.operands.len(), line.verb.name);
            let words = if count == 1 { "word is" } else { "words are" };
            return Err(Misread(format!("{count} {words} no option of {verb}")).into());
        }
        match line.verb.name {
            "loginHSM" => self.log_in(line, function),
            "logoutHSM" => {
                self.keyring = None;
                say(&format!("\t{function} returned: {SUCCESS}"));
                Ok(self.say_nodes()?)
            }
            "findKey" => self.find(line, function),
            "getAttribute" => self.attribute(line, function),
            "listAttributes" => {
                attributes::list();
                Ok(())
            }
            "getKeyInfo" => self.info(line, function),
            _ => self.generate(line, function),
        }
    }

    fn provider(&mut self) -> Result<ProviderKeys, Error> {
        ProviderKeys::only(current(), self.keyring.get_or_insert_with(|| keyring(None)))
    }

    fn log_in(&mut self, line: &Line, function: &str) -> Result<(), Trouble> {
        match line.value("u") {
            Some(kind) if kind.eq_ignore_ascii_case("CU") => {}
            Some(kind) => {
                return Err(Misread(format!("-u {kind} is not done here; keys are a CU's")).into());
            }
            None => return Err(Misread("say who logs in: -u CU".to_owned()).into()),
        }
        line.not_both("p", "hpswd")?;
        let user = line.value("s");
        self.keyring = Some(if line.has("hpswd") {
            keyring_with(Arc::new(AskedPin::new(user)))
        } else {
            keyring(line.value("p").map(|password| {
                remark("others can read the arguments of a process; better set n3fips_password");
                HeldPin::new(&match user {
                    Some(user) => format!("{user}:{password}"),
                    None => password.to_owned(),
                })
            }))
        });
        if let Err(error) = self.provider().and_then(|provider| provider.login()) {
            self.keyring = None;
            return Err(error.into());
        }
        say(&format!("\t{function} returned: {SUCCESS}\n"));
        Ok(self.say_nodes()?)
    }

    /// Says how the token does, where a cluster would say it of each node.
    fn say_nodes(&mut self) -> Result<(), Error> {
        let slot = self.provider()?.token()?.slot_id;
        say("\tCluster Error Status");
        say(&format!("\tNode id {slot} and err state 0x00000000 : HSM Return: SUCCESS"));
        Ok(())
    }

    fn find(&mut self, line: &Line, function: &str) -> Result<(), Trouble> {
        let halves: &[KeyHalf] = match line.value("c") {
            None => &[KeyHalf::Public, KeyHalf::Private],
            Some("2") => &[KeyHalf::Public],
            Some("3") => &[KeyHalf::Private],
            Some(other) => {
                return Err(Misread(format!("-c {other}: 2 is public keys, 3 private ones")).into());
            }
        };
        let of_type: fn(&KeyAlgorithm) -> bool = match line.value("t") {
            None => |_| true,
            Some("0") => |algorithm| matches!(algorithm, KeyAlgorithm::Rsa { .. }),
            Some("3") => |algorithm| matches!(algorithm, KeyAlgorithm::Ec(_)),
            Some(other) => return Err(Misread(format!("-t {other}: 0 is RSA, 3 EC")).into()),
        };
        let lasting = match line.value("sess") {
            None | Some("0") => true,
            // Keys of sessions go with their sessions; another process has none.
            Some("1") => false,
            Some(other) => {
                return Err(Misread(format!("-sess {other}: 0 is keys that last, 1 others")).into());
            }
        };
        let mut query = KeyQuery::any();
        query.label = line.value("l").map(str::to_owned);
        query.id = line.value("id").map(identifier).transpose()?;
        if let Some(file) = line.value("m") {
            query = query.with_modulus(read_modulus(Path::new(file))?.as_bytes());
        }
        let found = self.provider()?.find(&query)?;
        let algorithm = |key: &ProviderKey| {
            key.info.public_key.as_ref().is_none_or(|public| of_type(&public.algorithm()))
        };
        let handle = |key: &ProviderKey, half: &KeyHalf| match half {
            KeyHalf::Public => key.public_handle,
            KeyHalf::Private => key.private_handle,
        };
        let handles: Vec<String> = found
            .iter()
            .filter(|key| lasting && algorithm(key))
            .flat_map(|key| halves.iter().map(move |half| handle(key, half).to_string()))
            .collect();
        say(&format!("Total number of keys present: {}\n", handles.len()));
        if let Some(last) = handles.len().checked_sub(1) {
            say(&format!("Number of matching keys from start index 0::{last}\n"));
            say(&format!("Handles of matching keys:\n{}\n", handles.join(", ")));
        }
        self.say_nodes()?;
        say(&format!("\n\t{function} returned: {SUCCESS}"));
        Ok(())
    }

    fn attribute(&mut self, line: &Line, function: &str) -> Result<(), Trouble> {
        let (key, half) = self.by_handle(line, "o")?;
        let wanted =
            |name: &str| line.value(name).ok_or_else(|| Misread(format!("-{name} is missing")));
        let (attribute, out) = (wanted("a")?, wanted("out")?);
        let values = attributes::of(&key, half, attribute)?;
        let text = values.concat();
        write_new_file(Path::new(out), text.as_bytes(), false)?;
        if attribute == attributes::ALL {
            say(&format!("Attribute size: {}, count: {}", text.len(), values.len()));
            say(&format!("Written to: {out} file"));
        } else {
            say(&format!("Attributes dumped into {out} file"));
        }
        say(&format!("\t{function} returned: {SUCCESS}"));
        Ok(())
    }

    fn info(&mut self, line: &Line, function: &str) -> Result<(), Trouble> {
        let (key, half) = self.by_handle(line, "k")?;
        say(&format!("\t{function} returned: {SUCCESS}"));
        let half = if half == KeyHalf::Private { "private" } else { "public" };
        let kind = key.info.public_key.as_ref().map(|key| key.algorithm().to_string());
        say(&format!("\t{half} key, {}", kind.as_deref().unwrap_or("of unknown type")));
        say(&format!("\tContainer: {}", key.container));
        say(&format!("\tAddress: {}", key.info.address));
        say(&format!("\tHandles: {} public, {} private", key.public_handle, key.private_handle));
        Ok(())
    }

    fn by_handle(&mut self, line: &Line, option: &str) -> Result<(ProviderKey, KeyHalf), Trouble> {
        let text = line.value(option).ok_or_else(|| {
            Misread(format!("-{option} HANDLE is missing; findKey prints the handles"))
        })?;
        let handle = text.parse().map_err(|_| Misread(format!("`{text}` is no handle")))?;
        Ok(self.provider()?.by_handle(handle)?)
    }

    fn generate(&mut self, line: &Line, function: &str) -> Result<(), Trouble> {
        let algorithm = algorithm(line)?;
        let label = line.value("l").ok_or_else(|| Misread("-l LABEL is missing".to_owned()))?;
        let mut template = KeyTemplate::new(algorithm);
        if let Some(id) = line.value("id") {
            template = template.with_id(identifier(id)?);
        }
        let (key, _) = self.provider()?.generate(label, template)?;
        say(&format!("\t{function} returned: {SUCCESS}\n"));
        say(&format!(
            "\t{function}:    public key handle: {}    private key handle: {}\n",
            key.public_handle, key.private_handle
        ));
        Ok(self.say_nodes()?)
    }
}

fn function(verb: &str) -> &'static str {
    match verb {
        "loginHSM" => "Cfm3LoginHSM",
        "logoutHSM" => "Cfm3LogoutHSM",
        "findKey" => "Cfm3FindKey",
        "getAttribute" => "Cfm3GetAttribute",
        "getKeyInfo" => "Cfm3GetKeyInfo",
        "genRSAKeyPair" | "genECCKeyPair" => "Cfm3GenerateKeyPair",
        _ => "Cfm3",
    }
}

/// The client's numbers for what went wrong, as far as they are in its documentation; 0x01 for the rest.
const fn returned(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Key(KeyErrorKind::AuthRefused) => "0xa0 : HSM Return: CKR_PIN_INCORRECT",
        ErrorKind::Key(KeyErrorKind::AuthLocked) => "0xa4 : HSM Return: CKR_PIN_LOCKED",
        ErrorKind::Key(KeyErrorKind::AuthRequired) => "0x101 : HSM Return: CKR_USER_NOT_LOGGED_IN",
        ErrorKind::Key(KeyErrorKind::NotFound) => "0x60 : HSM Return: CKR_KEY_HANDLE_INVALID",
        _ => "0x05 : HSM Return: CKR_GENERAL_ERROR",
    }
}

fn algorithm(line: &Line) -> Result<KeyAlgorithm, Misread> {
    if line.verb.name == "genECCKeyPair" {
        let curve = match line.value("i") {
            Some("2") => EcCurve::P256,
            Some("14") => EcCurve::P384,
            Some("15") => EcCurve::P521,
            Some(other) => {
                return Err(Misread(format!("-i {other}: 2 is P-256, 14 P-384, 15 P-521")));
            }
            None => return Err(Misread("-i CURVE is missing".to_owned())),
        };
        return Ok(KeyAlgorithm::Ec(curve));
    }
    if let Some(exponent) = line.value("e").filter(|exponent| *exponent != "65537") {
        return Err(Misread(format!("-e {exponent} is not done here; 65537 is")));
    }
    let bits = line.value("m").ok_or_else(|| Misread("-m BITS is missing".to_owned()))?;
    let bits = bits.parse().map_err(|_| Misread(format!("-m: `{bits}` is no number of bits")))?;
    Ok(KeyAlgorithm::Rsa { bits })
}

/// Reads an identifier: text, or hex after `0x`.
fn identifier(text: &str) -> Result<Vec<u8>, Misread> {
    let Some(digits) = text.strip_prefix("0x") else { return Ok(text.as_bytes().to_vec()) };
    let byte = |pair: &[u8]| {
        let pair = core::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    bytes.ok_or_else(|| Misread(format!("`{text}` is not whole bytes in hex")))
}
