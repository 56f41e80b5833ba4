#![no_main]

use cameo_fuzz::requests::store_config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| store_config(json));
