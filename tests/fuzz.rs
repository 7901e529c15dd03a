//! Readers of files from outside, fed with damage: an error or data, never a panic, never more memory than allowed.
//!
//! The files in `tests/corpus` are changed at random: bits, bytes, numbers that matter, pieces cut, doubled or taken
//! from another file. `CHESTXR_FUZZ_ROUNDS` says how often (a few thousand by default; a million takes minutes), and
//! `CHESTXR_FUZZ_SEED` where the rng begin. What breaks is left in the temporary folder and named.

use std::fs;
use std::path::{Path, PathBuf};

use chestxr_tui::dataset::image_file;
use chestxr_tui::dataset::npz::{Limits, read_medmnist};
use chestxr_tui::dataset::sheet::Sheet;
use chestxr_tui::model::{pth, read_tensors};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const DEFAULT_ROUNDS: usize = 2000;
/// Numbers that lengths and places go wrong at.
const SHARP: [u64; 8] = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

fn corpus(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders: &[PathBuf] = &match kind {
        "dicom" => [folder.join("golden/dicom"), folder.join("corpus/dicom")],
        kind => [folder.join("corpus").join(kind), folder.join("golden").join(kind)],
    };
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let files: Vec<Vec<u8>> =
        paths.iter().map(|path| fs::read(path).expect("a file of the corpus")).collect();
    assert!(files.len() >= 2, "the corpus of {kind} is empty");
    files
}

/// A file with one to eight changes.
fn damaged(files: &[Vec<u8>], random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let mut bytes = files[random.random_range(0..files.len())].clone();
    for _ in 0..random.random_range(1..=8) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let length = random.random_range(1..=64.min(bytes.len() - at));
        match random.random_range(0..7) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = random.random(),
            2 => {
                let number = SHARP[random.random_range(0..SHARP.len())].to_le_bytes();
                let wide = [1, 2, 4, 8][random.random_range(0..4_usize)].min(bytes.len() - at);
                bytes[at..at + wide].copy_from_slice(&number[..wide]);
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..at + length)),
            5 => {
                let piece = bytes[at..at + length].to_vec();
                let to = random.random_range(0..=bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let other = &files[random.random_range(0..files.len())];
                if !other.is_empty() {
                    let from = random.random_range(0..other.len());
                    let piece = other[from..other.len().min(from + length)].to_vec();
                    bytes.splice(at..at + length, piece);
                }
            }
        }
    }
    bytes
}

/// Feeds `read` with damage until the rounds are over; tells how many files were read all the same.
fn fuzz(kind: &str, read: impl Fn(&Path) -> bool) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rounds = number("CHESTXR_FUZZ_ROUNDS").map_or(DEFAULT_ROUNDS, |rounds| rounds as usize);
    let files = corpus(kind);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(number("CHESTXR_FUZZ_SEED").unwrap_or(6));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    let mut good = 0;
    for round in 0..rounds {
        let bytes = damaged(&files, &mut random);
        fs::write(&path, &bytes).expect("written");
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read(&path))) {
            Ok(was_good) => good += usize::from(was_good),
            Err(_) => {
                let kept = std::env::temp_dir().join(format!("chestxr-fuzz-{kind}-{round}"));
                fs::write(&kept, &bytes).expect("written");
                panic!("{kind}: round {round} panicked on {}", kept.display());
            }
        }
    }
    eprintln!("{kind}: {rounds} damaged files, {good} of them still readable");
    assert!(good < rounds, "no damage was noticed");
}

#[test]
fn archives_of_arrays_are_read_or_refused() {
    fuzz("npz", |path| match read_medmnist(path, None, Limits { max_bytes: 16 << 20 }) {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error}");
            false
        }
    });
}

#[test]
fn pytorchs_files_are_read_or_refused() {
    fuzz("pth", |path| match pth::read(path) {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error}");
            false
        }
    });
}

#[test]
fn safetensors_files_are_read_or_refused() {
    fuzz("safetensors", |path| match read_tensors(path) {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error}");
            false
        }
    });
}

#[test]
fn dicom_images_are_read_or_refused() {
    let limits = image_file::Limits { side: 4096, bytes: 32 << 20 };
    fuzz("dicom", |path| match image_file::read(path, limits) {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error}");
            false
        }
    });
}

#[test]
fn tables_are_read_or_refused() {
    fuzz("table", |path| match Sheet::read(path) {
        // A row that is neither taken nor skipped would be lost in silence.
        Ok(sheet) => sheet.skipped.is_empty(),
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error}");
            false
        }
    });
}
