//! Who signs, by a certificate in a store.

use chancery_certstore::{Entry, Location, SystemStore};
use chancery_x509::{Certificate, Identity};

use super::{Stores, certificate_of, named};
use crate::key_finder::{BoundKey, KeyFinder};
use crate::{Error, ErrorKind, Signer};

impl Stores {
    /// Joins a certificate of a store with its key, and with the certificates above it in the stores CA and Root.
    ///
    /// # Errors
    /// Those of [`find_one`](Self::find_one) and [`KeyFinder::bound_key`].
    pub fn identity(
        &self,
        store: &SystemStore,
        id: &str,
        finder: &KeyFinder<'_>,
    ) -> Result<(Identity, String), Error> {
        let entry = self.find_one(store, id)?;
        let bound = finder.bound_key(&entry)?;
        let address = bound.address.clone();
        Ok((self.identity_of(store, &entry, bound, Vec::new())?, address))
    }

    /// Joins a certificate with its key, and with the certificates above it: among those given, and in the stores CA and
    /// Root.
    ///
    /// # Errors
    /// [`ErrorKind::CertificateMismatch`] where the key is another's; [`ErrorKind::Store`].
    pub fn identity_of(
        &self,
        store: &SystemStore,
        entry: &Entry,
        bound: BoundKey,
        mut others: Vec<Certificate>,
    ) -> Result<Identity, Error> {
        others.extend(self.issuers(store.location())?);
        let identity = Identity::new(bound.key, certificate_of(entry)?, &others);
        identity.map(|identity| identity.with_key_name(bound.address)).map_err(|error| {
            Error::new(ErrorKind::CertificateMismatch, "the certificate does not fit")
                .with_source(error)
        })
    }

    /// Lists the certificates of the stores CA and Root: of a location, the machine and the user.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub fn issuers(&self, location: Location) -> Result<Vec<Certificate>, Error> {
        let mut others = Vec::new();
        for location in [location, Location::LocalMachine, Location::CurrentUser] {
            for name in ["CA", "Root"] {
                let entries = self.open(&named(location, name)?).entries()?;
                others.extend(entries.iter().filter_map(|entry| entry.certificate().ok().cloned()));
            }
        }
        Ok(others)
    }

    /// Lists whom the machine and the user trust: the certificates of their stores Root.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub fn roots(&self) -> Result<Vec<Certificate>, Error> {
        let mut roots = Vec::new();
        for location in [Location::LocalMachine, Location::CurrentUser] {
            let entries = self.open(&named(location, "Root")?).entries()?;
            roots.extend(entries.iter().filter_map(|entry| entry.certificate().ok().cloned()));
        }
        Ok(roots)
    }

    /// Returns who would sign by a certificate of a store, and where its key should be, which is not looked at.
    ///
    /// # Errors
    /// Those of [`find_one`](Self::find_one) and [`KeyFinder::bound_address`].
    pub fn signer(
        &self,
        store: &SystemStore,
        id: &str,
        finder: &KeyFinder<'_>,
    ) -> Result<(Signer, String), Error> {
        let entry = self.find_one(store, id)?;
        let address = finder.bound_address(&entry)?;
        let above = self.issuers(store.location())?;
        Ok((Signer::new(certificate_of(&entry)?, &above), address.to_string()))
    }
}
