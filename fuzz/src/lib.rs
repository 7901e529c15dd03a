//! The house's readers of files from outside, compiled from their own files, and what the targets share.

#![allow(dead_code, reason = "the readers bring more with them than is fuzzed")]

#[path = "../../src/files/mod.rs"]
pub mod files;
#[path = "../../src/label.rs"]
pub mod label;
#[path = "../../src/panics.rs"]
pub mod panics;
#[path = "../../src/random.rs"]
pub mod random;
#[path = "../../src/text.rs"]
pub mod text;
#[path = "../../src/zip.rs"]
pub mod zip;

pub mod dataset;
pub mod model;

use std::path::Path;

/// Hands `bytes` to a reader of files, and looks at the sentence of one that refuses: no control character may come
/// through to a terminal. Panics of decoders that the reader catches are no finds.
pub fn feed<T, E: std::fmt::Display>(bytes: &[u8], read: impl Fn(&Path) -> Result<T, E>) {
    static QUIET: std::sync::Once = std::sync::Once::new();
    QUIET.call_once(|| panics::install_panic_hook(|_| {}));
    let path = std::env::temp_dir().join(format!("chestxr-fuzz-{}", std::process::id()));
    std::fs::write(&path, bytes).expect("TMPDIR can be written");
    if let Err(error) = read(&path) {
        let said = error.to_string();
        assert!(!said.contains(char::is_control), "{said:?}");
    }
}
