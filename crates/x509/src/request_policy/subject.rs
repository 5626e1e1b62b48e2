//! Names as CertStrToName reads them, which is not RFC 4514: a quotation mark is doubled, not escaped, and
//! a backslash is a character like any other.

use super::error::PolicyErrorKind as Kind;
use super::value::{Symbol, bits, strip_prefix};
use crate::{Name, NameError, asn1};

const FORWARD: u32 = 0x0100_0000;
const REVERSE: u32 = 0x0200_0000;
const COMMA: u32 = 0x0400_0000;
const CRLF: u32 = 0x0800_0000;
const NO_QUOTING: u32 = 0x1000_0000;
const NO_PLUS: u32 = 0x2000_0000;
const SEMICOLON: u32 = 0x4000_0000;
/// Strings other than PrintableString and UTF-8, and domain names in Punycode.
const OTHER_STRINGS: u32 = 0x0032_0000;

/// The names of wincrypt.h; certenroll.h has the same with `XCN_` before them.
const SYMBOLS: [Symbol; 16] = [
    ("CERT_SIMPLE_NAME_STR", 1),
    ("CERT_OID_NAME_STR", 2),
    ("CERT_X500_NAME_STR", 3),
    ("CERT_XML_NAME_STR", 4),
    ("CERT_NAME_STR_DISABLE_IE4_UTF8_FLAG", 0x0001_0000),
    ("CERT_NAME_STR_ENABLE_T61_UNICODE_FLAG", 0x0002_0000),
    ("CERT_NAME_STR_ENABLE_UTF8_UNICODE_FLAG", 0x0004_0000),
    ("CERT_NAME_STR_FORCE_UTF8_DIR_STR_FLAG", 0x0008_0000),
    ("CERT_NAME_STR_DISABLE_UTF8_DIR_STR_FLAG", 0x0010_0000),
    ("CERT_NAME_STR_ENABLE_PUNYCODE_FLAG", 0x0020_0000),
    ("CERT_NAME_STR_FORWARD_FLAG", FORWARD),
    ("CERT_NAME_STR_REVERSE_FLAG", REVERSE),
    ("CERT_NAME_STR_COMMA_FLAG", COMMA),
    ("CERT_NAME_STR_CRLF_FLAG", CRLF),
    ("CERT_NAME_STR_NO_QUOTING_FLAG", NO_QUOTING),
    ("CERT_NAME_STR_NO_PLUS_FLAG", NO_PLUS),
];
const SEMICOLON_SYMBOL: Symbol = ("CERT_NAME_STR_SEMICOLON_FLAG", SEMICOLON);

/// The longest string that is read as a name, in bytes.
pub(crate) const MAX_LEN: usize = 4096;

/// How a string is read (X500NameFlags).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameFlags(u32);

impl NameFlags {
    pub(crate) fn parse(text: &str) -> Result<Self, Kind> {
        let symbols: Vec<Symbol> = SYMBOLS.into_iter().chain([SEMICOLON_SYMBOL]).collect();
        let plain = text
            .split('|')
            .map(|part| strip_prefix(part.trim(), "XCN_").unwrap_or(part))
            .collect::<Vec<_>>()
            .join("|");
        let flags = bits(&plain, &symbols, "X500NameFlags value")?;
        let known = symbols.iter().fold(0, |known, (_, flag)| known | flag);
        if flags & !known != 0 {
            let value = format!("{:#x}", flags & !known);
            return Err(Kind::Value { value, what: "X500NameFlags value", suggestion: None });
        }
        if flags & FORWARD != 0 && flags & REVERSE != 0 {
            let why = "FORWARD and REVERSE contradict each other";
            return Err(Kind::Unsupported { why });
        }
        Ok(Self(flags))
    }

    const fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    /// Tells whether other string types are asked for than we write.
    pub(crate) const fn wants_other_strings(self) -> bool {
        self.has(OTHER_STRINGS)
    }

    /// Tells whether a character stands between two attributes.
    fn separates(self, c: char) -> bool {
        match c {
            ',' => !self.has(SEMICOLON | CRLF) || self.has(COMMA),
            ';' => !self.has(COMMA | CRLF) || self.has(SEMICOLON),
            _ => false,
        }
    }
}

/// Reads a string as a name.
///
/// The first attribute of the string is encoded last, as IX500DistinguishedName has it and with it certreq, unless
/// the flags have FORWARD.
pub(crate) fn name(text: &str, flags: NameFlags) -> Result<Name, Kind> {
    if text.len() > MAX_LEN {
        return Err(Kind::Limit { what: "bytes of name", limit: MAX_LEN });
    }
    let mut rdns = Scanner { text, at: 0, flags }.rdns().map_err(Kind::Name)?;
    if flags.has(FORWARD) {
        rdns.reverse();
    }
    rdns.join(",").parse().map_err(Kind::Name)
}

/// Rewrites a string in the way of RFC 4514, which [`Name`] reads.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    flags: NameFlags,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at = self.at.saturating_add(c.len_utf8());
        Some(c)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.next();
        }
    }

    fn at_plus(&self) -> bool {
        self.peek() == Some('+') && !self.flags.has(NO_PLUS)
    }

    fn at_end(&self) -> bool {
        self.at_plus() || self.peek().is_none_or(|c| self.flags.separates(c))
    }

    fn rdns(mut self) -> Result<Vec<String>, NameError> {
        let mut rdns = Vec::new();
        let mut rdn = String::new();
        self.skip_blanks();
        if self.peek().is_none() {
            return Err(NameError::Empty);
        }
        loop {
            self.attribute(&mut rdn)?;
            if self.at_plus() {
                self.next();
                rdn.push('+');
                continue;
            }
            rdns.push(core::mem::take(&mut rdn));
            if self.next().is_none() {
                return Ok(rdns);
            }
        }
    }

    /// Reads `TYPE=value` up to what ends it.
    fn attribute(&mut self, out: &mut String) -> Result<(), NameError> {
        self.skip_blanks();
        let start = self.at;
        while self.peek() != Some('=') {
            if self.at_end() {
                return Err(NameError::NoEquals(start));
            }
            self.next();
        }
        let kind = self.text.get(start..self.at).unwrap_or_default().trim();
        if kind.is_empty() || !kind.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.') {
            return Err(NameError::UnknownType(kind.to_owned()));
        }
        out.push_str(kind);
        self.next();
        out.push('=');
        self.skip_blanks();
        match self.peek() {
            Some('"') if !self.flags.has(NO_QUOTING) => self.quoted(out),
            Some('#') => self.octets(out),
            _ => self.plain(out),
        }
    }

    fn plain(&mut self, out: &mut String) -> Result<(), NameError> {
        let start = self.at;
        while !self.at_end() {
            if self.peek() == Some('"') && !self.flags.has(NO_QUOTING) {
                return Err(NameError::BadEscape(self.at));
            }
            self.next();
        }
        let value = self.text.get(start..self.at).unwrap_or_default();
        value.trim_matches([' ', '\t']).chars().for_each(|c| escape(c, out));
        Ok(())
    }

    fn quoted(&mut self, out: &mut String) -> Result<(), NameError> {
        let start = self.at;
        self.next();
        loop {
            match self.next() {
                None => return Err(NameError::BadEscape(start)),
                Some('"') if self.peek() == Some('"') => {
                    self.next();
                    escape('"', out);
                }
                Some('"') => break,
                Some(c) => escape(c, out),
            }
        }
        self.skip_blanks();
        if self.at_end() { Ok(()) } else { Err(NameError::BadEscape(self.at)) }
    }

    /// Reads `#` and hexadecimal digits, which CertStrToName makes an OCTET STRING.
    fn octets(&mut self, out: &mut String) -> Result<(), NameError> {
        let start = self.at;
        self.next();
        let digits = self.at;
        while !self.at_end() {
            self.next();
        }
        let digits = self.text.get(digits..self.at).unwrap_or_default();
        let octets = super::value::hex(digits).map_err(|_| NameError::BadEscape(start))?;
        out.push('#');
        for octet in asn1::octet_string(&octets) {
            push_hex(octet, out);
        }
        Ok(())
    }
}

fn escape(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() {
        out.push(c);
        return;
    }
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        out.push('\\');
        push_hex(byte, out);
    }
}

fn push_hex(byte: u8, out: &mut String) {
    let digits = [byte >> 4, byte & 0xf];
    out.extend(digits.iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, Kind> {
        name(text, NameFlags::default()).map(|name| name.to_string())
    }

    fn read_with(flags: &str, text: &str) -> Result<String, Kind> {
        NameFlags::parse(flags).and_then(|flags| name(text, flags)).map(|name| name.to_string())
    }

    #[test]
    fn the_first_attribute_is_encoded_last() {
        let name = name("CN=a,C=US", NameFlags::default()).unwrap();
        // countryName, 2.5.4.6, comes first in the encoding.
        assert_eq!(&name.as_der()[6..11], [0x06, 0x03, 0x55, 0x04, 0x06]);
        assert_eq!(name.to_string(), "CN=a,C=US");
        for flags in ["0x01000000", "CERT_NAME_STR_FORWARD_FLAG", "XCN_CERT_NAME_STR_FORWARD_FLAG"]
        {
            assert_eq!(read_with(flags, "CN=a,C=US").unwrap(), "C=US,CN=a");
        }
        assert_eq!(read_with("0x02000003", "CN=a,C=US").unwrap(), "CN=a,C=US");
    }

    #[test]
    fn quotation_marks_are_doubled_and_backslashes_plain() {
        for (text, written) in [
            (r#"CN="A, Inc.",O=B"#, r"CN=A\, Inc.,O=B"),
            (r#"CN="say ""hi""""#, r#"CN=say \"hi\""#),
            (r"CN=back\slash,O=B", r"CN=back\\slash,O=B"),
            (r#"CN = " padded " ; O = B "#, r"CN=\ padded\ ,O=B"),
            ("CN=a=b", "CN=a=b"),
            ("CN=a+OU=b;O=c", "CN=a+OU=b,O=c"),
            ("S=WA, G=Ann, E=a@b.example", "ST=WA,GN=Ann,EMAIL=a@b.example"),
            ("OID.2.5.4.3=x,2.5.4.10=y", "CN=x,O=y"),
            ("CN=Grüße 日本", "CN=Grüße 日本"),
            ("CN=#01 ff", "CN=#040201ff"),
        ] {
            assert_eq!(read(text).unwrap(), written, "{text}");
        }
    }

    #[test]
    fn flags_choose_what_separates() {
        assert_eq!(
            read_with("CERT_NAME_STR_SEMICOLON_FLAG", "CN=a,b;O=c").unwrap(),
            r"CN=a\,b,O=c"
        );
        assert_eq!(read_with("CERT_NAME_STR_COMMA_FLAG", "CN=a;b,O=c").unwrap(), r"CN=a\;b,O=c");
        assert_eq!(read_with("CERT_NAME_STR_CRLF_FLAG", "CN=a;b,c").unwrap(), r"CN=a\;b\,c");
        assert_eq!(read_with("CERT_NAME_STR_NO_PLUS_FLAG", "CN=a+b").unwrap(), r"CN=a\+b");
        assert_eq!(read_with("CERT_NAME_STR_NO_QUOTING_FLAG", r#"CN="a""#).unwrap(), r#"CN=\"a\""#);
        assert!(NameFlags::parse("0x200000").unwrap().wants_other_strings());
        assert!(!NameFlags::parse("CERT_X500_NAME_STR | 0x80000").unwrap().wants_other_strings());
        assert!(matches!(
            NameFlags::parse("CERT_NAME_STR_FORWARDS_FLAG"),
            Err(Kind::Value { suggestion: Some("CERT_NAME_STR_FORWARD_FLAG"), .. })
        ));
        assert!(matches!(
            NameFlags::parse("0x80000003"),
            Err(Kind::Value { value, .. }) if value == "0x80000000"
        ));
        assert!(matches!(NameFlags::parse("0x03000000"), Err(Kind::Unsupported { .. })));
    }

    #[test]
    fn errors_count_bytes_of_the_string() {
        for (text, expected) in [
            ("", NameError::Empty),
            ("a", NameError::NoEquals(0)),
            ("CN=a, b", NameError::NoEquals(6)),
            ("CN=a,", NameError::NoEquals(5)),
            ("=a", NameError::UnknownType(String::new())),
            ("C\\N=a", NameError::UnknownType("C\\N".into())),
            ("XX=a", NameError::UnknownType("XX".into())),
            ("C=USA", NameError::BadValue("C".into())),
            ("CN=", NameError::BadValue("CN".into())),
            (r#"CN="a"#, NameError::BadEscape(3)),
            (r#"CN="a" b"#, NameError::BadEscape(7)),
            (r#"CN=a"b""#, NameError::BadEscape(4)),
            ("CN=#0g", NameError::BadEscape(3)),
            ("CN=#", NameError::BadEscape(3)),
        ] {
            let Err(Kind::Name(error)) = read(text) else { panic!("{text} is a name") };
            assert_eq!(error, expected, "{text}");
        }
        let long = format!("CN={}", "a".repeat(MAX_LEN));
        assert!(matches!(read(&long), Err(Kind::Limit { .. })));
    }

    proptest! {
        #[test]
        fn a_quoted_value_comes_back_whole(value in "[ -~äß日]{1,20}") {
            let text = format!("CN=\"{}\",O=x", value.replace('"', "\"\""));
            let name = name(&text, NameFlags::default()).unwrap();
            prop_assert_eq!(name.common_name(), Some(value));
        }

        #[test]
        fn no_string_does_harm(text in "(CN=)?[ -~ä\t]{0,40}", flags in 0..128_u32) {
            let _ = name(&text, NameFlags(flags << 24));
        }
    }
}
