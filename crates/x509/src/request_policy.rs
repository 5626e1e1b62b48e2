//! Requests as an INF for certreq asks for them.

use std::collections::HashSet;

use chancery_inf::{Document, Section};
use chancery_key::{
    DigestAlgorithm, KeyAlgorithm, KeyTemplate, SchemeFamily, SignatureScheme, SigningKey,
};

use crate::{
    Certificate, CertificateBuilder, CertificationRequest, Error, Name, RequestBuilder,
    SerialNumber, Time,
};

mod alternative_name;
mod attribute;
mod date;
mod draft;
mod error;
mod extension;
mod key_usage;
mod keys;
mod new_request;
mod notice;
mod subject;
mod suggestion;
mod validity;
mod value;
mod version;

pub(crate) use alternative_name::general_name;
use draft::Draft;
pub use error::{Place, PolicyError, PolicyErrorKind};
pub use keys::{InfKey, Treatment};
pub use notice::{Notice, NoticeKind};
pub use validity::{ValidityUnit, ValidityWish};

const NEW_REQUEST: &str = "NewRequest";

/// What an INF for `certreq -new` asks for: whom the certificate is about, which key it is for, and everything
/// that is to be in the request.
///
/// [`keys`](Self::keys) lists what can be in such a file and what becomes of it.
///
/// ```
/// use chancery_key::{EcCurve, KeyAlgorithm};
/// use chancery_softkey::SoftKey;
/// use chancery_x509::RequestPolicy;
///
/// let inf = "[NewRequest]\nSubject = \"CN=Example\"\nKeyAlgorithm = ECDSA_P256\nKeyUsage = 0x80\n".parse()?;
/// let (policy, notices) = RequestPolicy::from_inf(&inf)?;
/// assert_eq!(notices[0].kind.name(), "no-version");
///
/// let key = SoftKey::generate(policy.key().algorithm)?;
/// let request = policy.sign(&key)?;
/// assert_eq!(request.subject().to_string(), "CN=Example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestPolicy {
    subject: Name,
    key: KeyWish,
    digest: DigestAlgorithm,
    pss: bool,
    scheme: SignatureScheme,
    kind: RequestKind,
    friendly_name: Option<String>,
    request: RequestBuilder,
}

/// What to make in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestKind {
    /// A certification request (`RequestType = PKCS10`, the default).
    Pkcs10,
    /// A certificate signed with its own key (`RequestType = Cert`).
    SelfSigned(ValidityWish),
}

/// The key an INF asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyWish {
    /// Its kind and length.
    pub algorithm: KeyAlgorithm,
    /// KeyContainer: its label.
    pub container: Option<String>,
    /// ProviderName: the provider it would have on Windows.
    pub provider: Option<String>,
    /// UseExistingKeySet: it is there already, under the label.
    pub existing: bool,
    /// MachineKeySet: it belongs to the machine, not to the user.
    pub machine: bool,
    /// Exportable: it may leave its store.
    pub exportable: bool,
}

impl KeyWish {
    /// Returns what to make; `None` where the key is there already.
    #[must_use]
    pub fn template(&self) -> Option<KeyTemplate> {
        let template = KeyTemplate::new(self.algorithm);
        (!self.existing).then(|| match &self.container {
            Some(label) => template.with_label(label.as_str()),
            None => template,
        })
    }
}

impl RequestPolicy {
    /// Reads an INF, and what a caller should know about it.
    ///
    /// # Errors
    /// [`PolicyError`] with the place, for everything that is not as the documentation of certreq has it, for an
    /// unknown section or key, and for what would make another request if it were left out.
    pub fn from_inf(inf: &Document) -> Result<(Self, Vec<Notice>), PolicyError> {
        let Some(new_request) = inf.section(NEW_REQUEST) else {
            return Err(PolicyError::new(
                Place::new(NEW_REQUEST, "", None),
                PolicyErrorKind::Missing,
            ));
        };
        let mut draft = Draft::default();
        for section in inf.sections() {
            read_section(&mut draft, section)?;
        }
        if !draft.has_version {
            let place = Place::new(keys::VERSION, "Signature", None);
            let why = "certreq wants `Signature = \"$Windows NT$\"`";
            draft.notice(&place, NoticeKind::NoVersion, why);
        }
        draft.finish(new_request.position())
    }

    /// Returns every key an INF can have, and what becomes of it: what `docs/inf-keys.md` shows.
    #[must_use]
    pub fn keys() -> &'static [InfKey] {
        &keys::KEYS
    }

    /// Returns whom the certificate should be about. Empty only beside alternative names.
    #[must_use]
    pub const fn subject(&self) -> &Name {
        &self.subject
    }

    /// Returns the key to make or to find.
    #[must_use]
    pub const fn key(&self) -> &KeyWish {
        &self.key
    }

    /// Returns the hash to sign with.
    #[must_use]
    pub const fn digest(&self) -> DigestAlgorithm {
        self.digest
    }

    /// Returns the scheme to sign with, with a key of the algorithm asked for.
    #[must_use]
    pub const fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// Returns the scheme to sign with, with a key that is of another algorithm, as one that was there already may
    /// be: the same hash, and PSS if it is asked for. `None` where the key cannot do that.
    #[must_use]
    pub fn scheme_for(&self, key: KeyAlgorithm) -> Option<SignatureScheme> {
        let scheme = if self.pss {
            SignatureScheme::new(SchemeFamily::RsaPss, self.digest)
        } else {
            SignatureScheme::conventional(key, self.digest)
        };
        scheme.filter(|scheme| scheme.fits(key))
    }

    /// Returns what to make.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        self.kind
    }

    /// Returns the name the certificate should have in a store.
    #[must_use]
    pub fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// Returns the request, ready to sign.
    #[must_use]
    pub const fn request(&self) -> &RequestBuilder {
        &self.request
    }

    /// Signs the request, of whichever kind it should be.
    ///
    /// # Errors
    /// [`Error::Scheme`] where the key cannot sign as it should; those of [`RequestBuilder::sign`].
    pub fn sign(&self, key: &dyn SigningKey) -> Result<CertificationRequest, Error> {
        self.request.sign(key, self.scheme_with(key)?)
    }

    /// Signs a certificate with its own key, valid as the INF says, or a year from `now`.
    ///
    /// # Errors
    /// [`Error::Scheme`] where the key cannot sign as it should, [`Error::Validity`] where the certificate would
    /// end before it begins; those of [`CertificateBuilder::self_signed`].
    pub fn self_sign(
        &self,
        key: &dyn SigningKey,
        now: Time,
        serial: SerialNumber,
    ) -> Result<Certificate, Error> {
        let wish = match self.kind {
            RequestKind::SelfSigned(wish) => wish,
            RequestKind::Pkcs10 => ValidityWish::YEAR,
        };
        CertificateBuilder::with_extensions(
            self.request.extensions().clone(),
            self.subject.clone(),
            key.public_key().clone(),
            wish.starting(now)?,
            serial,
        )
        .self_signed(key, self.scheme_with(key)?)
    }

    fn scheme_with(&self, key: &dyn SigningKey) -> Result<SignatureScheme, Error> {
        let scheme = self.scheme_for(key.public_key().algorithm());
        scheme.ok_or(Error::Scheme { scheme: self.scheme })
    }
}

fn read_section(draft: &mut Draft, section: &Section) -> Result<(), PolicyError> {
    let name = section.name();
    // Where localised strings are, and the strings themselves, which have done their work.
    let plain = name.to_ascii_lowercase();
    if plain == "strings" || plain.starts_with("strings.") {
        return Ok(());
    }
    let of_section = |key: &&InfKey| key.section().eq_ignore_ascii_case(name);
    let at = |key: &str, position, kind| PolicyError::new(Place::new(name, key, position), kind);
    let Some(any) = RequestPolicy::keys().iter().find(of_section) else {
        let known = RequestPolicy::keys().iter().map(InfKey::section);
        let suggestion = suggestion::nearest(name, known);
        return Err(at("", section.position(), PolicyErrorKind::Unknown { suggestion }));
    };
    if any.treatment() == Treatment::Refused {
        let kind = PolicyErrorKind::Unsupported { why: any.meaning() };
        return Err(at("", section.position(), kind));
    }
    if any.section() == keys::CONSTRAINTS {
        draft.constraints = Some(Place::new(name, "", section.position()));
    }

    let mut seen = HashSet::new();
    for entry in section.entries() {
        let Some(key) = entry.key() else {
            return Err(at("", entry.position(), PolicyErrorKind::NoKey));
        };
        let Some((row, inf_key)) = keys::find(name, key) else {
            let known = RequestPolicy::keys().iter().filter(of_section).map(InfKey::name);
            let suggestion = suggestion::nearest(key, known);
            return Err(at(key, entry.position(), PolicyErrorKind::Unknown { suggestion }));
        };
        if !seen.insert(row) && !inf_key.repeats() {
            return Err(at(key, entry.position(), PolicyErrorKind::Duplicate));
        }
        let place = Place::new(name, key, entry.position());
        match inf_key.read {
            Some(read) => read(draft, entry, &place)
                .map_err(|failure| at(key, failure.position.or(entry.position()), failure.kind))?,
            None => draft.notice(&place, NoticeKind::NotApplicable, inf_key.meaning()),
        }
    }
    Ok(())
}
