//! Thousands of damaged files, and the memory that reading them takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use chestxr_tui::dataset::npz::{Archive, Limits, read_medmnist};

use crate::making::{CLASSES, Member, members, read_bytes, zip};

/// Counts what each thread holds, so that a test can tell what a hostile file made it ask for.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // A thread that is ending has no counters left.
    let held = HELD.try_with(|held| held.replace(held.get() + change) + change).unwrap_or(0);
    let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held)));
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// xorshift64*: any fixed sequence does.
fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
}

#[test]
fn no_damage_to_a_file_makes_it_panic_lie_or_ask_for_much_memory() {
    const LIMIT: u64 = 4096;
    /// Input and output buffers, deflate's window and tables, the directory and sentences.
    const OVERHEAD: isize = 600 << 10;
    let good = read_bytes(&zip(&members()), LIMIT).unwrap();
    let originals = [
        zip(&members()),
        zip(&members().into_iter().map(|member| Member { zip64: true, ..member }).collect::<Vec<_>>()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    let check = |bytes: &[u8], what: &str| {
        // A new file each time: file systems hurry to put a rewritten one onto the disk.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).unwrap();
        let before = HELD.get();
        PEAK.set(before);
        let result = read_medmnist(&path, Some(CLASSES), Limits { max_bytes: LIMIT });
        assert!(PEAK.get() - before < OVERHEAD, "{what} took {} bytes", PEAK.get() - before);
        if let Ok(data) = result {
            assert_eq!(data, good, "{what} gave other data");
        }
        if let Ok(archive) = Archive::open(&path, Limits { max_bytes: LIMIT }) {
            for name in archive.names() {
                let _ = (archive.read_i64(name), archive.read_f32(name), archive.read_text(name));
            }
        }
        assert!(PEAK.get() - before < OVERHEAD, "{what} took {} bytes", PEAK.get() - before);
    };
    // One thread, so that all memory is counted on it.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let mut state = 20_261_122;
        for original in &originals {
            for length in 0..original.len() {
                check(&original[..length], &format!("cutting to {length}"));
            }
            for at in 0..original.len() {
                let mut bytes = original.clone();
                bytes[at] = match random(&mut state, 2) {
                    0 => bytes[at] ^ 1 << random(&mut state, 8),
                    _ => [0, 0xff, 0x7f, b'9'][random(&mut state, 4)],
                };
                check(&bytes, &format!("{} at {at}", bytes[at]));
            }
            for round in 0..2000 {
                let mut bytes = original.clone();
                for _ in 0..=random(&mut state, 6) {
                    let at = random(&mut state, bytes.len() - 8);
                    match random(&mut state, 4) {
                        0 => drop(bytes.drain(at..at + random(&mut state, 8))),
                        1 => bytes[at..at + 4].fill(0xff),
                        2 => bytes.insert(at, random(&mut state, 256) as u8),
                        _ => bytes[at] = random(&mut state, 256) as u8,
                    }
                }
                check(&bytes, &format!("round {round}"));
            }
        }
    });
}
