//! A modulus in a file, as people hand it over.

use std::path::Path;

use crate::{Error, ErrorKind, read_small_file};

/// Reads an RSA modulus from a text file and returns it big-endian without leading zeros.
///
/// Takes what `openssl x509 -noout -modulus` prints, with or without `Modulus=`, in either case, with `0x`,
/// blanks, colons or line breaks between the digits.
///
/// # Errors
/// [`ErrorKind::Io`], and [`ErrorKind::Malformed`] where the file has something else in it.
pub fn read_modulus(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = read_small_file(path)?;
    parse_modulus(&String::from_utf8_lossy(&bytes)).ok_or_else(|| {
        Error::new(
            ErrorKind::Malformed,
            format!(
                "{} has no modulus as `openssl x509 -noout -modulus` prints it",
                path.display()
            ),
        )
    })
}

fn parse_modulus(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let digits = match text.split_once('=') {
        Some((name, digits)) if name.trim().eq_ignore_ascii_case("modulus") => digits.trim(),
        Some(_) => return None,
        None => text,
    };
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
    let digits: Vec<u8> = digits
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    // An odd number of digits lacks the leading zero.
    let modulus: Vec<u8> = digits
        .rchunks(2)
        .rev()
        .map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit))
        .skip_while(|byte| *byte == 0)
        .collect();
    (!modulus.is_empty()).then_some(modulus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_it_is_read() {
        for text in [
            "Modulus=C0FFEE01\n",
            "modulus = c0ffee01",
            "\u{feff}C0FFEE01\r\n",
            "0xC0FFEE01",
            "00:c0:ff:ee:01",
            "C0FF\nEE01",
        ] {
            assert_eq!(parse_modulus(text), Some(vec![0xc0, 0xff, 0xee, 0x01]), "{text:?}");
        }
        assert_eq!(parse_modulus("C01"), Some(vec![0x0c, 0x01]), "an odd number of digits");
    }

    #[test]
    fn other_text_is_no_modulus() {
        for text in ["", "Modulus=", "Exponent=010001", "0000", "hello", "Modulus=xyz"] {
            assert_eq!(parse_modulus(text), None, "{text:?}");
        }
    }
}
