//! Boxes of findings in a cell of a table.

use crate::dataset::labels::{LabelSet, key_of};
use crate::label::PRESENT;

/// Boxes of a cell: `finding: x y width height`, semicolons between them; the finding may be left out where the image
/// has just one.
///
/// # Errors
/// What is wrong with them, a sentence without a subject.
pub(super) fn boxes(text: &str, set: &LabelSet, labels: &[u8]) -> Result<Vec<(usize, [f32; 4])>, String> {
    let keys = set.keys();
    let mut found = Vec::new();
    for one in text.split(';').map(str::trim).filter(|one| !one.is_empty()) {
        let (name, numbers) = match one.split_once(':') {
            Some((name, numbers)) => (Some(name), numbers),
            None => (None, one),
        };
        let own: Vec<usize> = (0..labels.len()).filter(|class| labels[*class] == PRESENT).collect();
        let class = match (name, own.as_slice()) {
            (Some(name), _) => keys.iter().position(|key| *key == key_of(name)),
            (None, [class]) => Some(*class),
            (None, _) => None,
        };
        let class = class.ok_or("has a box of no known finding; write finding: x y width height")?;
        let mut place = [0.0_f32; 4];
        let mut words = numbers.split([' ', ',', '[', ']']).filter(|word| !word.is_empty());
        for value in &mut place {
            let word = words.next().and_then(|word| word.parse().ok());
            *value = word
                .filter(|value: &f32| value.is_finite())
                .ok_or("has a box without four numbers; write x y width height in pixels")?;
        }
        if place[2] <= 0.0 || place[3] <= 0.0 {
            return Err("has a box without an inside; write x y width height in pixels".into());
        }
        found.push((class, place));
    }
    Ok(found)
}
