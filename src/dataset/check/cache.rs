//! Images that are no longer what was read from their source.

use super::{Finding, Place, Severity, images as many};
use crate::dataset::{Dataset, Split};

/// Images of the cache whose pixels don't match their checksums; all pixels are read.
pub fn images(dataset: &Dataset) -> Vec<Finding> {
    let damaged: Vec<Vec<Place>> = Split::ALL
        .into_iter()
        .filter_map(|split| Some((split, dataset.part(split).images.as_ref()?)))
        .flat_map(|(split, images)| {
            images.damaged().into_iter().map(move |index| vec![Place { split, index: index as u32 }])
        })
        .collect();
    if damaged.is_empty() {
        return Vec::new();
    }
    let sentence = format!(
        "{} of the cache damaged: checksums don't match; start again: the images are then read anew from their source; \
         if it happens again, have the disk checked",
        many(damaged.len())
    );
    vec![Finding::new("image cache", Severity::Problem, sentence, damaged)]
}
