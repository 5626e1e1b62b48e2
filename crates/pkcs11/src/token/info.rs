//! What a token says of itself.

use cryptoki_sys::{
    CK_EFFECTIVELY_INFINITE, CK_FLAGS, CK_SLOT_ID, CK_UNAVAILABLE_INFORMATION, CKF_LOGIN_REQUIRED,
    CKF_PROTECTED_AUTHENTICATION_PATH, CKF_TOKEN_INITIALIZED, CKF_USER_PIN_COUNT_LOW,
    CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_INITIALIZED, CKF_USER_PIN_LOCKED, CKF_WRITE_PROTECTED,
};

use crate::raw::{SlotFacts, TokenFacts, wide};
use crate::{ModuleInfo, Uri};

/// A token that is present in a slot (`CK_TOKEN_INFO`, PKCS#11 v2.40 section 3.2), its texts without the
/// blanks they are padded with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenInfo {
    /// The slot it is in; many modules number slots afresh at every start.
    pub slot_id: u64,
    /// The label given when it was initialised.
    pub label: String,
    /// Who made it.
    pub manufacturer: String,
    /// What it is.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// What the slot is.
    pub slot_description: String,
    /// Who made the slot.
    pub slot_manufacturer: String,
    /// Whether it was initialised (`CKF_TOKEN_INITIALIZED`).
    pub initialized: bool,
    /// Whether its keys need a login (`CKF_LOGIN_REQUIRED`).
    pub login_required: bool,
    /// Whether the normal user has a PIN (`CKF_USER_PIN_INITIALIZED`).
    pub user_pin_initialized: bool,
    /// Whether a wrong PIN was given since the last right one (`CKF_USER_PIN_COUNT_LOW`).
    pub pin_count_low: bool,
    /// Whether one more wrong PIN locks it (`CKF_USER_PIN_FINAL_TRY`).
    pub pin_final_try: bool,
    /// Whether the PIN is locked (`CKF_USER_PIN_LOCKED`).
    pub pin_locked: bool,
    /// Whether the PIN is typed on the device itself (`CKF_PROTECTED_AUTHENTICATION_PATH`).
    pub protected_authentication_path: bool,
    /// Whether nothing can be written to it (`CKF_WRITE_PROTECTED`).
    pub write_protected: bool,
    /// How many sessions it allows at once; `None` where it sets no limit or tells none.
    pub max_sessions: Option<u64>,
}

impl TokenInfo {
    pub(crate) fn new(slot: CK_SLOT_ID, token: TokenFacts, place: SlotFacts) -> Self {
        let is = |flag: CK_FLAGS| token.flags & flag != 0;
        Self {
            slot_id: wide(slot),
            initialized: is(CKF_TOKEN_INITIALIZED),
            login_required: is(CKF_LOGIN_REQUIRED),
            user_pin_initialized: is(CKF_USER_PIN_INITIALIZED),
            pin_count_low: is(CKF_USER_PIN_COUNT_LOW),
            pin_final_try: is(CKF_USER_PIN_FINAL_TRY),
            pin_locked: is(CKF_USER_PIN_LOCKED),
            protected_authentication_path: is(CKF_PROTECTED_AUTHENTICATION_PATH),
            write_protected: is(CKF_WRITE_PROTECTED),
            max_sessions: match token.max_sessions {
                CK_EFFECTIVELY_INFINITE | CK_UNAVAILABLE_INFORMATION => None,
                limit => Some(wide(limit)),
            },
            label: token.label,
            manufacturer: token.manufacturer,
            model: token.model,
            serial: token.serial,
            slot_description: place.description,
            slot_manufacturer: place.manufacturer,
        }
    }

    /// Returns the address of exactly this token: label and serial number.
    #[must_use]
    pub fn uri(&self) -> Uri {
        Uri::new().with_token(&self.label).with_serial(&self.serial)
    }

    /// Tells whether a URI's attributes of token, slot and library allow this token.
    pub(crate) fn is_selected_by(&self, uri: &Uri, module: &ModuleInfo) -> bool {
        [
            (&uri.token, &self.label),
            (&uri.manufacturer, &self.manufacturer),
            (&uri.serial, &self.serial),
            (&uri.model, &self.model),
            (&uri.slot_description, &self.slot_description),
            (&uri.slot_manufacturer, &self.slot_manufacturer),
            (&uri.library_manufacturer, &module.manufacturer),
            (&uri.library_description, &module.description),
        ]
        .into_iter()
        .all(|(wanted, have)| wanted.as_ref().is_none_or(|wanted| wanted == have))
            && uri.slot_id.is_none_or(|wanted| wanted == self.slot_id)
            && uri.library_version.is_none_or(|wanted| wanted == module.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(flags: CK_FLAGS, max_sessions: CK_FLAGS) -> TokenInfo {
        let text = String::from;
        let token = TokenFacts {
            label: text("build"),
            manufacturer: text("maker"),
            model: text("m1"),
            serial: text("0042"),
            flags,
            max_sessions,
        };
        let place = SlotFacts { description: text("reader"), manufacturer: text("other") };
        TokenInfo::new(7, token, place)
    }

    #[test]
    fn flags_have_the_values_of_the_standard() {
        assert!(info(0x4, 0).login_required);
        assert!(info(0x8, 0).user_pin_initialized);
        assert!(info(0x100, 0).protected_authentication_path);
        assert!(info(0x400, 0).initialized);
        assert!(info(0x1_0000, 0).pin_count_low);
        assert!(info(0x2_0000, 0).pin_final_try);
        assert!(info(0x4_0000, 0).pin_locked);
        assert!(info(0x2, 0).write_protected);
        let none = info(0, 0);
        assert!(!none.login_required && !none.pin_final_try && !none.pin_locked);
    }

    #[test]
    fn a_limit_not_told_is_no_limit() {
        assert_eq!(info(0, CK_EFFECTIVELY_INFINITE).max_sessions, None);
        assert_eq!(info(0, CK_UNAVAILABLE_INFORMATION).max_sessions, None);
        assert_eq!(info(0, 3).max_sessions, Some(3));
    }

    #[test]
    fn every_attribute_of_the_uri_narrows() {
        let module = ModuleInfo {
            manufacturer: "vendor".into(),
            description: "module".into(),
            version: (2, 6),
        };
        let selects = |uri: &str| info(0, 0).is_selected_by(&uri.parse().unwrap(), &module);
        assert!(selects("pkcs11:"));
        assert!(selects("pkcs11:token=build;serial=0042;slot-id=7;object=any;type=private"));
        assert!(selects("pkcs11:model=m1;library-version=2.6;library-description=module"));
        for other in [
            "pkcs11:token=Build",
            "pkcs11:token=",
            "pkcs11:token=build;serial=42",
            "pkcs11:model=m2",
            "pkcs11:manufacturer=other",
            "pkcs11:slot-id=8",
            "pkcs11:slot-description=x",
            "pkcs11:slot-manufacturer=maker",
            "pkcs11:library-manufacturer=x",
            "pkcs11:library-version=2.5",
        ] {
            assert!(!selects(other), "{other}");
        }
    }

    #[test]
    fn a_tokens_own_uri_selects_it() {
        let info = info(0, 0);
        assert_eq!(info.uri().to_string(), "pkcs11:token=build;serial=0042");
    }
}
