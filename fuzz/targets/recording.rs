#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nightscribe_fuzz::recording::holds(data));
