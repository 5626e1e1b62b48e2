//! Certificates, requests and names: issued by us, odd, and broken.

use chancery_key::{SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_x509::asn1::{self, tag};
use chancery_x509::{
    Certificate, Identity, Name, Profile, RequestBuilder, algorithm_identifier, oid, to_pem,
};
use const_oid::ObjectIdentifier;

use super::Seeds;
use super::key_file::rsa;
use crate::identity::{SCHEME, builder, p256};

pub(super) fn seeds() -> Seeds {
    let mut seeds = issued();
    seeds.extend(odd_certificates());
    seeds.extend(names());
    seeds
}

/// What a certificate authority and its customers make.
fn issued() -> Seeds {
    let (root_key, ca_key, leaf_key) = (p256(2), p256(3), p256(4));
    let root = builder(Profile::RootCa, "CN=Root,O=Example Ltd,C=GB", &root_key, 2);
    let root = root.self_signed(&root_key, SCHEME).expect("its own key");
    let root_identity = Identity::new(root_key, root.clone(), &[]).expect("one key");
    let ca = builder(Profile::IntermediateCa, "CN=Issuer", &ca_key, 3);
    let ca = ca.issued_by(&root_identity, SCHEME).expect("a root issues");
    let ca_identity = Identity::new(ca_key, ca.clone(), &[]).expect("one key");
    let leaf = builder(Profile::CodeSigning, "CN=Signer\\, Inc.,ST=WA,C=US", &leaf_key, 4);
    let leaf = leaf.issued_by(&ca_identity, SCHEME).expect("an issuer issues");
    let request = RequestBuilder::code_signing("CN=Ärger,E=a@b.example".parse().expect("a name"));
    let request = request.sign(&leaf_key, SCHEME).expect("its own key");

    let pem = |certificate: &Certificate| to_pem("CERTIFICATE", certificate.as_der());
    let chain = format!("subject=CN=Signer\n{}\n{}{}", pem(&leaf), pem(&ca), pem(&root));
    let new_request = to_pem("NEW CERTIFICATE REQUEST", request.as_der());
    let der = leaf.as_der();
    let mut wrong = der.to_vec();
    wrong[der.len() - 1] ^= 1;
    let mut ber = der.to_vec();
    ber[1] = 0x80;
    Seeds::from([
        ("ber-indefinite", [&ber[..2], &der[4..], &[0, 0]].concat()),
        ("ber-long-length", [&[0x30, 0x83, 0], &der[2..]].concat()),
        ("ca.der", ca.as_der().to_vec()),
        ("chain.pem", chain.clone().into_bytes()),
        ("chain-crlf.pem", chain.replace('\n', "\r\n").into_bytes()),
        ("leaf.der", der.to_vec()),
        ("pem-bad-base64", pem(&root).replace('M', "!").into_bytes()),
        ("pem-byte-order-mark", format!("\u{feff}{}", pem(&ca)).into_bytes()),
        ("pem-unfinished", pem(&leaf)[..200].into()),
        ("request.der", request.as_der().to_vec()),
        ("request.pem", new_request.into_bytes()),
        ("root.der", root.as_der().to_vec()),
        ("rsa.der", rsa_certificate().as_der().to_vec()),
        ("signature-wrong", wrong),
        ("trailing", [der, &[0]].concat()),
        ("truncated", der[..der.len() - 1].to_vec()),
    ])
}

/// Makes a self-signed certificate whose signature is RSA PKCS#1 v1.5.
pub(super) fn rsa_certificate() -> Certificate {
    let key = rsa();
    builder(Profile::CodeSigning, "CN=RSA", &key, 5)
        .self_signed(&key, SignatureScheme::RsaPkcs1Sha256)
        .expect("its own key")
}

/// The parts of a certificate that nothing here keeps in order.
struct Parts {
    key: SoftKey,
    version: Option<u8>,
    serial: Vec<u8>,
    algorithm: Vec<u8>,
    subject: Vec<u8>,
    not_after: Vec<u8>,
    spki: Vec<u8>,
    extensions: Vec<Vec<u8>>,
}

impl Parts {
    fn new() -> Self {
        let key = p256(6);
        Self {
            version: Some(2),
            serial: vec![1],
            algorithm: algorithm_identifier(SCHEME),
            subject: name("CN=Odd"),
            not_after: asn1::tlv(tag::UTC_TIME, &[b"261231235959Z"]),
            spki: key.public_key().spki_der().to_vec(),
            extensions: Vec::new(),
            key,
        }
    }

    /// Puts them together, under a signature that holds.
    fn signed(&self) -> Vec<u8> {
        let version = self.version.map(|version| {
            let version = asn1::unsigned_integer(&[version]);
            asn1::tlv(tag::context_constructed(0), &[&version])
        });
        let list: Vec<&[u8]> = self.extensions.iter().map(Vec::as_slice).collect();
        let extensions = (!list.is_empty())
            .then(|| asn1::tlv(tag::context_constructed(3), &[&asn1::sequence(&list)]));
        let tbs = asn1::sequence(&[
            &version.unwrap_or_default(),
            &asn1::tlv(tag::INTEGER, &[&self.serial]),
            &self.algorithm,
            &self.subject,
            &asn1::sequence(&[&asn1::tlv(tag::UTC_TIME, &[b"250101000000Z"]), &self.not_after]),
            &self.subject,
            &self.spki,
            &extensions.unwrap_or_default(),
        ]);
        let signature = self.key.sign(SCHEME, &tbs).expect("its own key signs");
        let algorithm = algorithm_identifier(SCHEME);
        asn1::sequence(&[&tbs, &algorithm, &asn1::bit_string(signature.as_bytes())])
    }
}

fn name(text: &str) -> Vec<u8> {
    text.parse::<Name>().expect("a name").as_der().to_vec()
}

fn extension(oid: ObjectIdentifier, critical: &[u8], value: &[u8]) -> Vec<u8> {
    asn1::sequence(&[&asn1::object_identifier(&oid), critical, &asn1::octet_string(value)])
}

/// Certificates with something that issuers should not write, or rarely do.
fn odd_certificates() -> Seeds {
    let usage = extension(oid::KEY_USAGE, &[1, 1, 0xff], &[3, 2, 7, 0x80]);
    let other_key = asn1::sequence(&[
        &asn1::sequence(&[&asn1::object_identifier(&ObjectIdentifier::new_unwrap("1.3.101.112"))]),
        &asn1::bit_string(&[7; 32]),
    ]);
    let spki = p256(6).public_key().spki_der().to_vec();
    // secp256k1 in the place of P-256, whose identifier is three octets longer.
    let curve = asn1::object_identifier(&ObjectIdentifier::new_unwrap("1.3.132.0.10"));
    let ec = asn1::object_identifier(&oid::EC_PUBLIC_KEY);
    let other_curve =
        asn1::sequence(&[&asn1::sequence(&[&ec, &curve]), &asn1::bit_string(&[4; 65])]);
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::new();
        change(&mut parts);
        parts.signed()
    };
    let with_extensions = |list: &[&[u8]]| {
        with(&|parts| parts.extensions = list.iter().map(|e| e.to_vec()).collect())
    };
    Seeds::from([
        (
            "algorithm-differs-inside",
            with(&|parts| {
                parts.algorithm = algorithm_identifier(SignatureScheme::EcdsaSha384);
            }),
        ),
        (
            "algorithm-pss-inside",
            with(&|parts| {
                parts.algorithm = algorithm_identifier(SignatureScheme::RsaPssSha256);
            }),
        ),
        ("extension-twice", with_extensions(&[&usage, &usage])),
        (
            "extensions-broken",
            with_extensions(&[
                &extension(oid::KEY_USAGE, &[], &[3, 1, 7]),
                &extension(oid::EXTENDED_KEY_USAGE, &[], &[0x30, 0x02, 0x06, 0x00]),
                &extension(oid::BASIC_CONSTRAINTS, &[1, 1, 1], &[0x30, 0x03, 0x02, 0x01, 0x80]),
                &extension(oid::SUBJECT_KEY_IDENTIFIER, &[], &[]),
                &extension(oid::AUTHORITY_KEY_IDENTIFIER, &[1, 1, 0], &[0x30, 0x80, 0, 0]),
            ]),
        ),
        (
            "generalized-time",
            with(&|parts| {
                parts.not_after = asn1::tlv(tag::GENERALIZED_TIME, &[b"99991231235959Z"]);
            }),
        ),
        ("key-of-another-curve", with(&|parts| parts.spki.clone_from(&other_curve))),
        ("key-of-another-type", with(&|parts| parts.spki.clone_from(&other_key))),
        ("key-truncated", with(&|parts| parts.spki = asn1::sequence(&[&spki[2..25], &[3, 1, 0]]))),
        (
            "key-usage-of-nine-bits",
            with_extensions(&[&extension(oid::KEY_USAGE, &[1, 1, 0xff], &[3, 3, 7, 0xff, 0x80])]),
        ),
        ("name-odd-in-certificate", with(&|parts| parts.subject = odd_name())),
        ("serial-negative", with(&|parts| parts.serial = vec![0x80; 21])),
        (
            "time-without-seconds",
            with(&|parts| {
                parts.not_after = asn1::tlv(tag::UTC_TIME, &[b"2612312359Z"]);
            }),
        ),
        ("version-1", with(&|parts| parts.version = None)),
        (
            "version-1-with-extensions",
            with(&|parts| {
                parts.version = None;
                parts.extensions = vec![usage.clone()];
            }),
        ),
    ])
}

fn attribute(oid: &str, string: u8, contents: &[u8]) -> Vec<u8> {
    let oid = ObjectIdentifier::new_unwrap(oid);
    asn1::sequence(&[&asn1::object_identifier(&oid), &asn1::tlv(string, &[contents])])
}

/// One attribute of every string type, one of several in one RDN, and text that must be escaped.
fn odd_name() -> Vec<u8> {
    let rdn = |attributes: Vec<Vec<u8>>| asn1::set_of(tag::SET, attributes);
    asn1::sequence(&[
        &rdn(vec![attribute("2.5.4.6", tag::UTF8_STRING, "Österreich".as_bytes())]),
        &rdn(vec![attribute("2.5.4.3", tag::TELETEX_STRING, b"\xc4rger")]),
        &rdn(vec![attribute("2.5.4.3", tag::BMP_STRING, b"\0a\x20\x2e")]),
        &rdn(vec![attribute("2.5.4.3", tag::BMP_STRING, b"\xd8\0")]),
        &rdn(vec![attribute("2.5.4.3", tag::UNIVERSAL_STRING, b"\0\x01\xf6\0")]),
        &rdn(vec![attribute("2.5.4.3", tag::UTF8_STRING, b" #\0\x1b[2J ")]),
        &rdn(vec![attribute("1.3.6.1.4.1.32473.1", tag::INTEGER, b"\x05")]),
        &rdn(vec![
            attribute("2.5.4.11", tag::PRINTABLE_STRING, b"A"),
            attribute("2.5.4.11", tag::UTF8_STRING, b"b"),
        ]),
    ])
}

fn names() -> Seeds {
    let empty_rdn = asn1::sequence(&[&asn1::tlv(tag::SET, &[])]);
    let with_type = |oid: &[u8]| {
        let value = asn1::tlv(tag::UTF8_STRING, &[b"a"]);
        let attribute = asn1::sequence(&[&asn1::tlv(tag::OID, &[oid]), &value]);
        asn1::sequence(&[&asn1::tlv(tag::SET, &[&attribute])])
    };
    let texts = [
        ("name-blanks", "  CN = a b ; O=\" c, d \" + OU = \\ e\\ "),
        ("name-escapes", "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h\\#i\\=j\\C3\\A4\\0A"),
        ("name-hex", "CN=#130178,1.2.3.4=#0500,C=#0c02c3a4"),
        (
            "name-of-every-type",
            "CN=a,O=b,OU=c,C=GB,ST=e,L=f,STREET=g,DC=h,UID=i,EMAIL=j@k,\
            SERIALNUMBER=1,SN=m,GN=n,I=o,T=p,postalCode=q,OID.1.3.6.1.4.1.32473=r",
        ),
        ("name-several-values", "OU=Sales+CN=J Smith+OU=b,DC=example,DC=com"),
        ("name-without-end", "CN=\"a"),
    ];
    let texts = texts.into_iter().map(|(name, text)| (name, text.as_bytes().to_vec()));
    texts
        .chain([
            ("name-empty.der", asn1::sequence(&[])),
            ("name-empty-rdn.der", empty_rdn),
            ("name-odd.der", odd_name()),
            ("name-of-padded-type.der", with_type(&[0x55, 0x80, 4, 3])),
            ("name-of-type-with-33-bits.der", with_type(&[0x55, 0x90, 0x80, 0x80, 0x80, 0x04, 3])),
        ])
        .collect()
}
