#![no_main]

use cameo_fuzz::requests::submit_form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|form: &[u8]| submit_form(form));
