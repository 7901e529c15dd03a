//! Images that show nothing, or the wrong way round.

use rayon::prelude::*;

use super::{Finding, Place, Severity, images as many, places};
use crate::dataset::{Dataset, Split};

/// An image whose grey levels deviate by less shows nothing.
const FLAT: f64 = 2.0;
/// An image so unlike the typical one is inverted: of 1,000 images of NIH the least like it correlates at .09 with their
/// median image, and 996 of them inverted lie below -.3.
const INVERTED: f64 = -0.3;
/// An image of which so much is pure black or white shows little; of 1,000 images of NIH the worst has .26.
const EMPTY: f64 = 0.6;
/// Images that the typical one is made of; more change nothing.
const TYPICAL: usize = 2000;
/// Fewer make no typical image.
const LEAST: usize = 10;

/// What an image looks like.
struct Look {
    deviation: f64,
    /// Correlation with the typical image.
    likeness: f64,
    /// Share of pixels of 0 and 255.
    empty: f64,
}

/// Constant, inverted and mostly empty images.
pub fn images(dataset: &Dataset) -> Vec<Finding> {
    let all: Vec<Place> = places(dataset).collect();
    // An image that the cache has lost is reported by its own check.
    let image = |place: &Place| dataset.part(place.split).images.as_ref()?.image(place.index as usize).ok();
    let typical = typical(dataset);
    let (places, looks): (Vec<Place>, Vec<Look>) =
        all.par_iter().filter_map(|place| Some((*place, look(image(place)?, &typical)))).unzip();
    let where_ = |is: &dyn Fn(&Look) -> bool| -> Vec<Vec<Place>> {
        places.iter().zip(&looks).filter(|(_, look)| is(look)).map(|(place, _)| vec![*place]).collect()
    };
    let mut findings = Vec::new();
    let mut add = |severity, groups: Vec<Vec<Place>>, what: &str| {
        if !groups.is_empty() {
            findings.push(Finding::new(
                "odd image",
                severity,
                format!("{} {what}", many(groups.len())),
                groups,
            ));
        }
    };
    let flat = |look: &Look| look.deviation < FLAT;
    add(Severity::Warning, where_(&flat), "of one grey all over; remove them");
    add(
        Severity::Warning,
        where_(&|look| !flat(look) && look.likeness < INVERTED),
        "look inverted (correlation with the typical image below -.3): bones dark, air bright; look at them and invert \
         or remove them",
    );
    add(
        Severity::Note,
        where_(&|look| !flat(look) && look.empty > EMPTY),
        "pure black or white for more than 60 %; look whether they were cut or scaled wrongly",
    );
    findings
}

/// The median of up to 2,000 training images, pixel by pixel; empty where there are too few.
fn typical(dataset: &Dataset) -> Vec<f64> {
    let Some(images) = &dataset.part(Split::Train).images else { return Vec::new() };
    if images.len() < LEAST {
        return Vec::new();
    }
    let step = images.len().div_ceil(TYPICAL).max(1);
    let chosen: Vec<&[u8]> =
        (0..images.len()).step_by(step).filter_map(|index| images.image(index).ok()).collect();
    (0..images.area())
        .into_par_iter()
        .map(|pixel| {
            let mut counts = [0_usize; 256];
            chosen.iter().for_each(|image| counts[usize::from(image[pixel])] += 1);
            let mut below = 0;
            let middle = counts.iter().position(|count| {
                below += count;
                2 * below > chosen.len()
            });
            middle.unwrap_or(0) as f64
        })
        .collect()
}

fn look(image: &[u8], typical: &[f64]) -> Look {
    let count = image.len().max(1) as f64;
    let mean = image.iter().map(|grey| f64::from(*grey)).sum::<f64>() / count;
    let variance = image.iter().map(|grey| (f64::from(*grey) - mean).powi(2)).sum::<f64>() / count;
    let usual = typical.iter().sum::<f64>() / count;
    let (mut both, mut own) = (0.0, 0.0);
    for (grey, typical) in image.iter().zip(typical) {
        both += (f64::from(*grey) - mean) * (typical - usual);
        own += (typical - usual).powi(2);
    }
    let scale = (variance * count * own).sqrt();
    let empty = image.iter().filter(|grey| matches!(grey, 0 | 255)).count() as f64 / count;
    Look { deviation: variance.sqrt(), likeness: if scale > 0.0 { both / scale } else { 1.0 }, empty }
}
