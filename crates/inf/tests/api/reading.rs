//! What the text means.

use chancery_inf::{Document, Section};

fn read(text: &str) -> Document {
    text.parse().unwrap()
}

/// Reads a text that is one section.
fn section(lines: &str) -> Section {
    read(&format!("[A]\n{lines}")).section("A").unwrap().clone()
}

/// Reads one line and returns its fields.
fn fields(line: &str) -> Vec<String> {
    section(line).entries()[0].fields().to_vec()
}

#[test]
fn a_certreq_file_is_read() {
    // As a web page prints it, with no-break spaces before the first section and after a value.
    let inf = read(concat!(
        "\u{a0} [Version]\nSignature = \"$Windows NT$\"\n[NewRequest]\n",
        "Subject = \"CN=example.com,C=US,ST=Washington,L=Seattle,O=ExampleOrg,OU=WebServer\"\n",
        "ProviderName = \"Cavium Key Storage Provider\"\nMachineKeySet = True\u{a0} \u{a0} \n",
    ));
    let names: Vec<_> = inf.sections().iter().map(Section::name).collect();
    assert_eq!(names, ["Version", "NewRequest"]);
    assert_eq!(inf.section("version").unwrap().value("SIGNATURE").unwrap(), "$Windows NT$");
    let request = inf.section("NEWREQUEST").unwrap();
    assert_eq!(
        request.value("Subject").unwrap(),
        "CN=example.com,C=US,ST=Washington,L=Seattle,O=ExampleOrg,OU=WebServer"
    );
    assert_eq!(request.value("MachineKeySet").unwrap(), "True");
    assert_eq!(request.value("KeyLength"), None);
}

#[test]
fn no_break_spaces_around_things_are_blanks() {
    let inf = read(
        "\u{a0}; c\n\u{a0}[A]\u{a0}\n\u{a0}\n\u{a0}k\u{a0}=\u{a0}a\u{a0},\u{a0}\"b\"\u{a0}\\\u{a0}\n\u{a0}\u{a0}\u{a0};\n",
    );
    let entry = &inf.section("A").unwrap().entries()[0];
    assert_eq!((entry.key(), entry.fields()), (Some("k"), &["a".to_owned(), "b".to_owned()][..]));
}

#[test]
fn a_repair_file_is_read() {
    let properties = read(
        "    [Properties]\n    11 = \"\" ; Add friendly name property\n    2 = \"{text}\" ; more\n    \
         _continue_=\"Container=<key container name>&\"\n    _continue_=\"KeySpec=2\"\n    \n19 =\n",
    );
    let properties = properties.section("Properties").unwrap();
    assert_eq!(properties.entries().len(), 3);
    assert_eq!(properties.entry("11").unwrap().fields(), [""]);
    let info = properties.entry("2").unwrap();
    assert_eq!(info.value(), "{text}Container=<key container name>&KeySpec=2");
    assert_eq!(info.pieces().len(), 3);
    assert_eq!(info.fields(), ["{text}"]);
    assert!(properties.entry("19").unwrap().fields().is_empty(), "no value, not an empty one");
    assert_eq!(properties.entry("19").unwrap().value(), "");
}

#[test]
fn quotes_keep_commas_comments_and_blanks() {
    assert_eq!(fields(r#"k = a, b ,, "c, d; e" , " f " ; g"#), ["a", "b", "", "c, d; e", " f "]);
    assert_eq!(fields(r#"k = "CN=""A, Inc."",O=B""#), [r#"CN="A, Inc.",O=B"#]);
    assert_eq!(fields(r#"k = {text}"a b" c"#), ["{text}a b c"]);
    assert_eq!(fields(r#"k = """" "#), ["\""]);
    assert_eq!(fields("k = a  b\t"), ["a  b"]);
    assert_eq!(fields("k = AwIHgA=="), ["AwIHgA=="], "only the first `=` ends the key");
}

#[test]
fn a_line_without_equals_has_no_key() {
    let section = section("one, two\n\"a=b\"\nk =\n,\n");
    let keys: Vec<_> = section.entries().iter().map(|entry| entry.key()).collect();
    assert_eq!(keys, [None, None, Some("k"), None]);
    assert_eq!(section.entries()[0].fields(), ["one", "two"]);
    assert_eq!(section.entries()[1].fields(), ["a=b"]);
    assert_eq!(section.entries()[3].fields(), ["", ""]);
}

#[test]
fn a_backslash_at_the_end_joins_lines() {
    assert_eq!(fields("k = a, \\\r\n   b, \\ ; the last\r\n   c"), ["a", "b", "c"]);
    assert_eq!(fields("k = \\\n\"a\""), ["a"]);
    assert_eq!(fields("k = a\\b\\"), ["a\\b"]);
    assert_eq!(fields("k = \"C:\\temp\\\"\nj = 1"), ["C:\\temp\\"], "quoted, it is itself");
    assert_eq!(section("\\\n\\\n").entries().len(), 0);
}

#[test]
fn names_stand_for_strings() {
    let inf = read(
        "[A]\n%Key% = \"100%% %WHAT%\", %list%\n[Strings]\nkey = \"x.y\"\nwhat = \"50% %key%\"\n\
         list = a, b\n_continue_ = c\n",
    );
    let entry = &inf.section("A").unwrap().entries()[0];
    assert_eq!(entry.key(), Some("x.y"));
    // What was put in is one field and is not looked at again.
    assert_eq!(entry.fields(), ["100% 50% %key%", "a,bc"]);
    assert_eq!(inf.section("Strings").unwrap().value("what").unwrap(), "50% %key%");
}

#[test]
fn a_string_may_name_the_continuation() {
    let inf = read("[A]\nk = a\n%more% = b\n[Strings]\nmore = _Continue_\n");
    assert_eq!(inf.section("A").unwrap().value("k").unwrap(), "ab");
}

#[test]
fn sections_of_one_name_are_one() {
    let inf = read("[A]\nk = 1\n[B]\nk = 2\n[a]\n_continue_ = 3\nk = 4");
    assert_eq!(inf.sections().len(), 2);
    let section = inf.section("A").unwrap();
    assert_eq!(section.value("K").unwrap(), "13");
    let all: Vec<_> = section.entries_of("k").map(|entry| entry.value()).collect();
    assert_eq!(all, ["13", "4"]);
}

#[test]
fn positions_are_those_an_editor_shows() {
    let inf = read("; é\r\n[A]\r\n\tkö = \\\r\n  \"v\"\r\n_continue_ = w");
    let section = inf.section("A").unwrap();
    let at = |position: Option<chancery_inf::Position>| {
        position.map(|position| (position.line, position.column))
    };
    assert_eq!(at(section.position()), Some((2, 1)));
    let entry = &section.entries()[0];
    assert_eq!(at(entry.position()), Some((3, 2)));
    assert_eq!(at(entry.pieces()[0].position()), Some((4, 3)));
    assert_eq!(at(entry.pieces()[1].position()), Some((5, 14)));
}

#[test]
fn every_encoding_gives_the_same_document() {
    let text = "[A]\r\nk = Grüße\r\n";
    let utf16: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    let document = read(text);
    assert_eq!(Document::from_bytes(text.as_bytes()).unwrap(), document);
    assert_eq!(Document::from_bytes(b"[A]\nk = Gr\xfc\xdfe").unwrap(), document);
    assert_eq!(Document::from_bytes(&utf16).unwrap(), document);
    assert_eq!(read(&format!("\u{feff}{text}")), document);
    assert_ne!(read("[A]\nk = Grusse"), document);
}
