use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::gray::Pixels;
use super::*;
use crate::random::SplitMix64;

/// A file made by tests/reference/dicom_golden.py.
fn made(name: &str) -> Vec<u8> {
    std::fs::read(golden().join("dicom").join(format!("{name}.dcm"))).unwrap()
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn pixels(image: &Image) -> &[u16] {
    match image.picture.pixels() {
        Pixels::Sixteen(values) => values,
        Pixels::Eight(_) => panic!("8 bits"),
    }
}

fn any(bytes: &[u8]) -> Result<Image, Fault> {
    decode(bytes, Limits::default(), Strictness::AnyModality)
}

fn sentence(bytes: &[u8]) -> String {
    any(bytes).map(|image| image.about).unwrap_err().to_string()
}

/// Compares every file of a list with what pydicom made of it; returns how many images and refusals there were.
fn compare(list: &str, folder: &Path) -> (usize, usize) {
    let text = std::fs::read_to_string(golden().join("dicom.json")).unwrap();
    let golden: Json = serde_json::from_str(&text).unwrap();
    let (mut images, mut refusals, mut wrong) = (0, 0, Vec::new());
    for case in golden[list].as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let read = any(&bytes);
        match (case["refused"].as_str(), &read) {
            // pydicom gave up, or it is hardly DICOM: no panic is enough.
            (Some(""), _) => refusals += 1,
            (Some(word), Err(fault)) if fault.to_string().contains(word) => refusals += 1,
            (Some(word), Err(fault)) => wrong.push(format!("{name}: no `{word}` in `{fault}`")),
            (Some(word), Ok(_)) => wrong.push(format!("{name}: read, not refused for `{word}`")),
            (None, Err(fault)) => wrong.push(format!("{name}: {fault}")),
            (None, Ok(image)) => {
                images += 1;
                wrong.extend(differences(case, image).into_iter().map(|what| format!("{name}: {what}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    (images, refusals)
}

fn differences(case: &Json, image: &Image) -> Vec<String> {
    let values = pixels(image);
    let number = |key: &str| case[key].as_f64().unwrap();
    let tolerance = number("tolerance");
    let mut wrong = Vec::new();
    let mut check = |what: String, is: f64, should: f64| {
        if (is - should).abs() > tolerance {
            wrong.push(format!("{what} {is}, not {should}"));
        }
    };
    check("height".to_owned(), f64::from(image.picture.height()) * 1e6, number("rows") * 1e6);
    check("width".to_owned(), f64::from(image.picture.width()) * 1e6, number("columns") * 1e6);
    let sum: f64 = values.iter().map(|value| f64::from(*value)).sum();
    check("mean".to_owned(), sum / values.len() as f64, number("mean"));
    check("min".to_owned(), (*values.iter().min().unwrap()).into(), number("min"));
    check("max".to_owned(), (*values.iter().max().unwrap()).into(), number("max"));
    // Every pixel of a small image, some hundreds of a large one.
    let every = case["pixels"].as_array().map(|pixels| {
        assert_eq!(pixels.len(), values.len());
        pixels.iter().enumerate().map(|(at, value)| (at, value.as_f64().unwrap())).collect()
    });
    let probes: Vec<(usize, f64)> = every.unwrap_or_else(|| {
        let probes = case["probes"].as_array().unwrap().iter();
        probes.map(|probe| (probe[0].as_u64().unwrap() as usize, probe[1].as_f64().unwrap())).collect()
    });
    assert!(probes.len() >= 96);
    for (at, value) in probes {
        check(format!("pixel {at}"), values[at].into(), value);
    }
    wrong
}

#[test]
fn images_made_for_it_come_out_as_pydicom_has_them() {
    let (images, refusals) = compare("made", &golden().join("dicom"));
    assert!(images >= 91 && refusals == 2, "{images} images, {refusals} refusals");
}

#[test]
fn images_that_pydicom_ships_come_out_as_it_has_them() {
    let Some(folder) = std::env::var_os("CHESTXR_PYDICOM_DIR") else {
        eprintln!(
            "SKIPPED: set CHESTXR_PYDICOM_DIR to pydicom's test_files (tests/reference/dicom_golden.py)"
        );
        return;
    };
    let (images, refusals) = compare("shipped", Path::new(&folder));
    assert!(images >= 40 && refusals >= 50, "{images} images, {refusals} refusals");
}

#[test]
fn what_a_header_says_against_the_standard_is_told_with_how_it_was_taken() {
    let doubts = |bytes: &[u8]| any(bytes).unwrap().picture.doubts().to_vec();
    let window = |name: &str, from: &[u8], to: &[u8]| doubts(&patched(&made(name), from, to));
    let cases = [
        (
            doubts(&made("table_narrow")),
            "a VOI table described with 16 bits and filled with 12, taken with 12",
        ),
        (doubts(&made("table_wide")), "a VOI table described with 12 bits and filled with 16, taken with 16"),
        (doubts(&made("table_first_us")), "a VOI table from 63488, which no value reaches, taken from -2048"),
        (doubts(&made("window_below_one")), "a window of less than a step, taken as LINEAR_EXACT"),
        (doubts(&made("shape_inverse")), "MONOCHROME2 with the presentation shape INVERSE, shown inverted"),
        (
            doubts(&made("shape_identity_mono1")),
            "MONOCHROME1 with the presentation shape IDENTITY, shown as MONOCHROME1",
        ),
        (window("mono1_window", b"2500", b"0000"), "a window of width 0 or less, left out"),
        (window("mono1_window", b"2500", b"none"), "a window without its center or width, left out"),
        (window("mono1_window", b"0.684", b"zero "), "a rescale slope that is no number, left out"),
        (window("mono1_window", b"0.684", b"0.000"), "a rescale slope of 0, taken as 1"),
        (
            window("linear_exact", b"LINEAR_EXACT", b"LINEAR-EXACT"),
            "the window function LINEAR-EXACT, which is unknown, taken as LINEAR",
        ),
        // The descriptor's length: one entry more than there are.
        (
            window("voi_table", &[0xb8, 0x0b, 0xf4, 0x01], &[0xb9, 0x0b, 0xf4, 0x01]),
            "a VOI table that isn't whole, left out",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, [expected]);
    }
    let clear = [
        "mono1_window",
        "voi_table_signed",
        "modality_table",
        "shape_inverse_mono1",
        "window_of_one",
        "slope_comma",
    ];
    for name in clear {
        assert!(doubts(&made(name)).is_empty(), "{name}");
    }
}

#[test]
fn an_image_says_who_in_a_hash_and_what_in_words() {
    let image = any(&made("implicit")).unwrap();
    let hash = blake3::hash(b"chestxr-tui patient\0\0made-1").to_hex();
    assert_eq!(image.patient.as_deref(), Some(&hash[..16]));
    let about = About { sex: Some('F'), age: Some(61), view: Some("PA".into()), modality: "CR".into() };
    assert_eq!(image.about, about);
    assert_eq!(image.picture.depth().white(), 65_535);
    let said = format!("{image:?}");
    assert!(!said.contains("made-1") && !said.contains("Secret"));
}

#[test]
fn a_header_is_read_without_its_image() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mono1_window", "big_16", "deflated", "implicit", "j2k_12", "lossless_12", "frames"] {
        let bytes = made(name);
        // The last pixels are missing: nobody looks.
        let cut = &bytes[..bytes.len() - 8];
        let path = folder.path().join(name);
        std::fs::write(&path, cut).unwrap();
        let listed = read_about(&path).unwrap();
        assert_eq!(listed.about.modality, "CR", "{name}");
        assert!(listed.patient.is_some() && listed.about.is_projection());
        let size = match name {
            "frames" => (16, 6),
            "j2k_12" => (32, 36),
            _ => (16, 12),
        };
        assert_eq!(listed.size, Some(size), "{name}");
    }
}

#[test]
fn a_long_header_is_read_to_its_end() {
    // A private element of 300 kB before the picture.
    let bytes = made("mono1_window");
    let group = bytes.windows(4).position(|four| four == [0x10, 0, 0x10, 0]).unwrap();
    let mut long = bytes[..group].to_vec();
    long.extend([0x09, 0, 0x10, 0x10, b'O', b'B', 0, 0]);
    long.extend(300_000u32.to_le_bytes());
    long.resize(long.len() + 300_000, 7);
    long.extend(&bytes[group..]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long");
    std::fs::write(&path, &long).unwrap();
    assert_eq!(read_about(&path).unwrap().about.view.as_deref(), Some("PA"));
    assert_eq!(read(&path, Limits::default()).unwrap(), any(&bytes).unwrap());
}

#[test]
fn a_private_sequence_of_unknown_type_is_stepped_over() {
    // As archives write it: its inside is implicit, and it ends with marks.
    let item = |inside: &[u8]| {
        let (start, end) =
            ([0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff], [0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]);
        [&start[..], inside, &end[..], &[0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]].concat()
    };
    let nested =
        [&[0x09, 0, 0x02, 0x10, 0xff, 0xff, 0xff, 0xff][..], &item(&[0x09, 0, 3, 0x10, 2, 0, 0, 0, 65, 66])];
    let unknown = |vr: &[u8; 2], inside: &[u8]| {
        [&[0x09, 0, 0x01, 0x10][..], vr, &[0, 0, 0xff, 0xff, 0xff, 0xff], &item(inside)].concat()
    };
    let bytes = made("mono1_window");
    let patient = bytes.windows(4).position(|four| four == [0x10, 0, 0x10, 0]).unwrap();
    let whole = any(&bytes).unwrap();
    for private in [
        unknown(b"UN", &nested.concat()),
        // An unknown one in a known one.
        unknown(b"SQ", &unknown(b"UN", &nested.concat())),
    ] {
        let longer = [&bytes[..patient], &private, &bytes[patient..]].concat();
        assert_eq!(any(&longer).unwrap(), whole);
        assert!(matches!(any(&longer[..patient + 30]), Err(Fault::CutShort(_))));
    }
}

#[test]
fn nothing_is_as_deep_as_it_pretends() {
    // A sequence in a sequence, fifty thousand times: a reader that recurses runs out of stack.
    let mut bytes = made("mono1_window");
    let patient = bytes.windows(4).position(|four| four == [0x10, 0, 0x10, 0]).unwrap();
    bytes.truncate(patient);
    for sequence in [[0x09, 0, 0x01, 0x10], [0x28, 0, 0x10, 0x30]] {
        let mut deep = bytes.clone();
        for _ in 0..50_000 {
            deep.extend(sequence);
            deep.extend([
                b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff,
            ]);
        }
        assert!(matches!(any(&deep), Err(Fault::CutShort(_))));
    }
}

#[test]
fn a_wavelet_in_tiles_of_one_pixel_is_not_unpacked() {
    let mut bomb = made("j2k_12");
    let stream = bomb.windows(4).position(|mark| mark == b"\xff\x4f\xff\x51").unwrap();
    for (at, side) in [(8, 4000u32), (12, 4000), (24, 1), (28, 1)] {
        bomb[stream + at..stream + at + 4].copy_from_slice(&side.to_be_bytes());
    }
    assert!(sentence(&bomb).contains("a JPEG 2000 in too many pieces"));
}

/// `bytes` with `from` replaced by `to`, once.
fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|here| here == from).unwrap();
    let mut bytes = bytes.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn slices_are_refused_unless_asked_for() {
    let slice = patched(&made("mono1_window"), b"CS\x02\0CR", b"CS\x02\0CT");
    let fault = decode(&slice, Limits::default(), Strictness::Projection).unwrap_err();
    assert_eq!(fault.to_string(), "is DICOM of a slice (CT), not a projection X-ray; leave it out");
    assert!(any(&slice).is_ok());
}

#[test]
fn what_is_not_unpacked_is_named_with_a_way_out() {
    // The same length, so that the group's length still fits.
    let other = |uid: &[u8; 22]| sentence(&patched(&made("j2k_12"), b"1.2.840.10008.1.2.4.90", uid));
    // Its pixels are JPEG 2000 all the same.
    assert!(other(b"1.2.840.10008.1.2.4.80").contains("its JPEG-LS has no frame"));
    assert_eq!(
        other(b"1.2.840.10008.1.2.4.92"),
        "is DICOM in multi-component JPEG 2000, which isn't read; decompress it first (gdcmconv --raw IN OUT)"
    );
    assert!(other(b"1.2.840.10008.1.2.4.93").contains("multi-component JPEG 2000"));
    assert!(other(b"1.2.840.10008.1.2.4.66").contains("a retired kind of JPEG"));
    assert!(other(b"1.3.840.10008.1.2.4.90").contains("the transfer syntax 1.3.840.10008.1.2.4.90"));
}

#[test]
fn too_large_an_image_is_refused_before_it_is_unpacked() {
    let limits = |side, bytes| {
        decode(&made("j2k_12"), Limits { side, bytes }, Strictness::Projection).unwrap_err().to_string()
    };
    assert!(limits(20, 1 << 20).starts_with("is 32x36 pixels, more than the 20 allowed for a side"));
    assert!(limits(100, 3000).starts_with("is 32x36 pixels and needs"));
    // Rows that the packed picture doesn't have.
    let taller = patched(&made("j2k_12"), b"US\x02\0\x24\0", b"US\x02\0\x25\0");
    assert!(sentence(&taller).contains("32x37 pixels with a JPEG 2000 of 32x36"));
    let none = patched(&made("all_16_bits"), b"US\x02\0\x0c\0", b"US\x02\0\0\0");
    assert!(sentence(&none).contains("16x0 pixels"));
    let bomb = decode(&made("deflated"), Limits { side: 100, bytes: 500 }, Strictness::Projection);
    assert!(matches!(bomb, Err(Fault::Memory(500))));
}

#[test]
fn a_cut_file_is_told_from_a_damaged_one() {
    for name in ["mono1_window", "rle_16", "deflated", "j2k_16", "lossless_16"] {
        let bytes = made(name);
        assert!(matches!(any(&bytes[..bytes.len() - 40]), Err(Fault::CutShort(_))), "{name}");
    }
    assert!(
        sentence(&patched(&made("all_16_bits"), b"US\x02\0\x10\0", b"US\x02\0\x20\0")).contains("cut short")
    );
    let bits = patched(&made("mono1_window"), b"\x28\0\x02\x01US\x02\0\x0b", b"\x28\0\x02\x01US\x02\0\x10");
    assert!(sentence(&bits).starts_with("is a damaged DICOM file (12 of 16 bits used up to bit 16)"));
}

#[test]
fn a_path_that_is_no_file_has_its_own_sentence() {
    let said = |path: &Path| read(path, Limits::default()).unwrap_err().to_string();
    assert!(said(Path::new("/no/such.dcm")).contains("doesn't exist"));
    assert!(read_about(Path::new("/")).unwrap_err().to_string().contains("is no picture"));
}

#[test]
fn broken_files_neither_panic_nor_name_the_patient() {
    // Small limits: the memory that a flipped length requests shows at once.
    let limits = Limits { side: 4096, bytes: 8 << 20 };
    let rounds: usize = std::env::var("CHESTXR_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let names = ["voi_table", "big_8", "implicit", "deflated", "rle_16", "jpeg", "lossless_12", "j2k_12"];
    for (seed, name) in names.iter().enumerate() {
        let whole = made(name);
        let mut rng = SplitMix64::new(seed as u64);
        for length in (0..whole.len()).step_by(7) {
            check(&whole[..length], limits, name);
        }
        for _ in 0..rounds {
            let mut bytes = whole.clone();
            for _ in 0..=rng.below(4) as usize {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = match rng.below(3) as usize {
                    0 => 0xff,
                    1 => bytes[at] ^ 1 << rng.below(8) as usize,
                    _ => rng.below(256) as u8,
                };
            }
            check(&bytes, limits, name);
        }
    }

    fn check(bytes: &[u8], limits: Limits, name: &str) {
        let said = match decode(bytes, limits, Strictness::AnyModality) {
            Ok(image) => format!("{:?}", image.about),
            Err(fault) => fault.to_string(),
        };
        assert!(!said.contains("gave up"), "{name} panicked: {said}");
        assert!(!said.contains("Secret") && !said.contains("made-1"), "{name}: {said}");
    }
}
