//! PKIData: with a request, with one of another form beside it, and with too many.

use chancery_cms::pki_data;
use chancery_x509::RequestBuilder;
use chancery_x509::asn1::{self, tag};

use super::Seeds;
use crate::identity::{SCHEME, p256};

pub(super) fn seeds() -> Seeds {
    let request = RequestBuilder::code_signing("CN=Renewed".parse().expect("a name"));
    let request = request.sign(&p256(4), SCHEME).expect("its own key").as_der().to_vec();
    let one = pki_data(&request).expect("it is one value");
    let tagged = |number: u8, value: &[u8]| {
        asn1::tlv(tag::context_constructed(number), &[&asn1::unsigned_integer(&[1]), value])
    };
    let of = |requests: &[u8]| {
        let none = asn1::sequence(&[]);
        asn1::sequence(&[&none, &asn1::sequence(&[requests]), &none, &none])
    };
    let small = tagged(0, &asn1::sequence(&[]));
    Seeds::from([
        ("empty", of(&[])),
        ("one-request", one.clone()),
        ("other-form", of(&[tagged(1, &request), tagged(0, &request)].concat())),
        ("number-missing", of(&asn1::tlv(tag::context_constructed(0), &[&request]))),
        ("sixteen", of(&small.repeat(16))),
        ("seventeen", of(&small.repeat(17))),
        ("truncated", one[..one.len() - 3].to_vec()),
    ])
}
