#![no_main]

use chestxr_fuzz::dataset::npz::{Limits, read_medmnist};
use chestxr_fuzz::feed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feed(bytes, |path| read_medmnist(path, None, Limits { max_bytes: 16 << 20 }));
});
