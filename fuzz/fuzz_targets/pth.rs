#![no_main]

use chestxr_fuzz::feed;
use chestxr_fuzz::model::pth;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| feed(bytes, pth::read));
