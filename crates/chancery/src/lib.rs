#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod address;
mod anchors;
mod audit;
pub mod authority;
mod base64;
pub mod batch;
mod choosing;
mod content_signing;
mod content_verifying;
mod countersigning;
mod describing;
mod detached;
mod digesting;
pub mod doctor;
mod error;
mod exporting;
mod fetching;
mod files;
mod hex;
mod inspecting;
mod journal;
mod key_finder;
mod keys;
mod modulus;
mod offline;
mod pins;
mod planning;
mod provider_keys;
pub mod quickstart;
mod removing;
mod request_check;
mod requesting;
mod resuming;
mod rewriting;
mod settings;
mod shell;
mod signer;
mod signing;
mod stamping;
mod stores;
mod tokens;
mod unlisted;
mod verifying;
mod windows_keys;
mod writer;

pub use address::{KeyAddress, KeyAddressError};
pub use anchors::read_trust_anchors;
pub use audit::{AuditLog, AuditReport, AuditResult, verify_audit_log};
pub use content_signing::{
    ContentSignOptions, MAX_ATTACHED, SignedContent, sign_content, timestamp_content,
};
pub use content_verifying::{ContentReport, ContentSignature, ContentVerifier, extract_content};
pub use countersigning::{SubmittedRequest, countersign_request, read_submitted_request};
pub use describing::{DescribedExtension, describe_extensions, purpose_name};
pub use detached::{
    AttachOptions, Attached, PKCS7_LABEL, attach_signature, extract_signature, read_signature,
};
pub use digesting::{digest_file, hash_file};
pub use error::{Error, ErrorKind};
pub use exporting::{CertificateForm, export_certificates, export_pkcs12};
pub use fetching::{Fetch, FetchError, Fetched, Gatherer, MAX_FETCHED_BYTES, MAX_FETCHES_PER_LEAF};
#[cfg(feature = "http")]
pub use fetching::{HttpFetch, HttpLimits};
pub use files::{
    is_same_file, read_certificate_file, read_crls, read_identity_certificates, read_small_file,
    replace_file, stored_identity_certificates, write_new_file,
};
pub use inspecting::{Asn1Value, InspectedSignature, Inspection, inspect_asn1, inspect_file};
pub use journal::{Journal, Journaled, Noted};
pub use key_finder::{BoundKey, FILE_PROVIDER, KeyFinder, PKCS11_PROVIDER};
pub use keys::{Keyring, OpenedKey, TokenOptions, proved, scheme_for};
pub use modulus::read_modulus;
pub use offline::{
    ToBeSigned, complete_prepared, dig_text, prepare_file, read_to_be_signed, sign_bare_digest,
    sign_prepared,
};
#[cfg(feature = "keyring")]
pub use pins::StoredPin;
pub use pins::{EnvironmentPin, FilePin, GivenPin, HsmEnvironmentPin, random_passphrase};
pub use planning::{Plan, plan_signing, plan_signing_in_stages};
pub use provider_keys::{KeyHalf, ProviderKey, ProviderKeys};
pub use removing::{
    RemoveOptions, Removed, RemovedPart, remove_signatures, remove_signatures_in_stages,
};
pub use request_check::{RequestCheck, check_request};
pub use requesting::{
    Product, Requested, read_request_inf, request_from_inf, request_in_container, request_like,
};
pub use settings::{PinSetting, ProviderSettings, Settings};
pub use shell::shell_word;
pub use signer::{Objection, Signer};
pub use signing::{
    IfSigned, Outcome, SignFileOptions, Signed, sign_and_stamp_file, sign_file, sign_file_in_stages,
};
pub use stamping::{
    NewTimestamp, StampFileOptions, Stamping, TimestampedFile, timestamp_file,
    timestamp_file_in_stages,
};
pub use stores::{Bound, KeyWanted, Stored, Stores};
pub use verifying::{VerifiedFile, verify_file, verify_file_in_stages};

pub use chancery_authenticode as authenticode;
pub use chancery_certstore as certstore;
pub use chancery_chain as chain;
pub use chancery_cms as cms;
pub use chancery_cng as cng;
pub use chancery_inf as inf;
pub use chancery_key as key;
pub use chancery_keymatch as keymatch;
pub use chancery_pe as pe;
pub use chancery_pkcs11 as pkcs11;
pub use chancery_sigverify as sigverify;
pub use chancery_softkey as softkey;
pub use chancery_timestamp as timestamp;
pub use chancery_x509 as x509;
