//! Object identifiers that only validation needs, by their names in RFC 5280.

use const_oid::ObjectIdentifier;

macro_rules! oids {
    ($($name:ident = $arcs:literal;)+) => {$(
        pub(crate) const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($arcs);
    )+};
}

oids! {
    SUBJECT_ALT_NAME = "2.5.29.17";
    CRL_NUMBER = "2.5.29.20";
    REASON_CODE = "2.5.29.21";
    INVALIDITY_DATE = "2.5.29.24";
    DELTA_CRL_INDICATOR = "2.5.29.27";
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
    CERTIFICATE_ISSUER = "2.5.29.29";
    NAME_CONSTRAINTS = "2.5.29.30";
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    CERTIFICATE_POLICIES = "2.5.29.32";
    ANY_POLICY = "2.5.29.32.0";
    POLICY_MAPPINGS = "2.5.29.33";
    POLICY_CONSTRAINTS = "2.5.29.36";
    INHIBIT_ANY_POLICY = "2.5.29.54";
    CPS_QUALIFIER = "1.3.6.1.5.5.7.2.1";
    USER_NOTICE_QUALIFIER = "1.3.6.1.5.5.7.2.2";
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
    EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
}
