//! What libFuzzer calls for `pkcs11_uri`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::pkcs11_uri(data));
