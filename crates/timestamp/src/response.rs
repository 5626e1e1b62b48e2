//! What a server answers.

use chancery_x509::asn1::{self, Tlv, tag};

use crate::Error;

/// `PKIStatus` (RFC 3161 section 2.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Stamped as asked.
    Granted,
    /// Stamped, with changes: accepted where the stamp passes every check all the same.
    GrantedWithMods,
    /// Not stamped.
    Rejection,
    /// Not stamped yet.
    Waiting,
    /// Not stamped: the server's certificate is about to be revoked.
    RevocationWarning,
    /// Not stamped: the server's certificate is revoked.
    RevocationNotification,
    /// A number RFC 3161 does not give a meaning.
    Other(u32),
}

impl Status {
    /// Tells whether there is to be a token.
    #[must_use]
    pub const fn is_granted(self) -> bool {
        matches!(self, Self::Granted | Self::GrantedWithMods)
    }

    const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Granted,
            1 => Self::GrantedWithMods,
            2 => Self::Rejection,
            3 => Self::Waiting,
            4 => Self::RevocationWarning,
            5 => Self::RevocationNotification,
            other => Self::Other(other),
        }
    }

    const fn number(self) -> u32 {
        match self {
            Self::Granted => 0,
            Self::GrantedWithMods => 1,
            Self::Rejection => 2,
            Self::Waiting => 3,
            Self::RevocationWarning => 4,
            Self::RevocationNotification => 5,
            Self::Other(number) => number,
        }
    }
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Granted => f.write_str("granted"),
            Self::GrantedWithMods => f.write_str("granted with modifications"),
            Self::Rejection => f.write_str("rejected"),
            Self::Waiting => f.write_str("waiting"),
            Self::RevocationWarning => f.write_str("revocation of the server is near"),
            Self::RevocationNotification => f.write_str("the server is revoked"),
            Self::Other(number) => write!(f, "status {number}"),
        }
    }
}

/// `PKIFailureInfo` (RFC 3161 section 2.4.2): why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// badAlg: the hash function is not accepted.
    BadAlgorithm,
    /// badRequest: this transaction is not supported.
    BadRequest,
    /// badDataFormat: the request cannot be read.
    BadDataFormat,
    /// timeNotAvailable: the server's clock is out of order.
    TimeNotAvailable,
    /// unacceptedPolicy: the server does not stamp under the policy asked for.
    UnacceptedPolicy,
    /// unacceptedExtension: the request has an extension the server does not know.
    UnacceptedExtension,
    /// addInfoNotAvailable: what was asked for in addition is not there.
    AdditionalInformationNotAvailable,
    /// systemFailure: the server is out of order.
    SystemFailure,
}

impl Failure {
    const ALL: [(Self, u8, &'static str); 8] = [
        (Self::BadAlgorithm, 0, "badAlg"),
        (Self::BadRequest, 2, "badRequest"),
        (Self::BadDataFormat, 5, "badDataFormat"),
        (Self::TimeNotAvailable, 14, "timeNotAvailable"),
        (Self::UnacceptedPolicy, 15, "unacceptedPolicy"),
        (Self::UnacceptedExtension, 16, "unacceptedExtension"),
        (Self::AdditionalInformationNotAvailable, 17, "addInfoNotAvailable"),
        (Self::SystemFailure, 25, "systemFailure"),
    ];

    /// Returns the name in RFC 3161.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(one, ..)| *one == self).map_or("unknown", |(_, _, name)| *name)
    }

    /// Tells whether the same request may succeed later.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::TimeNotAvailable | Self::SystemFailure)
    }

    fn from_tlv(tlv: Tlv<'_>) -> Vec<Self> {
        let octets = tlv.contents.get(1..).unwrap_or_default();
        let is_set = |bit: u8| {
            let octet = octets.get(usize::from(bit / 8)).copied().unwrap_or_default();
            octet & (0x80_u8 >> (bit % 8)) != 0
        };
        Self::ALL.iter().filter(|(_, bit, _)| is_set(*bit)).map(|(one, ..)| *one).collect()
    }

    fn to_der(self) -> Vec<u8> {
        let bit = Self::ALL.iter().find(|(one, ..)| *one == self).map_or(0, |(_, bit, _)| *bit);
        let mut octets = vec![0; usize::from(bit / 8)];
        octets.push(0x80_u8 >> (bit % 8));
        // A named bit string ends with its last bit that is set (X.690 section 11.2.2).
        asn1::tlv(tag::BIT_STRING, &[&[7_u8.saturating_sub(bit % 8)], &octets])
    }
}

/// A `TimeStampResp` (RFC 3161 section 2.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeStampResponse {
    /// What became of the request.
    pub status: Status,
    /// What the server says about it, for people.
    pub text: Vec<String>,
    /// Why there is no token.
    pub failures: Vec<Failure>,
    /// DER of the token, as it was received.
    pub token: Option<Vec<u8>>,
}

impl TimeStampResponse {
    /// Grants a request.
    #[must_use]
    pub const fn granted(token: Vec<u8>) -> Self {
        Self { status: Status::Granted, text: Vec::new(), failures: Vec::new(), token: Some(token) }
    }

    /// Rejects a request.
    #[must_use]
    pub fn rejected(failure: Failure, text: &str) -> Self {
        Self {
            status: Status::Rejection,
            text: vec![text.to_owned()],
            failures: vec![failure],
            token: None,
        }
    }

    /// Reads a response that takes up all of `bytes`. The token is cut out and not looked at.
    ///
    /// # Errors
    /// [`Error::Encoding`] with the offset.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::parse(bytes)?.expect(tag::SEQUENCE, "timestamp response")?.reader();
        let mut info = fields.expect(tag::SEQUENCE, "status info")?.reader();
        let status = Status::from_number(info.read()?.small_integer()?);
        let mut text = Vec::new();
        if let Some(strings) = info.optional(tag::SEQUENCE)? {
            for string in strings.reader() {
                let string = string?.expect(tag::UTF8_STRING, "status string")?;
                text.push(String::from_utf8_lossy(string.contents).into_owned());
            }
        }
        let failures = info.optional(tag::BIT_STRING)?.map(Failure::from_tlv).unwrap_or_default();
        info.finish()?;
        let token = fields.optional(tag::SEQUENCE)?.map(|token| token.raw.to_vec());
        fields.finish()?;
        Ok(Self { status, text, failures, token })
    }

    /// Writes the response.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let text: Vec<Vec<u8>> =
            self.text.iter().map(|text| asn1::tlv(tag::UTF8_STRING, &[text.as_bytes()])).collect();
        let text = match text.as_slice() {
            [] => Vec::new(),
            text => asn1::sequence(&text.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        };
        let failure = self.failures.first().map(|failure| failure.to_der()).unwrap_or_default();
        let status = asn1::unsigned_integer(&self.status.number().to_be_bytes());
        let info = asn1::sequence(&[&status, &text, &failure]);
        asn1::sequence(&[&info, self.token.as_deref().unwrap_or_default()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_read_back() {
        for (failure, ..) in Failure::ALL {
            let response = TimeStampResponse::rejected(failure, "no");
            assert_eq!(TimeStampResponse::from_der(&response.to_der()).unwrap(), response);
        }
    }

    #[test]
    fn a_response_ends_where_its_der_ends() {
        let mut der = TimeStampResponse::granted(asn1::sequence(&[])).to_der();
        assert!(TimeStampResponse::from_der(&der).unwrap().token.is_some());
        der.push(0);
        assert!(TimeStampResponse::from_der(&der).is_err());
        assert!(TimeStampResponse::from_der(b"<html>").is_err());
    }
}
