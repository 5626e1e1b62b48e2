//! What libFuzzer calls for `differential`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::differential(data));
