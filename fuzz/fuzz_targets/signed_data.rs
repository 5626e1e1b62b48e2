//! What libFuzzer calls for `signed_data`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::signed_data(data));
