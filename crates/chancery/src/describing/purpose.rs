//! Names of purposes and policies.

use chancery_x509::oid;
use const_oid::ObjectIdentifier;

/// Key purposes that `chancery-x509` has no use for and no name: of RFC 5280 section 4.2.1.12 and of Windows.
const PURPOSES: &[(&str, &str)] = &[
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.9", "OCSPSigning"),
    ("1.3.6.1.4.1.311.10.3.12", "documentSigning"),
    ("1.3.6.1.4.1.311.10.3.5", "windowsHardwareDriverVerification"),
    ("1.3.6.1.4.1.311.10.3.6", "windowsSystemComponentVerification"),
    ("1.3.6.1.4.1.311.20.2.2", "smartCardLogon"),
];

/// Certificate policies of the CA/Browser Forum's requirements for code signing, section 7.1.6.1.
const POLICIES: &[(&str, &str)] = &[
    ("2.5.29.32.0", "anyPolicy"),
    ("2.23.140.1.3", "EV code signing"),
    ("2.23.140.1.4.1", "code signing"),
    ("2.23.140.1.4.2", "code signing timestamps"),
];

/// Names a purpose, or writes its number where it has no name here.
#[must_use]
pub fn purpose_name(purpose: &ObjectIdentifier) -> String {
    let number = purpose.to_string();
    let name = oid::purpose_name(*purpose).or_else(|| find(PURPOSES, &number));
    name.map_or(number, str::to_owned)
}

/// Writes a policy's number, with its name where it has one.
pub(super) fn policy_name(policy: &ObjectIdentifier) -> String {
    let number = policy.to_string();
    match find(POLICIES, &number) {
        Some(name) => format!("{number} ({name})"),
        None => number,
    }
}

fn find(table: &'static [(&str, &str)], number: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}
