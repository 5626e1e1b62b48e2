//! What libFuzzer calls for `sign_verify`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::sign_verify(data));
