//! PKCS#11 addresses, good and bad.

use super::Seeds;

pub(super) fn seeds() -> Seeds {
    let every_attribute = "pkcs11:token=build;manufacturer=M;serial=01;model=X;\
        library-manufacturer=L;library-description=D;library-version=3.2;slot-manufacturer=S;\
        slot-description=R;slot-id=7;object=release;id=%01%02;type=private\
        ?pin-source=file:/run/pin&module-name=softhsm2&module-path=/usr/lib/libsofthsm2.so";
    [
        ("bad-percent", "pkcs11:token=%4"),
        ("bad-type", "pkcs11:type=pin"),
        ("bad-version", "pkcs11:library-version=1.256"),
        ("duplicate", "pkcs11:token=a;token=b"),
        ("empty", "pkcs11:"),
        ("empty-fields", "pkcs11:;;token=;?&"),
        ("every-attribute", every_attribute),
        ("no-value", "pkcs11:token"),
        ("not-ascii", "pkcs11:token=ä"),
        ("not-utf8", "pkcs11:object=%ff"),
        ("percent", "pkcs11:token=%C3%A4%00%2541;id=%ff%00a"),
        ("pin-value-inside-a-value", "pkcs11:token=a>pin-value=1234"),
        ("pin-value", "pkcs11:token=a?pin-value=1234"),
        ("scheme-in-capitals", "PKCS11:token=a"),
        ("slot-too-large", "pkcs11:slot-id=18446744073709551616"),
        ("unknown-attribute-of-two-lines", "pkcs11:to\nken=a"),
        ("unknown-path-attribute", "pkcs11:vendor-x=1"),
        ("unknown-query-attribute", "pkcs11:token=a?vendor-x=1"),
        ("version-of-one-number", "pkcs11:library-version=3"),
    ]
    .into_iter()
    .map(|(name, text)| (name, text.into()))
    .chain([
        // What is short as it is written and long as it is displayed.
        ("long-when-escaped", format!("pkcs11:token={}", "!".repeat(4000)).into_bytes()),
        ("too-long", format!("pkcs11:token={}", "a".repeat(8192)).into_bytes()),
    ])
    .collect()
}
