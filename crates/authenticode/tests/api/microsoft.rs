//! Our signatures beside Microsoft's own, field by field.

use std::collections::BTreeMap;

use chancery_authenticode::{
    PeSubject, SignOptions, SignatureSet, Subject, oid, spc::IndirectData,
};
use chancery_cms::{SignedData, SignerIdentifier};
use chancery_key::{DigestAlgorithm, SignatureScheme as S};
use chancery_pe::CertificateTable;
use chancery_testkit::corpus::corpus;
use chancery_x509::asn1;

use super::support::{embed, rsa, signer};

/// What one signature is like, each field in bytes or words.
fn fields(der: &[u8], nested: bool) -> BTreeMap<&'static str, Vec<u8>> {
    let signed = SignedData::from_der(der).unwrap();
    let signer = &signed.signers[0];
    let data = IndirectData::from_tlv(signed.content.unwrap()).unwrap();
    let attributes = signer.signed_attributes.as_ref().unwrap();
    let order: Vec<_> = attributes
        .iter()
        .filter(|one| one.oid != oid::SEQUENCE_NUMBER || nested)
        // Longer with a description, and then in another place.
        .filter(|one| one.oid != oid::SPC_SP_OPUS_INFO)
        .flat_map(|one| asn1::object_identifier(&one.oid))
        .collect();
    let raw: Vec<_> = attributes.iter().map(|one| one.raw).collect();
    let opus = attributes.single(oid::SPC_SP_OPUS_INFO);
    let statement = attributes.single(oid::SPC_STATEMENT_TYPE);
    let by_serial = matches!(signer.identifier, SignerIdentifier::IssuerAndSerial { .. });
    let lists = signed.digest_algorithms.iter().flat_map(|one| one.raw.to_vec()).collect();
    BTreeMap::from([
        ("versions", vec![signed.version as u8, signer.version as u8]),
        ("SpcAttributeType", asn1::object_identifier(&data.data_type)),
        ("SpcPeImageData", data.data_value.map(|value| value.raw.to_vec()).unwrap_or_default()),
        ("digest algorithm of the file", data.digest_algorithm.raw.to_vec()),
        ("digestAlgorithms", lists),
        ("digestAlgorithm", signer.digest_algorithm.raw.to_vec()),
        ("digestEncryptionAlgorithm", signer.signature_algorithm.raw.to_vec()),
        ("issuerAndSerialNumber", vec![u8::from(by_serial)]),
        ("attributes", order),
        ("attributes sorted", vec![u8::from(raw.is_sorted())]),
        ("SpcSpOpusInfo", vec![u8::from(opus.is_some())]),
        ("SpcStatementType", statement.map(|value| value.raw.to_vec()).unwrap_or_default()),
        (
            "certificates sorted",
            vec![u8::from(signed.certificates.is_sorted_by_key(|one| one.raw))],
        ),
    ])
}

#[test]
fn ours_are_microsofts_but_for_what_is_listed() {
    let Some(corpus) = corpus() else { return };
    let (mut files, mut programs, mut signatures) = (0, 0, 0);
    let mut same: BTreeMap<&str, usize> = BTreeMap::new();
    let mut other: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in corpus.of_kind("pe").filter(|file| file.expects("digest-ok")) {
        let by_microsoft = file
            .column("signers")
            .is_some_and(|all| all.split('|').all(|one| one.trim().starts_with("Microsoft")));
        // Files that were changed on purpose are not as Microsoft wrote them.
        if !by_microsoft || file.name.starts_with("gen-mut__") {
            continue;
        }
        files += 1;
        let bytes = std::fs::read(&file.path).unwrap();
        let mut subject = PeSubject::parse(bytes.as_slice()).unwrap();
        let embedded = subject.embedded().unwrap();
        let set = SignatureSet::read(&embedded).unwrap();
        for index in 0..set.len() {
            let der = set.get(index).unwrap();
            let signed = SignedData::from_der(&der).unwrap();
            let data = IndirectData::from_tlv(signed.content.unwrap()).unwrap();
            let Some(algorithm) = data.algorithm() else { continue };
            let scheme = match algorithm {
                DigestAlgorithm::Sha1 => S::RsaPkcs1Sha1,
                DigestAlgorithm::Sha256 => S::RsaPkcs1Sha256,
                _ => continue,
            };
            signatures += 1;
            let mut options = SignOptions::new(scheme);
            options.page_hashes = data.page_hashes().unwrap().map(|(hash, _)| hash);
            options.sequence_number = (index > 0).then_some(1);
            // The same file signed by us.
            let mut subject = PeSubject::parse(bytes.as_slice()).unwrap();
            let measurement = subject.measure(&options.request(), &mut |_| Ok(())).unwrap();
            let identity = signer(rsa(), S::RsaPkcs1Sha256);
            let ours =
                chancery_authenticode::sign(&subject, &measurement, &identity, &options).unwrap();
            let ours = fields(&ours, index > 0);
            for (field, theirs) in fields(&der, index > 0) {
                if ours[field] == theirs {
                    *same.entry(field).or_default() += 1;
                } else {
                    other.entry(field).or_default().push(format!("{} {index}", file.name));
                }
            }
        }
        // Padding, lengths and checksum of the whole file.
        let layout = subject.layout();
        if layout.is_efi() {
            // Distributions put the signature that Microsoft sent them into these themselves.
            continue;
        }
        programs += 1;
        let CertificateTable::Present(range) = layout.certificate_table() else { panic!() };
        let table = layout.read_table(&mut bytes.as_slice()).unwrap();
        let (entries, findings) = chancery_pe::certificates(&table);
        let in_order = entries.len() == 1 && findings.is_empty() && range.start % 8 == 0;
        assert!(in_order && entries[0].length % 8 == 0, "{}", file.name);
        let der = set.entries()[0].len();
        let padding = &entries[0].body[der..];
        assert!(padding.len() < 8 && padding.iter().all(|octet| *octet == 0), "{}", file.name);
        // Embedding the same signatures again changes no byte: entry, padding and checksum are theirs.
        let again = embed(&bytes, &set.entries());
        *same.entry("file").or_default() += usize::from(again == bytes);
        if again != bytes {
            other.entry("file").or_default().push(file.name.clone());
        }
    }
    println!("{signatures} signatures in {files} files");
    for (field, count) in &same {
        let differing = other.get(field).map_or(&[][..], Vec::as_slice);
        println!("{field}: {count} the same, {} not: {differing:?}", differing.len());
    }
    assert!(files > 0 && signatures >= files);
    for field in ["SpcAttributeType", "digest algorithm of the file", "digestAlgorithms"] {
        assert_eq!(same.get(field), Some(&signatures), "{field}: {:?}", other.get(field));
    }
    for field in
        ["digestAlgorithm", "digestEncryptionAlgorithm", "issuerAndSerialNumber", "versions"]
    {
        assert_eq!(same.get(field), Some(&signatures), "{field}: {:?}", other.get(field));
    }
    assert_eq!(same.get("file"), Some(&programs), "{:?}", other.get("file"));
}
