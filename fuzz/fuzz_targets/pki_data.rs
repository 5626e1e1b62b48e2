//! What libFuzzer calls for `pki_data`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::pki_data(data));
