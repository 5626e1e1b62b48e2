//! What libFuzzer calls for `key_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::key_file(data));
