//! Every mistake has a name and a place.

use std::error::Error;

use chancery_inf::{Document, ErrorKind};
use chancery_x509::PolicyErrorKind as Kind;

use super::support::{read, refused};

/// Lines of `[NewRequest]` from line 2 on, and those of other sections.
fn mistake(lines: &str) -> (Option<usize>, String, Kind) {
    refused(&format!("[NewRequest]\nSubject=CN=a\n{lines}"))
}

/// Checks line, place and, by its debug text, the kind.
fn assert_mistakes(cases: &[(&str, usize, &str, &str)]) {
    for (lines, line, place, kind) in cases {
        let (found_line, found_place, found) = mistake(lines);
        assert_eq!((found_line, found_place.as_str()), (Some(*line), *place), "{lines}");
        let found = format!("{found:?}");
        assert!(found.starts_with(kind), "{lines}: {found}");
    }
}

#[test]
fn a_request_without_a_subject_is_none() {
    let (line, place, kind) = refused("[Version]\nSignature=$Windows NT$\n");
    assert_eq!((line, place.as_str()), (None, "[NewRequest] "));
    assert!(matches!(kind, Kind::Missing));
    let (line, place, kind) = refused("\n[NewRequest]\nKeyLength=2048\n");
    assert_eq!((line, place.as_str()), (Some(2), "[NewRequest] Subject"));
    assert!(matches!(kind, Kind::Missing));
    let (line, _, kind) = refused("[NewRequest]\nSubject=\"\"\n");
    assert_eq!(line, Some(2));
    assert!(matches!(kind, Kind::Empty));
}

#[test]
fn keys_of_a_request_are_checked() {
    assert_mistakes(&[
        (
            "KeyLength=1024",
            3,
            "[NewRequest] KeyLength",
            "KeyLength { bits: 1024, min: 2048, max: 16384, step: 64 }",
        ),
        ("KeyLength=2047", 3, "[NewRequest] KeyLength", "KeyLength { bits: 2047"),
        ("KeyLength=16448", 3, "[NewRequest] KeyLength", "KeyLength { bits: 16448"),
        ("KeyLength=2056", 3, "[NewRequest] KeyLength", "KeyLength { bits: 2056"),
        ("KeyLength=long", 3, "[NewRequest] KeyLength", "Number(\"long\")"),
        ("KeyAlgorithm=RAS", 3, "[NewRequest] KeyAlgorithm", "Value { value: \"RAS\""),
        (
            "KeyAlgorithm=ECDSA_P265",
            3,
            "[NewRequest] KeyAlgorithm",
            "Value { value: \"ECDSA_P265\", what: \"key algorithm\", suggestion: Some(\"ECDSA_P256\") }",
        ),
        ("KeyAlgorithm=ECDH_P256", 3, "[NewRequest] KeyAlgorithm", "Unsupported"),
        ("KeyAlgorithm=dsa", 3, "[NewRequest] KeyAlgorithm", "Unsupported"),
        ("HashAlgorithm=MD5", 3, "[NewRequest] HashAlgorithm", "Unsupported"),
        (
            "HashAlgorithm=SHA265",
            3,
            "[NewRequest] HashAlgorithm",
            "Value { value: \"SHA265\", what: \"hash algorithm\", suggestion: Some(\"sha256\") }",
        ),
        ("KeyUsage=CERT_DIGITAL_SIGNATURE", 3, "[NewRequest] KeyUsage", "Value"),
        ("KeyUsage=0xg0", 3, "[NewRequest] KeyUsage", "Number"),
        ("KeyUsageProperty=1", 3, "[NewRequest] KeyUsageProperty", "Unsupported"),
        ("MachineKeySet=maybe", 3, "[NewRequest] MachineKeySet", "Boolean(\"maybe\")"),
        ("KeyContainer=", 3, "[NewRequest] KeyContainer", "Empty"),
        ("RequestType=CMC", 3, "[NewRequest] RequestType", "Unsupported"),
        ("RequestType=0xfd00", 3, "[NewRequest] RequestType", "Unsupported"),
        (
            "RequestType=PKCS11",
            3,
            "[NewRequest] RequestType",
            "Value { value: \"PKCS11\", what: \"request type\", suggestion: Some(\"PKCS10\") }",
        ),
        ("RequestType=5", 3, "[NewRequest] RequestType", "Value"),
        ("ValidityPeriod=Decades", 3, "[NewRequest] ValidityPeriod", "Value"),
        ("ValidityPeriodUnits=0", 3, "[NewRequest] ValidityPeriodUnits", "Value"),
        ("NotBefore=1/2/2026", 3, "[NewRequest] NotBefore", "AmbiguousDate"),
        ("NotAfter=never", 3, "[NewRequest] NotAfter", "Date"),
        (
            "KeyLenght=2048",
            3,
            "[NewRequest] KeyLenght",
            "Unknown { suggestion: Some(\"KeyLength\") }",
        ),
        ("Colour=blue", 3, "[NewRequest] Colour", "Unknown { suggestion: None }"),
        ("keylength=2048\nKEYLENGTH=3072", 4, "[NewRequest] KEYLENGTH", "Duplicate"),
        ("Silent=1\nSilent=1", 4, "[NewRequest] Silent", "Duplicate"),
        ("Silent", 3, "[NewRequest] ", "NoKey"),
        ("X500NameFlags=FORWARD", 3, "[NewRequest] X500NameFlags", "Value"),
    ]);
    let (line, place, kind) = refused("[NewRequest]\nKeyLength=2048\nSubject=example.com");
    assert_eq!((line, place.as_str()), (Some(3), "[NewRequest] Subject"));
    assert!(matches!(kind, Kind::Name(_)));
}

#[test]
fn keys_that_do_not_go_together_are_refused() {
    assert_mistakes(&[
        (
            "UseExistingKeySet=true",
            3,
            "[NewRequest] UseExistingKeySet",
            "Needs { other: \"KeyContainer\" }",
        ),
        (
            "UseExistingKeySet=true\nKeyContainer=a\nExportable=1",
            3,
            "[NewRequest] UseExistingKeySet",
            "Conflict { other: \"Exportable\" }",
        ),
        (
            "AlternateSignatureAlgorithm=1\nHashAlgorithm=SHA1",
            3,
            "[NewRequest] AlternateSignatureAlgorithm",
            "Unsupported",
        ),
        (
            "AlternateSignatureAlgorithm=1\nKeyAlgorithm=ECDSA_P256",
            3,
            "[NewRequest] AlternateSignatureAlgorithm",
            "Unsupported",
        ),
        (
            "RequestType=Cert\nNotAfter=2027-01-01\nValidityPeriod=Years",
            4,
            "[NewRequest] NotAfter",
            "Conflict { other: \"ValidityPeriod\" }",
        ),
        (
            "RequestType=Cert\nValidityPeriod=Years",
            4,
            "[NewRequest] ValidityPeriod",
            "Needs { other: \"ValidityPeriodUnits\" }",
        ),
        (
            "RequestType=Cert\nValidityPeriodUnits=1",
            4,
            "[NewRequest] ValidityPeriodUnits",
            "Needs { other: \"ValidityPeriod\" }",
        ),
        (
            "RequestType=Cert\nNotAfter=2027-01-01\nNotBefore=2027-01-01",
            4,
            "[NewRequest] NotAfter",
            "Conflict",
        ),
    ]);
}

#[test]
fn extensions_and_sections_are_checked() {
    const SAN: &str = "[Extensions] 2.5.29.17";
    assert_mistakes(&[
        (
            "[Extensions]\n2.5.29.17={text}dns=a\n_continue_=\"&ipaddress=10.0.0.256\"",
            5,
            SAN,
            "AlternativeName { kind: \"IP address\", value: \"10.0.0.256\" }",
        ),
        ("[Extensions]\n2.5.29.17={text}dsn=a", 4, SAN, "Value { value: \"dsn\""),
        ("[Extensions]\n2.5.29.17={text}", 4, SAN, "Empty"),
        ("[Extensions]\n2.5.29.17={hex}30 0", 4, SAN, "Hex"),
        ("[Extensions]\n2.5.29.17={hex}30 01", 4, SAN, "ExtensionValue"),
        ("[Extensions]\n2.5.29.17=MAaCAWGCAWI", 4, SAN, "Base64"),
        ("[Extensions]\n2.5.29.17={txt}dns=a", 4, SAN, "Base64"),
        ("[Extensions]\n2.5.29.17=", 4, SAN, "Base64"),
        ("[Extensions]\n2.5.29.15={hex}30 00", 4, "[Extensions] 2.5.29.15", "ExtensionValue"),
        ("[Extensions]\n2.5.29.15={text}0", 4, "[Extensions] 2.5.29.15", "Value"),
        ("[Extensions]\n2.5.29.32={text}oid=1.2.3", 4, "[Extensions] 2.5.29.32", "Unsupported"),
        (
            "[Extensions]\n2.5.29.37={text}codeSigning",
            4,
            "[Extensions] 2.5.29.37",
            "ObjectIdentifier(\"codeSigning\")",
        ),
        (
            "[Extensions]\n1.2.3={hex}0500\nOID.1.2.3={hex}0500",
            5,
            "[Extensions] OID.1.2.3",
            "Duplicate",
        ),
        (
            "[Extensions]\nCritcal=2.5.29.17",
            4,
            "[Extensions] Critcal",
            "Unknown { suggestion: Some(\"Critical\") }",
        ),
        (
            "[Extensions]\nCritical=2.5.29.17",
            4,
            "[Extensions] Critical",
            "CriticalWithoutExtension",
        ),
        ("[Extensions]\nCritical=yes", 4, "[Extensions] Critical", "ObjectIdentifier"),
        (
            "KeyUsage=0x80\n[Extensions]\n2.5.29.15={hex}03020780",
            5,
            "[Extensions] 2.5.29.15",
            "Duplicate",
        ),
        (
            "[Extensions]\n2.5.29.37={text}1.2.3\n[EnhancedKeyUsageExtension]\nOID=1.2.3",
            6,
            "[EnhancedKeyUsageExtension] OID",
            "Duplicate",
        ),
        (
            "[EnhancedKeyUsageExtension]\nOID=codeSigning",
            4,
            "[EnhancedKeyUsageExtension] OID",
            "ObjectIdentifier",
        ),
        (
            "[EnhancedKeyUsageExtension]\nOIDs=1.2.3",
            4,
            "[EnhancedKeyUsageExtension] OIDs",
            "Unknown",
        ),
        ("[EnhancedKeyUsage]\nOID=1.2.3", 3, "[EnhancedKeyUsage] ", "Unknown"),
        (
            "[Extension]\n2.5.29.17={text}dns=a",
            3,
            "[Extension] ",
            "Unknown { suggestion: Some(\"Extensions\") }",
        ),
        ("[PolicyStatementExtension]\nPolicies=a", 3, "[PolicyStatementExtension] ", "Unsupported"),
        (
            "[BasicConstraintsExtension]\nPathLength=-1",
            4,
            "[BasicConstraintsExtension] PathLength",
            "Number",
        ),
        (
            "[RequestAttributes]\nCertificateTemplate=",
            4,
            "[RequestAttributes] CertificateTemplate",
            "Empty",
        ),
        ("[RequestAttributes]\nA=1\na=2", 5, "[RequestAttributes] a", "Duplicate"),
        ("[RequestAttributes]\nA=😀", 4, "[RequestAttributes] A", "Value"),
        (
            "[Version]\nSignature=\"$Window NT$\"",
            4,
            "[Version] Signature",
            "Value { value: \"$Window NT$\", what: \"signature of an INF\", suggestion: Some(\"$Windows NT$\") }",
        ),
    ]);
}

#[test]
fn limits_have_names() {
    let extensions: String = (0..65).map(|number| format!("1.2.{number}={{hex}}0500\n")).collect();
    let (line, _, kind) = mistake(&format!("[Extensions]\n{extensions}"));
    assert_eq!(line, Some(4 + 64));
    assert!(matches!(kind, Kind::Limit { what: "extensions", limit: 64 }));
    let attributes: String = (0..65).map(|number| format!("a{number}=1\n")).collect();
    let (line, _, kind) = mistake(&format!("[RequestAttributes]\n{attributes}"));
    assert_eq!(line, Some(4 + 64));
    assert!(matches!(kind, Kind::Limit { what: "attributes", limit: 64 }));
}

#[test]
fn quotation_marks_of_a_web_page_never_get_into_a_request() {
    let error = "[NewRequest]\nSubject = “CN=example.com”".parse::<Document>().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Typographic { instead: Some('"'), .. }));
    assert_eq!(error.position().to_string(), "line 2, column 11");
}

#[test]
fn messages_say_where_and_why_and_keep_the_cause_apart() {
    let message = |lines: &str| {
        let error = read(&format!("[NewRequest]\nSubject=CN=a\n{lines}")).unwrap_err();
        (error.to_string(), error.source().map(ToString::to_string))
    };
    assert_eq!(
        message("KeyLength = 1024"),
        ("line 3, column 1: [NewRequest] KeyLength: 1024 bits: RSA keys have 2048 to 16384, in steps of 64".into(), None)
    );
    assert_eq!(
        message("KeyLenght = 2048").0,
        "line 3, column 1: [NewRequest] KeyLenght: unknown; the nearest known is `KeyLength`"
    );
    assert_eq!(
        message("[Extensions]\n2.5.29.17={text}dn=x"),
        (
            "line 4, column 11: [Extensions] 2.5.29.17: no distinguished name".into(),
            Some("no `TYPE=` at byte 0 of the name".into())
        )
    );
}
