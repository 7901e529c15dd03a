//! Pictures read and reduced as Pillow does; `picture_golden.py` wrote what it made of them.

use std::fs;
use std::path::Path;

use chestxr_tui::dataset::image_file::{DecodedImage, Limits, Pixels, Preprocess, read};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Largest difference allowed to Pillow's images of 8 bits and of more, in grey levels. With more, its weights are
/// floating point and its overshoots over white wrap.
const TOLERANCE: (u8, u8) = (0, 1);

#[derive(Deserialize)]
struct Image {
    bits: u32,
    #[serde(flatten)]
    preprocess: Preprocess,
    image: String,
}

#[derive(Deserialize)]
struct PictureFile {
    name: String,
    bits: u8,
    width: u32,
    height: u32,
    tolerance: u8,
    file: String,
    grey: String,
}

fn golden<T: DeserializeOwned>(key: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/picture.json");
    let mut whole: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    serde_json::from_value(whole[key].take()).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    assert!(rest.is_empty());
    pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The picture that the script describes, with 8, 12 or 16 bits.
fn picture(bits: u32) -> DecodedImage {
    let value = |x: u32, y: u32| {
        ((421 * x + 253 * y + 523 * (x * y % 61) + 20_000 * ((x / 8 + y / 8) % 2)) % 65_536) >> (16 - bits)
    };
    let values = (0..131).flat_map(|y| (0..97).map(move |x| value(x, y)));
    let pixels = match bits {
        8 => Pixels::Eight(values.map(|value| value as u8).collect()),
        _ => Pixels::Sixteen(values.map(|value| value as u16).collect()),
    };
    DecodedImage::new(97, 131, pixels).unwrap()
}

fn largest_difference(ours: &[u8], theirs: &[u8]) -> u8 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn images_are_those_of_pillow_for_all_filters_fits_and_depths() {
    let images: Vec<Image> = golden("images");
    assert!(images.len() >= 15);
    for Image { bits, preprocess, image } in images {
        let picture = picture(bits);
        assert_eq!(u32::from(picture.depth().read), bits);
        let difference = largest_difference(&preprocess.image(&picture), &bytes(&image));
        let tolerance = if bits == 8 { TOLERANCE.0 } else { TOLERANCE.1 };
        assert!(difference <= tolerance, "{bits} bits, {preprocess:?}: {difference}");
    }
}

#[test]
fn files_of_all_kinds_are_the_grey_of_pillow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.name");
    let files: Vec<PictureFile> = golden("files");
    assert!(files.len() >= 20);
    for file in files {
        fs::write(&path, bytes(&file.file)).unwrap();
        let picture = read(&path, Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", file.name));
        assert_eq!((picture.width(), picture.height()), (file.width, file.height), "{}", file.name);
        assert_eq!(picture.depth().stored, file.bits, "{}", file.name);
        let grey = match picture.pixels() {
            Pixels::Eight(values) => values.clone(),
            Pixels::Sixteen(values) => values.iter().flat_map(|value| value.to_be_bytes()).collect(),
        };
        let difference = largest_difference(&grey, &bytes(&file.grey));
        assert!(difference <= file.tolerance, "{}: {difference}", file.name);
    }
}
