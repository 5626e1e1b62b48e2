//! Base64 text, as signatures and digests travel in by themselves.

use base64ct::{Base64, Encoding};

/// Reads padded Base64 over any number of lines; `None` where it is none.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.iter().copied().filter(|c| !c.is_ascii_whitespace()).collect();
    let text = str::from_utf8(&digits).ok().filter(|text| !text.is_empty())?;
    Base64::decode_vec(text).ok()
}

/// Writes padded Base64 on one line.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_blanks_do_not_count() {
        assert_eq!(decode(b"AQ\r\nID \n").as_deref(), Some(&[1, 2, 3][..]));
        for bad in [&b""[..], b" ", b"AQI", b"AQ*D", b"\x30\x80"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }
}
