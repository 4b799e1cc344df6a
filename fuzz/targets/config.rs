#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nightscribe_fuzz::config::holds(data));
