//! Stores built, damaged, resumed, and with images that can't be made.

use std::collections::BTreeMap;

use super::*;
use crate::dataset::store::unfinished;

const COUNT: usize = 40;

/// The store of 40 images of 2 x 2 px with a label each, and how many of them had to be made.
fn built(cache: &Path, fingerprint: &str) -> (Arc<Mapped>, usize) {
    let of = "a table";
    let request = ImportRequest {
        cache,
        fingerprint,
        of,
        doing: "importing",
        count: COUNT,
        image: (2, 2),
        labels: 1,
        budget: 1 << 30,
        skip: false,
    };
    let mut made = 0;
    let mut make = |numbers: Range<usize>| -> Vec<Result<Made, std::fmt::Error>> {
        made += numbers.len();
        let image = |number| Made {
            pixels: vec![number as u8; 4],
            labels: vec![number as u8],
            picture: (9, 9),
            doubts: Vec::new(),
        };
        numbers.map(|number| Ok(image(number))).collect()
    };
    let (mapped, labels) = build(&request, &mut make, &|_| true).expect("a store");
    assert_eq!(labels, (0..COUNT as u8).collect::<Vec<u8>>());
    assert!((0..COUNT).all(|row| mapped.image(row).expect("pixels") == [row as u8; 4]));
    (mapped, made)
}

/// The only store's folder. Nothing else lies in the cache but the folder of places.
fn only_store(cache: &Path) -> PathBuf {
    assert_eq!((fs::read_dir(cache).expect("a cache").count(), unfinished(cache)), (2, vec![]));
    let [(folder, ..)] = listed(cache).try_into().expect("one store");
    folder
}

#[test]
fn an_image_that_could_not_be_made_is_black_and_tried_again_each_time() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let built = |lacks: &[usize], skip: bool| {
        let request = ImportRequest {
            cache: cache.path(),
            fingerprint: "here",
            of: "a table",
            doing: "importing",
            count: 9,
            image: (2, 2),
            labels: 0,
            budget: 1 << 30,
            skip,
        };
        let mut make = |numbers: Range<usize>| -> Vec<Result<Made, std::fmt::Error>> {
            let image = |number: usize| match lacks.contains(&number) {
                true => Err(std::fmt::Error),
                false => {
                    Ok(Made { pixels: vec![7; 4], labels: Vec::new(), picture: (9, 9), doubts: Vec::new() })
                }
            };
            numbers.map(image).collect()
        };
        build(&request, &mut make, &|_| true).map(|(store, _)| {
            let failed: Vec<usize> = store.failures().iter().map(|failure| failure.image).collect();
            let black: Vec<usize> =
                (0..9).filter(|row| store.image(*row).expect("pixels") == [0; 4]).collect();
            assert_eq!(failed, black);
            failed
        })
    };
    let build_with = |lacks: &[usize]| built(lacks, true);
    assert_eq!(build_with(&[2, 5]).expect("a store"), [2, 5]);
    // What may not be left out ends the reading, though a cache has the rest.
    let error = built(&[2, 5], false).expect_err("two are missing").to_string();
    assert!(error.starts_with("2 of 9 images can't be read"), "{error}");
    assert_eq!(build_with(&[2, 5]).expect("the same"), [2, 5]);
    assert_eq!(build_with(&[5]).expect("a new one"), [5]);
    let all: Vec<usize> = (0..9).collect();
    assert!(build_with(&[]).expect("whole").is_empty());
    let error = {
        let _ = fs::remove_dir_all(cache.path());
        build_with(&all).expect_err("nothing can be read")
    };
    assert!(error.to_string().starts_with("9 of 9 images can't be read"), "{error}");
}

#[test]
fn what_is_doubtful_is_kept_over_an_interruption_and_not_told_of_other_images() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let count = 1000;
    let build_until = |last: usize, doubtful: &[usize]| {
        let request = ImportRequest {
            cache: cache.path(),
            fingerprint: &format!("{doubtful:?}"),
            of: "a table",
            doing: "importing",
            count,
            image: (2, 2),
            labels: 0,
            budget: 1 << 30,
            skip: false,
        };
        let made = std::cell::Cell::new(0);
        let mut make = |numbers: Range<usize>| -> Vec<Result<Made, std::fmt::Error>> {
            made.set(made.get() + numbers.len());
            let doubts = |number: usize| {
                doubtful.iter().filter(|one| **one == number).map(|_| "odd".to_owned()).collect()
            };
            let image = |number| Made {
                pixels: vec![7; 4],
                labels: Vec::new(),
                picture: (9, 9),
                doubts: doubts(number),
            };
            numbers.map(|number| Ok(image(number))).collect()
        };
        let store = build(&request, &mut make, &|progress| progress.done < last);
        (store.map(|(store, _)| store.doubts().clone()), made.get())
    };
    let odd = |images: &[usize]| BTreeMap::from([("odd".to_owned(), images.to_vec())]);
    // Broken off behind the first of them, and again before the last.
    assert!(matches!(build_until(20, &[3, 900]).0, Err(StoreError::Stopped)));
    assert!(matches!(build_until(500, &[3, 900]).0, Err(StoreError::Stopped)));
    let (store, made) = build_until(count + 1, &[3, 900]);
    assert!(made < count);
    assert_eq!(store.expect("a store"), odd(&[3, 900]));
    let (store, made) = build_until(count + 1, &[3, 900]);
    assert_eq!((store.expect("the same store"), made), (odd(&[3, 900]), 0));
    // The same pixels from clear files are another store.
    assert_eq!(build_until(count + 1, &[]).0.expect("another store"), BTreeMap::new());
    let (store, made) = build_until(count + 1, &[3, 900]);
    assert_eq!((store.expect("still there"), made), (odd(&[3, 900]), 0));
}

#[test]
fn a_store_that_was_damaged_is_made_once_more_and_then_found() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(built(cache.path(), "here").1, COUNT);
    for name in [IMAGES, RECORDS, LABELS, HEADER] {
        let damaged = only_store(cache.path()).join(name);
        let length = fs::metadata(&damaged).expect("a file").len();
        OpenOptions::new().write(true).open(&damaged).and_then(|f| f.set_len(length / 2)).expect("cut");
        assert_eq!(built(cache.path(), "here").1, COUNT, "{name}");
        assert_eq!(built(cache.path(), "here").1, 0, "{name}");
    }
    // What a power cut leaves of a file that was not seen onto the disk: its length.
    fs::write(only_store(cache.path()).join(RECORDS), [0; COUNT * RECORD]).expect("written");
    assert_eq!(built(cache.path(), "here").1, COUNT);
    assert_eq!(built(cache.path(), "here").1, 0);
    only_store(cache.path());
}

#[test]
fn the_same_images_from_two_places_are_kept_once() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    built(cache.path(), "here");
    assert_eq!(built(cache.path(), "there").1, COUNT);
    only_store(cache.path());
    assert_eq!((built(cache.path(), "here").1, built(cache.path(), "there").1), (0, 0));
}

#[test]
fn an_open_store_keeps_its_images_while_it_is_rebuilt() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let (mapped, _) = built(cache.path(), "here");
    fs::remove_file(only_store(cache.path()).join(LABELS)).expect("removed");
    assert_eq!(built(cache.path(), "here").1, COUNT);
    mapped.release_pages();
    assert!((0..COUNT).all(|row| mapped.image(row).expect("pixels") == [row as u8; 4]));
}
