//! Output without what differs from run to run.

use std::collections::BTreeMap;

/// The fewest hexadecimal digits that are a serial number or a hash, and no word.
const FEWEST_DIGITS: usize = 16;

/// Puts made-up values in the place of hashes, serial numbers, identifiers and dates: the same for the same.
#[derive(Debug, Default)]
pub(super) struct Normalised {
    known: BTreeMap<String, usize>,
}

impl Normalised {
    /// Returns a text with made-up values.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let len = self.replace(rest, &mut out);
            rest = &rest[len..];
        }
        out
    }

    /// Replaces what the text begins with, or takes over a word or one character; returns how long that was.
    fn replace(&mut self, text: &str, out: &mut String) -> usize {
        let bytes = text.as_bytes();
        let is_date = |at: usize, form: &str| {
            form.bytes().enumerate().all(|(index, form)| match bytes.get(at + index) {
                Some(byte) if form == b'0' => byte.is_ascii_digit(),
                found => found == Some(&form),
            })
        };
        if is_date(0, "0000-00-00") {
            let year = 2026 + self.number("date", &text[..10]);
            let has_time = is_date(10, "T00:00:00Z");
            out.push_str(&format!("{year}-01-31{}", if has_time { "T12:00:00Z" } else { "" }));
            return if has_time { 20 } else { 10 };
        }
        let octets = (1..).take_while(|number| is_octet(text, *number)).count();
        if octets >= FEWEST_DIGITS / 2 {
            (1..=octets).for_each(|number| out.push_str(&format!("%{number:02X}")));
            return octets * 3;
        }
        let word = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let digits = &text[..word];
        if word >= FEWEST_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let number = self.number("hex", &digits.to_lowercase());
            // A serial number that begins with zeros is shorter.
            let len = [40, 64].into_iter().find(|usual| word <= *usual).unwrap_or(word);
            let made_up = "0123456789abcdef".chars().cycle().skip(number).take(len);
            let made_up: String = made_up.collect();
            let is_upper = digits.bytes().any(|digit| digit.is_ascii_uppercase());
            out.push_str(&if is_upper { made_up.to_uppercase() } else { made_up });
            return word;
        }
        let taken = word.max(text.chars().next().map_or(1, char::len_utf8));
        out.push_str(&text[..taken]);
        taken
    }

    /// The place of a value among those of its kind, in the order they appeared.
    fn number(&mut self, kind: &str, value: &str) -> usize {
        let before = self.known.keys().filter(|key| key.starts_with(kind)).count();
        *self.known.entry(format!("{kind} {value}")).or_insert(before)
    }
}

/// Tells whether the `number`th escape of a run of them, counted from 1, is there.
fn is_octet(text: &str, number: usize) -> bool {
    let at = (number - 1) * 3;
    let escape = text.as_bytes().get(at..at + 3);
    escape.is_some_and(|escape| {
        escape[0] == b'%' && escape[1..].iter().all(|digit| digit.is_ascii_hexdigit())
    })
}

#[test]
fn the_same_value_is_made_up_alike_and_words_stay() {
    let mut normalised = Normalised::default();
    let hash = "9EC800338E85959814563AFD7A67C3CBB043C034";
    let lower = hash.to_lowercase();
    let text =
        normalised.text(&format!("sha1 {hash}, {lower} until 2027-11-22T05:51:48Z bad-cafe"));
    let made_up = "0123456789ABCDEF0123456789ABCDEF01234567";
    let lower = made_up.to_lowercase();
    assert_eq!(text, format!("sha1 {made_up}, {lower} until 2026-01-31T12:00:00Z bad-cafe"));
    assert_eq!(normalised.text("id=%88%7D%E4%DC%B8%D1%DE%2D;a"), "id=%01%02%03%04%05%06%07%08;a");
    assert_eq!(normalised.text("%41 2027-11-22 2028-11-22"), "%41 2026-01-31 2027-01-31");
}
