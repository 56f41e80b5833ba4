#![no_main]

use cameo_fuzz::images::{allow_panics_of_decoders, decode_with_exif};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: allow_panics_of_decoders(), |exif: &[u8]| decode_with_exif(exif));
