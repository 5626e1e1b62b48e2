//! Object identifiers of timestamps.

use const_oid::ObjectIdentifier;

pub use chancery_cms::oid::{SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2};

/// id-ct-TSTInfo (RFC 3161 section 2.4.2): what the content of a token is.
pub const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// szOID_RFC3161_counterSign: the unsigned attribute of an Authenticode signature that holds a token.
pub const RFC3161_COUNTER_SIGNATURE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.3.3.1");
/// SPC_TIME_STAMP_REQUEST_OBJID: what a legacy request is.
pub const SPC_TIME_STAMP_REQUEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.3.2.1");
