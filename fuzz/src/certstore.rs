//! Certificate stores as bytes.

use chancery_certstore::{
    Element, MAX_PROPERTIES, RegistryFile, read_blob, read_sst, write_blob, write_sst,
};

/// Reads the bytes as a `.sst` file, which written and read again must be the same store; and the same bytes, unless its
/// properties are behind the certificates.
pub fn store(data: &[u8]) {
    let Ok(elements) = read_sst(data) else { return };
    elements.iter().for_each(look_into);
    let written = write_sst(&elements).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(written.len(), data.len().max(20), "nothing is lost or added");
    assert_eq!(read_sst(&written).as_ref(), Ok(&elements));
    let begins_with_property =
        data.get(8..12).is_some_and(|number| !(32..=34).contains(&number[0]));
    assert!(written == data || data.is_empty() || !begins_with_property);
}

/// Reads the bytes as one element, which must be written as the same bytes, less a mark of the end.
pub fn registry_blob(data: &[u8]) {
    let Ok(element) = read_blob(data) else { return };
    look_into(&element);
    let written = write_blob(&element).unwrap_or_else(|error| panic!("{error}"));
    let end = data.strip_prefix(written.as_slice());
    assert!(end.is_some_and(|end| end.is_empty() || end == [0; 12]));
}

/// Reads the bytes as a `.reg` file, which written must be read as what is in it.
pub fn registry_file(data: &[u8]) {
    let Ok(file) = RegistryFile::from_bytes(data) else { return };
    let written = file.to_bytes().unwrap_or_else(|error| panic!("{error}"));
    let again = RegistryFile::from_bytes(&written).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.misnamed, [""; 0]);
    assert!(again.stores.keys().eq(file.stores.keys()));
    let ders = |file: &RegistryFile| -> Vec<Vec<u8>> {
        file.stores.values().flatten().map(|element| element.der().to_vec()).collect()
    };
    assert_eq!(ders(&again), ders(&file));
    assert_eq!(again.to_bytes().as_ref(), Ok(&written));
}

/// Reads all that a store knows of an element.
fn look_into(element: &Element) {
    assert!(element.properties().len() <= MAX_PROPERTIES);
    let Element::Certificate(entry) = element else { return };
    if let Ok(Some(binding)) = entry.key_binding() {
        let written = binding.encode().unwrap_or_else(|error| panic!("{error}: {binding:?}"));
        let again = chancery_certstore::KeyBinding::decode(&written);
        assert_eq!(again, Ok(binding));
    }
    let _ = (entry.friendly_name(), entry.certificate().is_ok());
}
