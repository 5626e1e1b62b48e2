//! Object identifiers of X.509 and CMS, by their names in the standards.

use const_oid::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $arcs:literal;)+) => {$(
        $(#[$doc])*
        pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($arcs);
    )+};
}

oids! {
    /// rsaEncryption (RFC 8017 appendix A.1).
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    /// id-RSASSA-PSS (RFC 8017 appendix A.2.3).
    RSASSA_PSS = "1.2.840.113549.1.1.10";
    /// id-mgf1 (RFC 8017 appendix A.2.1).
    MGF1 = "1.2.840.113549.1.1.8";
    /// sha1WithRSAEncryption.
    SHA1_WITH_RSA = "1.2.840.113549.1.1.5";
    /// sha1WithRSASignature, the OIW's identifier for the same.
    SHA1_WITH_RSA_OIW = "1.3.14.3.2.29";
    /// sha256WithRSAEncryption.
    SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
    /// sha384WithRSAEncryption.
    SHA384_WITH_RSA = "1.2.840.113549.1.1.12";
    /// sha512WithRSAEncryption.
    SHA512_WITH_RSA = "1.2.840.113549.1.1.13";
    /// id-ecPublicKey (RFC 5480 section 2.1.1).
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// ecdsa-with-SHA1 (RFC 3279 section 2.2.3).
    ECDSA_WITH_SHA1 = "1.2.840.10045.4.1";
    /// ecdsa-with-SHA256 (RFC 5758 section 3.2).
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
    /// ecdsa-with-SHA384.
    ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
    /// ecdsa-with-SHA512.
    ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4";
    /// id-Ed25519, of keys and of signatures (RFC 8410 section 3).
    ED25519 = "1.3.101.112";

    /// id-ce-subjectKeyIdentifier (RFC 5280 section 4.2.1.2).
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    /// id-ce-keyUsage (RFC 5280 section 4.2.1.3).
    KEY_USAGE = "2.5.29.15";
    /// id-ce-subjectAltName (RFC 5280 section 4.2.1.6).
    SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
    /// id-ce-basicConstraints (RFC 5280 section 4.2.1.9).
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// id-ce-cRLNumber (RFC 5280 section 5.2.3).
    CRL_NUMBER = "2.5.29.20";
    /// id-ce-cRLReasons (RFC 5280 section 5.3.1).
    CRL_REASON = "2.5.29.21";
    /// id-ce-invalidityDate (RFC 5280 section 5.3.2).
    INVALIDITY_DATE = "2.5.29.24";
    /// id-ce-cRLDistributionPoints (RFC 5280 section 4.2.1.13).
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    /// id-ce-certificatePolicies (RFC 5280 section 4.2.1.4).
    CERTIFICATE_POLICIES = "2.5.29.32";
    /// id-ce-authorityKeyIdentifier (RFC 5280 section 4.2.1.1).
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    /// id-ce-extKeyUsage (RFC 5280 section 4.2.1.12).
    EXTENDED_KEY_USAGE = "2.5.29.37";
    /// anyExtendedKeyUsage.
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    /// id-pe-authorityInfoAccess (RFC 5280 section 4.2.2.1).
    AUTHORITY_INFORMATION_ACCESS = "1.3.6.1.5.5.7.1.1";
    /// id-ad-ocsp: where a certificate's state is asked for.
    OCSP = "1.3.6.1.5.5.7.48.1";
    /// id-ad-caIssuers: where the issuer's certificate is.
    CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
    /// id-kp-serverAuth.
    SERVER_AUTHENTICATION = "1.3.6.1.5.5.7.3.1";
    /// id-kp-emailProtection.
    EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";
    /// id-kp-codeSigning.
    CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
    /// id-kp-timeStamping.
    TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    /// szOID_KP_LIFETIME_SIGNING: a signature that ends with its certificate, timestamp or not.
    LIFETIME_SIGNING = "1.3.6.1.4.1.311.10.3.13";

    /// szOID_APPLICATION_CERT_POLICIES: extKeyUsage in the form of certificatePolicies, for Windows.
    APPLICATION_POLICIES = "1.3.6.1.4.1.311.21.10";
    /// szOID_NT_PRINCIPAL_NAME, the otherName of a user principal name.
    USER_PRINCIPAL_NAME = "1.3.6.1.4.1.311.20.2.3";
    /// szOID_NTDS_REPLICATION, the otherName of a directory object's GUID.
    NTDS_REPLICATION = "1.3.6.1.4.1.311.25.1";
    /// szOID_ENROLLMENT_NAME_VALUE_PAIR, what `[RequestAttributes]` becomes (MS-WCCE section 2.2.2.7.10).
    ENROLLMENT_NAME_VALUE_PAIR = "1.3.6.1.4.1.311.13.2.1";

    /// The CA/Browser Forum's policy of code-signing certificates without extended validation.
    CABF_CODE_SIGNING = "2.23.140.1.4.1";
    /// The CA/Browser Forum's policy of code-signing certificates with extended validation.
    CABF_EV_CODE_SIGNING = "2.23.140.1.3";
    /// The CA/Browser Forum's policy of timestamp certificates.
    CABF_TIME_STAMPING = "2.23.140.1.4.2";

    /// id-at-commonName.
    COMMON_NAME = "2.5.4.3";
    /// domainComponent (RFC 4519 section 2.4).
    DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";

    /// pkcs-9-at-extensionRequest (RFC 2985 section 5.4.2).
    EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
    /// szOID_RSA_certExtensions, the identifier Microsoft tools use for the same attribute.
    MS_CERT_EXTENSIONS = "1.3.6.1.4.1.311.2.1.14";
}

/// Returns the name of an extKeyUsage purpose, as in `codeSigning`.
#[must_use]
pub const fn purpose_name(purpose: ObjectIdentifier) -> Option<&'static str> {
    Some(match purpose {
        CODE_SIGNING => "codeSigning",
        TIME_STAMPING => "timeStamping",
        SERVER_AUTHENTICATION => "serverAuth",
        EMAIL_PROTECTION => "emailProtection",
        LIFETIME_SIGNING => "lifetimeSigning",
        ANY_EXTENDED_KEY_USAGE => "anyExtendedKeyUsage",
        _ => return None,
    })
}
