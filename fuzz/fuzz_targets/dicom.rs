#![no_main]

use chestxr_fuzz::dataset::image_file::{Limits, read};
use chestxr_fuzz::feed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feed(bytes, |path| read(path, Limits { side: 4096, bytes: 32 << 20 }));
});
