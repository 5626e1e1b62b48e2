//! Which certificates of a store can sign now.

use chancery_certstore::{CertificateQuery, Entry, SystemStore};
use chancery_key::Match;
use chancery_x509::{Certificate, KeyUsage, Time};
use const_oid::ObjectIdentifier;

use crate::{Error, Stores};

impl Stores {
    /// Lists the certificates of a store that fit a query, are bound to a key, valid at a time, for signatures and for a
    /// purpose; the one that is valid longest comes first.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store).
    pub fn signing_candidates(
        &self,
        store: &SystemStore,
        query: &CertificateQuery,
        purpose: ObjectIdentifier,
        now: Time,
    ) -> Result<Vec<Entry>, Error> {
        let mut found = match self.open(store).find(query)? {
            Match::None => Vec::new(),
            Match::One(one) => vec![one],
            Match::Many(all) => all,
        };
        let fits = |entry: &Entry| {
            let signs = |one: &Certificate| {
                let usage = one.extensions().key_usage();
                usage.is_ok_and(|set| set.is_none_or(|set| set.allows(KeyUsage::DIGITAL_SIGNATURE)))
            };
            let fits = |one: &Certificate| {
                one.allows_purpose(purpose) && signs(one) && one.is_valid_at(now)
            };
            entry.certificate().is_ok_and(fits)
                && entry.key_binding().is_ok_and(|binding| binding.is_some())
        };
        found.retain(fits);
        let until = |entry: &Entry| entry.certificate().ok().map(|one| one.not_after());
        found.sort_by_key(|entry| std::cmp::Reverse(until(entry)));
        Ok(found)
    }
}
