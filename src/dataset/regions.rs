//! Regions of findings on an image, as far as the source knows them: explanations are evaluated against these.

use super::phantom::{self, Bounds};
use super::{Dataset, PHANTOM_SEED, Split};

/// Where one condition shows on an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Label column.
    pub class: usize,
    /// A box for each place, in pixels of the image.
    pub boxes: Vec<Bounds>,
    /// `H*W` values, 1 inside; of all places together.
    pub mask: Vec<u8>,
}

impl Dataset {
    /// Whether the source knows where findings lie.
    pub fn knows_regions(&self) -> bool {
        let annotated = Split::ALL.iter().any(|split| self.part(*split).about.has_boxes);
        annotated || self.source.generated().is_some()
    }

    /// What shows on image `index` of a split, by label column. Empty where the source doesn't know, or there is no
    /// such image. Conditions may be drawn that the labels leave out, and the other way round.
    pub fn regions(&self, split: Split, index: usize) -> Vec<Region> {
        let (Some(count), Some((size, _))) = (self.source.generated(), self.image_size()) else {
            return self.boxed(split, index);
        };
        let (train, val) = phantom::split_counts(count);
        let first = [0, train, train + val][split as usize];
        if index >= self.part(split).labels.len() {
            return Vec::new();
        }
        let Ok(image) = phantom::image(PHANTOM_SEED, (first + index) as u64, size) else { return Vec::new() };
        let mut regions: Vec<Region> = Vec::new();
        for finding in image.findings {
            match regions.iter_mut().find(|region| region.class == finding.condition) {
                Some(region) => {
                    region.boxes.push(finding.bounds);
                    for (inside, more) in region.mask.iter_mut().zip(&finding.mask) {
                        *inside |= more;
                    }
                }
                None => regions.push(Region {
                    class: finding.condition,
                    boxes: vec![finding.bounds],
                    mask: finding.mask,
                }),
            }
        }
        regions.sort_by_key(|region| region.class);
        regions
    }

    /// Regions from boxes that somebody drew.
    fn boxed(&self, split: Split, index: usize) -> Vec<Region> {
        let Some((height, width)) = self.image_size() else { return Vec::new() };
        let mut regions: Vec<Region> = Vec::new();
        for (_, class, bounds) in self.part(split).about.boxes_of(index) {
            let place = regions.iter().position(|region| region.class == *class).unwrap_or_else(|| {
                regions.push(Region { class: *class, boxes: Vec::new(), mask: vec![0; height * width] });
                regions.len() - 1
            });
            let region = &mut regions[place];
            region.boxes.push(*bounds);
            // A pixel is inside when its middle is; the smallest box still has one.
            let inside = |from: f32, length: f32, most: usize| {
                let first = ((from - 0.5).ceil().max(0.0) as usize).min(most.saturating_sub(1));
                let end = ((from + length - 0.5).ceil().max(0.0) as usize).min(most);
                first..end.max(first + 1)
            };
            for row in inside(bounds.y, bounds.height, height) {
                let columns = inside(bounds.x, bounds.width, width);
                region.mask[row * width..(row + 1) * width][columns].fill(1);
            }
        }
        regions.sort_by_key(|region| region.class);
        regions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataSection;

    #[test]
    fn a_phantoms_regions_are_those_of_the_very_image() {
        let section = DataSection { source: "phantom:60".into(), size: 48, ..DataSection::default() };
        let dataset = Dataset::load(&section).expect("phantoms");
        assert!(dataset.knows_regions());
        let (images, labels) = dataset.trainable(Split::Test).expect("images");
        let mut agree = 0;
        for index in 0..images.len() {
            let regions = dataset.regions(Split::Test, index);
            // Six images of the training split and of the validation split come before.
            let drawn = phantom::image(PHANTOM_SEED, (48 + index) as u64, 48).expect("a size in range");
            assert_eq!(drawn.pixels, images.image(index).expect("pixels"));
            assert!(regions.iter().all(|region| region.mask.contains(&1) && !region.boxes.is_empty()));
            agree += regions.iter().filter(|region| labels.row(index)[region.class] == 1).count();
        }
        assert!(agree > 3, "{agree}");
        assert!(dataset.regions(Split::Test, images.len()).is_empty());
    }
}
