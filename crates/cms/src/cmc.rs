//! Certification requests in a SignedData: the full PKI request of CMC (RFC 5272 section 3.2).

use chancery_x509::asn1::{self, Tlv, tag};

use crate::Error;

/// The most requests that are read from one PKIData.
const MAX_REQUESTS: usize = 16;

/// The number of the only part of a body (RFC 5272 section 3.2.2.1); 0 stands for the body itself.
const BODY_PART: u8 = 1;

/// Writes a PKIData with one PKCS#10 request in it and without controls (RFC 5272 section 3.2.1).
///
/// # Errors
/// [`Error::Encoding`] where `request` is not one DER value.
pub fn pki_data(request: &[u8]) -> Result<Vec<u8>, Error> {
    Tlv::parse(request)?;
    let number = asn1::unsigned_integer(&[BODY_PART]);
    let tagged = asn1::tlv(tag::context_constructed(0), &[&number, request]);
    let none = asn1::sequence(&[]);
    Ok(asn1::sequence(&[&none, &asn1::sequence(&[&tagged]), &none, &none]))
}

/// Reads the PKCS#10 requests of a PKIData, each in DER; requests of other forms are passed over.
///
/// # Errors
/// [`Error::Encoding`] where it is no PKIData, [`Error::Limit`] where it has too many requests.
pub fn requests_in_pki_data(pki_data: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut parts = Tlv::parse(pki_data)?.expect(tag::SEQUENCE, "PKIData")?.reader();
    parts.expect(tag::SEQUENCE, "controls")?;
    let tagged = parts.expect(tag::SEQUENCE, "requests")?;
    parts.expect(tag::SEQUENCE, "contents")?;
    parts.expect(tag::SEQUENCE, "other messages")?;
    parts.finish()?;
    let mut requests = Vec::new();
    for request in tagged.reader() {
        let request = request?;
        if request.tag != tag::context_constructed(0) {
            continue;
        }
        let mut fields = request.reader();
        fields.expect(tag::INTEGER, "the number of a part")?;
        if requests.len() == MAX_REQUESTS {
            return Err(Error::Limit { what: "requests", limit: MAX_REQUESTS });
        }
        requests.push(fields.expect(tag::SEQUENCE, "certification request")?.raw);
        fields.finish()?;
    }
    Ok(requests)
}
