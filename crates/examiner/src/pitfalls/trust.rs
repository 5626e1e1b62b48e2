//! Who signed, who stamped, and when.

use chancery_x509::asn1::{self, tag};
use chancery_x509::oid as x509_oid;
use const_oid::ObjectIdentifier;

use super::Pitfall;
use super::world::{REVOKED, World, counter_sign, key, server, signer, stamp, value};
use crate::forge::{CERTIFIES, ForgedCertificate, SIGNS, purposes};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const PRIME_FIELD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.1.1");

pub(super) fn pitfalls(world: &World) -> Vec<Pitfall> {
    let signed_by =
        |name, verdict, reason, change: &dyn Fn(ForgedCertificate) -> ForgedCertificate| {
            let signer = signer(&world.root_key, change);
            Pitfall::new(name, world.with(&world.signed_by(&signer)), verdict, Some(reason))
        };
    let ku = x509_oid::KEY_USAGE;
    let eku = x509_oid::EXTENDED_KEY_USAGE;
    let wrong = "chain-wrong-usage";
    let mut all = vec![
        signed_by("T17-no-extended-key-usage", "untrusted", wrong, &|leaf| leaf.without(eku)),
        signed_by("T17-for-servers", "untrusted", wrong, &|leaf| {
            leaf.with(eku, false, &purposes(&[ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1")]))
        }),
        signed_by("T17-key-usage-without-signing", "untrusted", wrong, &|leaf| {
            leaf.with(ku, true, CERTIFIES)
        }),
        signed_by("T17-signer-is-a-ca", "untrusted", wrong, &|leaf| {
            leaf.with(x509_oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 0xff])
        }),
        signed_by("T18-expired", "untrusted", "chain-expired", &|leaf| {
            leaf.valid("250101000000Z", "260101000000Z")
        }),
        signed_by("T19-revoked-without-timestamp", "untrusted", "chain-revoked", &|leaf| {
            leaf.numbered(REVOKED)
        }),
        explicit_curve(world),
    ];
    all.extend(stamps(world));
    all
}

/// Timestamps that prove something, and those that do not (T17 to T19).
fn stamps(world: &World) -> Vec<Pitfall> {
    let eku = x509_oid::EXTENDED_KEY_USAGE;
    let short = |leaf: ForgedCertificate| leaf.valid("250101000000Z", "260101000000Z");
    let in_time = "2025-06-01";
    let expired = world.signed_by(&signer(&world.root_key, short));
    let stamped =
        |signature: &[u8], by, at| world.with(&stamp(signature, &value(signature), by, at));
    let both = purposes(&[x509_oid::CODE_SIGNING, x509_oid::LIFETIME_SIGNING]);
    let lifetime = signer(&world.root_key, |leaf| short(leaf).with(eku, false, &both));
    let lifetime = world.signed_by(&lifetime);
    let revoked = world.signed_by(&signer(&world.root_key, |leaf| leaf.numbered(REVOKED)));
    let code = purposes(&[x509_oid::CODE_SIGNING]);
    let lax = purposes(&[x509_oid::TIME_STAMPING]);
    let countersigned = |change: &dyn Fn(ForgedCertificate) -> ForgedCertificate| {
        world.with(&counter_sign(world, &expired, in_time, change))
    };
    let stranger = server(&key(), |one| one);
    let untrusted = Some("timestamp-untrusted");
    vec![
        Pitfall::new(
            "T18-expired-and-stamped",
            stamped(&expired, &world.server, in_time),
            "valid",
            None,
        ),
        Pitfall::new(
            "T18-lifetime-signing",
            stamped(&lifetime, &world.server, in_time),
            "untrusted",
            Some("chain-expired"),
        ),
        Pitfall::new(
            "T17-stamped-by-a-signer",
            countersigned(&|one| one.with(eku, true, &code)),
            "untrusted",
            untrusted,
        ),
        Pitfall::new(
            "T17-stamping-not-critical",
            countersigned(&|one| one.with(eku, false, &lax)),
            "valid",
            Some("timestamp-purpose-not-critical"),
        ),
        Pitfall::new(
            "T19-stamp-over-another-signature",
            world.with(&stamp(&expired, b"another signature", &world.server, in_time)),
            "invalid",
            Some("timestamp-invalid"),
        ),
        Pitfall::new(
            "T19-stamp-before-its-server-was",
            countersigned(&|one| one.valid("260101000000Z", "300101000000Z")),
            "untrusted",
            untrusted,
        ),
        Pitfall::new(
            "T19-stamped-by-a-stranger",
            stamped(&expired, &stranger, in_time),
            "untrusted",
            untrusted,
        ),
        Pitfall::new(
            "T19-stamped-too-late",
            stamped(&expired, &world.server, "2026-02-01"),
            "untrusted",
            Some("chain-expired"),
        ),
        Pitfall::new(
            "T19-revoked-after-stamp",
            stamped(&revoked, &world.server, "2026-05-01"),
            "valid",
            Some("revoked-after-timestamp"),
        ),
        Pitfall::new(
            "T19-revoked-before-stamp",
            stamped(&revoked, &world.server, "2026-07-01"),
            "untrusted",
            Some("chain-revoked"),
        ),
    ]
}

/// A key on P-256 that spells out its curve, as CVE-2020-0601 needs (T20). The parameters are honest here; any
/// others would look the same to a verifier that reads them.
fn explicit_curve(world: &World) -> Pitfall {
    let number = |hex: &str| -> Vec<u8> {
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    };
    let prime = number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let a = number("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc");
    let b = number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");
    let base = number(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
         4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    );
    let order = number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let parameters = asn1::sequence(&[
        &[2, 1, 1],
        &asn1::sequence(&[&asn1::object_identifier(&PRIME_FIELD), &asn1::unsigned_integer(&prime)]),
        &asn1::sequence(&[&asn1::octet_string(&a), &asn1::octet_string(&b)]),
        &asn1::octet_string(&base),
        &asn1::unsigned_integer(&order),
        &[2, 1, 1],
    ]);
    let key = key();
    let mut leaf = ForgedCertificate::leaf("CN=Pitfall Root", &key).numbered(2);
    let honest = leaf.by(&world.root_key);
    let spki = asn1::Tlv::parse(honest.public_key().spki_der()).unwrap();
    let point = spki.reader().flatten().find(|part| part.tag == tag::BIT_STRING).unwrap();
    let algorithm = asn1::sequence(&[&asn1::object_identifier(&EC_PUBLIC_KEY), &parameters]);
    leaf.spki = Some(asn1::sequence(&[&algorithm, point.raw]));
    leaf = leaf.with(x509_oid::KEY_USAGE, true, SIGNS);
    let explicit = leaf.der_by(&world.root_key);
    let identity = chancery_x509::Identity::new(key, honest, &[]).unwrap();
    let digest = super::world::digest(&world.program, chancery_key::DigestAlgorithm::Sha256);
    let mut forged = crate::forge::ForgedSignature::new(&identity, &digest);
    forged.certificates = vec![explicit];
    let file = world.with(&forged.by(&identity));
    Pitfall::new("T20-explicit-curve", file, "invalid", Some("signer-certificate-missing"))
}
