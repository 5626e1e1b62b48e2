//! Revocation lists in stores.

use std::path::Path;

use chancery_certstore::{Added, Element, List, Location, Properties, SystemStore};
use chancery_chain::Crl;

use super::{Place, Stores, named};
#[cfg(windows)]
use crate::ErrorKind;
use crate::{Error, read_crls};

impl Stores {
    /// Adds every revocation list of a file to a store. Who issued a list is not verified: it is evidence only where its
    /// signature says so.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io), [`ErrorKind::Malformed`](crate::ErrorKind::Malformed),
    /// [`ErrorKind::Store`](crate::ErrorKind::Store); [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for the
    /// stores of Windows, to which its own tools add lists.
    pub fn add_revocation_lists(
        &self,
        store: &SystemStore,
        file: &Path,
    ) -> Result<Vec<(Crl, Added)>, Error> {
        let lists = read_crls(file)?;
        let mut opened = match &self.0 {
            Place::Folder(folder) => folder.open(store),
            #[cfg(windows)]
            Place::Windows => {
                let text = format!("{store} is a store of Windows, which takes no list from here");
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
        };
        let mut all = Vec::new();
        for crl in lists {
            let list = List::new(crl.as_der().to_vec(), Properties::default());
            let added = opened.add_revocation_list(list)?;
            all.push((crl, added));
        }
        Ok(all)
    }

    /// Lists the revocation lists of a store that can be read; none of a store of Windows.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store).
    pub fn revocation_lists(&self, store: &SystemStore) -> Result<Vec<Crl>, Error> {
        let elements = match &self.0 {
            Place::Folder(folder) => folder.open(store).read()?,
            #[cfg(windows)]
            Place::Windows => Vec::new(),
        };
        let list = |element: &Element| match element {
            Element::RevocationList(list) => Crl::from_der(list.der()).ok(),
            _ => None,
        };
        Ok(elements.iter().filter_map(list).collect())
    }

    /// Lists the revocation lists in the stores CA and Root of a location, the machine and the user.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store).
    pub fn known_revocation_lists(&self, location: Location) -> Result<Vec<Crl>, Error> {
        let mut all = Vec::new();
        for location in [location, Location::LocalMachine, Location::CurrentUser] {
            for name in ["CA", "Root"] {
                for crl in self.revocation_lists(&named(location, name)?)? {
                    if !all.iter().any(|known: &Crl| known.as_der() == crl.as_der()) {
                        all.push(crl);
                    }
                }
            }
        }
        Ok(all)
    }
}
