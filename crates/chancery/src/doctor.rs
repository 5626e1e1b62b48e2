//! What is wrong with a token, from the module to a signature by each key.
//!
//! The examination goes on as far as it can: one broken thing must not hide the next. It logs in at most once, and
//! never where that could lock the token or where it is not clear which token the PIN is for.

mod finding;
mod inventory;
mod pin;

use std::path::PathBuf;
use std::sync::Arc;

use chancery_key::{KeyErrorKind, KeyInfo, KeyQuery, KeyStore, Match, PinSource, PublicKey};
use chancery_pkcs11::{Module, Token, TokenInfo, TokenStore, Uri};
use chancery_x509::{Certificate, Time};

use crate::{Error, ErrorKind, KeyAddress, Keyring, proved};

use finding::Place;
pub use finding::{Finding, FindingName, Severity};

/// What is examined.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Examination {
    /// The module; without it, each in the usual places.
    pub module: Option<PathBuf>,
    /// The token, by label and serial number; without it, those of the keys, or all there are.
    pub token: Option<Uri>,
    /// Keys that are to sign, and whose signatures are to verify.
    pub keys: Vec<KeyAddress>,
}

/// Examines tokens and keys, and tells each finding as soon as there is one.
///
/// Nothing on the token is changed; each of the keys signs random bytes once.
pub fn examine(
    examination: &Examination,
    keyring: &Keyring,
    now: Time,
    tell: &mut dyn FnMut(&Finding),
) {
    let mut doctor = Doctor { examination, keyring, now, place: Place::default(), tell };
    let mut tokens = Vec::new();
    for module in doctor.modules() {
        tokens.extend(
            doctor.tokens_of(&module).into_iter().map(|token| (Arc::clone(&module), token)),
        );
    }
    if doctor.wants_tokens() {
        doctor.look_into(&tokens);
    }
    doctor.place = Place::default();
    for key in &examination.keys {
        doctor.try_key(keyring, key);
    }
}

struct Doctor<'a> {
    examination: &'a Examination,
    keyring: &'a Keyring,
    now: Time,
    place: Place,
    tell: &'a mut dyn FnMut(&Finding),
}

impl Doctor<'_> {
    fn find(&mut self, finding: Finding) {
        (self.tell)(&finding.in_place(&self.place));
    }

    /// Tells whether it is tokens that are examined, and not key files alone.
    fn wants_tokens(&self) -> bool {
        self.examination.token.is_some()
            || self.examination.keys.is_empty()
            || self.examination.keys.iter().any(|key| matches!(key, KeyAddress::Pkcs11(_)))
    }

    /// Loads the modules there are to load.
    fn modules(&mut self) -> Vec<Arc<Module>> {
        if !self.wants_tokens() {
            return Vec::new();
        }
        let places = match &self.examination.module {
            Some(path) => vec![path.clone()],
            None => Module::known_places(),
        };
        if places.is_empty() {
            let what = "no PKCS#11 module was given, and none is in the usual places";
            let finding = Finding::problem(FindingName::NoModule, "PKCS#11", what);
            self.find(finding.of_kind(ErrorKind::Key(KeyErrorKind::Unavailable)));
        }
        let mut loaded = Vec::new();
        for place in places {
            self.place.module = Some(place.clone());
            let subject = place.display().to_string();
            match Module::load(&place) {
                Ok(module) => {
                    let info = module.info();
                    let (major, minor) = info.version;
                    let what = format!(
                        "{} {}, version {major}.{minor}",
                        info.manufacturer, info.description
                    );
                    self.find(Finding::fine(FindingName::Module, subject, what));
                    loaded.push(module);
                }
                Err(error) => {
                    let error = Error::from(error);
                    self.find(Finding::of_error(FindingName::ModuleUnusable, subject, &error));
                }
            }
        }
        loaded
    }

    /// Lists the tokens of a module that are to be examined.
    fn tokens_of(&mut self, module: &Module) -> Vec<TokenInfo> {
        self.place.module = Some(module.path().to_owned());
        let subject = module.path().display().to_string();
        let tokens = match module.tokens() {
            Ok(tokens) => tokens,
            Err(error) => {
                let error = Error::from(error);
                self.find(Finding::of_error(FindingName::SlotsUnreadable, subject, &error));
                return Vec::new();
            }
        };
        let (ready, blank): (Vec<_>, Vec<_>) =
            tokens.into_iter().partition(|token| token.initialized);
        if !blank.is_empty() {
            let slots: Vec<_> = blank.iter().map(|token| token.slot_id.to_string()).collect();
            let what = format!("no token has been set up in slot {}", slots.join(", "));
            self.find(Finding::note(FindingName::BlankToken, subject, what));
        }
        ready.into_iter().filter(|token| self.is_meant(token)).collect()
    }

    fn is_meant(&self, token: &TokenInfo) -> bool {
        let fits = |uri: &Uri| {
            uri.token.as_ref().is_none_or(|label| *label == token.label)
                && uri.serial.as_ref().is_none_or(|serial| *serial == token.serial)
        };
        let mut of_keys = self.examination.keys.iter().filter_map(|key| match key {
            KeyAddress::Pkcs11(uri) => Some(uri),
            KeyAddress::File(_) | KeyAddress::Cng(_) => None,
        });
        match &self.examination.token {
            Some(uri) => fits(uri),
            None => self.examination.keys.is_empty() || of_keys.any(|uri| fits(uri)),
        }
    }

    /// Examines each token, and logs in where it is clear to which.
    fn look_into(&mut self, tokens: &[(Arc<Module>, TokenInfo)]) {
        let alone = tokens.len() == 1;
        if tokens.is_empty() {
            self.place = Place::default();
            let wanted = self.examination.token.as_ref();
            let what = wanted.map_or_else(
                || "no token that has been set up is there".to_owned(),
                |uri| format!("no token fits `{uri}`"),
            );
            let finding = Finding::problem(FindingName::NoToken, "PKCS#11", what);
            self.find(finding.of_kind(ErrorKind::Key(KeyErrorKind::NotFound)));
        }
        for (module, token) in tokens {
            self.place = Place { module: Some(module.path().to_owned()), token: Some(token.uri()) };
            let subject = token.uri().to_string();
            let what = format!(
                "slot {}, {} {}, serial {}",
                token.slot_id, token.manufacturer, token.model, token.serial
            );
            self.find(Finding::fine(FindingName::Token, subject.as_str(), what));
            self.look_at_mechanisms(module, token);
            let may_log_in = pin::findings(token).into_iter().fold(true, |may, finding| {
                let blocks = finding.severity() == Severity::Problem;
                self.find(finding);
                may && !blocks
            });
            let is_namesake = |(other, _): &&(Arc<Module>, TokenInfo)| Arc::ptr_eq(other, module);
            if self.examination.token.is_some() && tokens.iter().filter(is_namesake).count() > 1 {
                let what = "several tokens fit the address: no command can tell which is meant";
                let finding = Finding::problem(FindingName::SeveralTokens, subject, what);
                self.find(finding.of_kind(ErrorKind::Key(KeyErrorKind::Ambiguous)));
            } else if !alone {
                let what = "several tokens are there: no PIN is given to any before one is chosen";
                self.find(Finding::note(FindingName::SeveralTokens, subject, what));
            } else if may_log_in {
                self.look_inside(module, token);
            }
        }
    }

    fn look_at_mechanisms(&mut self, module: &Module, token: &TokenInfo) {
        let subject = token.uri().to_string();
        match module.mechanisms(token.slot_id) {
            Ok(all) => {
                let names: Vec<_> =
                    all.iter().filter(|one| one.signs).filter_map(|one| one.name).collect();
                let raw = ["CKM_RSA_PKCS", "CKM_ECDSA"];
                let finding = if names.iter().any(|name| raw.contains(name)) {
                    let what = format!("{} mechanisms, of which {} sign", all.len(), names.len());
                    Finding::fine(FindingName::Mechanisms, subject, what)
                } else {
                    let what = "it lists neither CKM_RSA_PKCS nor CKM_ECDSA for signing";
                    Finding::warning(FindingName::NoSigningMechanism, subject, what)
                };
                self.find(finding);
            }
            Err(error) => {
                let error = Error::from(error);
                self.find(Finding::of_error(FindingName::MechanismsUnreadable, subject, &error));
            }
        }
    }

    /// Returns where the PIN of a token is: as one of the addresses says that name the token, or as for any.
    fn pins_of(&self, module: &Module, token: &TokenInfo) -> Result<Arc<dyn PinSource>, Error> {
        let keys = self.examination.keys.iter().filter_map(|key| match key {
            KeyAddress::Pkcs11(uri) => Some(&**uri),
            _ => None,
        });
        let mut naming = self.examination.token.iter().chain(keys);
        let named = naming.find(|uri| uri.pin_source.is_some() && module.fits(token, uri));
        let own = named.map(|uri| self.keyring.pin_source_of(uri)).transpose()?.flatten();
        Ok(own.unwrap_or_else(|| Arc::clone(self.keyring.pins())))
    }

    /// Logs in, and examines keys and certificates.
    fn look_inside(&mut self, module: &Module, token: &TokenInfo) {
        let subject = token.uri().to_string();
        let opened = self.pins_of(module, token).and_then(|pins| {
            let token = Token::open(module, &token.uri())?;
            token.login(&*pins)?;
            Ok(TokenStore::new(token, pins))
        });
        let store = match opened {
            Ok(store) => store,
            Err(error) => {
                self.find(Finding::of_error(FindingName::LoginFailed, subject, &error));
                return;
            }
        };
        let what = if token.login_required { "the PIN is right" } else { "it wants no login" };
        self.find(Finding::fine(FindingName::Login, subject.as_str(), what));
        match contents(&store) {
            Ok((keys, certificates)) => {
                for finding in inventory::findings(&subject, &keys, &certificates, self.now) {
                    self.find(finding);
                }
            }
            Err(error) => {
                self.find(Finding::of_error(FindingName::ContentsUnreadable, subject, &error));
            }
        }
    }

    /// Has a key sign, and verifies what it made.
    fn try_key(&mut self, keyring: &Keyring, address: &KeyAddress) {
        let subject = address.to_string();
        let signed = keyring.open(address).and_then(|key| {
            let algorithm = key.public_key().algorithm();
            Ok((algorithm, proved(&*key, &subject)?))
        });
        let finding = match signed {
            Ok((algorithm, scheme)) => {
                let what = format!("{algorithm}, signs {scheme}, verified by its public key");
                Finding::fine(FindingName::KeySigns, subject, what)
            }
            Err(error) => Finding::of_error(FindingName::KeyUnusable, subject, &error),
        };
        self.find(finding);
    }
}

/// A certificate as a token keeps it.
struct Kept {
    address: String,
    id: Option<Vec<u8>>,
    /// `None` where it is none we can read.
    certificate: Option<Certificate>,
}

impl Kept {
    fn public_key(&self) -> Option<&PublicKey> {
        self.certificate.as_ref().map(Certificate::public_key)
    }
}

/// Reads what a token holds.
fn contents(store: &TokenStore) -> Result<(Vec<KeyInfo>, Vec<Kept>), Error> {
    let keys = match store.find(&KeyQuery::any())? {
        Match::None => Vec::new(),
        Match::One(key) => vec![key],
        Match::Many(keys) => keys,
    };
    let certificates = store.certificates(&Uri::new())?.into_iter().map(|kept| Kept {
        address: kept.address.to_string(),
        id: kept.id,
        certificate: Certificate::from_der(&kept.der).ok(),
    });
    Ok((keys, certificates.collect()))
}
