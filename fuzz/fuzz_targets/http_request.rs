#![no_main]

use cameo_fuzz::requests::request;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus { request(input) });
