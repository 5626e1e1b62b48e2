//! What libFuzzer calls for `ecdsa_encoding`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::ecdsa_encoding(data));
