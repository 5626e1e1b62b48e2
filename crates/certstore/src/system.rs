//! The names of system stores: a location and a store in it.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

/// Whose store it is (`CERT_SYSTEM_STORE_*` of wincrypt.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Location {
    /// The user who runs the process.
    CurrentUser,
    /// The machine.
    LocalMachine,
    /// The user, by group policy.
    CurrentUserGroupPolicy,
    /// The machine, by group policy.
    LocalMachineGroupPolicy,
    /// The machine, by its enterprise.
    LocalMachineEnterprise,
}

impl Location {
    /// Every location.
    pub const ALL: [Self; 5] = [
        Self::CurrentUser,
        Self::LocalMachine,
        Self::CurrentUserGroupPolicy,
        Self::LocalMachineGroupPolicy,
        Self::LocalMachineEnterprise,
    ];

    /// Returns the name, as PowerShell's `Cert:` drive has the first two.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CurrentUser => "CurrentUser",
            Self::LocalMachine => "LocalMachine",
            Self::CurrentUserGroupPolicy => "CurrentUserGroupPolicy",
            Self::LocalMachineGroupPolicy => "LocalMachineGroupPolicy",
            Self::LocalMachineEnterprise => "LocalMachineEnterprise",
        }
    }

    /// Returns the registry key that has the stores.
    #[must_use]
    pub const fn registry_key(self) -> &'static str {
        match self {
            Self::CurrentUser => r"HKEY_CURRENT_USER\Software\Microsoft\SystemCertificates",
            Self::LocalMachine => r"HKEY_LOCAL_MACHINE\Software\Microsoft\SystemCertificates",
            Self::CurrentUserGroupPolicy => {
                r"HKEY_CURRENT_USER\Software\Policies\Microsoft\SystemCertificates"
            }
            Self::LocalMachineGroupPolicy => {
                r"HKEY_LOCAL_MACHINE\Software\Policies\Microsoft\SystemCertificates"
            }
            Self::LocalMachineEnterprise => {
                r"HKEY_LOCAL_MACHINE\Software\Microsoft\EnterpriseCertificates"
            }
        }
    }

    /// Returns the number that opens stores there, as CertOpenStore takes it in its flags.
    #[must_use]
    pub const fn flags(self) -> u32 {
        let id: u32 = match self {
            Self::CurrentUser => 1,
            Self::LocalMachine => 2,
            Self::CurrentUserGroupPolicy => 7,
            Self::LocalMachineGroupPolicy => 8,
            Self::LocalMachineEnterprise => 9,
        };
        id << 16
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a text names no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemStoreError {
    /// No location of that name.
    #[error("`{0}` is no location of stores: LocalMachine and CurrentUser are")]
    Location(String),
    /// A store's name that is empty, too long, or has a character that no file can have everywhere.
    #[error("`{0}` is no name of a store, as My, Root or CA are")]
    Name(String),
}

/// The longest name of a store, in characters.
const MAX_NAME_LEN: usize = 64;

/// The stores every Windows has, and what its dialogs call them.
const KNOWN: [(&str, &str); 12] = [
    ("My", "Personal"),
    ("Root", "Trusted Root Certification Authorities"),
    ("CA", "Intermediate Certification Authorities"),
    ("Trust", "Enterprise Trust"),
    ("TrustedPublisher", "Trusted Publishers"),
    ("Disallowed", "Untrusted Certificates"),
    ("AuthRoot", "Third-Party Root Certification Authorities"),
    ("TrustedPeople", "Trusted People"),
    ("AddressBook", "Other People"),
    ("UserDS", "Active Directory User Object"),
    ("SmartCardRoot", "Smart Card Trusted Roots"),
    ("REQUEST", "Certificate Enrollment Requests"),
];

/// A system store, as `LocalMachine/My`. Upper and lower case are one.
#[derive(Clone, Debug)]
pub struct SystemStore {
    location: Location,
    name: String,
}

impl SystemStore {
    /// Names a store. A known name gets the case it has on Windows.
    ///
    /// # Errors
    /// [`SystemStoreError::Name`].
    pub fn new(location: Location, name: &str) -> Result<Self, SystemStoreError> {
        let name = name.trim();
        let bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
        let refused = name.is_empty()
            || name.chars().count() > MAX_NAME_LEN
            || name.contains(bad)
            || name.starts_with('.')
            || name.ends_with('.');
        if refused {
            return Err(SystemStoreError::Name(name.chars().take(MAX_NAME_LEN).collect()));
        }
        let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let name = known.map_or(name, |(known, _)| known).to_owned();
        Ok(Self { location, name })
    }

    /// Names another store of the same location.
    ///
    /// # Errors
    /// [`SystemStoreError::Name`].
    pub fn sibling(&self, name: &str) -> Result<Self, SystemStoreError> {
        Self::new(self.location, name)
    }

    /// Returns whose it is.
    #[must_use]
    pub const fn location(&self) -> Location {
        self.location
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what dialogs and `certutil` call it; its name where it has no other.
    #[must_use]
    pub fn display_name(&self) -> &str {
        let known = KNOWN.iter().find(|(known, _)| *known == self.name);
        known.map_or(self.name.as_str(), |(_, display)| display)
    }

    fn folded(&self) -> String {
        self.name.to_lowercase()
    }
}

impl PartialEq for SystemStore {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SystemStore {}

impl PartialOrd for SystemStore {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SystemStore {
    fn cmp(&self, other: &Self) -> Ordering {
        self.location.cmp(&other.location).then_with(|| self.folded().cmp(&other.folded()))
    }
}

impl Hash for SystemStore {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.location.hash(state);
        self.folded().hash(state);
    }
}

impl fmt::Display for SystemStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.location, self.name)
    }
}

impl FromStr for SystemStore {
    type Err = SystemStoreError;

    /// Reads `LocalMachine/My`, with `\` or `/`, with or without PowerShell's `Cert:\` before it. A name alone is that
    /// of a store of the machine, as for `certutil`.
    fn from_str(text: &str) -> Result<Self, SystemStoreError> {
        let drive = |c: char| matches!(c, '/' | '\\');
        let path = match text.get(..5) {
            Some(prefix) if prefix.eq_ignore_ascii_case("cert:") => {
                text.get(5..).unwrap_or_default().trim_start_matches(drive)
            }
            _ => text,
        };
        let Some((location, name)) = path.split_once(drive) else {
            return Self::new(Location::LocalMachine, path);
        };
        let known = Location::ALL.iter().find(|known| known.name().eq_ignore_ascii_case(location));
        let known = known.ok_or_else(|| SystemStoreError::Location(location.to_owned()))?;
        Self::new(*known, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        for (text, shown) in [
            ("LocalMachine/My", "LocalMachine/My"),
            ("localmachine\\MY", "LocalMachine/My"),
            (r"Cert:\CurrentUser\Root", "CurrentUser/Root"),
            ("cert:/currentuser/request", "CurrentUser/REQUEST"),
            ("my", "LocalMachine/My"),
            ("Build Keys", "LocalMachine/Build Keys"),
        ] {
            assert_eq!(text.parse::<SystemStore>().unwrap().to_string(), shown, "{text}");
        }
        assert_eq!("x/y".parse::<SystemStore>(), Err(SystemStoreError::Location("x".into())));
        assert_eq!("a".parse::<SystemStore>(), "A".parse());
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for bad in ["", "..", "LocalMachine/..", "LocalMachine/a/b", "a:b", ".hidden", "a.", "a\0"]
        {
            assert!(bad.parse::<SystemStore>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(65).parse::<SystemStore>().is_err());
    }

    #[test]
    fn a_store_of_windows_has_two_names() {
        let my: SystemStore = "My".parse().unwrap();
        assert_eq!(my.display_name(), "Personal");
        assert_eq!(
            my.sibling("CA").unwrap().display_name(),
            "Intermediate Certification Authorities"
        );
        assert_eq!(my.sibling("Ours").unwrap().display_name(), "Ours");
        assert_eq!(Location::LocalMachine.flags(), 0x0002_0000);
    }
}
