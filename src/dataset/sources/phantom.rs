//! `phantom[:N]`: generated images.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::config::{AppPaths, DataSection};
use crate::dataset::data_source::DataSource;
use crate::dataset::images::{Images, Labels};
use crate::dataset::labels::LabelSet;
use crate::dataset::listing::Loaded;
use crate::dataset::part::Part;
use crate::dataset::progress::{Progress, Watch};
use crate::dataset::source_error::SourceError;
use crate::dataset::store::{self, ImportRequest, Made};
use crate::dataset::{DataError, PHANTOM_SEED, phantom};
use crate::text::one_line;

/// Images where no number is given.
const DEFAULT_COUNT: usize = 4000;
/// The fewest and the most images.
const COUNTS: (usize, usize) = (10, 10_000_000);

pub struct Phantom;

impl DataSource for Phantom {
    fn name(&self) -> &'static str {
        "phantom"
    }

    fn usage(&self) -> &'static str {
        "phantom[:N]"
    }

    fn parse(&self, argument: Option<&str>) -> Result<String, SourceError> {
        let Some(text) = argument else { return Ok(DEFAULT_COUNT.to_string()) };
        match text.replace('_', "").parse::<usize>() {
            Ok(count) if (COUNTS.0..=COUNTS.1).contains(&count) => Ok(count.to_string()),
            _ => Err(SourceError::Count {
                name: self.name(),
                from: COUNTS.0,
                to: COUNTS.1,
                text: one_line(text, 40),
            }),
        }
    }

    fn is_path(&self) -> bool {
        false
    }

    fn generated(&self, argument: &str) -> Option<usize> {
        argument.parse().ok()
    }

    fn registry_entry(&self, _argument: &str) -> Option<&'static str> {
        Some("phantom")
    }

    fn load(
        &self,
        argument: &str,
        section: &DataSection,
        budget: u64,
        watch: &Watch,
    ) -> Result<Loaded, DataError> {
        let count = self.generated(argument).unwrap_or(DEFAULT_COUNT);
        load_parts(count, section.size, budget, watch)
    }
}

/// The phantom's parts: in memory, or drawn once into a store where they are more than `budget`.
fn load_parts(count: usize, size: usize, budget: u64, watch: &Watch) -> Result<Loaded, DataError> {
    let (train, val) = phantom::split_counts(count);
    let ranges = [(0, train), (train, val), (train + val, count - train - val)];
    let labels = LabelSet::chest_xray_14();
    let loaded = |[train, val, test]: [Part; 3]| Loaded {
        labels: labels.clone(),
        parts: [train, val, test],
        notes: Vec::new(),
        skipped: Vec::new(),
    };
    if (count * size * size) as u64 <= budget {
        let (drawn, total) = (AtomicUsize::new(0), count);
        let part = |(first, count): (usize, usize)| -> Result<Part, DataError> {
            let keep_going = || {
                let done = drawn.fetch_add(1, Ordering::Relaxed);
                watch(Progress { doing: "drawing", done, total })
            };
            let (images, labels) =
                phantom::images_watched(PHANTOM_SEED, first as u64, count, size, &keep_going)?
                    .ok_or(DataError::Stopped)?;
            Ok(Part::new(Some(images), labels, None))
        };
        let [train, val, test] = ranges.map(part);
        return Ok(loaded([train?, val?, test?]));
    }
    phantom::image(PHANTOM_SEED, 0, size)?;
    let make = |number: usize| -> Result<Made, phantom::SizeOutOfRange> {
        let image = phantom::image(PHANTOM_SEED, number as u64, size)?;
        Ok(Made {
            pixels: image.pixels,
            labels: image.labels,
            picture: (size as u32, size as u32),
            doubts: Vec::new(),
        })
    };
    let request = ImportRequest {
        cache: &AppPaths::new(None).images,
        // Drawing may change with the program.
        fingerprint: &format!("phantom {} {PHANTOM_SEED} {count}", env!("CARGO_PKG_VERSION")),
        of: &format!("phantom:{count}"),
        doing: "drawing",
        count,
        image: (size, size),
        labels: labels.len(),
        budget,
        skip: false,
    };
    let (store, values) =
        store::build(&request, &mut |numbers| numbers.into_par_iter().map(make).collect(), watch)?;
    let part = |(first, count): (usize, usize)| {
        let images = Images::mapped(store.clone(), (first as u32..(first + count) as u32).collect());
        let rows = values[first * labels.len()..(first + count) * labels.len()].to_vec();
        Labels::new(rows, labels.len()).map(|rows| Part::new(images, rows, None))
    };
    match ranges.map(part) {
        [Some(train), Some(val), Some(test)] => Ok(loaded([train, val, test])),
        // Only if somebody else wrote into the cache.
        _ => Err(DataError::Stopped),
    }
}
