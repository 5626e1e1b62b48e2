//! Keys in Windows: opened there, and elsewhere said to be somewhere else.

#[cfg(windows)]
pub(crate) use chancery_cng::{find, generate, open};

#[cfg(not(windows))]
pub(crate) use elsewhere::{find, generate, open};

#[cfg(not(windows))]
mod elsewhere {
    use chancery_cng::Address;
    use chancery_key::{KeyError, KeyErrorKind, KeyInfo, KeyQuery, KeyTemplate, Match, SigningKey};

    pub(crate) fn open(address: &Address) -> Result<Box<dyn SigningKey>, KeyError> {
        Err(refuse(address))
    }

    pub(crate) fn find(address: &Address, _: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
        Err(refuse(address))
    }

    pub(crate) fn generate(
        address: &Address,
        _: KeyTemplate,
    ) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError> {
        Err(refuse(address))
    }

    fn refuse(address: &Address) -> KeyError {
        let message = format!("`{address}` is a key in Windows, and this is another system");
        KeyError::new(KeyErrorKind::Unavailable, message)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_key_in_windows_is_unavailable_elsewhere() {
            let address: Address = "cng:container=release".parse().unwrap();
            let outcomes = [open(&address).map(drop), find(&address, &KeyQuery::any()).map(drop)];
            for outcome in outcomes {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), KeyErrorKind::Unavailable);
                assert!(error.to_string().contains("another system"), "{error}");
            }
        }
    }
}
