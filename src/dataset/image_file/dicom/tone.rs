//! From stored codes to grey: PS3.3 C.11.1 (modality), C.11.2 (window or table) and the photometric meaning.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::LONGEST_WORD;
use super::elements::Elements;
use super::shape::Shape;
use crate::text::one_line;

/// White of an image.
const WHITE: f64 = 65_535.0;

/// An image's pixels from their codes: each code means one grey, so all that is computed is computed once for each.
///
/// What the header says against the standard goes into `doubts`, with how it was taken.
pub(super) fn tone(
    elements: &Elements,
    shape: &Shape,
    inverted: bool,
    mut codes: Vec<u16>,
    doubts: &mut Vec<String>,
) -> Vec<u16> {
    let modality = Modality::of(elements, shape, doubts);
    let padding = Padding::of(elements, shape);
    let mut present = vec![false; shape.codes()];
    for code in &codes {
        present[usize::from(*code)] = true;
    }
    let value = |code: usize| modality.apply(shape.value(code as u16));
    let is_padding = |code: usize| padding.is_some_and(|padding| padding.holds(shape.value(code as u16)));
    let range = range_of((0..shape.codes()).map(value));
    let voi = Voi::of(elements, shape, range, doubts).unwrap_or_else(|| {
        let seen = (0..shape.codes()).filter(|code| present[*code] && !is_padding(*code)).map(value);
        let (least, most) =
            seen.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        Voi::Stretch { least, most }
    });
    let greys: Vec<u16> = (0..shape.codes())
        .map(|code| {
            // What pads an image was never exposed: it is background whichever way the greys run.
            if is_padding(code) {
                return 0;
            }
            let grey = voi.apply(value(code)).clamp(0.0, 1.0);
            ((if inverted { 1.0 - grey } else { grey }) * WHITE).round() as u16
        })
        .collect();
    for code in &mut codes {
        *code = greys[usize::from(*code)];
    }
    codes
}

/// A table in a file.
struct Table {
    /// The value that its first entry is for; those below get it too.
    first: i32,
    entries: Vec<u16>,
    /// Its largest possible entry.
    most: u16,
}

impl Table {
    /// That of the first item of `sequence`, if it is whole. `range` is the least and the greatest value that it may get:
    /// its first value is written as unsigned and as signed by different makers, whatever the element's type says, and the
    /// reading that makes the table overlap with the values is meant.
    fn of(
        elements: &Elements,
        sequence: Tag,
        signed: bool,
        range: (f64, f64),
        doubts: &mut Vec<String>,
    ) -> Option<Self> {
        let big = elements.syntax.big;
        let name = if sequence == tags::VOILUT_SEQUENCE { "VOI" } else { "modality" };
        let descriptor = elements.get(Some(sequence), tags::LUT_DESCRIPTOR)?;
        let numbers: Vec<u16> = descriptor.shorts(big).collect();
        let data = elements.get(Some(sequence), tags::LUT_DATA);
        let (&[length, first, bits], Some(data)) = (numbers.as_slice(), data) else {
            doubts.push(format!("a {name} table without its description or entries, left out"));
            return None;
        };
        let length = if length == 0 { 1 << 16 } else { usize::from(length) };
        let signed = descriptor.vr == VR::SS || signed && descriptor.vr != VR::US;
        let readings = [i32::from(first), i32::from(first.cast_signed())];
        let overlaps =
            |first: i32| f64::from(first) <= range.1 && f64::from(first) + (length as f64 - 1.0) >= range.0;
        let said = readings[usize::from(signed)];
        let other = readings[usize::from(!signed)];
        let first = if !overlaps(said) && overlaps(other) { other } else { said };
        // Entries of 8 bits may be packed two in a word.
        let entries: Vec<u16> = if bits <= 8 && data.bytes.len() < length * 2 {
            let swapped = usize::from(big && data.vr == VR::OW);
            (0..length).map_while(|at| data.bytes.get(at ^ swapped)).map(|byte| u16::from(*byte)).collect()
        } else {
            data.shorts(big).take(length).collect()
        };
        let whole = entries.len() == length && (1..=16).contains(&bits);
        if !whole {
            doubts.push(format!("a {name} table that isn't whole, left out"));
            return None;
        }
        let described = u16::MAX >> (16 - bits);
        let most = meant(described, &entries);
        if first != said {
            doubts.push(format!("a {name} table from {said}, which no value reaches, taken from {first}"));
        }
        // The entries of a modality table are the values themselves, whatever their greatest.
        if most != described && sequence == tags::VOILUT_SEQUENCE {
            let used = 16 - most.leading_zeros();
            doubts.push(format!(
                "a VOI table described with {bits} bits and filled with {used}, taken with {used}"
            ));
        }
        Some(Self { first, most, entries })
    }

    fn entry(&self, value: f64) -> u16 {
        let at = (value.round() - f64::from(self.first)).clamp(0.0, (self.entries.len() - 1) as f64);
        self.entries[at as usize]
    }
}

/// The greatest value that entries can have: as it is described, unless some are greater, or all of them are so small that
/// they were made for two bits less at least (makers of plates describe 16 bits and write 12).
fn meant(described: u16, entries: &[u16]) -> u16 {
    let greatest = entries.iter().copied().max().unwrap_or(0);
    // All bits below the highest one that is used.
    let used = u16::MAX.checked_shr(greatest.leading_zeros()).unwrap_or(0);
    if greatest > described || (used > 0 && used <= described >> 2) { used } else { described }
}

/// From stored numbers to what they measure.
enum Modality {
    Table(Table),
    Line { slope: f64, intercept: f64 },
}

impl Modality {
    fn of(elements: &Elements, shape: &Shape, doubts: &mut Vec<String>) -> Self {
        let stored = [0, shape.codes() - 1, shape.codes() / 2, (shape.codes() / 2).saturating_sub(1)];
        let stored = range_of(stored.map(|code| f64::from(shape.value(code as u16))));
        if let Some(table) = Table::of(elements, tags::MODALITY_LUT_SEQUENCE, shape.signed, stored, doubts) {
            return Self::Table(table);
        }
        let mut number = |tag, name: &str| {
            let number = elements.decimal(tag);
            if number.is_none() && elements.text(tag).is_some() {
                doubts.push(format!("a {name} that is no number, left out"));
            }
            number
        };
        let intercept = number(tags::RESCALE_INTERCEPT, "rescale intercept").unwrap_or(0.0);
        let mut slope = number(tags::RESCALE_SLOPE, "rescale slope").unwrap_or(1.0);
        // A slope of nothing would leave nothing to see.
        if slope == 0.0 {
            doubts.push("a rescale slope of 0, taken as 1".to_owned());
            slope = 1.0;
        }
        Self::Line { slope, intercept }
    }

    fn apply(&self, stored: i32) -> f64 {
        match self {
            Self::Table(table) => table.entry(stored.into()).into(),
            Self::Line { slope, intercept } => f64::from(stored) * slope + intercept,
        }
    }
}

/// From measured values to greys of 0 to 1.
enum Voi {
    Linear { center: f64, width: f64 },
    LinearExact { center: f64, width: f64 },
    Sigmoid { center: f64, width: f64 },
    Table(Table),
    Stretch { least: f64, most: f64 },
}

impl Voi {
    /// The first window of a file, or else its table.
    fn of(elements: &Elements, shape: &Shape, range: (f64, f64), doubts: &mut Vec<String>) -> Option<Self> {
        Self::window(elements, doubts).or_else(|| {
            let lowest = elements.decimal(tags::RESCALE_INTERCEPT).unwrap_or(0.0);
            let signed = shape.signed || lowest < 0.0;
            Table::of(elements, tags::VOILUT_SEQUENCE, signed, range, doubts).map(Self::Table)
        })
    }

    /// The first window, where it has a width.
    fn window(elements: &Elements, doubts: &mut Vec<String>) -> Option<Self> {
        let ends = [tags::WINDOW_CENTER, tags::WINDOW_WIDTH];
        let [Some(center), Some(width)] = ends.map(|tag| elements.decimal(tag)) else {
            if ends.iter().any(|tag| elements.text(*tag).is_some()) {
                doubts.push("a window without its center or width, left out".to_owned());
            }
            return None;
        };
        // A window without width is as good as none.
        if width <= 0.0 {
            doubts.push("a window of width 0 or less, left out".to_owned());
            return None;
        }
        let function = elements.text(tags::VOILUT_FUNCTION).unwrap_or_default().to_ascii_uppercase();
        match function.as_str() {
            "SIGMOID" => return Some(Self::Sigmoid { center, width }),
            "LINEAR_EXACT" => return Some(Self::LinearExact { center, width }),
            "LINEAR" | "" => {}
            other => {
                let other = one_line(other, LONGEST_WORD);
                doubts.push(format!("the window function {other}, which is unknown, taken as LINEAR"));
            }
        }
        if width >= 1.0 {
            return Some(Self::Linear { center, width });
        }
        // Less than a step, where values are no whole numbers: only the exact function can be meant.
        doubts.push("a window of less than a step, taken as LINEAR_EXACT".to_owned());
        Some(Self::LinearExact { center, width })
    }

    fn apply(&self, value: f64) -> f64 {
        match self {
            // Whole numbers stand for steps: the first and the last of them are black and white.
            Self::Linear { center, width } => ramp(value, center - 0.5, width - 1.0),
            Self::LinearExact { center, width } => ramp(value, *center, *width),
            Self::Sigmoid { center, width } => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
            Self::Table(table) => f64::from(table.entry(value)) / f64::from(table.most),
            Self::Stretch { least, most } if most > least => (value - least) / (most - least),
            Self::Stretch { .. } => 0.0,
        }
    }
}

/// The least and the greatest of some values.
fn range_of(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    values
        .into_iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}

/// 0 to 1 over `width` around `center`; a step when it has no width.
fn ramp(value: f64, center: f64, width: f64) -> f64 {
    if value <= center - width / 2.0 {
        0.0
    } else if value > center + width / 2.0 {
        1.0
    } else {
        (value - center) / width + 0.5
    }
}

/// Numbers that stand for what lies beside the image, both ends counted.
#[derive(Clone, Copy)]
struct Padding(i32, i32);

impl Padding {
    fn of(elements: &Elements, shape: &Shape) -> Option<Self> {
        let number = |tag| {
            let short: u16 = elements.short(tag)?;
            Some(if shape.signed { i32::from(short.cast_signed()) } else { i32::from(short) })
        };
        let value = number(tags::PIXEL_PADDING_VALUE)?;
        let limit = number(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(value);
        Some(Self(value.min(limit), value.max(limit)))
    }

    fn holds(self, stored: i32) -> bool {
        (self.0..=self.1).contains(&stored)
    }
}
