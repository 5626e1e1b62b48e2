//! CRYPT_KEY_PROV_INFO.

use chancery_certstore::{BindingError, KeyBinding, ProviderParameter, key_spec, provider_flag};

/// A binding as Windows keeps it on disk, written out by hand: seven numbers, then the texts.
#[test]
fn a_binding_has_the_layout_of_windows() {
    let mut binding = KeyBinding::new("key-1", "Cavium Key Storage Provider");
    binding.flags = provider_flag::MACHINE_KEYSET;
    binding.key_spec = key_spec::SIGNATURE;
    let bytes = binding.encode().unwrap();
    let mut expected: Vec<u8> =
        [28_u32, 40, 0, 0x20, 0, 0, 2].iter().flat_map(|word| word.to_le_bytes()).collect();
    for text in ["key-1\0", "Cavium Key Storage Provider\0"] {
        expected.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
    assert_eq!(bytes, expected);
    assert_eq!(KeyBinding::decode(&bytes), Ok(binding));
}

#[test]
fn names_may_be_missing_empty_and_in_any_language() {
    for container in [None, Some(""), Some("ключ 🔑 {1-2}"), Some("pkcs11:token=a;id=%00")] {
        for provider in [None, Some("提供者")] {
            let binding = KeyBinding {
                container: container.map(str::to_owned),
                provider: provider.map(str::to_owned),
                ..KeyBinding::default()
            };
            let bytes = binding.encode().unwrap();
            assert_eq!(KeyBinding::decode(&bytes), Ok(binding));
        }
    }
}

#[test]
fn parameters_are_kept() {
    let mut binding = KeyBinding::new("c", "p");
    binding.parameters = vec![
        ProviderParameter { parameter: 32, flags: 1, data: b"1234".to_vec() },
        ProviderParameter { parameter: 8, flags: 0, data: Vec::new() },
    ];
    let bytes = binding.encode().unwrap();
    assert_eq!(KeyBinding::decode(&bytes), Ok(binding));
}

#[test]
fn what_leads_out_of_the_property_is_refused() {
    let bytes = KeyBinding::new("container", "provider").encode().unwrap();
    for len in 0..28 {
        assert_eq!(KeyBinding::decode(&bytes[..len]), Err(BindingError::Truncated { len }));
    }
    for len in 28..bytes.len() {
        assert!(KeyBinding::decode(&bytes[..len]).is_err(), "{len}");
    }
    for (word, value) in [(0, u32::MAX), (1, 4096), (0, 5), (4, 1), (4, u32::MAX)] {
        let mut bad = bytes.clone();
        bad[word * 4..word * 4 + 4].copy_from_slice(&value.to_le_bytes());
        if word == 4 {
            bad[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        }
        assert!(KeyBinding::decode(&bad).is_err(), "{word}: {value}");
    }
}

/// Many entries that all point to the same bytes would make much of little.
#[test]
fn parameters_are_no_more_than_the_property() {
    let data = vec![0; 40_000];
    let binding = KeyBinding {
        parameters: vec![ProviderParameter { parameter: 1, flags: 0, data }; 2],
        ..KeyBinding::default()
    };
    let mut bytes = binding.encode().unwrap();
    // The second entry takes the place and length of the whole first one and more.
    let second = 28 + 16;
    bytes[second + 4..second + 8].copy_from_slice(&28_u32.to_le_bytes());
    bytes[second + 8..second + 12].copy_from_slice(&80_000_u32.to_le_bytes());
    assert!(matches!(KeyBinding::decode(&bytes), Err(BindingError::Outside { .. })));
}

#[test]
fn what_cannot_be_read_again_is_not_written() {
    assert_eq!(
        KeyBinding::new("a\0b", "p").encode(),
        Err(BindingError::Text { what: "container name" })
    );
    assert!(matches!(
        KeyBinding::new("x".repeat(9000), "p").encode(),
        Err(BindingError::Limit { limit: 8192, .. })
    ));
    let longest = KeyBinding::new("x".repeat(8192), "p");
    assert_eq!(KeyBinding::decode(&longest.encode().unwrap()), Ok(longest));
}
