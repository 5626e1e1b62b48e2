//! Which certificates of a store can sign code now.

use chancery_certstore::{CertificateQuery, Entry, SystemStore};
use chancery_key::Match;
use chancery_x509::Time;

use crate::{Error, Stores};

impl Stores {
    /// Lists the certificates of a store that fit a query, are bound to a key, valid at a time and for signing code; the
    /// one that is valid longest comes first.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store).
    pub fn signing_candidates(
        &self,
        store: &SystemStore,
        query: &CertificateQuery,
        now: Time,
    ) -> Result<Vec<Entry>, Error> {
        let mut found = match self.open(store).find(query)? {
            Match::None => Vec::new(),
            Match::One(one) => vec![one],
            Match::Many(all) => all,
        };
        let fits = |entry: &Entry| {
            entry.certificate().is_ok_and(|one| one.may_sign_code() && one.is_valid_at(now))
                && entry.key_binding().is_ok_and(|binding| binding.is_some())
        };
        found.retain(fits);
        let until = |entry: &Entry| entry.certificate().ok().map(|one| one.not_after());
        found.sort_by_key(|entry| std::cmp::Reverse(until(entry)));
        Ok(found)
    }
}
