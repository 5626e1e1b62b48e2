use super::*;

const TOOL: Tool = Tool {
    name: "tool",
    purpose: "a tool",
    mark: '/',
    slash: true,
    verb_mark: "",
    verbs: &[
        Verb {
            name: "sign",
            operands: "FILE",
            meaning: "Signs.",
            status: Status::Done,
            options: &[
                flag("v", "Says more."),
                valued("fd", "ALG", "The hash."),
                refused("dlib", "A library.", "use --key"),
                Opt {
                    name: "ac",
                    value: Some("FILE"),
                    meaning: "More.",
                    status: Status::Repeatable,
                },
            ],
        },
        Verb {
            name: "verify",
            operands: "FILE",
            meaning: "Verifies.",
            status: Status::Done,
            options: &[flag("pa", "The policy.")],
        },
        Verb {
            name: "catdb",
            operands: "",
            meaning: "Catalogs.",
            status: Status::Refused("nothing here has catalogs"),
            options: &[],
        },
    ],
    notes: &[],
};

fn read(line: &str) -> Result<Line, Misread> {
    TOOL.read(&split(line, false))
}

#[test]
fn slashes_hyphens_dashes_and_either_case_are_one() {
    for text in
        ["sign /v /fd sha256 a.exe", "SIGN -V -FD sha256 a.exe", "sign a.exe \u{2013}v /Fd sha256"]
    {
        let line = read(text).unwrap();
        assert!(line.has("v"), "{text}");
        assert_eq!(line.value("fd"), Some("sha256"));
        assert_eq!(line.operands, ["a.exe"]);
    }
}

#[test]
fn a_path_is_no_option() {
    let line = read("sign /v /no/such/file.exe").unwrap();
    assert_eq!(line.operands, ["/no/such/file.exe"]);
}

#[test]
fn what_is_wrong_is_named_with_what_to_type() {
    for (text, part) in [
        ("", "there are sign, verify"),
        ("verfiy a", "did you mean verify?"),
        ("sign /fdd a", "did you mean /fd? see them"),
        ("nothing", "`nothing` is no command"),
        ("sign /x a", "`/x` is no option of sign"),
        ("sign /pa a", "`/pa` is an option of verify"),
        ("sign /fd", "/fd takes a value: ALG"),
        ("sign /fd /v a", "/fd takes a value: ALG"),
        ("sign /v /V a", "/v is there twice"),
        ("sign /dlib x", "use --key"),
        ("catdb x", "nothing here has catalogs"),
        ("sign \u{201c}a b\u{201d}", "quotation mark"),
    ] {
        let Misread(message) = read(text).unwrap_err();
        assert!(message.contains(part), "{text}: {message}");
    }
    let line = read("sign /ac one /ac two x").unwrap();
    assert_eq!(line.values("ac").collect::<Vec<_>>(), ["one", "two"]);
    assert!(line.operands::<2>().is_err());
}

#[test]
fn help_has_every_option_and_fits() {
    let help = TOOL.help();
    for part in ["/dlib", "Not done here: use --key.", "catdb", "several times"] {
        assert!(help.contains(part), "{help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 80));
}
