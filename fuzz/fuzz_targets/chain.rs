//! What libFuzzer calls for `chain`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::chain(data));
