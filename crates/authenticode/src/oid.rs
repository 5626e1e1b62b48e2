//! Object identifiers of Authenticode (Microsoft, "Windows Authenticode Portable Executable Signature
//! Format").

use const_oid::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $arcs:literal;)+) => {$(
        $(#[$doc])*
        pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($arcs);
    )+};
}

oids! {
    /// SPC_INDIRECT_DATA_OBJID: what the content of a signature is.
    SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4";
    /// SPC_STATEMENT_TYPE_OBJID, a signed attribute.
    SPC_STATEMENT_TYPE = "1.3.6.1.4.1.311.2.1.11";
    /// SPC_SP_OPUS_INFO_OBJID, a signed attribute: description and URL.
    SPC_SP_OPUS_INFO = "1.3.6.1.4.1.311.2.1.12";
    /// SPC_PE_IMAGE_DATA_OBJID: the subject is a PE file.
    SPC_PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.15";
    /// SPC_PE_IMAGE_PAGE_HASHES_V1_OBJID, with SHA-1.
    SPC_PAGE_HASHES_V1 = "1.3.6.1.4.1.311.2.3.1";
    /// SPC_PE_IMAGE_PAGE_HASHES_V2_OBJID, with SHA-256.
    SPC_PAGE_HASHES_V2 = "1.3.6.1.4.1.311.2.3.2";
    /// SPC_INDIVIDUAL_SP_KEY_PURPOSE_OBJID, the statement everybody makes.
    SPC_INDIVIDUAL = "1.3.6.1.4.1.311.2.1.21";
    /// SPC_COMMERCIAL_SP_KEY_PURPOSE_OBJID, the statement of those who sign for a company.
    SPC_COMMERCIAL = "1.3.6.1.4.1.311.2.1.22";
    /// szOID_NESTED_SIGNATURE, an unsigned attribute of the primary signature.
    NESTED_SIGNATURE = "1.3.6.1.4.1.311.2.4.1";
    /// szOID_RFC3161_counterSign, an unsigned attribute holding a timestamp token.
    RFC3161_COUNTER_SIGNATURE = "1.3.6.1.4.1.311.3.3.1";
    /// pkcs-9-at-sequenceNumber (RFC 2985 section 5.6.1), a signed attribute of appended signatures.
    SEQUENCE_NUMBER = "1.2.840.113549.1.9.25.4";
}
