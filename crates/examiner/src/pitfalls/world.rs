//! Who signs, stamps and certifies in the files.

use chancery_authenticode::{Crl, PeSubject, Request, SignOptions, Subject, oid, sign};
use chancery_cms::{SignedData, add_certificates, add_unsigned_value, oid as cms_oid};
use chancery_key::{DigestAlgorithm, EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_timestamp::tsa::Authority;
use chancery_timestamp::{LegacyRequest, LegacyResponse, TimeStampRequest};
use chancery_x509::asn1::{self, tag};
use chancery_x509::{Certificate, Identity, Time, algorithm_identifier, oid as x509_oid};

use crate::forge::{ForgedCertificate, ForgedSignature, SIGNS, purposes};

const ECDSA: SignatureScheme = SignatureScheme::EcdsaSha256;

/// The serial number that the revocation list names, and the day from which on.
pub(crate) const REVOKED: u8 = 77;
const REVOKED_ON: &str = "260601000000Z";

/// A root, a signer and a timestamp server below it, and a program.
#[derive(Debug)]
#[non_exhaustive]
pub struct World {
    pub(crate) root_key: SoftKey,
    pub(crate) root: Certificate,
    pub(crate) signer: Identity,
    pub(crate) server: Identity,
    pub(crate) program: Vec<u8>,
}

pub(crate) fn key() -> SoftKey {
    SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let root_key = key();
        let root = ForgedCertificate::ca("CN=Pitfall Root", "CN=Pitfall Root", &root_key)
            .with(x509_oid::KEY_USAGE, true, &[3, 2, 1, 0x06])
            .by(&root_key);
        let program = tiny_pe(&TinyPe::default());
        let signer = signer(&root_key, |leaf| leaf);
        let server = server(&root_key, |server| server);
        Self { root_key, root, signer, server, program }
    }

    /// Starts an honest signature by the signer over a program.
    pub(crate) fn forged(&self, program: &[u8]) -> ForgedSignature {
        ForgedSignature::new(&self.signer, &digest(program, DigestAlgorithm::Sha256))
    }

    /// An honest signature over the program.
    pub(crate) fn signature(&self) -> Vec<u8> {
        self.forged(&self.program).by(&self.signer)
    }

    /// The program with one signature, which may have something behind it.
    pub(crate) fn with(&self, signature: &[u8]) -> Vec<u8> {
        embed(&self.program, signature)
    }

    /// A signature over the program by a signer of one's own.
    pub(crate) fn signed_by(&self, signer: &Identity) -> Vec<u8> {
        ForgedSignature::new(signer, &digest(&self.program, DigestAlgorithm::Sha256)).by(signer)
    }

    /// A signer with an RSA key: nothing else signs with SHA-1.
    pub(crate) fn rsa_signer(&self) -> Identity {
        let key = SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
        let leaf = ForgedCertificate::leaf("CN=Pitfall Root", &key).numbered(4).by(&self.root_key);
        Identity::new(key, leaf, &[]).unwrap()
    }

    /// Writes the list that revokes [`REVOKED`].
    pub(crate) fn revocation_list(&self) -> (Crl, Vec<u8>) {
        let time = |text: &str| asn1::tlv(tag::UTC_TIME, &[text.as_bytes()]);
        let entry = asn1::sequence(&[&asn1::tlv(tag::INTEGER, &[&[REVOKED]]), &time(REVOKED_ON)]);
        let algorithm = algorithm_identifier(ECDSA);
        let tbs = asn1::sequence(&[
            &asn1::unsigned_integer(&[1]),
            &algorithm,
            self.root.subject().as_der(),
            &time("261001000000Z"),
            &time("301001000000Z"),
            &asn1::sequence(&[&entry]),
        ]);
        let signature = self.root_key.sign(ECDSA, &tbs).unwrap();
        let parts: [&[u8]; 3] = [&tbs, &algorithm, &asn1::bit_string(signature.as_bytes())];
        let der = asn1::sequence(&parts);
        (Crl::from_der(&der).unwrap(), der)
    }
}

/// Makes a signer below the root.
pub(crate) fn signer(
    root_key: &SoftKey,
    change: impl FnOnce(ForgedCertificate) -> ForgedCertificate,
) -> Identity {
    let key = key();
    let leaf = ForgedCertificate::leaf("CN=Pitfall Root", &key).numbered(2);
    let leaf = change(leaf).by(root_key);
    Identity::new(key, leaf, &[]).unwrap()
}

/// Makes a timestamp server below the root.
pub(crate) fn server(
    root_key: &SoftKey,
    change: impl FnOnce(ForgedCertificate) -> ForgedCertificate,
) -> Identity {
    let key = key();
    let server = ForgedCertificate::new("CN=Pitfall Root", "CN=Server", &key)
        .with(x509_oid::KEY_USAGE, true, SIGNS)
        .with(x509_oid::EXTENDED_KEY_USAGE, true, &purposes(&[x509_oid::TIME_STAMPING]))
        .numbered(3);
    let server = change(server).by(root_key);
    Identity::new(key, server, &[]).unwrap()
}

pub(crate) fn digest(program: &[u8], algorithm: DigestAlgorithm) -> Vec<u8> {
    let mut subject = PeSubject::parse(program).unwrap();
    let measured = subject.measure(&Request::digests([algorithm]), &mut |_| Ok(())).unwrap();
    measured.digest(algorithm).unwrap().to_vec()
}

/// Puts a signature into a program.
pub(crate) fn embed(program: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut subject = PeSubject::parse(program).unwrap();
    let request = Request::digests([DigestAlgorithm::Sha256]);
    subject.measure(&request, &mut |_| Ok(())).unwrap();
    subject.replace(&[signature]).unwrap().apply(program).unwrap()
}

/// Signs as the library does.
pub(crate) fn plain(program: &[u8], signer: &Identity, options: &SignOptions) -> Vec<u8> {
    let mut subject = PeSubject::parse(program).unwrap();
    let measured = subject.measure(&options.request(), &mut |_| Ok(())).unwrap();
    sign(&subject, &measured, signer, options).unwrap()
}

/// Adds a timestamp over a signature value, normally its own.
pub(crate) fn stamp(signature: &[u8], over: &[u8], server: &Identity, at: &str) -> Vec<u8> {
    let request = TimeStampRequest::new(DigestAlgorithm::Sha256, over).unwrap();
    let authority = Authority::new(server.clone()).unwrap();
    let at = Time::parse_rfc3339(at).unwrap();
    let token = authority.respond(&request.to_der(), at.into()).token.unwrap();
    add_unsigned_value(signature, oid::RFC3161_COUNTER_SIGNATURE, &token).unwrap()
}

/// Adds a legacy counter-signature whose server's certificate is another than it stamped with: of its name, number
/// and key, which is all such a stamp is bound to.
pub(crate) fn counter_sign(
    world: &World,
    signature: &[u8],
    at: &str,
    change: impl FnOnce(ForgedCertificate) -> ForgedCertificate,
) -> Vec<u8> {
    let key = key();
    let honest = ForgedCertificate::new("CN=Pitfall Root", "CN=Server", &key)
        .with(x509_oid::KEY_USAGE, true, SIGNS)
        .with(x509_oid::EXTENDED_KEY_USAGE, true, &purposes(&[x509_oid::TIME_STAMPING]))
        .numbered(5);
    let certificate = honest.by(&world.root_key);
    let changed = change(honest).by(&world.root_key);
    let authority = Authority::new(Identity::new(key, certificate, &[]).unwrap()).unwrap();
    let request = LegacyRequest::new(value(signature)).to_base64();
    let at = Time::parse_rfc3339(at).unwrap();
    let answer = authority.respond_legacy(request.as_bytes(), at.into()).unwrap();
    let answer = LegacyResponse::from_base64(answer.as_bytes()).unwrap();
    let stamped =
        add_unsigned_value(signature, cms_oid::COUNTER_SIGNATURE, &answer.counter_signature);
    add_certificates(&stamped.unwrap(), &[changed]).unwrap()
}

pub(crate) fn value(signature: &[u8]) -> Vec<u8> {
    let signed = SignedData::from_der(signature).unwrap();
    signed.signers.first().map(|signer| signer.signature.to_vec()).unwrap()
}
