#![no_main]

use cameo_fuzz::images::{allow_panics_of_decoders, decode_with_profile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: allow_panics_of_decoders(), |icc: &[u8]| decode_with_profile(icc));
