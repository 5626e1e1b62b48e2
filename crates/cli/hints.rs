//! What to type next, chosen from the kind of error.

mod finding;
mod token;

use std::error::Error as _;
use std::path::Path;

use chancery::authenticode::Error as AuthenticodeError;
use chancery::certstore::StoreErrorKind;
use chancery::key::KeyErrorKind;
use chancery::keymatch::ModulusError;
use chancery::{Error, ErrorKind, shell_word};

pub(crate) use finding::for_finding;

/// At most a handful of lines, each a command or an option.
pub(crate) fn for_error(error: &Error, file: Option<&Path>) -> Vec<String> {
    let is_program = file.is_some();
    let file =
        file.map_or_else(|| "FILE".to_owned(), |file| shell_word(&file.display().to_string()));
    let one = |text: String| vec![text];
    match error.kind() {
        ErrorKind::AlreadySigned => vec![
            "add --replace, --append or --skip-signed to say what to do with its signature".into(),
            format!("see it:  chancery verify {file}"),
        ],
        ErrorKind::SignerDoubtful => {
            let mut hints = Vec::new();
            if error.to_string().contains("not at hand") {
                hints.push("add the certificates above it:  --chain FILE".to_owned());
            }
            hints.push(
                "see all that is wrong with it:  chancery cert verify CERT --roots FILE".into(),
            );
            hints.push("sign in spite of it:  --force".into());
            hints
        }
        ErrorKind::SignerUnfit if error.to_string().contains("EdDSA") => vec![
            "make a key that Windows verifies:  chancery key generate --key KEY --rsa 3072".into(),
            format!("or sign it as any file:  chancery cms sign {file} --key KEY --cert CERT"),
        ],
        ErrorKind::SignerUnfit => {
            one("get another certificate:  chancery csr new --like CERT --key KEY".into())
        }
        ErrorKind::BrokenSignature => {
            let mut hints = vec![format!("see what is wrong with it:  chancery verify {file}")];
            let text = error.to_string();
            if text.contains("nothing is appended") {
                hints.push("put the new signature in its place:  --replace".into());
                hints.push("or append in spite of it:  --force".into());
            } else if text.contains("is not replaced") {
                hints.push("where the file is as it should be, replace it:  --force".into());
            }
            hints
        }
        ErrorKind::ForeignSignature => {
            one(format!("see what a signature of it would carry:  chancery digest {file}"))
        }
        ErrorKind::NoSuchSignature => one(format!("see what it has:  chancery inspect {file}")),
        ErrorKind::TrailingData => one("drop what follows its signatures:  --strip".into()),
        ErrorKind::Timestamp(_) => {
            vec!["name another server to fall back on:  --timestamp URL --timestamp URL".into()]
        }
        ErrorKind::Changed if error.to_string().contains("another machine") => one(
            "once no run is at work on it anywhere, sign it with --force, which takes that back first"
                .into(),
        ),
        // It says what to do.
        ErrorKind::Changed if error.to_string().contains("left alone") => Vec::new(),
        ErrorKind::Changed => one("try again once the other program is done with it".into()),
        ErrorKind::CertificateMismatch => one(
            "list the keys that fit the certificate:  chancery key find --cert CERT --key PLACE"
                .into(),
        ),
        ErrorKind::Unsupported => one(format!("see its layout:  chancery inspect {file}")),
        ErrorKind::Malformed if error.to_string().contains("is no signature yet") => one(
            "sign it first, and attach what comes of it:  chancery sign --digest-file FILE --key KEY"
                .into(),
        ),
        ErrorKind::Malformed if is_program && is_no_program(error) => {
            one("only PE executables (.exe, .dll, .sys, .efi) can be read so far".into())
        }
        ErrorKind::Malformed if error.source().is_some_and(|cause| cause.is::<ModulusError>()) => {
            one("write the modulus anew:  chancery cert modulus CERT > FILE".into())
        }
        ErrorKind::Malformed if error.to_string().contains("not written whole") => {
            one("see what holds and how to go on:  chancery audit verify LOG".into())
        }
        ErrorKind::Malformed if error.to_string().contains("is none of a journal") => {
            one("begin another journal, and leave alone what is signed:  --journal NEW --skip-signed".into())
        }
        ErrorKind::Malformed => Vec::new(),
        ErrorKind::SelfCheck => {
            one("this is a fault in chancery; the original file is as it was".into())
        }
        ErrorKind::Refused => for_refusal(&error.to_string()),
        ErrorKind::Io | ErrorKind::Usage => {
            if let Some(hint) = for_authority(&error.to_string()) {
                one(hint.into())
            } else if error.to_string().contains("for several files") {
                one("name a folder that is there: mkdir makes one".into())
            } else if error.to_string().contains("hard links") {
                vec![
                    "write to another file:  --out PATH".into(),
                    "or sign it under all its names:  chancery sign --append-in-place".into(),
                ]
            } else if error.to_string().contains("no certificate was given") {
                let mut hints = vec!["name the signer's certificate:  --cert FILE".to_owned()];
                if error.to_string().contains("pkcs11:") {
                    hints.push("or take the one beside the key on its token:  --cert token".into());
                }
                hints
            } else if is_about(error, "https:// is not built in") {
                one("name an http:// one, or build with the feature:  cargo install chancery-cli --features https".into())
            } else if is_program && error.to_string().ends_with("is a folder") {
                one("sign, verify, timestamp and remove take the programs in it:  --recursive".into())
            } else if error.to_string().contains("the signature is detached: name") {
                one("name it:  --content FILE".into())
            } else if error.to_string().ends_with("is there already") {
                one("nothing is overwritten: name another file, or take that one away".into())
            } else if error.to_string().contains("run with other options") {
                vec![
                    "go on with the options it was begun with".into(),
                    "or begin another journal for these:  --journal NEW".into(),
                ]
            } else if error.to_string().contains("lock the journal") {
                one("put it where there are locks, as on a local disk:  --journal FILE".into())
            } else if error.to_string().contains("no quickstart made") {
                one("use another folder:  --out FOLDER".into())
            } else {
                Vec::new()
            }
        }
        ErrorKind::Store(kind) => for_store_error(kind, error),
        ErrorKind::Key(kind) => for_key_error(kind, error),
        _ => Vec::new(),
    }
}

/// Tells whether an error or what caused it has a text in its message.
pub(crate) fn is_about(error: &Error, text: &str) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.to_string().contains(text) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Tells whether it is the program that cannot be read, and nothing that comes with it.
fn is_no_program(error: &Error) -> bool {
    let source = error.source().and_then(|cause| cause.downcast_ref::<AuthenticodeError>());
    matches!(source, Some(AuthenticodeError::Pe(_)))
}

/// What helps against the rules a certificate breaks, which the message names.
fn for_refusal(message: &str) -> Vec<String> {
    const HINTS: [(&[&str], &str); 4] = [
        (&["outside-issuer-validity", "validity-too-long"], "end it earlier:  --days N"),
        (
            &["no-crl-location", "no-ca-issuers", "no-policies", "no-forum-policy"],
            "say where things are:  --crl-url URL --aia URL --certificate-policy OID",
        ),
        (
            &["purpose-not-of-issuer"],
            "have an authority issue it that is not for one purpose, such as the root:  --ca DIR",
        ),
        (&["rsa-key-too-short"], "make a longer key:  chancery key generate --key URI --rsa 4096"),
    ];
    let helps = |names: &[&str]| names.iter().any(|name| message.contains(name));
    HINTS.iter().filter(|(names, _)| helps(names)).map(|(_, hint)| (*hint).to_owned()).collect()
}

/// What helps with the folder of an authority.
fn for_authority(message: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 6] = [
        (
            "there is no certificate authority in",
            "make one:  chancery ca init DIR --subject 'CN=Example Root' --key URI",
        ),
        ("a new authority needs its own folder", "name a folder that is not there yet"),
        (
            "the authority's own key",
            "make another key for it:  chancery key generate --key URI --ec p256",
        ),
        (
            "a root signs itself",
            "make one:  chancery ca init DIR --subject 'CN=Example Root' --key URI",
        ),
        ("no certificate of serial number", "see what it issued:  chancery ca list DIR"),
        ("was not issued by", "see what it issued:  chancery ca list DIR"),
    ];
    HINTS.iter().find(|(part, _)| message.contains(part)).map(|(_, hint)| *hint)
}

fn for_store_error(kind: StoreErrorKind, error: &Error) -> Vec<String> {
    let choose = |candidate: &String| format!("name one by its thumbprint:  {candidate}");
    match kind {
        StoreErrorKind::NotFound => vec!["see what is there:  chancery store list STORE".into()],
        StoreErrorKind::AlreadyExists => {
            vec!["say what to do with it:  --if-present keep, replace or inherit".into()]
        }
        StoreErrorKind::Ambiguous => error.candidates().iter().take(8).map(choose).collect(),
        StoreErrorKind::Locked => vec!["try again when the other one is done".into()],
        _ => Vec::new(),
    }
}

fn for_key_error(kind: KeyErrorKind, error: &Error) -> Vec<String> {
    let candidates = || {
        error
            .candidates()
            .iter()
            .take(8)
            .map(|candidate| format!("choose one:  --key '{candidate}'"))
    };
    if let Some(hints) = token::for_token(kind, &error.to_string()) {
        return hints;
    }
    match kind {
        KeyErrorKind::AuthRequired => {
            vec!["give it with --pin-file FILE, --pin-fd N or --pin-env NAME".into()]
        }
        KeyErrorKind::AuthRefused
            if is_about(error, "passphrase does not open")
                || is_about(error, "password does not open") =>
        {
            vec!["give the one this file was written with: a file does not lock, try again".into()]
        }
        KeyErrorKind::AuthRefused => vec![
            "it was tried once and will not be tried again by itself: tokens lock after a few"
                .into(),
        ],
        KeyErrorKind::AuthLocked if error.to_string().contains("one try left") => vec![
            "if you are sure of the PIN, spend the try:  --allow-final-try".into(),
            "otherwise have the token's security officer reset it".into(),
        ],
        KeyErrorKind::AuthLocked => vec!["see its state:  chancery token list".into()],
        KeyErrorKind::Ambiguous => candidates().collect(),
        KeyErrorKind::NotFound if error.to_string().contains("thumbprint") => {
            vec!["see those it has:  chancery token cert list --key 'pkcs11:token=TOKEN'".into()]
        }
        KeyErrorKind::NotFound if error.to_string().contains("token") => vec![
            "list the tokens there are:  chancery token list".into(),
            "list the keys of one:  chancery key list --key 'pkcs11:token=TOKEN'".into(),
        ],
        KeyErrorKind::NotFound => vec!["make one:  chancery key generate --help".into()],
        KeyErrorKind::Unavailable => {
            vec!["name the module of your token:  --module PATH, or PKCS11_MODULE in the environment".into()]
        }
        KeyErrorKind::AlreadyExists => vec!["use it, or choose another name".into()],
        _ => Vec::new(),
    }
}
