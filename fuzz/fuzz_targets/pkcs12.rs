//! What libFuzzer calls for `pkcs12`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::pkcs12(data));
