//! Requests whose certificates are to come.

use std::path::{Path, PathBuf};

use chancery_certstore::{
    CertificateQuery, Entry, IfPresent, KeyBinding, Location, PropertyId, StoreErrorKind,
};
use chancery_key::{Match, SignatureScheme, SigningKey};
use chancery_x509::{
    CertificateBuilder, CertificationRequest, Profile, SerialNumber, Time, Validity,
};

use super::{Bound, KeyWanted, Stored, Stores, leaf_and_chain, named};
use crate::key_finder::binding_to;
use crate::{Error, ErrorKind, KeyAddress};

/// How long the placeholder of a pending request is valid, in days. Nobody looks at it.
const PENDING_DAYS: u32 = 365;

impl Stores {
    /// Remembers a request whose certificate is to come: a placeholder in the store REQUEST, signed with the key, and
    /// bound to it.
    ///
    /// # Errors
    /// [`ErrorKind::Key`], [`ErrorKind::Store`].
    pub fn remember_request(
        &self,
        location: Location,
        request: &CertificationRequest,
        address: &KeyAddress,
        key: &dyn SigningKey,
        now: Time,
    ) -> Result<Stored, Error> {
        let of_machine = location != Location::CurrentUser;
        let binding = binding_to(&address.to_string(), None, of_machine);
        self.remember_bound_request(location, request, &binding, None, key, now)
    }

    /// Remembers a request as [`remember_request`](Self::remember_request) does, bound to its key in the words given, and
    /// under a name for people.
    ///
    /// # Errors
    /// [`ErrorKind::Key`], [`ErrorKind::Store`].
    pub fn remember_bound_request(
        &self,
        location: Location,
        request: &CertificationRequest,
        binding: &KeyBinding,
        friendly_name: Option<&str>,
        key: &dyn SigningKey,
        now: Time,
    ) -> Result<Stored, Error> {
        let failed = |error| Error::of_certificate("remember the request", error);
        let public_key = request.public_key().clone();
        let algorithm = public_key.algorithm();
        let digest = SignatureScheme::conventional_digest(algorithm);
        let scheme = SignatureScheme::conventional(algorithm, digest).unwrap_or(request.scheme());
        let validity = Validity::from_now(now, PENDING_DAYS).map_err(failed)?;
        let serial = SerialNumber::random().map_err(failed)?;
        let subject = request.subject().clone();
        let placeholder =
            CertificateBuilder::new(Profile::CodeSigning, subject, public_key, validity, serial)
                .self_signed(key, scheme)
                .map_err(failed)?;
        let mut entry = Entry::new(placeholder);
        if let Some(name) = friendly_name {
            entry.properties_mut().set_text(PropertyId::FRIENDLY_NAME, name);
        }
        self.add_bound(&named(location, "REQUEST")?, entry, binding, IfPresent::Refuse)
    }

    /// Finds the first of these locations that has a pending request for the key of a certificate in a file; the first of
    /// all where none has.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::Malformed`], [`ErrorKind::Store`].
    pub fn location_of_request(
        &self,
        locations: &[Location],
        file: &Path,
    ) -> Result<Location, Error> {
        let (leaf, _) = leaf_and_chain(file, &[])?;
        let query = CertificateQuery::any().with_public_key(leaf.public_key().clone());
        for location in locations {
            match self.open(&named(*location, "REQUEST")?).find(&query)? {
                Match::None => {}
                _ => return Ok(*location),
            }
        }
        Ok(locations.first().copied().unwrap_or(Location::LocalMachine))
    }

    /// Accepts the answer to a request, as `certreq -accept` does: the certificate goes to the store My, bound to the key
    /// of its pending request, which is forgotten; without one the key is looked for.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where there is neither a pending request nor a place to look for the key; those of
    /// [`bind_file`](Self::bind_file).
    pub fn accept(
        &self,
        location: Location,
        file: &Path,
        chain: &[PathBuf],
        key: &KeyWanted<'_>,
    ) -> Result<Bound, Error> {
        let (leaf, others) = leaf_and_chain(file, chain)?;
        let requests = named(location, "REQUEST")?;
        let query = CertificateQuery::any().with_public_key(leaf.public_key().clone());
        let pending = match self.open(&requests).find(&query)? {
            Match::None => Vec::new(),
            Match::One(one) => vec![one],
            Match::Many(all) => all,
        };
        let found = match (pending.first(), key.place) {
            (_, Some(place)) => key.finder.find(&leaf, Some(place))?,
            (Some(pending), None) => {
                let mut answered = Entry::new(leaf.clone());
                if let Some(binding) = pending.properties().get(PropertyId::KEY_PROVIDER_INFO) {
                    answered.properties_mut().set(PropertyId::KEY_PROVIDER_INFO, binding);
                }
                key.finder.bound_key(&answered)?
            }
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::Store(StoreErrorKind::NotFound),
                    format!(
                        "no request for the key of `{}` is pending in {requests}; say where the key is \
                         with --key",
                        leaf.subject()
                    ),
                ));
            }
        };
        let mut entry = Entry::new(leaf);
        let name = pending.first().and_then(|one| one.properties().get(PropertyId::FRIENDLY_NAME));
        if let Some(name) = name {
            entry.properties_mut().set(PropertyId::FRIENDLY_NAME, name);
        }
        let my = named(location, "My")?;
        let mut bound = self.bind(&my, entry, others, &found, key)?;
        // The request's own words for its key stay, where nobody gave others and they were what found it.
        let words =
            pending.first().and_then(|one| one.properties().get(PropertyId::KEY_PROVIDER_INFO));
        if let (Some(words), None, None) = (words, key.place, key.provider) {
            let thumbprint = bound.entry.thumbprint();
            let change = (PropertyId::KEY_PROVIDER_INFO, Some(words.to_vec()));
            self.open(&my).update(&thumbprint, &[change])?;
            bound.entry = self.find_one(&my, &thumbprint.to_string())?;
        }
        // Last of all: cut short before, the same command does the rest.
        for request in pending {
            match self.open(&requests).remove(&request.thumbprint()) {
                Err(error) if error.kind() != StoreErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(bound)
    }
}
