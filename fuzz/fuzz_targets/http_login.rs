#![no_main]

use cameo_fuzz::requests::log_in;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| log_in(input));
