//! Reading files, whole and broken.

use std::fs;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::read::decode;
use super::{DecodedImage, Fault, Kind, Limits, Pixels, read, sniff};
use crate::random::SplitMix64;

const SIDE: u32 = 11;

/// Values that differ from each other, `channels` of them for each of `SIDE * SIDE` pixels.
fn values(channels: usize) -> Vec<u8> {
    (0..(SIDE * SIDE) as usize * channels).map(|i| (i * 89 % 251) as u8).collect()
}

fn png(values: &[u8], color: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(values, SIDE, SIDE, color).unwrap();
    file
}

fn jpeg() -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 90)
        .write_image(&values(3), SIDE, SIDE, ExtendedColorType::Rgb8)
        .unwrap();
    file
}

fn eight(file: &[u8]) -> Vec<u8> {
    match decode(file, Limits::default()).unwrap().pixels() {
        Pixels::Eight(values) => values.clone(),
        Pixels::Sixteen(_) => panic!("16 bits"),
    }
}

fn sixteen(file: &[u8]) -> Vec<u16> {
    match decode(file, Limits::default()).unwrap().pixels() {
        Pixels::Eight(_) => panic!("8 bits"),
        Pixels::Sixteen(values) => values.clone(),
    }
}

/// Writes `bytes` to a file and returns the result of reading it.
fn said(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let said = read(&path, Limits::default()).unwrap_err().to_string();
    assert!(said.contains(&format!("{name}: the file ")), "{said}");
    said
}

#[test]
fn eight_and_sixteen_bits_of_grey_come_back_as_they_were() {
    assert_eq!(eight(&png(&values(1), ExtendedColorType::L8)), values(1));
    let deep: Vec<u16> = (0..SIDE * SIDE).map(|i| (i * 541) as u16).collect();
    let bytes: Vec<u8> = deep.iter().flat_map(|value| value.to_ne_bytes()).collect();
    assert_eq!(sixteen(&png(&bytes, ExtendedColorType::L16)), deep);
}

#[test]
fn colour_becomes_the_luma_of_pillow_and_equal_channels_stay_what_they_are() {
    let luma = |p: &[u8; 3]| {
        ((u32::from(p[0]) * 19595 + u32::from(p[1]) * 38470 + u32::from(p[2]) * 7471 + 0x8000) >> 16) as u8
    };
    let expected: Vec<u8> = values(3).as_chunks().0.iter().map(luma).collect();
    assert_eq!(eight(&png(&values(3), ExtendedColorType::Rgb8)), expected);
    let equal: Vec<u8> = values(1).iter().flat_map(|value| [*value; 3]).collect();
    assert_eq!(eight(&png(&equal, ExtendedColorType::Rgb8)), values(1));
    let deep: Vec<u8> =
        [65_535u16; 3].repeat((SIDE * SIDE) as usize).iter().flat_map(|v| v.to_ne_bytes()).collect();
    assert_eq!(sixteen(&png(&deep, ExtendedColorType::Rgb16)), vec![65_535; (SIDE * SIDE) as usize]);
}

#[test]
fn what_is_transparent_lies_over_black() {
    let mut pixels = [200u8, 255].repeat((SIDE * SIDE) as usize);
    pixels[1] = 0;
    pixels[3] = 128;
    let grey = eight(&png(&pixels, ExtendedColorType::La8));
    assert_eq!(grey[..3], [0, 100, 200]);
}

#[test]
fn a_cut_png_is_never_another_picture() {
    let file = png(&values(1), ExtendedColorType::L8);
    for length in 0..file.len() {
        match decode(&file[..length], Limits::default()) {
            // Without the last chunk, which is empty, nothing is lacking.
            Ok(picture) => {
                assert!(length + 12 >= file.len(), "{length} of {}", file.len());
                assert_eq!(*picture.pixels(), Pixels::Eight(values(1)));
            }
            Err(Fault::Empty) => assert_eq!(length, 0),
            Err(Fault::Unknown) => assert!(length < 4),
            Err(Fault::CutShort(format)) => assert_eq!(format, "PNG"),
            Err(fault) => panic!("{length} of {}: {fault}", file.len()),
        }
    }
    assert!(
        said("half.png", &file[..file.len() / 2])
            .ends_with("is a PNG that is cut short; copy or download it again")
    );
}

#[test]
fn a_cut_jpeg_is_refused_at_every_length() {
    let file = jpeg();
    assert!(decode(&file, Limits::default()).is_ok());
    for length in 2..file.len() {
        assert!(
            matches!(decode(&file[..length], Limits::default()), Err(Fault::CutShort("JPEG"))),
            "{length}"
        );
    }
}

#[test]
fn two_thousand_flipped_bytes_never_panic() {
    let mut rng = SplitMix64::new(1);
    let limits = Limits { side: 2000, bytes: 4 << 20 };
    for file in [png(&values(4), ExtendedColorType::Rgba8), jpeg()] {
        let mut refused = 0;
        for _ in 0..2000 {
            let mut broken = file.clone();
            for _ in 0..=rng.below(3) as usize {
                let at = rng.below(broken.len() as u64) as usize;
                broken[at] ^= 1 << rng.below(8) as usize;
            }
            refused += usize::from(decode(&broken, limits).is_err());
        }
        assert!(refused > 20, "{refused}");
    }
}

#[test]
fn a_flipped_bit_in_a_png_is_refused_or_changes_nothing() {
    let file = png(&values(1), ExtendedColorType::L8);
    for at in 0..file.len() * 8 {
        let mut broken = file.clone();
        broken[at / 8] ^= 1 << (at % 8);
        if let Ok(picture) = decode(&broken, Limits::default()) {
            assert_eq!(*picture.pixels(), Pixels::Eight(values(1)), "bit {at}");
        }
    }
}

#[test]
fn a_damaged_png_says_what_is_wrong() {
    let mut file = png(&values(1), ExtendedColorType::L8);
    let middle = file.len() / 2;
    file[middle] ^= 0x10;
    let said = said("b.png", &file);
    assert!(said.contains("is a damaged PNG (") && said.ends_with("; copy or download it again"), "{said}");
}

#[test]
fn a_bomb_is_refused_before_anything_is_unpacked() {
    let sized = |width: u32, height: u32| {
        let mut file = png(&values(1), ExtendedColorType::L8);
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let mut sum = crc(&file[12..29]);
        file[29..33].swap_with_slice(&mut sum);
        said("bomb.png", &file)
    };
    assert!(sized(20_001, 1).contains("is 20001x1 pixels, more than the 20000 allowed for a side"));
    assert!(sized(u32::MAX, u32::MAX).contains("more than the 20000 allowed"));
    assert!(
        sized(20_000, 20_000)
            .contains("is 20000x20000 pixels and needs 400.0 MB of memory, more than the 268.4 MB")
    );
    assert!(sized(0, 5).contains("is 0x5 pixels by its header"));
    let file = png(&values(1), ExtendedColorType::L8);
    let tiny = Limits { bytes: 100, ..Limits::default() };
    assert!(matches!(decode(&file, tiny), Err(Fault::TooBig { needs: 121, .. } | Fault::Memory(100))));
}

/// The CRC-32 of a chunk, big-endian.
fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    (!sum).to_be_bytes()
}

#[test]
fn the_content_counts_and_not_the_name() {
    assert!(said("empty.png", b"").ends_with("is empty (0 bytes); copy it again"));
    assert!(said("page.png", b"<html>\n<b>404").contains("is a web page"));
    assert!(said("images.png", b"PK\x03\x04....").contains("is a numpy archive"));
    let mut dicom = vec![0; 200];
    dicom[128..132].copy_from_slice(b"DICM");
    assert!(said("image.jpg", &dicom).contains("is a DICOM file that is cut short"));
    assert!(said("noise.png", &[0, 1, 2, 3]).contains("is neither PNG nor JPEG"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.txt");
    fs::write(&path, jpeg()).unwrap();
    assert_eq!(sniff(&path), Kind::Jpeg);
    assert_eq!(read(&path, Limits::default()).map(|image: DecodedImage| image.width()).ok(), Some(SIDE));
}

#[test]
fn paths_that_are_no_files_are_told_apart() {
    let told = |path: &Path| read(path, Limits::default()).unwrap_err().to_string();
    assert_eq!(told(Path::new("/no/image.png")), "/no/image.png: the file doesn't exist; check its path");
    assert_eq!(told(Path::new("/")), "/: the folder is no picture; name the files in it");
    #[cfg(unix)]
    assert!(told(Path::new("/dev/zero")).contains("is a device or a pipe"));
    let denied = Fault::of_file(std::io::ErrorKind::PermissionDenied.into());
    assert!(denied.to_string().starts_with("can't be read: no permission"));
}

#[test]
fn a_long_file_is_refused_unless_it_is_of_another_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("image.png");
    let small = Limits { bytes: 600, ..Limits::default() };
    fs::write(&path, [png(&values(1), ExtendedColorType::L8), vec![0; 600]].concat()).unwrap();
    assert!(matches!(read(&path, small).unwrap_err().fault, Fault::TooLong { limit: 600, .. }));
    fs::write(&path, [&b"PK\x03\x04"[..], &[0; 600]].concat()).unwrap();
    assert!(matches!(read(&path, small).unwrap_err().fault, Fault::Npz));
}
