//! What libFuzzer calls for `modulus`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::modulus(data));
