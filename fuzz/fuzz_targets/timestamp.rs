//! What libFuzzer calls for `timestamp`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::timestamp(data));
