//! What libFuzzer calls for `registry_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::registry_file(data));
