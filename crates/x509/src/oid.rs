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

    /// id-ce-subjectKeyIdentifier (RFC 5280 section 4.2.1.2).
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    /// id-ce-keyUsage (RFC 5280 section 4.2.1.3).
    KEY_USAGE = "2.5.29.15";
    /// id-ce-subjectAltName (RFC 5280 section 4.2.1.6).
    SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
    /// id-ce-basicConstraints (RFC 5280 section 4.2.1.9).
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// id-ce-authorityKeyIdentifier (RFC 5280 section 4.2.1.1).
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    /// id-ce-extKeyUsage (RFC 5280 section 4.2.1.12).
    EXTENDED_KEY_USAGE = "2.5.29.37";
    /// anyExtendedKeyUsage.
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
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

    /// pkcs-9-at-extensionRequest (RFC 2985 section 5.4.2).
    EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
    /// szOID_RSA_certExtensions, the identifier Microsoft tools use for the same attribute.
    MS_CERT_EXTENSIONS = "1.3.6.1.4.1.311.2.1.14";
}
