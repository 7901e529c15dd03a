//! Loading NPZ archives into parts: into memory, or into an image store where that takes too much memory.

use std::path::Path;

use super::images::Images;
use super::labels::LabelSet;
use super::listing::{self, Loaded};
use super::part::Part;
use super::progress::Watch;
use super::store::{self, ImportRequest, Made};
use super::{DataError, labels, npz};
use crate::config::AppPaths;

/// Bytes one array of a file may unpack to: far above ChestMNIST at 224 px (5.6 GB), below what would take
/// a machine down unseen.
const MAX_ARRAY_BYTES: u64 = 64 << 30;

/// The parts of an archive; its images stay in a store where they are more than `budget`.
pub(super) fn npz_parts(path: &Path, budget: u64, watch: &Watch) -> Result<Loaded, DataError> {
    let opened = npz::Opened::open(path, None, npz::Limits { max_bytes: MAX_ARRAY_BYTES })?;
    let mut keys: Vec<String> =
        opened.conditions().into_iter().flatten().map(|name| labels::key_of(name)).collect();
    let names = keys.len();
    keys.sort();
    keys.dedup();
    let labels = match opened.conditions() {
        // Names that mean the same, or nothing, identify no column.
        Some(given) if keys.len() == names && keys.iter().all(|key| !key.is_empty()) => {
            LabelSet::of_keys(&given.iter().map(|name| labels::key_of(name)).collect::<Vec<_>>())
        }
        _ => LabelSet::of_width(opened.classes()),
    };
    let parts = match (opened.images(), opened.image_size()) {
        (Some(counts), Some(image)) if (counts.iter().sum::<usize>() * image.0 * image.1) as u64 > budget => {
            unpacked(path, &opened, counts, image, budget, watch)?
        }
        _ => {
            let npz::MedMnist { train, val, test } = opened.read()?;
            [train, val, test]
        }
    };
    Ok(Loaded { labels, parts, notes: Vec::new(), skipped: Vec::new() })
}

/// The parts of an archive whose images are unpacked into a store.
fn unpacked(
    path: &Path,
    opened: &npz::Opened,
    counts: [usize; 3],
    image: (usize, usize),
    budget: u64,
    watch: &Watch,
) -> Result<[Part; 3], DataError> {
    let area = image.0 * image.1;
    let mut stream = opened.stream();
    let mut skip = true;
    let mut make = |numbers: std::ops::Range<usize>| {
        let mut pixels = vec![0; area];
        if std::mem::take(&mut skip) {
            // An earlier attempt got so far.
            for _ in 0..numbers.start {
                if let Err(error) = stream.next_image(&mut pixels) {
                    return vec![Err(error)];
                }
            }
        }
        let one = |_| {
            let mut pixels = vec![0; area];
            let made = stream.next_image(&mut pixels);
            made.map(|()| Made {
                pixels,
                labels: Vec::new(),
                picture: (image.1 as u32, image.0 as u32),
                doubts: Vec::new(),
            })
        };
        numbers.map(one).collect()
    };
    let request = ImportRequest {
        cache: &AppPaths::new(None).images,
        fingerprint: &listing::file_print(path),
        of: &path.display().to_string(),
        doing: "unpacking",
        count: counts.iter().sum(),
        image,
        labels: 0,
        budget,
        skip: false,
    };
    let (store, _) = store::build(&request, &mut make, watch)?;
    let mut first = 0_u32;
    let mut parts = opened.read_labels()?;
    for (part, count) in parts.iter_mut().zip(counts) {
        part.images = Images::mapped(store.clone(), (first..first + count as u32).collect());
        first += count as u32;
    }
    Ok(parts)
}
