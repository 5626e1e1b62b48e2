//! What libFuzzer calls for `attach`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::attach(data));
