//! What libFuzzer calls for `registry_blob`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::registry_blob(data));
