//! A picture as sixels (DEC STD 070): bands of six rows, in each band one line a colour.

use std::collections::HashMap;
use std::fmt::Write;

use image::RgbImage;

/// Colours at most: as many as terminals keep. With fewer an image under a map takes fewer bytes (128: four fifths), and
/// shows steps where it has none.
const COLOURS: usize = 256;

/// A channel as sixels encode it: in per cent.
fn per_cent(value: u8) -> u8 {
    // At most 100.
    ((u32::from(value) * 100 + 127) / 255) as u8
}

/// The whole sequence. Colours are those of the picture in per cent where they are few enough (as a grey image's are),
/// otherwise means of neighbouring ones.
pub fn encode(picture: &RgbImage) -> String {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (palette, indices) = palette(picture);
    // Pixels that are not drawn stay as they are; they are square.
    let mut out = format!("\x1bP0;1;0q\"1;1;{width};{height}");
    for (index, colour) in palette.iter().enumerate() {
        let [red, green, blue] = colour.map(per_cent);
        // Writing to a String can't fail.
        let _ = write!(out, "#{index};2;{red};{green};{blue}");
    }
    // A row of bits for each colour that the band has.
    let mut rows: Vec<Vec<u8>> = vec![Vec::new(); palette.len()];
    for band in 0..height.div_ceil(6) {
        let mut used: Vec<u8> = Vec::new();
        for y in band * 6..(band * 6 + 6).min(height) {
            let bit = 1 << (y - band * 6);
            for (x, index) in indices[y * width..(y + 1) * width].iter().enumerate() {
                let row = &mut rows[usize::from(*index)];
                if row.is_empty() {
                    row.resize(width, 0);
                    used.push(*index);
                }
                row[x] |= bit;
            }
        }
        for (place, index) in used.iter().enumerate() {
            let _ = write!(out, "{}#{index}", if place > 0 { "$" } else { "" });
            let row = std::mem::take(&mut rows[usize::from(*index)]);
            let end = row.iter().rposition(|bits| *bits != 0).map_or(0, |last| last + 1);
            runs(&row[..end], &mut out);
        }
        out.push('-');
    }
    out.push_str("\x1b\\");
    out
}

/// Sixels, those that repeat as a number and one.
fn runs(row: &[u8], out: &mut String) {
    for run in row.chunk_by(|a, b| a == b) {
        let sign = char::from(63 + run[0]);
        if run.len() > 3 {
            let _ = write!(out, "!{}{sign}", run.len());
        } else {
            out.extend(std::iter::repeat_n(sign, run.len()));
        }
    }
}

/// Colours in one box.
#[derive(Default)]
struct Bucket {
    count: u64,
    sums: [u64; 3],
}

impl Bucket {
    fn mean(&self) -> [f64; 3] {
        self.sums.map(|sum| sum as f64 / self.count.max(1) as f64)
    }
}

/// The colours and each pixel's.
fn palette(picture: &RgbImage) -> (Vec<[u8; 3]>, Vec<u8>) {
    // Exact where the colours are few; else six bits a channel, which leaves the work small.
    let told: fn(u8) -> u8 = per_cent;
    let coarse: fn(u8) -> u8 = |value| value >> 2;
    for (exact, reduced) in [(true, told), (false, coarse)] {
        let mut buckets: HashMap<[u8; 3], Bucket> = HashMap::new();
        for pixel in picture.pixels() {
            let bucket = buckets.entry(pixel.0.map(reduced)).or_default();
            bucket.count += 1;
            for (sum, value) in bucket.sums.iter_mut().zip(pixel.0) {
                *sum += u64::from(value);
            }
            if exact && buckets.len() > COLOURS {
                break;
            }
        }
        if exact && buckets.len() > COLOURS {
            continue;
        }
        // Sorted, so that the same picture gives the same bytes.
        let mut all: Vec<([u8; 3], Bucket)> = buckets.into_iter().collect();
        all.sort_by_key(|(key, _)| *key);
        let groups = cut(all);
        let mut of_key: HashMap<[u8; 3], u8> = HashMap::new();
        let mut colours = Vec::new();
        for group in groups {
            let mut total = Bucket::default();
            for (key, bucket) in &group {
                // At most 256 groups.
                of_key.insert(*key, colours.len() as u8);
                total.count += bucket.count;
                for (sum, more) in total.sums.iter_mut().zip(bucket.sums) {
                    *sum += more;
                }
            }
            colours.push(total.mean().map(|value| value.round() as u8));
        }
        let indices = picture.pixels().map(|pixel| of_key[&pixel.0.map(reduced)]).collect();
        return (colours, indices);
    }
    (Vec::new(), Vec::new())
}

type Group = Vec<([u8; 3], Bucket)>;

/// Splits the group that deviates the most from its mean, at the mean of its widest channel, until there are as many
/// groups as colours are allowed or nothing is left to split.
fn cut(all: Group) -> Vec<Group> {
    let mut groups: Vec<(f64, usize, f64, Group)> = Vec::new();
    let put = |group: Group, groups: &mut Vec<(f64, usize, f64, Group)>| {
        let (spread, channel, mean) = spread(&group);
        groups.push((spread, channel, mean, group));
    };
    if all.is_empty() {
        return Vec::new();
    }
    put(all, &mut groups);
    while groups.len() < COLOURS {
        let widest = (0..groups.len()).max_by(|a, b| groups[*a].0.total_cmp(&groups[*b].0));
        let Some(widest) = widest.filter(|index| groups[*index].0 > 0.0) else { break };
        let (_, channel, mean, group) = groups.swap_remove(widest);
        let (low, high): (Group, Group) =
            group.into_iter().partition(|(_, bucket)| bucket.mean()[channel] <= mean);
        for part in [low, high] {
            if !part.is_empty() {
                put(part, &mut groups);
            }
        }
    }
    groups.into_iter().map(|(_, _, _, group)| group).collect()
}

/// The greatest squared deviation of a channel, summed over pixels; that channel; its mean. 0 for a single colour.
fn spread(group: &Group) -> (f64, usize, f64) {
    if group.len() < 2 {
        return (0.0, 0, 0.0);
    }
    let of_channel = |channel: usize| {
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (_, bucket) in group {
            let (weight, value) = (bucket.count as f64, bucket.mean()[channel]);
            count += weight;
            sum += weight * value;
            squares += weight * value * value;
        }
        let mean = sum / count;
        (squares - count * mean * mean, channel, mean)
    };
    let widest = (0..3).map(of_channel).max_by(|a, b| a.0.total_cmp(&b.0));
    // Rounding can leave a little of what is nothing; two means that differ do so by far more.
    widest.filter(|(spread, ..)| *spread > 1e-6).unwrap_or((0.0, 0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn decoded(sixels: &str) -> (usize, usize, Vec<u8>) {
        let image = icy_sixel::SixelImage::decode(sixels.as_bytes()).expect("sixels");
        let (width, height) = (image.width, image.height);
        (width, height, image.pixels.clone())
    }

    #[test]
    fn few_colours_come_back_as_they_were() {
        // A height that is no multiple of six, runs and single pixels.
        let picture = RgbImage::from_fn(37, 23, |x, y| match (x / 5 + y / 3) % 4 {
            0 => Rgb([0, 0, 0]),
            1 => Rgb([255, 255, 255]),
            2 => Rgb([255, 0, 0]),
            _ => Rgb([51, 102, 204]),
        });
        let (width, height, pixels) = decoded(&encode(&picture));
        assert!(width >= 37 && height >= 23, "{width} x {height}");
        for (x, y, pixel) in picture.enumerate_pixels() {
            let at = 4 * (y as usize * width + x as usize);
            assert_eq!(&pixels[at..at + 3], &pixel.0, "{x} {y}");
            assert_eq!(pixels[at + 3], 255);
        }
    }

    #[test]
    fn many_colours_come_back_nearly() {
        let picture = RgbImage::from_fn(200, 160, |x, y| {
            let grey = ((x * 7 + y * 13) % 256) as u8;
            if x > 100 { Rgb([grey, grey / 2 + (y / 2) as u8, 255 - grey]) } else { Rgb([grey; 3]) }
        });
        let (palette, indices) = palette(&picture);
        assert!(palette.len() <= COLOURS && palette.len() > COLOURS / 2);
        let worst = picture.pixels().zip(&indices).map(|(pixel, index)| {
            let near = palette[usize::from(*index)];
            pixel.0.iter().zip(near).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)
        });
        assert!(worst.max().is_some_and(|worst| worst < 48));
        assert_eq!(encode(&picture), encode(&picture));
    }

    #[test]
    fn a_single_pixel_is_a_picture() {
        let (_, _, pixels) = decoded(&encode(&RgbImage::from_pixel(1, 1, Rgb([0, 255, 0]))));
        assert_eq!(&pixels[..4], &[0, 255, 0, 255]);
    }
}
