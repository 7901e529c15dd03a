use super::*;

/// FNV-1a: a hash that no library update changes.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The first images of a collection; small, for the tests to be fast.
fn some_images(count: u64, size: usize) -> Vec<PhantomImage> {
    (0..count).map(|index| image(5, index, size).unwrap()).collect()
}

#[test]
fn images_are_the_same_bits_for_ever() {
    // Changing what is drawn is allowed, and then changes this number; updating a library is not.
    let (images, _) = images(1, 0, 24, 64).unwrap();
    assert_eq!(hash(&images.gathered().expect("images")), 0xb101_d9ef_f47d_47c0);
}

#[test]
fn images_do_not_depend_on_the_number_of_threads() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| images(9, 100, 24, 32).unwrap())
    };
    assert_eq!(on(1), on(5));
}

#[test]
fn many_images_are_the_same_as_one_at_a_time() {
    let (images, labels) = images(9, 40, 6, 48).unwrap();
    assert_eq!((images.len(), labels.len(), labels.classes()), (6, 6, 14));
    for offset in 0..6 {
        let one = image(9, 40 + offset as u64, 48).unwrap();
        assert_eq!(images.image(offset).expect("pixels"), one.pixels);
        assert_eq!(labels.row(offset), one.labels);
    }
}

#[test]
fn no_images_are_no_error() {
    let (images, labels) = images(0, 0, 0, 28).unwrap();
    assert!(images.is_empty() && labels.is_empty());
}

#[test]
fn other_seeds_and_indices_are_other_images() {
    let images =
        [image(0, 0, 28), image(0, 1, 28), image(1, 0, 28)].map(|image| hash(&image.unwrap().pixels));
    assert!(images[0] != images[1] && images[0] != images[2] && images[1] != images[2]);
}

#[test]
fn sizes_out_of_range_are_refused() {
    for size in [0, 27, 513, usize::MAX] {
        assert_eq!(image(0, 0, size), Err(SizeOutOfRange { size }));
        assert_eq!(images(0, 0, 3, size), Err(SizeOutOfRange { size }));
    }
    for size in [28, 512] {
        assert_eq!(image(0, 0, size).unwrap().pixels.len(), size * size);
    }
}

#[test]
fn boxes_are_tight_around_masks_that_are_not_empty() {
    for size in [28, 64] {
        for finding in some_images(300, size).into_iter().flat_map(|image| image.findings) {
            let Bounds { x, y, width, height } = finding.bounds;
            assert!(x >= 0.0 && y >= 0.0 && x + width <= size as f32 && y + height <= size as f32);
            assert_eq!(finding.mask.len(), size * size);
            let inside = |i: usize| {
                let (column, row) = ((i % size) as f32, (i / size) as f32);
                column >= x && column < x + width && row >= y && row < y + height
            };
            let covered: Vec<usize> = (0..size * size).filter(|i| finding.mask[*i] == 1).collect();
            assert!(!covered.is_empty() && covered.iter().all(|i| inside(*i)));
            // Each border of the box touches the mask.
            let touches = |test: &dyn Fn(f32, f32) -> bool| {
                covered.iter().any(|i| test((i % size) as f32, (i / size) as f32))
            };
            assert!(touches(&|column, _| column == x) && touches(&|column, _| column == x + width - 1.0));
            assert!(touches(&|_, row| row == y) && touches(&|_, row| row == y + height - 1.0));
        }
    }
}

#[test]
fn labels_and_findings_agree_but_for_the_documented_noise() {
    let (mut labelled, mut missing, mut unmentioned) = (0, 0, 0);
    let images = some_images(1500, 28);
    for image in &images {
        let drawn = |condition: usize| image.findings.iter().any(|f| f.condition == condition);
        for (condition, label) in image.labels.iter().enumerate() {
            labelled += usize::from(*label == 1);
            missing += usize::from(*label == 1 && !drawn(condition));
        }
        unmentioned += usize::from(image.findings.iter().any(|f| image.labels[f.condition] == 0));
    }
    let missing = missing as f32 / labelled as f32;
    let unmentioned = unmentioned as f32 / images.len() as f32;
    assert!((0.02..0.06).contains(&missing), "{missing}");
    assert!((0.008..0.035).contains(&unmentioned), "{unmentioned}");
}

#[test]
fn every_condition_leaves_its_mark_on_the_image() {
    // The same patient with and without the condition differs where the finding is.
    let size = 64;
    let patient = Patient::new(&mut Draw::new(3, 3, Topic::Patient));
    let develop = |condition: Option<usize>| {
        let mut patient = patient.clone();
        let lesion = condition.map(|condition| Lesion::new(3, 3, condition));
        lesion.iter().for_each(|lesion| lesion.reshape(&mut patient));
        let view = patient.view(size);
        let anatomy = Anatomy::new(&patient, &view, &mut Draw::new(3, 3, Topic::Markings));
        let mut stage = Stage::new(&patient, &view, &anatomy);
        if let Some(lesion) = lesion {
            lesion.draw(&mut stage);
        }
        let Stage { effects, found, .. } = stage;
        (Exposure::new(3, 3).develop(&patient, &view, &anatomy, &effects), found)
    };
    let (healthy, none) = develop(None);
    assert!(none.is_empty());
    for condition in 0..CONDITIONS {
        let (ill, found) = develop(Some(condition));
        assert!(!found.is_empty() && found.iter().all(|(column, _)| *column == condition));
        for (_, region) in found {
            let mask = finding(condition, &region).unwrap().mask;
            let changed = (0..size * size).filter(|i| mask[*i] == 1 && ill[*i].abs_diff(healthy[*i]) > 2);
            assert!(changed.count() > 0, "condition {condition}");
        }
    }
}

#[test]
fn a_small_image_looks_like_the_large_one_reduced() {
    for index in 0..4 {
        let (small, large) = (image(2, index, 64).unwrap(), image(2, index, 256).unwrap());
        let reduced = |i: usize| {
            let (x, y) = (i % 64 * 4, i / 64 * 4);
            let block = (0..16).map(|k| f32::from(large.pixels[(y + k / 4) * 256 + x + k % 4]));
            block.sum::<f32>() / 16.0
        };
        let difference: f32 = (0..64 * 64).map(|i| (f32::from(small.pixels[i]) - reduced(i)).abs()).sum();
        assert!(difference / 4096.0 < 3.5, "image {index}: {}", difference / 4096.0);
        let conditions =
            |image: &PhantomImage| image.findings.iter().map(|f| f.condition).collect::<Vec<_>>();
        assert_eq!((&small.labels, conditions(&small)), (&large.labels, conditions(&large)));
    }
}

#[test]
fn an_image_is_dark_around_the_body_grey_in_the_lungs_and_light_in_the_middle() {
    for index in 0..40 {
        let image = image(11, index, 64).unwrap();
        if image.findings.is_empty() {
            let mean = |columns: std::ops::Range<usize>, rows: std::ops::Range<usize>| {
                let count = (columns.len() * rows.len()) as f32;
                let pixels = rows.flat_map(|y| columns.clone().map(move |x| y * 64 + x));
                pixels.map(|i| f32::from(image.pixels[i])).sum::<f32>() / count
            };
            let (corner, lung, spine) = (mean(0..8, 0..3), mean(13..21, 20..34), mean(30..34, 36..44));
            assert!(corner < 40.0 && lung > corner && spine > lung + 40.0, "{corner} {lung} {spine}");
        }
    }
}
