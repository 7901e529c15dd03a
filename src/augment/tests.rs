//! Augmentation against albumentations (`tests/reference/augment_golden.py`) and against itself.

use std::sync::Arc;

use serde::Deserialize;
use tch::{Device, Tensor};

use super::transforms::{affine_matrix, enlarged, tone_table};
use super::*;
use crate::config::DataSection;
use crate::dataset::phantom::{self, Bounds};
use crate::dataset::{Dataset, Split};

#[derive(Deserialize)]
struct Golden {
    affine: Vec<Case>,
    turns: [String; 3],
    upside_down: String,
    mirrored: String,
    crops: Vec<Crop>,
    tones: Vec<Tone>,
}

#[derive(Deserialize)]
struct Case {
    angle: f64,
    scale: [f64; 2],
    shear: [f64; 2],
    shift: [f64; 2],
    matrix: [[f64; 3]; 2],
    constant: String,
    reflect: String,
}

#[derive(Deserialize)]
struct Crop {
    crop: [f64; 4],
    picture: String,
}

#[derive(Deserialize)]
struct Tone {
    contrast: f64,
    brightness: f64,
    table: String,
}

const SIDE: usize = 40;
const SIZE: (usize, usize) = (SIDE, SIDE);

fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/augment.json");
    serde_json::from_slice(&std::fs::read(path).expect("the golden file")).expect("its layout")
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn wavy_image() -> Vec<u8> {
    let grey = |x: f64, y: f64| 127.0 + 60.0 * (0.31 * x + 0.5).sin() + 60.0 * (0.23 * y + 0.07 * x).cos();
    // numpy rounds halves to even; none of these is one.
    (0..SIDE * SIDE).map(|i| grey((i % SIDE) as f64, (i / SIDE) as f64).round() as u8).collect()
}

fn moved(map: Affine) -> AugmentParams {
    AugmentParams { steps: vec![Step::Move(map)], ..AugmentParams::new(SIZE) }
}

fn painted(border: crate::config::Border, image: &[u8], draw: &AugmentParams) -> Vec<u8> {
    let mut out = vec![0; image.len()];
    CpuAugmenter::new(border).paint_greys(image, draw, &mut out);
    out
}

fn section(sets: &[(&str, &str)]) -> AugmentSection {
    let mut config = crate::config::RunConfig::default();
    for (key, value) in sets {
        config.set(&format!("augment.{key}"), value).expect(key);
    }
    config.augment
}

fn everything() -> AugmentPipeline {
    let on = ["rotate90_p", "vflip_p", "hflip_p", "affine_p", "brightness_contrast_p", "gamma_p"]
        .into_iter()
        .chain(["noise_p", "blur_p", "cutout_p", "crop_p"]);
    let mut sets: Vec<(&str, &str)> = on.map(|key| (key, "0.6")).collect();
    sets.extend([("preset", "custom"), ("shear", "5")]);
    AugmentPipeline::new(&section(&sets))
}

fn preset(name: &str) -> AugmentPipeline {
    AugmentPipeline::new(&section(&[("preset", name)]))
}

#[test]
fn the_same_numbers_give_albumentations_matrix_and_picture() {
    use crate::config::Border;
    let image = wavy_image();
    for case in golden().affine {
        let map = affine_matrix(case.angle, case.scale, case.shear, case.shift, SIZE);
        let ours = [[map.a, map.b, map.c], [map.d, map.e, map.f]];
        for (ours, theirs) in ours.iter().flatten().zip(case.matrix.iter().flatten()) {
            assert!((ours - theirs).abs() < 1e-9, "{ours} against {theirs} at {}°", case.angle);
        }
        let draw = moved(map);
        let back = map.inverse();
        for (border, expected) in [(Border::Constant, &case.constant), (Border::Reflect, &case.reflect)] {
            let ours = painted(border, &image, &draw);
            let mut compared = 0;
            for (place, (ours, theirs)) in ours.iter().zip(bytes(expected)).enumerate() {
                let (x, y) = back.apply((place % SIDE) as f64, (place / SIDE) as f64);
                let last = SIDE as f64 - 2.0;
                // Away from the edge, where OpenCV's coordinates in 32nds of a pixel matter little.
                if border == Border::Reflect || ((1.0..last).contains(&x) && (1.0..last).contains(&y)) {
                    compared += 1;
                    assert!(
                        ours.abs_diff(theirs) <= 1,
                        "{ours} against {theirs} at {place}, {}°",
                        case.angle
                    );
                }
            }
            assert!(compared > 1000, "only {compared} pixels were compared");
        }
    }
}

#[test]
fn an_enlarged_part_is_torchvisions() {
    let image = wavy_image();
    for case in golden().crops {
        let map = enlarged(case.crop, SIZE);
        let ours = painted(crate::config::Border::Constant, &image, &moved(map));
        let (back, [left, top, wide, high]) = (map.inverse(), case.crop);
        let mut compared = 0;
        for (place, (ours, theirs)) in ours.iter().zip(bytes(&case.picture)).enumerate() {
            let (x, y) = back.apply((place % SIDE) as f64, (place / SIDE) as f64);
            // torchvision cuts before it enlarges: at the rim of the part it repeats pixels where ours goes on.
            if x >= left && x <= left + wide - 1.0 && y >= top && y <= top + high - 1.0 {
                compared += 1;
                assert!(ours.abs_diff(theirs) <= 1, "{ours} against {theirs} at {place} of {:?}", case.crop);
            }
        }
        assert!(compared > 1200, "only {compared} pixels were compared");
    }
}

#[test]
fn enlarged_parts_are_as_large_as_the_settings_allow_and_lie_within_the_image() {
    let plan = AugmentPipeline::new(&section(&[
        ("preset", "custom"),
        ("affine_p", "0"),
        ("brightness_contrast_p", "0"),
        ("crop_p", "1"),
        ("crop", "0.3"),
        ("crop_ratio", "1.5"),
    ]));
    let size = (40, 60);
    let (mut least, mut widest) = (1.0_f64, 1.0_f64);
    for image in 0..500 {
        let back = plan.draw(5, 1, image, 0, size).map().inverse();
        let (left, top) = back.apply(-0.5, -0.5);
        let (right, bottom) = back.apply(59.5, 39.5);
        assert!(left >= -0.5 - 1e-9 && top >= -0.5 - 1e-9 && right <= 59.5 + 1e-9 && bottom <= 39.5 + 1e-9);
        least = least.min((right - left) * (bottom - top) / 2400.0);
        let ratio = (right - left) / (bottom - top) / 1.5;
        widest = widest.max(ratio.max(1.0 / ratio));
    }
    assert!((0.3 - 1e-9..0.33).contains(&least), "{least}");
    assert!((1.4..1.5 + 1e-9).contains(&widest), "{widest}");
}

#[test]
fn turns_and_flips_are_albumentations_to_the_pixel() {
    let (image, golden) = (wavy_image(), golden());
    let linear = [[0.0, 1.0, -1.0, 0.0], [-1.0, 0.0, 0.0, -1.0], [0.0, -1.0, 1.0, 0.0]];
    let flips = [([1.0, 0.0, 0.0, -1.0], &golden.upside_down), ([-1.0, 0.0, 0.0, 1.0], &golden.mirrored)];
    for (linear, expected) in linear.into_iter().zip(&golden.turns).chain(flips) {
        let draw = moved(Affine::about_centre(linear, SIZE));
        assert_eq!(painted(crate::config::Border::Constant, &image, &draw), bytes(expected), "{linear:?}");
    }
}

#[test]
fn brightness_and_contrast_are_albumentations_within_a_grey_level() {
    for tone in golden().tones {
        for (ours, theirs) in tone_table(tone.contrast, tone.brightness).into_iter().zip(bytes(&tone.table)) {
            assert!(ours.abs_diff(theirs) <= 1, "{ours} against {theirs}");
        }
    }
}

#[test]
fn nothing_asked_for_is_nothing_done() {
    let plan = preset("none");
    assert!(plan.is_identity() && !preset("chest").is_identity());
    let image = wavy_image();
    let draw = plan.draw(1, 2, 3, 0, SIZE);
    assert_eq!(painted(plan.border(), &image, &draw), image);
    assert_eq!(draw.to_string(), "unchanged");
}

#[test]
fn transforms_come_as_often_and_as_far_as_set() {
    let plan = preset("predecessor");
    let count = 4000;
    let mut seen = [0; 3];
    for image in 0..count {
        let draw = plan.draw(7, 1, image, 0, SIZE);
        let words = draw.words().join(" ");
        // A rotation by 0° is one of four.
        let quarters = ["rotate 90°", "rotate 180°", "rotate 270°"];
        seen[0] += usize::from(draw.words().iter().any(|word| quarters.contains(&word.as_str())));
        seen[1] += usize::from(words.contains("vertical flip"));
        seen[2] += usize::from(words.contains("brightness"));
        let determinant = {
            let map = draw.map();
            (map.a * map.e - map.b * map.d).abs()
        };
        assert!((0.81 - 1e-9..=1.21 + 1e-9).contains(&determinant), "{words}: {determinant}");
    }
    // Deviations of 4000 tosses: .0077, .0079, .0063.
    for (seen, expected) in seen.into_iter().zip([0.375, 0.5, 0.2]) {
        let share = seen as f64 / count as f64;
        assert!((share - expected).abs() < 0.03, "{share} against {expected}");
    }
}

#[test]
fn switching_one_transform_leaves_the_others_as_they_were() {
    let with = everything();
    let mut changed = with.section().clone();
    changed.gamma_p = 0.0;
    let without = AugmentPipeline::new(&changed);
    for image in 0..50 {
        let mut words = with.draw(3, 1, image, 0, SIZE).words();
        words.retain(|word| !word.starts_with("gamma"));
        assert_eq!(words, without.draw(3, 1, image, 0, SIZE).words());
    }
}

fn phantoms() -> Arc<Dataset> {
    let section = DataSection { source: "phantom:60".into(), size: 64, ..DataSection::default() };
    Arc::new(Dataset::load(&section).expect("phantoms"))
}

#[test]
fn both_paths_paint_the_same_image() {
    let dataset = phantoms();
    let (images, _) = dataset.trainable(Split::Train).expect("images");
    let size = (images.height(), images.width());
    let greys =
        Tensor::from_slice(&images.gathered().expect("images")).view([-1, 1, size.0 as i64, size.1 as i64]);
    let normalizer = DeviceNormalizer::new(Device::Cpu).expect("memory");
    let reflecting = {
        let mut section = everything().section().clone();
        section.border = crate::config::Border::Reflect;
        AugmentPipeline::new(&section)
    };
    for (what, plan) in [
        ("chest", preset("chest")),
        ("predecessor", preset("predecessor")),
        ("none", preset("none")),
        ("everything", everything()),
        ("everything, mirrored", reflecting),
    ] {
        let indices: Vec<usize> = (0..images.len()).collect();
        let draws: Vec<AugmentParams> =
            indices.iter().map(|image| plan.draw(1, 1, *image, 0, size)).collect();
        let augmenter = DeviceAugmenter::new(&draws, plan.border(), size, Device::Cpu).expect("memory");
        // In three batches, each with its share of the numbers.
        let batches = [0..7, 7..20, 20..images.len()].map(|batch| {
            let greys = greys.narrow(0, batch.start as i64, batch.len() as i64);
            augmenter.apply(&greys, &batch).and_then(|x| normalizer.apply(&x)).expect("a batch")
        });
        let batch = Tensor::cat(&batches, 0);
        assert_eq!(batch.size(), [images.len() as i64, 1, size.0 as i64, size.1 as i64]);
        let theirs = Vec::<f32>::try_from(batch.contiguous().view(-1)).expect("floats");
        let mut painter = CpuAugmenter::new(plan.border());
        let (mut far, mut compared) = (0, 0);
        for (image, draw) in draws.iter().enumerate() {
            let mut ours = vec![0.0; images.area()];
            painter.paint(images.image(image).expect("pixels"), draw, &mut ours);
            let theirs = &theirs[image * images.area()..][..images.area()];
            let back = draw.map().inverse();
            for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                let (x, y) = back.apply((place % size.1) as f64, (place / size.1) as f64);
                let near_edge = |s: f64, side: usize| s < 1.0 || s > side as f64 - 2.0;
                if near_edge(x, size.1) || near_edge(y, size.0) {
                    continue;
                }
                compared += 1;
                // A steep tone makes more of a level that was rounded the other way.
                let slope = draw.tone().map_or(1, |tone| {
                    tone.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap_or(1).max(1)
                });
                far += usize::from((ours - theirs).abs() * 127.5 > f32::from(slope) + 0.01);
            }
        }
        assert!(compared > 100_000 && far == 0, "{what}: {far} of {compared} pixels differ");
    }
}

#[test]
fn a_box_and_a_mask_go_where_the_image_goes() {
    let (mut image, mut mask) = (vec![0_u8; SIDE * SIDE], vec![0_u8; SIDE * SIDE]);
    for (y, x) in (12..20).flat_map(|y| (15..27).map(move |x| (y, x))) {
        image[y * SIDE + x] = 255;
        mask[y * SIDE + x] = 1;
    }
    let bounds = Bounds { x: 15.0, y: 12.0, width: 12.0, height: 8.0 };
    let plan = AugmentPipeline::new(&section(&[
        ("preset", "custom"),
        ("rotate90_p", "0.7"),
        ("hflip_p", "0.5"),
        ("affine_p", "1"),
        ("brightness_contrast_p", "0"),
    ]));
    for number in 0..40 {
        let draw = plan.draw(11, 1, number, 0, SIZE);
        let picture = painted(plan.border(), &image, &draw);
        let moved = draw.moved_mask(&mask);
        let differ =
            picture.iter().zip(&moved).filter(|(grey, inside)| (**grey > 127) != (**inside == 1)).count();
        // Only pixels that the rectangle's edge runs through can fall to either side.
        assert!(differ <= 14, "{draw}: {differ} pixels of {}", moved.iter().filter(|m| **m == 1).count());
        let found = draw.moved_box(bounds).expect("it stays inside");
        for (place, _) in moved.iter().enumerate().filter(|(_, inside)| **inside == 1) {
            let (x, y) = ((place % SIDE) as f32, (place / SIDE) as f32);
            assert!(x + 1.0 > found.x && x < found.x + found.width + 1.0, "{draw}");
            assert!(y + 1.0 > found.y && y < found.y + found.height + 1.0, "{draw}");
        }
        // Turned by at most ten degrees the box grows by no more than that brings.
        assert!(found.width * found.height < 1.21 * 12.0 * 8.0 * 1.6, "{draw}: {found:?}");
    }
    let off =
        AugmentParams { steps: vec![Step::Move(Affine::shift(100.0, 0.0))], ..AugmentParams::new(SIZE) };
    assert_eq!(off.moved_box(bounds), None);
    assert!(off.moved_mask(&mask).iter().all(|inside| *inside == 0));
    let still = AugmentParams::new(SIZE);
    assert_eq!(still.moved_box(bounds), Some(bounds));
    assert!(phantom::SIZES.contains(&SIDE));
}
