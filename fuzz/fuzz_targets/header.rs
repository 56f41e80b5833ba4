#![no_main]

use cameo_fuzz::images::{allow_panics_of_decoders, read_header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: allow_panics_of_decoders(), |file: &[u8]| read_header(file));
