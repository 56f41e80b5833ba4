#![no_main]

use cameo_fuzz::requests::use_token;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|token: &[u8]| -> Corpus { use_token(token) });
