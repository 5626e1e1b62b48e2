//! What mends a finding of `token doctor`.

use chancery::ErrorKind;
use chancery::doctor::{Finding, FindingName};
use chancery::key::KeyErrorKind;

/// Lists the commands, most likely first; none where there is nothing to mend.
pub(crate) fn for_finding(finding: &Finding) -> Vec<String> {
    use FindingName as Name;
    let module = finding.module().map_or("MODULE".to_owned(), |path| path.display().to_string());
    let label = finding.token().and_then(|token| token.token.clone());
    let label = label.unwrap_or_else(|| "LABEL".to_owned());
    let token = finding.token().map_or("pkcs11:token=LABEL".to_owned(), ToString::to_string);
    let subject = finding.subject();
    let officer = |what: &str| {
        format!(
            "{what}:  pkcs11-tool --module {module} --token-label '{label}' --login --login-type so --init-pin"
        )
    };
    match finding.name() {
        Name::NoModule => vec!["name your token's module:  --module PATH, or PKCS11_MODULE in the environment".into()],
        Name::ModuleUnusable if finding.message().contains("C_Initialize") => vec![
            "its libraries are found: see that its device or daemon is there, and its settings are in order".into(),
            format!("see what another client is told:  pkcs11-tool --module {module} --show-info"),
        ],
        Name::ModuleUnusable => vec![format!("see whether it is there and finds its libraries:  ldd {module}")],
        Name::SlotsUnreadable | Name::MechanismsUnreadable => {
            vec![format!("see what another client is told:  pkcs11-tool --module {module} --list-slots")]
        }
        Name::NoToken => vec![
            "list the tokens there are:  chancery token list".into(),
            "set one up:  pkcs11-tool --module MODULE --slot N --init-token --label LABEL".into(),
        ],
        Name::SeveralTokens => vec![format!("choose this one:  chancery token doctor --token '{token}'")],
        Name::NoSigningMechanism => vec![format!(
            "see whether it signs at all:  pkcs11-tool --module {module} --token-label '{label}' --list-mechanisms"
        )],
        Name::PinNotSet => vec![officer("have the security officer set it")],
        Name::PinLocked => vec![officer("have the security officer set a new one")],
        Name::PinFinalTry => vec![
            format!("if you are sure of the PIN, give it once:  chancery key list --key '{token}' --allow-final-try"),
            officer("otherwise have the security officer set a new one"),
        ],
        Name::PinTriesSpent => vec![format!("see that yours is right, which takes it back:  chancery key list --key '{token}'")],
        Name::LoginFailed => for_login(finding.error_kind(), &token),
        Name::ContentsUnreadable => vec!["run this again: it may pass".into()],
        Name::NoKeys => vec![format!("make one:  chancery key generate --key '{token};object=NAME' --rsa 3072")],
        Name::KeyWithoutPublicHalf => vec![format!(
            "put its certificate beside it, which tells it:  chancery token cert import CERT --key '{token}'"
        )],
        Name::KeyExtractable => vec![format!("make one that never leaves:  chancery key generate --key '{token};object=NAME' --rsa 3072")],
        Name::KeysShareId => vec![format!("give one another identifier:  chancery key rename --key '{subject}' --id HEX")],
        Name::KeysShareLabel => vec![format!("give one another label:  chancery key rename --key '{subject}' --label NAME")],
        Name::KeyTwice => vec![format!("see which is in use, and delete the other:  chancery key delete --key '{subject}' --yes")],
        Name::CertificateUnreadable => vec![format!("delete it:  chancery token cert delete --key '{subject}' --yes")],
        Name::CertificateWithoutKey => vec![
            format!("take it out to look for its key:  chancery token cert export --key '{subject}' --out cert.pem"),
            "look for the key elsewhere:  chancery key find --cert cert.pem --key 'pkcs11:token=OTHER'".into(),
        ],
        Name::CertificateIdDiffers => vec![
            format!("take it out:  chancery token cert export --key '{subject}' --out cert.pem"),
            format!("delete it:  chancery token cert delete --key '{subject}' --yes"),
            format!("and put it back, to its key:  chancery token cert import cert.pem --key '{token}'"),
        ],
        Name::CertificateNotValidNow => vec!["see the clock of this machine, and ask for a new one:  chancery csr new --like cert.pem --key URI".into()],
        Name::KeyUnusable => for_key(finding.error_kind(), subject),
        _ => Vec::new(),
    }
}

fn for_login(kind: Option<ErrorKind>, token: &str) -> Vec<String> {
    match kind {
        Some(ErrorKind::Key(KeyErrorKind::AuthRequired)) => {
            vec!["give the PIN:  --pin-file FILE, --pin-fd N or --pin-env NAME".into()]
        }
        Some(ErrorKind::Key(KeyErrorKind::AuthRefused)) => vec![
            "it was tried once and is not tried again; see what is left:  chancery token list"
                .into(),
            format!("with the right one:  chancery token doctor --token '{token}' --pin-file FILE"),
        ],
        _ => vec!["see the token's state:  chancery token list".into()],
    }
}

fn for_key(kind: Option<ErrorKind>, key: &str) -> Vec<String> {
    let place = key.split(';').next().unwrap_or(key);
    match kind {
        Some(ErrorKind::Key(KeyErrorKind::NotFound | KeyErrorKind::Ambiguous)) => {
            vec![format!("list the keys there are:  chancery key list --key '{place}'")]
        }
        Some(ErrorKind::Key(KeyErrorKind::AuthRequired)) => {
            vec!["give the PIN:  --pin-file FILE, --pin-fd N or --pin-env NAME".into()]
        }
        _ => Vec::new(),
    }
}
