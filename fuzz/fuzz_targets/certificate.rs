//! What libFuzzer calls for `certificate`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::certificate(data));
