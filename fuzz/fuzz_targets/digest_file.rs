//! What libFuzzer calls for `digest_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::digest_file(data));
