//! Resampling with a filter, in Pillow's arithmetic.
//!
//! Networks are trained on images that Pillow reduced, so an image of 8 bits is Pillow's to the last bit: the same
//! weights, columns before rows, 8 bits between. `fast_image_resize` does the rows first, and where strong edges
//! overshoot white or black its images are up to 13 levels off. (Since version 13 so does Pillow, but only for
//! pictures whose height shrinks by more than twice the pixels that their width does.)

use std::f64::consts::PI;

use super::filter::Filter;

/// Bits behind the point of a weight, as Pillow has them.
const PRECISION: u32 = 22;

/// A grey value of 8 or 16 bits.
pub(super) trait Sample: Copy + Default {
    /// The value as a factor.
    fn wide(self) -> i64;
    /// The value nearest to `sum / 2^PRECISION`.
    fn nearest(sum: i64) -> Self;
    /// Adds a row reduced in its width to `out`.
    fn narrow(row: &[Self], across: &Weights, out: &mut Vec<Self>) {
        out.extend((0..across.places.len()).map(|column| {
            let (first, weights) = across.of(column);
            let seen = row[first..].iter().zip(weights);
            Self::nearest(seen.map(|(value, weight)| value.wide() * i64::from(*weight)).sum())
        }));
    }
}

impl Sample for u8 {
    fn wide(self) -> i64 {
        self.into()
    }

    fn nearest(sum: i64) -> Self {
        ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8
    }

    fn narrow(row: &[Self], across: &Weights, out: &mut Vec<Self>) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: this machine has what the function was compiled for.
            return unsafe { narrow_avx2(row, across, out) };
        }
        narrow_bytes(row, across, out);
    }
}

/// [`narrow_bytes`] with eight products at a time: most of an import's reduction is spent there.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn narrow_avx2(row: &[u8], across: &Weights, out: &mut Vec<u8>) {
    narrow_bytes(row, across, out);
}

/// A row of bytes reduced in its width. The weights of a pixel add up to `2^PRECISION` and their sizes to less than
/// twice that, so that a sum stays below 255 * 2^23 and fits 32 bits.
#[inline(always)]
fn narrow_bytes(row: &[u8], across: &Weights, out: &mut Vec<u8>) {
    for column in 0..across.places.len() {
        let (first, weights) = across.of(column);
        let sum: i32 = row[first..first + weights.len()]
            .iter()
            .zip(weights)
            .map(|(value, weight)| i32::from(*value) * weight)
            .sum();
        out.push(u8::nearest(sum.into()));
    }
}

impl Sample for u16 {
    fn wide(self) -> i64 {
        self.into()
    }

    fn nearest(sum: i64) -> Self {
        ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 65_535) as u16
    }
}

/// The part of a picture's rows or columns that is taken, and how many they become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// Where the part begins and ends, in pixels from the picture's edge.
    pub from: (f64, f64),
    /// Pixels that it becomes.
    pub to: usize,
}

/// The part `columns` by `rows` of `values`, a picture `width` pixels wide, at the size it becomes (row by row).
pub(super) fn resample<T: Sample>(
    values: &[T],
    width: usize,
    columns: Span,
    rows: Span,
    filter: Filter,
) -> Vec<T> {
    let height = values.len() / width;
    let across = Weights::new(columns, width, filter);
    let down = Weights::new(rows, height, filter);

    // Only the rows that are looked at later.
    let top = down.of(0).0;
    let (last, weights) = down.of(rows.to - 1);
    let used = &values[top * width..(last + weights.len()) * width];
    let mut narrow = Vec::with_capacity(used.len() / width * columns.to);
    for row in used.chunks_exact(width) {
        T::narrow(row, &across, &mut narrow);
    }

    let mut image = Vec::with_capacity(rows.to * columns.to);
    let mut sums = vec![0; columns.to];
    for row in 0..rows.to {
        let (first, weights) = down.of(row);
        sums.fill(0);
        for (values, weight) in narrow[(first - top) * columns.to..].chunks_exact(columns.to).zip(weights) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value.wide() * i64::from(*weight);
            }
        }
        image.extend(sums.iter().map(|sum| T::nearest(*sum)));
    }
    image
}

/// What each pixel of a row of pixels is weighed with for each that it becomes.
pub(super) struct Weights {
    /// For each: the first pixel that counts, and its weights' place in `values`.
    places: Vec<(usize, std::ops::Range<usize>)>,
    values: Vec<i32>,
}

impl Weights {
    /// For the part `span` of `size` pixels.
    fn new(span: Span, size: usize, filter: Filter) -> Self {
        // Pillow hands a part's edges over as f32.
        let (start, end) = (span.from.0 as f32, span.from.1 as f32);
        let scale = f64::from(end - start) / span.to as f64;
        // Enlarged pictures are interpolated; only reduction widens the filter.
        let widened = scale.max(1.0);
        let support = reach(filter) * widened;
        let (mut places, mut values) = (Vec::with_capacity(span.to), Vec::new());
        let mut shares: Vec<f64> = Vec::new();
        for pixel in 0..span.to {
            let centre = f64::from(start) + (pixel as f64 + 0.5) * scale;
            // `as` cuts towards 0 and takes what lies before the edge as 0.
            let first = ((centre - support + 0.5) as usize).min(size - 1);
            let behind = ((centre + support + 0.5) as usize).min(size);
            let recip = 1.0 / widened;
            shares.clear();
            shares.extend((first..behind).map(|at| share(filter, (at as f64 - centre + 0.5) * recip)));
            let whole: f64 = shares.iter().sum();
            let begin = values.len();
            values.extend(shares.iter().map(|share| {
                let share = if whole == 0.0 { *share } else { share / whole };
                (share * f64::from(1 << PRECISION)).round() as i32
            }));
            places.push((first, begin..values.len()));
        }
        Self { places, values }
    }

    /// The first pixel that counts for `pixel`, and the weights from there on.
    fn of(&self, pixel: usize) -> (usize, &[i32]) {
        let (first, place) = &self.places[pixel];
        (*first, &self.values[place.clone()])
    }
}

/// How far from its middle a filter reaches, in pixels of the image.
fn reach(filter: Filter) -> f64 {
    match filter {
        Filter::Box => 0.5,
        Filter::Bilinear => 1.0,
        Filter::Bicubic => 2.0,
        Filter::Lanczos => 3.0,
    }
}

/// What counts at `x` pixels of the image from a filter's middle, before all is brought to a sum of 1.
fn share(filter: Filter, x: f64) -> f64 {
    const A: f64 = -0.5;
    let off = x.abs();
    match filter {
        Filter::Box if x > -0.5 && x <= 0.5 => 1.0,
        Filter::Bilinear if off < 1.0 => 1.0 - off,
        Filter::Bicubic if off < 1.0 => ((A + 2.0) * off - (A + 3.0)) * off * off + 1.0,
        Filter::Bicubic if off < 2.0 => (((off - 5.0) * off + 8.0) * off - 4.0) * A,
        Filter::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
        _ => 0.0,
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Filter; 4] = [Filter::Box, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos];

    fn whole(size: usize, to: usize) -> Span {
        Span { from: (0.0, size as f64), to }
    }

    #[test]
    fn weights_add_up_to_one_at_every_size() {
        for filter in ALL {
            for (size, to) in [(1, 1), (1, 9), (7, 3), (1000, 1), (1024, 64), (3, 1000)] {
                let weights = Weights::new(whole(size, to), size, filter);
                for pixel in 0..to {
                    let (first, values) = weights.of(pixel);
                    assert!(first + values.len() <= size);
                    let sum: i64 = values.iter().map(|weight| i64::from(*weight)).sum();
                    assert!((sum - (1 << PRECISION)).abs() <= values.len() as i64, "{filter:?} {size} {to}");
                }
            }
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let values: Vec<u8> = (0..35).map(|i| (i * 37 % 256) as u8).collect();
        for filter in ALL {
            assert_eq!(resample(&values, 7, whole(7, 7), whole(5, 5), filter), values);
        }
    }

    #[test]
    fn an_even_picture_stays_even_and_white_stays_white() {
        for filter in ALL {
            for value in [1, 129, 65_535u16] {
                let image = resample(&vec![value; 31 * 17], 31, whole(31, 8), whole(17, 40), filter);
                assert_eq!(image, vec![value; 8 * 40], "{filter:?}");
            }
        }
    }

    #[test]
    fn a_box_is_the_mean() {
        let image = resample(&[0u8, 10, 20, 30, 1, 11, 21, 31], 4, whole(4, 2), whole(2, 1), Filter::Box);
        assert_eq!(image, [6, 26]); // the rows' means 5 and 25, 6 and 26, and half of each two rounded up
    }
}
