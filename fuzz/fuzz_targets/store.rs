//! What libFuzzer calls for `store`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::store(data));
