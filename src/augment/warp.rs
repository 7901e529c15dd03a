//! One image moved by an affine map, on the CPU: onto whole pixels where the map allows it, else by bilinear samples.

use super::Affine;
use crate::config::Border;

/// Bytes behind the padded image: samples are read four bytes at once.
const SLACK: usize = 4;

/// Moves images; keeps the memory it works in.
#[derive(Default)]
pub(super) struct Warp {
    /// The image with one more black pixel on every side.
    padded: Vec<u8>,
}

impl Warp {
    /// `image` (`H*W` grey levels, `size` is height and width) seen through `back`, which leads from the new pixels to the old;
    /// every grey level is looked up in `table`.
    ///
    /// # Panics
    /// When the lengths don't fit the size, which is a mistake in the calling code.
    pub fn run<T: Copy>(
        &mut self,
        image: &[u8],
        size: (usize, usize),
        back: Affine,
        border: Border,
        table: &[T; 256],
        out: &mut [T],
    ) {
        let (height, width) = size;
        assert!(image.len() == height * width && out.len() == image.len(), "an image of another size");
        if let Some(pixels) = back.on_pixels() {
            return pick(image, size, pixels, table, out);
        }
        self.pad(image, size);
        let padded = Padded { pixels: &self.padded, height, width };
        match border {
            #[cfg(target_arch = "x86_64")]
            Border::Constant if is_x86_feature_detected!("avx2") => {
                // SAFETY: the processor has AVX2.
                unsafe { sample_avx2(padded, back, table, out) }
            }
            // Beyond the ring of black pixels all is as black as in it.
            Border::Constant => sample(padded, back, table, out, |s, side| s.clamp(-1.0, side) + 1.0),
            Border::Reflect => sample(padded, back, table, out, |s, side| mirrored(s, side) + 1.0),
        }
    }

    fn pad(&mut self, image: &[u8], (height, width): (usize, usize)) {
        let stride = width + 2;
        self.padded.clear();
        self.padded.resize((height + 2) * stride + SLACK, 0);
        for (row, pixels) in image.chunks_exact(width).enumerate() {
            let start = (row + 1) * stride + 1;
            self.padded[start..start + width].copy_from_slice(pixels);
        }
    }
}

/// An image with a black pixel on every side and [`SLACK`] bytes behind it.
#[derive(Clone, Copy)]
struct Padded<'a> {
    pixels: &'a [u8],
    height: usize,
    width: usize,
}

/// Pixels onto pixels: no two are mixed. What comes from outside is grey level 0 of the image.
fn pick<T: Copy>(
    image: &[u8],
    (height, width): (usize, usize),
    map: [i64; 6],
    table: &[T; 256],
    out: &mut [T],
) {
    let [a, b, c, d, e, f] = map;
    let black = table[0];
    let inside = |x: i64, y: i64| (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
    let from = |x: i64, y: i64| (a * x + b * y + c, d * x + e * y + f);
    let step = (a + d * width as i64) as isize;
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        let (first, last) = (from(0, y as i64), from(width as i64 - 1, y as i64));
        if inside(first.0, first.1) && inside(last.0, last.1) {
            // The whole row comes from inside of the image, by equal steps.
            let mut place = first.1 as isize * width as isize + first.0 as isize;
            for value in row {
                *value = table[usize::from(image[place as usize])];
                place += step;
            }
            continue;
        }
        for (x, value) in row.iter_mut().enumerate() {
            let (from_x, from_y) = from(x as i64, y as i64);
            *value = match inside(from_x, from_y) {
                true => table[usize::from(image[from_y as usize * width + from_x as usize])],
                false => black,
            };
        }
    }
}

/// Bilinear samples of a padded image. `onto` brings a coordinate into the padded image, given the image's side
/// in pixels.
#[inline(always)]
fn sample<T: Copy>(
    Padded { pixels, height, width }: Padded,
    back: Affine,
    table: &[T; 256],
    out: &mut [T],
    onto: impl Fn(f32, f32) -> f32,
) {
    let stride = width + 2;
    let (wide, tall) = (width as f32, height as f32);
    let (a, d) = (back.a as f32, back.d as f32);
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        let (start_x, start_y) = back.apply(0.0, y as f64);
        let (start_x, start_y) = (start_x as f32, start_y as f32);
        for (x, value) in row.iter_mut().enumerate() {
            let (from_x, from_y) = (onto(start_x + a * x as f32, wide), onto(start_y + d * x as f32, tall));
            // Both are at least 0, and the last pixel has no right neighbour of its own.
            let (column, line) = ((from_x as usize).min(width), (from_y as usize).min(height));
            let (right, down) = (from_x - column as f32, from_y - line as f32);
            let upper = &pixels[line * stride + column..][..stride + 2];
            let [one, two] = [f32::from(upper[0]), f32::from(upper[1])];
            let [three, four] = [f32::from(upper[stride]), f32::from(upper[stride + 1])];
            let above = one + right * (two - one);
            let below = three + right * (four - three);
            let grey = above + down * (below - above);
            *value = table[usize::from((grey + 0.5) as u8)];
        }
    }
}

/// [`sample`] with a black border, eight pixels at once: the same operations in the same order, so the same grey levels.
///
/// # Safety
/// The processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn sample_avx2<T: Copy>(padded: Padded, back: Affine, table: &[T; 256], out: &mut [T]) {
    use std::arch::x86_64::*;

    const LANES: usize = 8;
    let Padded { pixels, height, width } = padded;
    let stride = width + 2;
    assert!(pixels.len() >= (height + 2) * stride + SLACK, "the padded image with its slack");
    let (a, d) = (_mm256_set1_ps(back.a as f32), _mm256_set1_ps(back.d as f32));
    let (least, one) = (_mm256_set1_ps(-1.0), _mm256_set1_ps(1.0));
    let half = _mm256_set1_ps(0.5);
    let (wide, tall) = (_mm256_set1_ps(width as f32), _mm256_set1_ps(height as f32));
    let (last_column, last_line) = (_mm256_set1_epi32(width as i32), _mm256_set1_epi32(height as i32));
    let (line_bytes, low) = (_mm256_set1_epi32(stride as i32), _mm256_set1_epi32(0xFF));
    let numbers = _mm256_setr_ps(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
    let float = |byte| _mm256_cvtepi32_ps(_mm256_and_si256(byte, low));
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        let (start_x, start_y) = back.apply(0.0, y as f64);
        let (start_x, start_y) = (_mm256_set1_ps(start_x as f32), _mm256_set1_ps(start_y as f32));
        for (number, part) in row.chunks_mut(LANES).enumerate() {
            let x = _mm256_add_ps(_mm256_set1_ps((number * LANES) as f32), numbers);
            let onto = |start, slope, side| {
                let s = _mm256_add_ps(start, _mm256_mul_ps(slope, x));
                _mm256_add_ps(_mm256_min_ps(_mm256_max_ps(s, least), side), one)
            };
            let (from_x, from_y) = (onto(start_x, a, wide), onto(start_y, d, tall));
            let column = _mm256_min_epi32(_mm256_cvttps_epi32(from_x), last_column);
            let line = _mm256_min_epi32(_mm256_cvttps_epi32(from_y), last_line);
            let right = _mm256_sub_ps(from_x, _mm256_cvtepi32_ps(column));
            let down = _mm256_sub_ps(from_y, _mm256_cvtepi32_ps(line));
            let place = _mm256_add_epi32(_mm256_mullo_epi32(line, line_bytes), column);
            // SAFETY: lines are at most the height and columns at most the width, both at least 0, so the first byte lies in the
            // padded image above its last line, the second gather's one line below, and each reads up to three bytes further.
            let (upper, lower) = unsafe {
                let start = pixels.as_ptr();
                (
                    _mm256_i32gather_epi32::<1>(start.cast(), place),
                    _mm256_i32gather_epi32::<1>(start.add(stride).cast(), place),
                )
            };
            let mixed = |two| {
                let first = float(two);
                let second = float(_mm256_srli_epi32::<8>(two));
                _mm256_add_ps(first, _mm256_mul_ps(right, _mm256_sub_ps(second, first)))
            };
            let (above, below) = (mixed(upper), mixed(lower));
            let grey = _mm256_add_ps(above, _mm256_mul_ps(down, _mm256_sub_ps(below, above)));
            let levels = _mm256_cvttps_epi32(_mm256_add_ps(grey, half));
            let mut all = [0_i32; LANES];
            // SAFETY: eight numbers of four bytes.
            unsafe { _mm256_storeu_si256(all.as_mut_ptr().cast(), levels) };
            for (value, level) in part.iter_mut().zip(all) {
                // Means of bytes, so within 0..=255.
                *value = table[usize::from(level as u8)];
            }
        }
    }
}

/// A coordinate mirrored at the centres of the border pixels, as often as needed.
fn mirrored(s: f32, side: f32) -> f32 {
    let last = side - 1.0;
    if last <= 0.0 {
        return 0.0;
    }
    let s = s.abs() % (2.0 * last);
    if s > last { 2.0 * last - s } else { s }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn eight_pixels_at_once_give_the_same_bits_as_one() {
        if !is_x86_feature_detected!("avx2") {
            eprintln!("skipped: this processor has no AVX2");
            return;
        }
        let mut random = SplitMix64::new(3);
        let mut unit = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let table: [u8; 256] = std::array::from_fn(|grey| grey as u8);
        for size in [(1, 1), (1, 9), (7, 3), (64, 64), (33, 65), (224, 224)] {
            let (height, width) = size;
            let image: Vec<u8> = (0..height * width).map(|_| (256.0 * unit()) as u8).collect();
            let mut warp = Warp::default();
            warp.pad(&image, size);
            let padded = Padded { pixels: &warp.padded, height, width };
            for _ in 0..30 {
                // Turned, sheared, scaled by up to two, and moved up to out of the frame.
                let back = Affine {
                    a: 4.0 * unit() - 2.0,
                    b: 2.0 * unit() - 1.0,
                    c: width as f64 * (2.0 * unit() - 1.0),
                    d: 2.0 * unit() - 1.0,
                    e: 4.0 * unit() - 2.0,
                    f: height as f64 * (2.0 * unit() - 1.0),
                };
                let [mut ours, mut theirs] = [vec![7; image.len()], vec![8; image.len()]];
                sample(padded, back, &table, &mut theirs, |s, side| s.clamp(-1.0, side) + 1.0);
                // SAFETY: the processor has AVX2.
                unsafe { sample_avx2(padded, back, &table, &mut ours) };
                assert!(ours == theirs, "{back:?} at {size:?}");
            }
        }
    }
}
