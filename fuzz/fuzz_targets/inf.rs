//! What libFuzzer calls for `inf`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::inf(data));
