//! Where on a film its findings lie, as far as the source knows: what explanations are judged against.

use super::phantom::{self, Bounds};
use super::{Dataset, PHANTOM_SEED, Source, Split};

/// Where one condition shows on a film.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Label column.
    pub class: usize,
    /// A box for each place, in pixels of the film.
    pub boxes: Vec<Bounds>,
    /// `H*W` values, 1 inside; of all places together.
    pub mask: Vec<u8>,
}

impl Dataset {
    /// Whether the source knows where findings lie.
    pub fn knows_regions(&self) -> bool {
        matches!(self.source, Source::Phantom(_))
    }

    /// What shows on film `index` of a split, by label column. Empty where the source doesn't know, or there is no
    /// such film. Conditions may be drawn that the labels leave out, and the other way round.
    pub fn regions(&self, split: Split, index: usize) -> Vec<Region> {
        let (Source::Phantom(count), Some((size, _))) = (&self.source, self.film_size()) else {
            return Vec::new();
        };
        let (train, val) = super::phantom_counts(*count);
        let first = [0, train, train + val][split as usize];
        if index >= self.part(split).labels.len() {
            return Vec::new();
        }
        let Ok(film) = phantom::film(PHANTOM_SEED, (first + index) as u64, size) else { return Vec::new() };
        let mut regions: Vec<Region> = Vec::new();
        for finding in film.findings {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataSection;

    #[test]
    fn a_phantoms_regions_are_those_of_the_very_film() {
        let section = DataSection { source: "phantom:60".into(), size: 48, ..DataSection::default() };
        let dataset = Dataset::load(&section).expect("phantoms");
        assert!(dataset.knows_regions());
        let (films, labels) = dataset.trainable(Split::Test).expect("films");
        let mut agree = 0;
        for index in 0..films.len() {
            let regions = dataset.regions(Split::Test, index);
            // Six films of the training split and of the validation split come before.
            let drawn = phantom::film(PHANTOM_SEED, (48 + index) as u64, 48).expect("a size in range");
            assert_eq!(drawn.pixels, films.film(index));
            assert!(regions.iter().all(|region| region.mask.contains(&1) && !region.boxes.is_empty()));
            agree += regions.iter().filter(|region| labels.row(index)[region.class] == 1).count();
        }
        assert!(agree > 3, "{agree}");
        assert!(dataset.regions(Split::Test, films.len()).is_empty());
    }
}
