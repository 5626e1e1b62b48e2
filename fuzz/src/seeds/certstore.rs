//! Stores in order and odd, as files, as elements, and as regedit exports them.

use chancery_certstore::{
    Element, Entry, KeyBinding, List, Properties, PropertyId, ProviderParameter, RegistryFile,
    write_blob, write_sst,
};

use super::Seeds;

/// A certificate of no meaning: stores keep what they cannot read.
const DER: &[u8] = b"\x30\x03\x02\x01\x05";

fn entry() -> Element {
    let mut properties = Properties::new();
    let mut binding =
        KeyBinding::new("pkcs11:token=build;object=a", "PKCS#11 Key Storage Provider");
    binding.parameters = vec![ProviderParameter { parameter: 1, flags: 0, data: b"abc".to_vec() }];
    properties.set(PropertyId::KEY_PROVIDER_INFO, binding.encode().unwrap());
    properties.set_text(PropertyId::FRIENDLY_NAME, "Grüße");
    Element::Certificate(Entry::from_parts(DER.to_vec(), properties))
}

fn plain() -> Element {
    Element::Certificate(Entry::from_parts(DER.to_vec(), Properties::new()))
}

pub(super) fn store() -> Seeds {
    let list = Element::RevocationList(List::new(DER.to_vec(), Properties::new()));
    let sst = |elements: &[Element]| write_sst(elements).unwrap();
    let context = [b"\x20\0\0\0\x01\0\0\0\x05\0\0\0".as_slice(), DER].concat();
    let turned = [
        b"\0\0\0\0CERT".to_vec(),
        context,
        b"\x0b\0\0\0\x01\0\0\0\x02\0\0\0\0\0".to_vec(),
        vec![0; 12],
    ];
    let mut claims = sst(&[entry()]);
    claims[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    Seeds::from([
        ("bound", sst(&[entry()])),
        ("claims-four-gib", claims),
        ("empty", sst(&[])),
        ("lists", sst(&[entry(), plain(), list])),
        ("nothing", Vec::new()),
        ("properties-behind", turned.concat()),
        ("unfinished", sst(&[entry()])[..60].to_vec()),
    ])
}

pub(super) fn registry_blob() -> Seeds {
    let blob = write_blob(&entry()).unwrap();
    let twice = [write_blob(&plain()).unwrap(), write_blob(&plain()).unwrap()].concat();
    Seeds::from([
        ("bound", blob.clone()),
        ("ended", [blob.as_slice(), &[0; 12]].concat()),
        ("plain", write_blob(&plain()).unwrap()),
        ("two-certificates", twice),
    ])
}

pub(super) fn registry_file() -> Seeds {
    let mut file = RegistryFile::default();
    file.stores.insert("LocalMachine/My".parse().unwrap(), vec![entry()]);
    file.stores.insert("CurrentUser/Root".parse().unwrap(), vec![plain()]);
    let text = file.to_text().unwrap();
    Seeds::from([
        ("misnamed", text.replace("Certificates\\", "CRLs\\").into_bytes()),
        ("text", text.clone().into_bytes()),
        ("unfinished", text.as_bytes()[..300].to_vec()),
        ("utf-16", file.to_bytes().unwrap()),
    ])
}
