//! Files by numpy, by our own writer, and of real images.

use std::path::{Path, PathBuf};

use chestxr_tui::dataset::npz::{Archive, Dtype, Fault, Limits, NpzError, Writer, read_medmnist};
use chestxr_tui::dataset::stats::{Pairs, percent, split_stats};

use crate::making::CLASSES;

/// numpy's own files: `tests/reference/npz_cases.py`.
#[test]
fn every_kind_of_array_reads_as_numpy_wrote_it() {
    for name in ["npz_stored.npz", "npz_deflated.npz"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
        let archive = Archive::open(&path, Limits { max_bytes: 4096 }).unwrap();
        assert_eq!(archive.names().count(), 12);
        let bytes = archive.read_u8("bytes").unwrap();
        assert_eq!((bytes.shape, bytes.values), (vec![3, 4], (0..12).collect()));
        assert_eq!(archive.read_i64("bytes").unwrap().values[11], 11);
        let columns = archive.read_f64("column_major").unwrap();
        assert_eq!((columns.shape, columns.values), (vec![2, 3], vec![0.0, 0.25, 0.5, 0.75, 1.0, 1.25]));
        let floats = archive.read_f32("floats").unwrap().values;
        assert_eq!((floats[0], floats[1], floats[3]), (0.1, f32::NEG_INFINITY, 1e-45));
        assert!(floats[2].is_nan());
        assert_eq!(archive.read_f64("floats").unwrap().values[0], f64::from(0.1_f32));
        assert_eq!(archive.read_i64("whole").unwrap().values, [i64::MIN, i64::MAX, 0]);
        assert_eq!(archive.read_u8("bools").unwrap().values, [1, 0]);
        let single = archive.read_i64("single").unwrap();
        assert_eq!((single.shape, single.values), (vec![], vec![7]));
        assert_eq!(archive.read_u8("empty").unwrap().shape, [0, 14]);
        assert_eq!(archive.read_text("files").unwrap().values, ["00000001_000.png", "é[31m"]);
        assert_eq!(archive.info("half").unwrap().dtype, Dtype::Other('f', 2));

        let sentence = |error: NpzError, words: &str| assert!(error.to_string().contains(words), "{error}");
        sentence(
            archive.read_u8("whole").unwrap_err(),
            "array `whole` holds -9223372036854775808, which doesn't fit",
        );
        sentence(
            archive.read_f32("half").unwrap_err(),
            "array `half` is float16; it must be float32 or float64",
        );
        sentence(archive.read_text("bytes").unwrap_err(), "array `bytes` is uint8; it must be text");
        sentence(archive.read_f32("probs").unwrap_err(), "lacks `probs`; it holds `bytes`, `column_major`");
        assert!(matches!(archive.info("objects").unwrap_err().fault, Fault::Objects));
        assert!(matches!(archive.info("swapped").unwrap_err().fault, Fault::BigEndian(Dtype::I32)));
        assert!(matches!(archive.info("records").unwrap_err().fault, Fault::Records));
    }
}

#[test]
fn equal_arrays_make_equal_bytes_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, deflated: bool| {
        let path = folder.path().join(name);
        let writer = Writer::create(&path).unwrap();
        let writer = if deflated { writer.deflated() } else { writer };
        let writer = writer.array_f32("probs", &[2, 2], &[0.5, f32::NAN, -0.0, f32::MIN_POSITIVE]).unwrap();
        let writer = writer.array_i64("index", &[3], &[-1, i64::MAX, 0]).unwrap();
        writer.array_u8("labels", &[2, 0], &[]).unwrap().finish().unwrap();
        (std::fs::read(&path).unwrap(), path)
    };
    for deflated in [false, true] {
        let (first, path) = write("first.npz", deflated);
        assert_eq!(first, write("second.npz", deflated).0);
        let archive = Archive::open(&path, Limits::default()).unwrap();
        assert_eq!(archive.names().collect::<Vec<_>>(), ["probs", "index", "labels"]);
        let probs = archive.read_f32("probs").unwrap();
        assert_eq!(probs.shape, [2, 2]);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&probs.values), bits(&[0.5, f32::NAN, -0.0, f32::MIN_POSITIVE]));
        assert_eq!(archive.read_i64("index").unwrap().values, [-1, i64::MAX, 0]);
        assert_eq!(archive.read_u8("labels").unwrap().shape, [2, 0]);
    }
}

#[test]
fn an_unfinished_archive_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.npz");
    std::fs::write(&path, "old").unwrap();
    let begin = || Writer::create(&path).unwrap().array_u8("a", &[2], &[1, 2]).unwrap();
    drop(begin());
    let sentence = |error: NpzError| error.to_string().split_once("npz: ").unwrap().1.to_owned();
    let error = begin().array_f32("b", &[3, 14], &[0.0; 41]).unwrap_err();
    assert_eq!(sentence(error), "array `b` has 41 values for shape (3, 14); give as many as the shape says");
    for name in ["a", "", "x\n", &"x".repeat(300)] {
        assert!(matches!(begin().array_u8(name, &[1], &[1]).unwrap_err().fault, Fault::Name), "{name}");
    }
    let nowhere = Writer::create(&folder.path().join("no/such/predictions.npz")).unwrap_err();
    assert!(sentence(nowhere).starts_with("the file can't be written (No such file"));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    begin().finish().unwrap();
    assert_eq!(Archive::open(&path, Limits::default()).unwrap().read_u8("a").unwrap().values, [1, 2]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A file of real images; `None`, said aloud, where they aren't at hand.
fn sample(name: &str) -> Option<PathBuf> {
    let near = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("CHESTXR_SAMPLE_DIR").map_or_else(near, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var("CHESTXR_REQUIRE_SAMPLES").is_ok_and(|value| value == "1");
    assert!(!required, "CHESTXR_REQUIRE_SAMPLES=1, but {} is not there", path.display());
    println!("SKIPPED: {} is not there (set CHESTXR_SAMPLE_DIR)", path.display());
    None
}

#[test]
fn real_images_read_as_numpy_reads_them() {
    // Images, side, sum of pixels, labels set, for train, val and test: by numpy.
    let expected = [
        ("nih_sample_64.npz", 64, [(725, 397_850_788, 544), (94, 49_796_622, 79), (181, 94_588_176, 190)]),
        (
            "nih_sample_64_strat.npz",
            64,
            [(700, 380_844_961, 589), (130, 69_081_175, 107), (170, 92_309_450, 117)],
        ),
        ("nih_sample_224.npz", 224, [(72, 460_367_474, 93), (24, 157_055_657, 36), (24, 157_725_131, 32)]),
    ];
    for (name, side, splits) in expected {
        let Some(path) = sample(name) else { return };
        let data = read_medmnist(&path, Some(CLASSES), Limits::default()).unwrap();
        for (part, (count, pixels, labels)) in [data.train, data.val, data.test].into_iter().zip(splits) {
            let images = part.images.unwrap();
            assert_eq!((images.len(), images.height(), images.width()), (count, side, side));
            assert_eq!(
                images.gathered().expect("images").iter().map(|pixel| u64::from(*pixel)).sum::<u64>(),
                pixels
            );
            assert_eq!((part.labels.len(), split_stats(&part.labels).labels_total), (count, labels));
        }
    }
}

#[test]
fn chestmnists_class_counts_come_out_to_the_digit() {
    let Some(path) = sample("chestmnist_labels.npz") else { return };
    let data = read_medmnist(&path, Some(CLASSES), Limits::default()).unwrap();
    assert_eq!(data.train.images, None);
    let train = split_stats(&data.train.labels);
    assert_eq!((train.images, train.normal), (78_468, 42_405));
    let counts = [7996, 1950, 9261, 13_914, 3988, 4375, 978, 3705, 3263, 1690, 1799, 1158, 2279, 144];
    assert_eq!(train.positives, counts);
    assert_eq!(
        percent(train.normal, train.images).map(|percent| format!("{percent:.1}")).as_deref(),
        Some("54.0")
    );
    let (val, test) = (split_stats(&data.val.labels), split_stats(&data.test.labels));
    assert_eq!((val.images, val.labels_total), (11_219, 7978));
    assert_eq!((test.images, test.labels_total), (22_433, 16_510));
    let mut all = Pairs::of_none(CLASSES);
    all.add(&data.train.labels);
    let pairs = all.both;
    assert!((0..CLASSES).all(|c| pairs[c][c] == counts[c]));
    assert!((0..CLASSES).all(|a| (0..CLASSES).all(|b| pairs[a][b] == pairs[b][a])));

    let names = Archive::open(&path, Limits::default()).unwrap().read_text("train_files").unwrap();
    assert_eq!((names.shape, names.values[0].as_str()), (vec![78_468], "00001522_000.png"));
}
