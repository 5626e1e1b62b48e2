//! What timestamp servers are asked, and what they answer.

use base64ct::{Base64, Encoding};
use chancery_cms::{NewAttribute, SignedData, SignedDataBuilder};
use chancery_key::DigestAlgorithm;
use chancery_timestamp::tsa::Authority;
use chancery_timestamp::{
    Accuracy, Failure, GenTime, LegacyRequest, LegacyResponse, MessageImprint, Nonce, Status,
    TimeStampRequest, TimeStampResponse, TstInfo, oid,
};
use chancery_x509::asn1;
use const_oid::ObjectIdentifier;

use super::Seeds;
use crate::identity::{SCHEME, now, stamper};
use crate::timestamp::STAMPED;

/// What `openssl ts -reply` (3.0) answered once to a query over [`STAMPED`], with a nonce, an accuracy, an
/// ordering, and the server's name.
const BY_OPENSSL: &[u8] = include_bytes!("openssl.tsr");

pub(super) fn seeds() -> Seeds {
    let authority = Authority::new(stamper().clone()).expect("it is for timestamps");
    let legacy_request = LegacyRequest::new(STAMPED.to_vec()).to_base64();
    let legacy =
        authority.respond_legacy(legacy_request.as_bytes(), now().into()).expect("it is a request");
    let counter = LegacyResponse::from_base64(legacy.as_bytes()).expect("ours");
    let by_openssl = TimeStampResponse::from_der(BY_OPENSSL).expect("it is one").token;
    let by_openssl = by_openssl.expect("granted");
    let bare = info();
    let token = token(&bare);
    let mut full = bare.clone();
    full.accuracy = Some(Accuracy::seconds(1));
    full.ordering = true;
    full.gen_time = GenTime::new(now(), 250_000_000).expect("below a second");
    let mut waiting = TimeStampResponse::rejected(Failure::SystemFailure, "later");
    waiting.status = Status::Waiting;
    let imprint = |digest| {
        let mut request = TimeStampRequest::new(digest, STAMPED).expect("there is randomness");
        request.nonce = Some(Nonce::from_unsigned(&[7; 8]));
        request.to_der()
    };
    Seeds::from([
        ("counter-signature", counter.counter_signature),
        ("info", bare.to_der()),
        ("info-of-openssl", content(&by_openssl)),
        ("info-with-everything", full.to_der()),
        ("legacy-request", legacy_request.into_bytes()),
        ("legacy-response", legacy.into_bytes()),
        ("legacy-response-of-a-token", Base64::encode_string(&token).into_bytes()),
        ("request-sha1", imprint(DigestAlgorithm::Sha1)),
        ("request-sha512", imprint(DigestAlgorithm::Sha512)),
        ("response", TimeStampResponse::granted(token.clone()).to_der()),
        ("response-of-openssl", BY_OPENSSL.to_vec()),
        (
            "response-rejected",
            TimeStampResponse::rejected(Failure::BadAlgorithm, "SHA-1 is not stamped").to_der(),
        ),
        ("response-waiting", waiting.to_der()),
        ("token", token),
        ("token-of-openssl", by_openssl),
    ])
}

/// Says that the value was there: the same each time, where an authority draws serial numbers.
fn info() -> TstInfo {
    info_over(STAMPED)
}

/// Writes what a token over a signature value says.
pub(super) fn info_over(value: &[u8]) -> TstInfo {
    let policy = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.1");
    let imprint = MessageImprint::of(DigestAlgorithm::Sha256, value);
    let mut info = TstInfo::new(policy, imprint, vec![1], now().into());
    info.nonce = Some(Nonce::from_unsigned(&[7; 8]));
    info
}

/// Signs a token, bound to its certificate by `ESSCertIDv2` in its shortest form (RFC 5035 section 3).
pub(super) fn token(info: &TstInfo) -> Vec<u8> {
    let certificate = stamper().certificate().as_der();
    let hash = chancery_sigverify::digest(DigestAlgorithm::Sha256, certificate);
    let id = asn1::sequence(&[&asn1::octet_string(&hash)]);
    let binding = asn1::sequence(&[&asn1::sequence(&[&id])]);
    SignedDataBuilder::new(oid::TST_INFO, asn1::octet_string(&info.to_der()))
        .expect("DER")
        .version(3)
        .signed_attribute(NewAttribute::new(oid::SIGNING_CERTIFICATE_V2, binding))
        .sign(stamper(), SCHEME)
        .expect("it signs")
}

fn content(token: &[u8]) -> Vec<u8> {
    let read = SignedData::from_der(token).expect("a token");
    read.content.map(|content| content.contents.to_vec()).unwrap_or_default()
}
