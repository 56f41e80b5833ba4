#![no_main]

use cameo_fuzz::images::{allow_panics_of_decoders, decode};
use image::ImageFormat;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(init: allow_panics_of_decoders(), |file: &[u8]| -> Corpus { decode(file, ImageFormat::Jpeg) });
