//! The npz reader and writer: what they accept, what they refuse, and what they say then.

use std::path::Path;

use chestxr_tui::dataset::npz::{Limits, read_medmnist};

use making::{CLASSES, Member, deflated, members, npy, npy_in_order, read_bytes, stored, with, zip};

#[path = "npz_reader/damage.rs"]
mod damage;
#[path = "npz_reader/files.rs"]
mod files;
#[path = "npz_reader/making.rs"]
mod making;

/// Asserts that reading fails with one sentence that has all of `words`.
#[track_caller]
fn refused(bytes: &[u8], words: &[&str]) {
    refused_within(bytes, 1 << 20, words);
}

#[track_caller]
fn refused_within(bytes: &[u8], limit: u64, words: &[&str]) {
    let sentence = read_bytes(bytes, limit).expect_err("a refusal").to_string();
    let at = sentence.find("data.npz: ").expect("the sentence names the file");
    let sentence = &sentence[at..];
    println!("{sentence}");
    for word in words {
        assert!(sentence.contains(word), "`{word}` is missing in: {sentence}");
    }
    assert!(!sentence.contains(char::is_control) && !sentence.ends_with('.'), "{sentence}");
}

#[track_caller]
fn array_refused(descr: &str, shape: &str, name: &str, content: &[u8], words: &[&str]) {
    refused(&zip(&with(deflated(name, &npy(descr, shape, content)))), words);
}

#[test]
fn stored_and_deflated_images_and_labels_of_any_kind_are_the_same_data() {
    let good = read_bytes(&zip(&members()), 1 << 20).unwrap();
    let images = good.train.images.as_ref().unwrap();
    assert_eq!((images.len(), images.height(), images.width()), (5, 4, 6));
    assert_eq!(images.image(1).expect("pixels")[..3], [168, 175, 182]);
    assert_eq!(good.train.labels.row(0), [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!((good.val.labels.len(), good.test.images.as_ref().unwrap().len()), (2, 3));

    let one_channel = npy("'|u1'", "(5, 4, 6, 1)", &images.gathered().expect("images"));
    assert_eq!(read_bytes(&zip(&with(stored("train_images", &one_channel))), 1 << 20).unwrap(), good);
    let zip64: Vec<_> = members().into_iter().map(|member| Member { zip64: true, ..member }).collect();
    assert_eq!(read_bytes(&zip(&zip64), 1 << 20).unwrap(), good);
    let values = good.train.labels.values();
    let wide: Vec<u8> = values.iter().flat_map(|label| i64::from(*label).to_le_bytes()).collect();
    let columns: Vec<u8> = (0..CLASSES).flat_map(|c| (0..5).map(move |r| values[r * CLASSES + c])).collect();
    for labels in [
        npy("'<i8'", "(5, 14)", &wide),
        npy("'|b1'", "(5, 14)", values),
        npy_in_order("'|u1'", "True", "(5, 14)", &columns),
    ] {
        assert_eq!(read_bytes(&zip(&with(stored("train_labels", &labels))), 1 << 20).unwrap(), good);
    }
    let labels_only: Vec<_> = members().into_iter().filter(|member| member.name.contains("labels")).collect();
    let alone = read_bytes(&zip(&labels_only), 1 << 20).unwrap();
    assert_eq!(alone.train, chestxr_tui::dataset::part::Part::new(None, good.train.labels, None));
}

#[test]
fn what_is_no_archive_is_refused_with_a_sentence() {
    refused(b"index,label\n1,0\n", &["is not an npz archive", "numpy.savez"]);
    refused(b"", &["is empty", "again"]);
    refused(&npy("'|u1'", "(1,)", &[1]), &["single npy array"]);
    let missing = read_medmnist(Path::new("no/such.npz"), Some(CLASSES), Limits::default()).unwrap_err();
    assert!(
        missing.to_string().starts_with("no/such.npz: the file can't be read (No such file"),
        "{missing}"
    );
    let folder = tempfile::tempdir().unwrap();
    let folder = read_medmnist(folder.path(), Some(CLASSES), Limits::default()).unwrap_err();
    assert!(folder.to_string().contains("can't be read (Is a directory"), "{folder}");
}

#[test]
fn a_truncated_archive_is_refused_with_a_sentence() {
    let bytes = zip(&members());
    refused(&bytes[..bytes.len() - 1], &["cut short", "download it again"]);
    refused(&bytes[..bytes.len() / 2], &["cut short"]);
    // The directory whole, but bytes lost before it.
    refused(&[&bytes[..100], &bytes[200..]].concat(), &["damaged zip directory", "again"]);
    let mut short = deflated("train_images", &npy("'|u1'", "(5, 4, 6)", &[7; 120]));
    short.packed.truncate(short.packed.len() - 8);
    refused(&zip(&with(short)), &["`train_images` ends after", "incomplete or damaged"]);
}

#[test]
fn a_damaged_archive_is_refused_with_a_sentence() {
    let content = npy("'|u1'", "(5, 4, 6)", &[7; 120]);
    let bad = Member { crc: 1, ..stored("train_images", &content) };
    refused(&zip(&with(bad)), &["`train_images` is damaged", "CRC-32", "00000001"]);
    let mut bad = deflated("train_images", &content);
    bad.packed[0] = 0xff;
    refused(&zip(&with(bad)), &["`train_images` is damaged", "deflate stream is invalid"]);
    let bad = Member { size: 200, ..stored("val_images", &content) };
    refused(&zip(&with(bad)), &["`val_images` is damaged", "stored size"]);
    refused(&zip(&with(stored("val_images", b"no array at all"))), &["npy header", "begin as an npy array"]);
    refused(&zip(&[members(), members()].concat()), &["names the array `test_images` twice"]);
    let mut directory = zip(&members());
    let end = directory.len();
    directory[end - 12] = 5; // entries
    refused(&directory, &["damaged zip directory (its number of entries is wrong)"]);
}

#[test]
fn encryption_and_unknown_compression_are_refused_with_a_sentence() {
    let content = npy("'|u1'", "(5, 4, 6)", &[7; 120]);
    refused(
        &zip(&with(Member { flags: 1, ..stored("train_images", &content) })),
        &["is encrypted", "password"],
    );
    let lzma = Member { method: 14, ..stored("train_images", &content) };
    refused(&zip(&with(lzma)), &["zip method 14 (LZMA)", "savez_compressed"]);
}

#[test]
fn a_zip_bomb_is_refused_before_memory_is_asked_for() {
    let bomb = npy("'|u1'", "(1000000, 1, 1)", &vec![0; 1_000_000]);
    let (honest, limit) = (deflated("train_images", &bomb), 1 << 24);
    // More than the directory says comes out.
    let small = npy("'|u1'", "(5, 4, 6)", &[0; 120]);
    let lying =
        Member { size: small.len() as u64, ..deflated("train_images", &[&small[..], &[0; 9999]].concat()) };
    refused_within(&zip(&with(lying)), limit, &["`train_images` inflates beyond", "zip bomb"]);
    // The directory says more than deflate can make of it.
    let lying = Member { size: 4_000_000_000, ..honest.clone() };
    refused_within(&zip(&with(lying)), limit, &["`train_images` claims to inflate", "more than deflate can"]);
    // The header says more than the directory.
    let lying = npy("'|u1'", "(900000000000, 1, 1)", &[0; 120]);
    refused_within(
        &zip(&with(stored("train_images", &lying))),
        u64::MAX,
        &["takes 900000000000 bytes", "holds 120"],
    );
    let lying = npy("'|u1'", "(4611686018427387904, 4, 6)", &[0; 120]);
    refused_within(&zip(&with(stored("train_images", &lying))), limit, &["`train_images` needs 16.0 EiB"]);
    refused_within(
        &zip(&with(honest)),
        1000,
        &["`train_images` needs 976.6 KiB of memory", "1000 bytes allowed"],
    );
    refused_within(
        &zip(&members()),
        200,
        &["the file needs 380 bytes of memory in all", "200 bytes allowed"],
    );
}

#[test]
fn missing_arrays_are_named_beside_what_is_there() {
    let without = |names: &[&str]| -> Vec<Member> {
        members().into_iter().filter(|member| !names.contains(&member.name.as_str())).collect()
    };
    refused(
        &zip(&without(&["val_images.npy"])),
        &["the file lacks `val_images`; it holds `train_images`", "needs"],
    );
    refused(&zip(&without(&["test_images.npy", "test_labels.npy"])), &["lacks `test_images`, `test_labels`"]);
    refused(&zip(&[]), &["lacks `train_labels`, `val_labels`, `test_labels`; it holds no arrays"]);
    let nasty = stored(&format!("x\u{1b}[2J{}", "y".repeat(99)), b"");
    refused(&zip(&[nasty]), &["it holds `x[2Jyyyy", "yyy…` but needs"]);
}

#[test]
fn images_of_another_kind_are_refused_with_a_cure() {
    let images = |descr, shape, size, words: &[&str]| {
        array_refused(descr, shape, "train_images", &vec![0; size], words);
    };
    images(
        "'<f4'",
        "(5, 4, 6)",
        480,
        &["`train_images` is float32", "images must be uint8", "astype(numpy.uint8)"],
    );
    images("'<u2'", "(5, 4, 6)", 240, &["`train_images` is uint16"]);
    images("'|u1'", "(5, 4, 6, 3)", 360, &["shape (5, 4, 6, 3)", "colour", "grey"]);
    images("'|u1'", "(120,)", 120, &["shape (120,)", "N,H,W"]);
    images("'|u1'", "(5, 0, 6)", 0, &["at least 1x1"]);
    images(
        "'|u1'",
        "(5, 6, 4)",
        120,
        &["`val_images` holds images of 4x6", "`train_images` of 6x4", "one size"],
    );
    images("'|O'", "(5, 4, 6)", 120, &["Python objects", "never loaded"]);
    images("[('a', '|u1')]", "(5, 4, 6)", 120, &["structured records"]);
    images("'|u1'", "(5, 4, 7)", 120, &["(5, 4, 7) and uint8 takes 140 bytes but its zip entry holds 120"]);
    let fortran = npy_in_order("'|u1'", "True", "(5, 4, 6)", &[0; 120]);
    refused(&zip(&with(stored("train_images", &fortran))), &["Fortran order", "ascontiguousarray"]);
}

#[test]
fn labels_of_another_kind_are_refused_with_a_cure() {
    let labels = |descr, shape, content: &[u8], words: &[&str]| {
        array_refused(descr, shape, "train_labels", content, words);
    };
    let mut three = [0; 70];
    three[2 * 14 + 4] = 3;
    labels(
        "'|u1'",
        "(5, 14)",
        &three,
        &["`train_labels` holds 3 at row 2, column 4", "labels are 0, 1, or -1"],
    );
    let mut minus = [0; 560];
    minus[8 * (14 + 13)..8 * (14 + 14)].fill(0xff);
    minus[8 * (14 + 13)] = 0xfe;
    labels("'<i8'", "(5, 14)", &minus, &["holds -2 at row 1, column 13"]);
    labels("'<f8'", "(5, 14)", &[0; 560], &["`train_labels` is float64", "uint8, int8 or int64"]);
    labels("'>i8'", "(5, 14)", &[0; 560], &["int64 in big-endian order", "little-endian"]);
    labels("'|u1'", "(5, 15)", &[0; 75], &["has 15 columns for 14 conditions"]);
    labels("'|u1'", "(5,)", &[0; 5], &["shape (5,)", "one row an image"]);
    labels("'|u1'", "(4, 14)", &[0; 56], &["has 4 rows for the 5 images of `train_images`"]);
}

#[test]
fn an_empty_training_split_is_refused_and_an_empty_test_split_is_not() {
    let empty = |split: &str| -> Vec<Member> {
        let images = deflated(&format!("{split}_images"), &npy("'|u1'", "(0, 4, 6)", &[]));
        let labels = deflated(&format!("{split}_labels"), &npy("'|u1'", "(0, 14)", &[]));
        let replace = |old: Member| {
            [&images, &labels].into_iter().find(|new| new.name == old.name).cloned().unwrap_or(old)
        };
        members().into_iter().map(replace).collect()
    };
    refused(&zip(&empty("train")), &["`train_labels` is empty", "at least one image"]);
    assert!(read_bytes(&zip(&empty("test")), 1 << 20).unwrap().test.labels.is_empty());
}
