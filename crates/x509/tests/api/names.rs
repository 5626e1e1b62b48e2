//! Ten thousand names in every form, and what OpenSSL prints of them.

use std::fs;
use std::process::{Command, Stdio};

use chancery_key::SigningKey;
use chancery_x509::asn1::{self, tag};
use chancery_x509::{Name, OpenSslForm, WindowsForm};
use const_oid::ObjectIdentifier;

use super::support::{name, p256};

const NUMERIC_STRING: u8 = 0x12;

/// Attribute types: their numbers, what Windows calls them, and the string type we write.
const TYPES: [(&str, &str, u8); 13] = [
    ("2.5.4.3", "CN", tag::UTF8_STRING),
    ("2.5.4.10", "O", tag::UTF8_STRING),
    ("2.5.4.11", "OU", tag::UTF8_STRING),
    ("2.5.4.8", "S", tag::UTF8_STRING),
    ("2.5.4.7", "L", tag::UTF8_STRING),
    ("2.5.4.9", "STREET", tag::UTF8_STRING),
    ("2.5.4.6", "C", tag::PRINTABLE_STRING),
    ("2.5.4.5", "SERIALNUMBER", tag::PRINTABLE_STRING),
    ("0.9.2342.19200300.100.1.25", "DC", tag::IA5_STRING),
    ("1.2.840.113549.1.9.1", "E", tag::IA5_STRING),
    ("2.5.4.46", "OID.2.5.4.46", tag::UTF8_STRING),
    ("1.3.6.1.4.1.311.60.2.1.1", "OID.1.3.6.1.4.1.311.60.2.1.1", tag::UTF8_STRING),
    ("1.2.3.4.5", "OID.1.2.3.4.5", tag::UTF8_STRING),
];

/// Letters that any string type has, those with a meaning in names, and those few types have.
const PLAIN: [char; 12] = ['a', 'Z', '0', ' ', '\'', '(', ')', '+', ',', '-', '=', '.'];
const ASCII: [char; 14] =
    ['"', '\\', '<', '>', ';', '#', ' ', '@', '*', '/', '\0', '\n', '\x1b', '\x7f'];
const ANY: [char; 12] = [
    'é',
    'ß',
    '\u{a0}',
    '\u{85}',
    'Ω',
    '中',
    '\u{202e}',
    '\u{fffd}',
    '\u{2028}',
    '😀',
    '𝔘',
    '\u{10ffff}',
];

/// Numbers that are the same in every run (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % sides
    }

    fn text(&mut self, letters: &[&[char]]) -> String {
        let length = self.roll(8) + 1;
        (0..length)
            .map(|_| {
                let kind = letters[self.roll(letters.len())];
                kind[self.roll(kind.len())]
            })
            .collect()
    }
}

/// An attribute as it was drawn: its place in `TYPES`, string type and text.
#[derive(Clone, Debug)]
struct Drawn {
    kind: usize,
    string: u8,
    text: String,
}

impl Drawn {
    /// Draws one, of the string type we write ourselves where `native`.
    fn new(dice: &mut Dice, native: bool) -> Self {
        let kind = dice.roll(TYPES.len());
        let own = TYPES[kind].2;
        let others = [
            tag::UTF8_STRING,
            tag::BMP_STRING,
            tag::UNIVERSAL_STRING,
            tag::TELETEX_STRING,
            tag::IA5_STRING,
            tag::PRINTABLE_STRING,
            NUMERIC_STRING,
        ];
        let string = if native { own } else { others[dice.roll(others.len())] };
        // What the type is for decides, not the string it happens to be in.
        let narrowest = if own == tag::UTF8_STRING { string } else { own };
        let text = if TYPES[kind].1 == "C" {
            dice.text(&[&['G', 'B', 'D', 'E']]).chars().cycle().take(2).collect()
        } else {
            match (narrowest, string) {
                (_, NUMERIC_STRING) => dice.text(&[&['0', '7', ' ']]),
                (tag::PRINTABLE_STRING, _) | (_, tag::PRINTABLE_STRING) => dice.text(&[&PLAIN]),
                (tag::IA5_STRING, _) | (_, tag::IA5_STRING) => dice.text(&[&PLAIN, &ASCII]),
                (_, tag::TELETEX_STRING) => dice.text(&[&PLAIN, &ASCII, &ANY[..4]]),
                // OpenSSL knows no surrogate pairs.
                (_, tag::BMP_STRING) => dice.text(&[&PLAIN, &ASCII, &ANY[..9]]),
                _ => dice.text(&[&PLAIN, &ASCII, &ANY]),
            }
        };
        let digits_only = !matches!(string, NUMERIC_STRING) || TYPES[kind].1 != "C";
        let string = if digits_only { string } else { tag::PRINTABLE_STRING };
        Self { kind, string, text }
    }

    fn der(&self) -> Vec<u8> {
        let contents: Vec<u8> = match self.string {
            tag::BMP_STRING => self.text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            tag::UNIVERSAL_STRING => {
                self.text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect()
            }
            tag::TELETEX_STRING => {
                self.text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
            }
            _ => self.text.clone().into_bytes(),
        };
        let oid = ObjectIdentifier::new_unwrap(TYPES[self.kind].0);
        asn1::sequence(&[&asn1::object_identifier(&oid), &asn1::tlv(self.string, &[&contents])])
    }
}

/// A name as it was drawn, its sets in encoded order, and in DER.
struct DrawnName {
    native: bool,
    sets: Vec<Vec<Drawn>>,
    name: Name,
}

/// Draws names, every second one as we would write it ourselves.
fn draw(count: usize) -> Vec<DrawnName> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    (0..count)
        .map(|index| {
            let native = index % 2 == 0;
            let sets: Vec<Vec<Drawn>> = (0..=dice.roll(4))
                .map(|_| {
                    let size = if dice.roll(4) == 0 { 2 + dice.roll(2) } else { 1 };
                    let mut set: Vec<Drawn> =
                        (0..size).map(|_| Drawn::new(&mut dice, native)).collect();
                    set.sort_by_key(Drawn::der);
                    set
                })
                .collect();
            let encoded: Vec<Vec<u8>> = sets
                .iter()
                .map(|set| asn1::set_of(tag::SET, set.iter().map(Drawn::der).collect()))
                .collect();
            let parts: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
            let name = Name::from_der(&asn1::sequence(&parts)).unwrap();
            DrawnName { native, sets, name }
        })
        .collect()
}

#[test]
fn names_go_through_strings_unchanged() {
    let mut unchanged = 0;
    for DrawnName { native, name, sets } in draw(20_000) {
        let text = name.to_string();
        let read: Name = text.parse().unwrap_or_else(|error| panic!("{error}: {text} {sets:?}"));
        if native {
            assert_eq!(read.to_string(), text);
            assert_eq!(read.as_der(), name.as_der(), "{text}");
            unchanged += 1;
        } else if sets.iter().all(|set| set.iter().all(|one| one.string != NUMERIC_STRING)) {
            // The string type is lost, and with it the order within a set.
            assert!(read.matches(&name), "{text}");
        }
        let again = read.to_string();
        assert_eq!(again.parse::<Name>().unwrap().as_der(), read.as_der(), "{text}");
    }
    assert_eq!(unchanged, 10_000);
}

/// Packs a certificate for each name into the DER of a SignedData without signers.
fn certificates(names: &[DrawnName]) -> Vec<u8> {
    let key = p256();
    let algorithm = asn1::sequence(&[&asn1::object_identifier(&ObjectIdentifier::new_unwrap(
        "1.2.840.10045.4.3.2",
    ))]);
    let issuer = name("CN=Issuer");
    let dates = asn1::sequence(&[
        &asn1::tlv(tag::UTC_TIME, &[b"250101000000Z"]),
        &asn1::tlv(tag::UTC_TIME, &[b"450101000000Z"]),
    ]);
    let certificates: Vec<Vec<u8>> = names
        .iter()
        .map(|drawn| {
            let tbs = asn1::sequence(&[
                &asn1::unsigned_integer(&[1]),
                &algorithm,
                issuer.as_der(),
                &dates,
                drawn.name.as_der(),
                key.public_key().spki_der(),
            ]);
            asn1::sequence(&[&tbs, &algorithm, &asn1::bit_string(&[0])])
        })
        .collect();
    let parts: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    let oid = |arcs| asn1::object_identifier(&ObjectIdentifier::new_unwrap(arcs));
    let signed_data = asn1::sequence(&[
        &asn1::unsigned_integer(&[1]),
        &asn1::tlv(tag::SET, &[]),
        &asn1::sequence(&[&oid("1.2.840.113549.1.7.1")]),
        &asn1::tlv(tag::context_constructed(0), &parts),
        &asn1::tlv(tag::SET, &[]),
    ]);
    asn1::sequence(&[
        &oid("1.2.840.113549.1.7.2"),
        &asn1::tlv(tag::context_constructed(0), &[&signed_data]),
    ])
}

/// Has one OpenSSL process print the subject of every certificate.
fn openssl_subjects(names: &[DrawnName], form: OpenSslForm) -> Vec<String> {
    // `cms -print` takes every form but `oneline`, and `pkcs7` prints that one.
    let (args, before, after): (&[&str], _, _) = match form {
        OpenSslForm::Rfc2253 => (
            &["cms", "-cmsout", "-noout", "-print", "-nameopt", "RFC2253"],
            "\n          subject:",
            "\n          key:",
        ),
        OpenSslForm::MultiLine => (
            &["cms", "-cmsout", "-noout", "-print", "-nameopt", "multiline"],
            "\n          subject:",
            "\n          key:",
        ),
        _ => (&["pkcs7", "-noout", "-print_certs"], "subject=", "\nissuer="),
    };
    let folder = std::env::temp_dir().join(format!("chancery-names-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(args[0]);
    fs::write(&file, certificates(names)).unwrap();
    let output = Command::new("openssl")
        .args(args)
        .args(["-inform", "DER", "-in"])
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    fs::remove_dir_all(&folder).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let subjects = text.split(before).skip(1);
    subjects.map(|rest| rest.split_once(after).unwrap().0.trim_start().to_owned()).collect()
}

#[test]
fn openssl_prints_names_as_we_do() {
    let names = draw(10_000);
    for form in [OpenSslForm::Rfc2253, OpenSslForm::OneLine, OpenSslForm::MultiLine] {
        let printed = openssl_subjects(&names, form);
        assert_eq!(printed.len(), names.len());
        for (drawn, theirs) in names.iter().zip(&printed) {
            let ours = drawn.name.openssl(form).to_string();
            let theirs: Vec<&str> = theirs.lines().map(str::trim_start).collect();
            let ours: Vec<&str> = ours.lines().collect();
            assert_eq!(ours, theirs, "{form:?} {:?}", drawn.sets);
        }
        if form == OpenSslForm::Rfc2253 {
            for (drawn, theirs) in names.iter().zip(&printed) {
                // A value of `#` alone comes out of OpenSSL without the escape it needs.
                if drawn.sets.iter().flatten().any(|one| one.text == "#") {
                    continue;
                }
                let read: Name = theirs.parse().unwrap_or_else(|e| panic!("{e}: {theirs}"));
                let digits = drawn.sets.iter().flatten().any(|one| one.string == NUMERIC_STRING);
                assert!(digits || read.matches(&drawn.name), "{theirs}");
            }
        }
    }
}

/// Reads the form of Windows by its own rules: quotation marks around a value, doubled within.
fn read_windows(text: &str) -> Vec<Vec<(String, String)>> {
    let mut sets = vec![Vec::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let (kind, value) = rest.split_once('=').unwrap();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => {
                let mut value = String::new();
                let mut letters = quoted.char_indices().peekable();
                let end = loop {
                    match letters.next().unwrap() {
                        (_, '"') if letters.peek().is_some_and(|(_, c)| *c == '"') => {
                            letters.next();
                            value.push('"');
                        }
                        (at, '"') => break at,
                        (_, c) => value.push(c),
                    }
                };
                (value, &quoted[end + 1..])
            }
            None => {
                let end = value.find([',', '+']).map_or(value.len(), |end| {
                    if value[end..].starts_with('+') { end - 1 } else { end }
                });
                (value[..end].to_owned(), &value[end..])
            }
        };
        sets.last_mut().unwrap().push((kind.to_owned(), value));
        rest = match (after.strip_prefix(", "), after.strip_prefix(" + ")) {
            (Some(next), _) => {
                sets.push(Vec::new());
                next
            }
            (_, Some(next)) => next,
            _ => {
                assert_eq!(after, "");
                after
            }
        };
    }
    sets
}

#[test]
fn the_form_of_windows_says_the_same() {
    let escaped = |c: char| c.is_control() || c == '\u{202e}';
    let mut read = 0;
    for DrawnName { sets, name, .. } in draw(10_000) {
        let all = || sets.iter().flatten();
        if all().any(|one| one.string == NUMERIC_STRING || one.text.contains(escaped)) {
            continue;
        }
        let text = name.windows(WindowsForm::X500).to_string();
        let expected: Vec<Vec<(String, String)>> = sets
            .iter()
            .rev()
            .map(|set| {
                set.iter().map(|one| (TYPES[one.kind].1.to_owned(), one.text.clone())).collect()
            })
            .collect();
        assert_eq!(read_windows(&text), expected, "{text}");
        let lines = name.windows(WindowsForm::Lines).to_string();
        assert_eq!(lines.lines().count(), sets.len(), "{lines}");
        read += 1;
    }
    assert!(read > 1000, "{read}");
}
