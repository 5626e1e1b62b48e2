//! The one table of what an INF can say: reading goes by it, and `docs/inf-keys.md` is written from it.

use chancery_inf::Entry;

use super::draft::Draft;
use super::error::{Failure, Place};
use super::{NEW_REQUEST, attribute, extension, new_request, version};

/// Reads the value of a key into the draft.
type Reader = fn(&mut Draft, &Entry, &Place) -> Result<(), Failure>;

/// A key that an INF for certreq can have, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct InfKey {
    section: &'static str,
    name: &'static str,
    values: &'static str,
    meaning: &'static str,
    treatment: Treatment,
    /// Whether it may be there more than once.
    repeats: bool,
    /// `None` for a key that is not honoured.
    pub(super) read: Option<Reader>,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Treatment {
    /// The request or its key are as it says.
    Honoured,
    /// It changes nothing, and a [`Notice`](super::Notice) says so.
    NotApplicable,
    /// It is an error: to leave it out would make another request.
    Refused,
}

impl Treatment {
    /// Returns the words for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Honoured => "honoured",
            Self::NotApplicable => "not applicable",
            Self::Refused => "refused",
        }
    }
}

/// The name of a row that stands for all keys of its section that have no row of their own.
const ANY: &str = "*";

impl InfKey {
    /// Returns the section.
    #[must_use]
    pub const fn section(&self) -> &'static str {
        self.section
    }

    /// Returns the key; `*` for every other key of the section.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns which values it can have, in words.
    #[must_use]
    pub const fn values(&self) -> &'static str {
        self.values
    }

    /// Returns what it does, or why it does nothing.
    #[must_use]
    pub const fn meaning(&self) -> &'static str {
        self.meaning
    }

    /// Returns what becomes of it.
    #[must_use]
    pub const fn treatment(&self) -> Treatment {
        self.treatment
    }

    pub(super) const fn repeats(&self) -> bool {
        self.repeats
    }
}

const fn honoured(
    section: &'static str,
    name: &'static str,
    values: &'static str,
    meaning: &'static str,
    read: Reader,
) -> InfKey {
    let treatment = Treatment::Honoured;
    InfKey { section, name, values, meaning, treatment, repeats: false, read: Some(read) }
}

/// A key that may be there more than once.
const fn repeated(key: InfKey) -> InfKey {
    InfKey { repeats: true, ..key }
}

const fn without_effect(
    section: &'static str,
    name: &'static str,
    values: &'static str,
    why: &'static str,
) -> InfKey {
    let treatment = Treatment::NotApplicable;
    InfKey { section, name, values, meaning: why, treatment, repeats: false, read: None }
}

pub(super) const VERSION: &str = "Version";
const EXTENSIONS: &str = "Extensions";
const PURPOSES: &str = "EnhancedKeyUsageExtension";
const POLICIES: &str = "ApplicationPolicyExtension";
pub(super) const CONSTRAINTS: &str = "BasicConstraintsExtension";
const ATTRIBUTES: &str = "RequestAttributes";
const BOOLEAN: &str = "true, false, yes, no, 1, 0";

/// Every key, in the order of the documentation.
pub(super) static KEYS: [InfKey; 45] = [
    honoured(
        VERSION,
        "Signature",
        "`$Windows NT$`, `$Chicago$`",
        "Says that the file is for Windows; without it there is a notice.",
        version::signature,
    ),
    repeated(without_effect(VERSION, ANY, "any", "It describes the file.")),
    honoured(
        NEW_REQUEST,
        "Subject",
        "a name as CertStrToName reads it",
        "The subject; its first attribute is encoded last. May be empty beside a subjectAltName, which is critical then.",
        new_request::subject,
    ),
    honoured(
        NEW_REQUEST,
        "X500NameFlags",
        "numbers and `CERT_NAME_STR_..._FLAG` names, joined by a bar",
        "How Subject is read: separators, plus, quotes, order. Flags for other string types give a notice.",
        new_request::name_flags,
    ),
    honoured(
        NEW_REQUEST,
        "Exportable",
        BOOLEAN,
        "Handed on as a wish, with a notice when true: keys are made so that they cannot leave their store.",
        new_request::exportable,
    ),
    without_effect(
        NEW_REQUEST,
        "ExportableEncrypted",
        BOOLEAN,
        "Keys are made so that they cannot leave their store.",
    ),
    honoured(
        NEW_REQUEST,
        "HashAlgorithm",
        "SHA256, SHA384, SHA512, SHA1",
        "The hash of the signature; SHA256 when missing. SHA1 gives a notice; MD5, MD4 and MD2 are refused.",
        new_request::hash_algorithm,
    ),
    honoured(
        NEW_REQUEST,
        "KeyAlgorithm",
        "RSA, ECDSA_P256, ECDSA_P384, ECDSA_P521",
        "The kind of the key; RSA when missing. DH, DSA and ECDH are refused: they do not sign by RSA or ECDSA.",
        new_request::key_algorithm,
    ),
    honoured(
        NEW_REQUEST,
        "KeyLength",
        "2048 to 16384 in steps of 64",
        "The length of an RSA key; 2048 when missing. A new key below 3072 gives a notice, and so does the length of an elliptic curve.",
        new_request::key_length,
    ),
    honoured(
        NEW_REQUEST,
        "KeyContainer",
        "text",
        "The label of the key.",
        new_request::key_container,
    ),
    honoured(
        NEW_REQUEST,
        "UseExistingKeySet",
        BOOLEAN,
        "The key of KeyContainer, which is there already, signs. Not together with Exportable.",
        new_request::use_existing_key_set,
    ),
    without_effect(NEW_REQUEST, "KeySpec", "0, 1, 2", "It belongs to CryptoAPI providers."),
    honoured(
        NEW_REQUEST,
        "KeyUsage",
        "numbers and `CERT_..._KEY_USAGE` names, joined by a bar",
        "The critical keyUsage extension; none when missing.",
        new_request::usage,
    ),
    honoured(
        NEW_REQUEST,
        "KeyUsageProperty",
        "numbers and `NCRYPT_ALLOW_..._FLAG` names, joined by a bar",
        "Has to allow signing, and gives a notice if it allows more: keys are made to sign.",
        new_request::usage_property,
    ),
    without_effect(
        NEW_REQUEST,
        "KeyProtection",
        "0, 1, 2",
        "The token says when it wants its PIN.",
    ),
    honoured(
        NEW_REQUEST,
        "MachineKeySet",
        BOOLEAN,
        "Whether certificate and key belong to the machine or to the user.",
        new_request::machine_key_set,
    ),
    honoured(
        NEW_REQUEST,
        "NotBefore",
        "2026-01-31, 2026-01-31T12:00:00Z, 31 January 2026 12:00, in UTC",
        "When a self-signed certificate begins. Only with RequestType = Cert, else a notice.",
        new_request::not_before,
    ),
    honoured(
        NEW_REQUEST,
        "NotAfter",
        "as NotBefore",
        "When a self-signed certificate ends. Only with RequestType = Cert, else a notice. Not together with ValidityPeriod.",
        new_request::not_after,
    ),
    honoured(
        NEW_REQUEST,
        "ValidityPeriod",
        "Years, Months, Weeks, Days, Hours, Minutes, Seconds",
        "The unit of ValidityPeriodUnits. Only with RequestType = Cert, else a notice.",
        new_request::validity_period,
    ),
    honoured(
        NEW_REQUEST,
        "ValidityPeriodUnits",
        "a number from 1",
        "How long a self-signed certificate is valid; a year when missing. Only with RequestType = Cert, else a notice.",
        new_request::validity_units,
    ),
    without_effect(
        NEW_REQUEST,
        "PrivateKeyArchive",
        BOOLEAN,
        "Private keys are not sent to anybody.",
    ),
    without_effect(NEW_REQUEST, "EncryptionAlgorithm", "text", "It belongs to PrivateKeyArchive."),
    without_effect(NEW_REQUEST, "EncryptionLength", "a number", "It belongs to PrivateKeyArchive."),
    honoured(
        NEW_REQUEST,
        "ProviderName",
        "text",
        "Handed on: the provider the key would have on Windows.",
        new_request::provider_name,
    ),
    without_effect(NEW_REQUEST, "ProviderType", "a number", "It belongs to CryptoAPI providers."),
    without_effect(
        NEW_REQUEST,
        "RenewalCert",
        "a thumbprint",
        "It belongs to PKCS7 and CMC requests.",
    ),
    without_effect(
        NEW_REQUEST,
        "RequesterName",
        "`DOMAIN\\user`",
        "It belongs to PKCS7 and CMC requests.",
    ),
    honoured(
        NEW_REQUEST,
        "RequestType",
        "PKCS10 or 1, Cert or 4",
        "A request, which is the default, or a self-signed certificate. PKCS7, CMC and SCEP are refused.",
        new_request::request_type,
    ),
    without_effect(
        NEW_REQUEST,
        "SecurityDescriptor",
        "SDDL",
        "The token says who may use its keys.",
    ),
    honoured(
        NEW_REQUEST,
        "AlternateSignatureAlgorithm",
        BOOLEAN,
        "RSASSA-PSS instead of PKCS#1 v1.5; refused for other keys than RSA and for SHA1.",
        new_request::alternate_signature_algorithm,
    ),
    without_effect(NEW_REQUEST, "Silent", BOOLEAN, "Nothing is shown."),
    without_effect(NEW_REQUEST, "SMIME", BOOLEAN, "No sMIMECapabilities are asked for."),
    without_effect(
        NEW_REQUEST,
        "SuppressDefaults",
        BOOLEAN,
        "Nothing is in a request but what the file says.",
    ),
    honoured(
        NEW_REQUEST,
        "FriendlyName",
        "text",
        "Handed on: a name for the certificate in a store.",
        new_request::friendly_name,
    ),
    without_effect(
        NEW_REQUEST,
        "SubjectNameFlags",
        "`CT_FLAG_...` names",
        "It belongs to templates of a Windows domain.",
    ),
    honoured(
        EXTENSIONS,
        "Critical",
        "object identifiers between commas",
        "These extensions are critical; each has to be asked for.",
        extension::critical,
    ),
    repeated(honoured(
        EXTENSIONS,
        ANY,
        "`{hex}`, `{asn}` or Base64 alone with DER; `{text}` for 2.5.29.15, 2.5.29.17, 2.5.29.19 and 2.5.29.37",
        "The extension of that object identifier.",
        extension::any,
    )),
    repeated(honoured(
        PURPOSES,
        "OID",
        "object identifiers between commas",
        "Purposes of extKeyUsage.",
        extension::purpose,
    )),
    honoured(
        PURPOSES,
        "Critical",
        BOOLEAN,
        "Whether extKeyUsage is critical; false when missing.",
        extension::purposes_critical,
    ),
    repeated(honoured(
        POLICIES,
        "OID",
        "object identifiers between commas",
        "Purposes of the application policies extension, 1.3.6.1.4.1.311.21.10.",
        extension::policy,
    )),
    honoured(
        POLICIES,
        "Critical",
        BOOLEAN,
        "Whether that is critical; false when missing.",
        extension::policies_critical,
    ),
    honoured(
        CONSTRAINTS,
        "PathLength",
        "a number",
        "pathLenConstraint of basicConstraints; any number of intermediates when missing. The section makes a CA.",
        extension::path_length,
    ),
    honoured(
        CONSTRAINTS,
        "Critical",
        BOOLEAN,
        "Whether basicConstraints is critical; true when missing.",
        extension::constraints_critical,
    ),
    repeated(honoured(
        ATTRIBUTES,
        ANY,
        "text of the basic multilingual plane",
        "A name and value for the certificate authority, as CertificateTemplate = WebServer; an enrollmentNameValuePair.",
        attribute::any,
    )),
    InfKey {
        treatment: Treatment::Refused,
        ..without_effect(
            "PolicyStatementExtension",
            ANY,
            "any",
            "The issuer says by which policies it issues; DER after {hex} in [Extensions] asks for some.",
        )
    },
];

/// Finds the row of a key: its own, or that for every key of its section.
pub(super) fn find(section: &str, name: &str) -> Option<(usize, &'static InfKey)> {
    let is = |known: &str| {
        KEYS.iter().enumerate().find(|(_, key)| {
            key.section.eq_ignore_ascii_case(section) && key.name.eq_ignore_ascii_case(known)
        })
    };
    is(name).or_else(|| is(ANY))
}
