//! Our reader against files by PyTorch (`tests/reference/pth_golden.py`), hand-made ones and damaged ones.

mod pickles;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{PthTensor, read};

#[derive(serde::Deserialize)]
struct Expected {
    name: String,
    shape: Vec<i64>,
    dtype: String,
    bytes: String,
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pth").join(name)
}

fn expected() -> BTreeMap<String, Option<Vec<Expected>>> {
    let text = fs::read_to_string(golden("expected.json")).expect("the golden file is committed");
    serde_json::from_str(&text).expect("the golden file is JSON")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn refusal(path: &Path) -> String {
    match read(path) {
        Ok(tensors) => panic!("{} gave {} tensors", path.display(), tensors.len()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn tensors_are_those_that_pytorch_saved() {
    let mut checked = 0;
    for (file, tensors) in expected() {
        let path = golden(&format!("{file}.pth"));
        let Some(tensors) = tensors else {
            refusal(&path);
            continue;
        };
        let found = read(&path).unwrap_or_else(|error| panic!("{error}"));
        let names = |found: &[PthTensor]| found.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), tensors.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), "{file}");
        for (found, tensor) in found.iter().zip(&tensors) {
            let name = format!("{file}: {}", tensor.name);
            assert_eq!(
                (&found.shape, found.dtype.to_string()),
                (&tensor.shape, tensor.dtype.clone()),
                "{name}"
            );
            assert_eq!(hex(&found.bytes), tensor.bytes, "{name}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn what_cannot_be_read_is_refused_with_the_cure() {
    for (file, sentence) in [
        (
            "whole_module",
            "the file holds a whole `ReLU` instead of a state dict; in Python, save model.state_dict()",
        ),
        ("module_nested", "the file holds a whole `ReLU` under `model` instead of a state dict"),
        ("no_tensors", "the file holds no tensors by name, only `epoch`, `notes`; in Python, save"),
        ("torchscript", "the file is a TorchScript program, not a state dict; in Python, save its weights"),
        ("evil", "the file holds a whole `system` instead of a state dict"),
        ("expanded", "tensor `w` repeats values (1000 of 1 stored)"),
        ("complex", "tensor `w` is of a kind that can't be read (ComplexFloatStorage); save"),
        ("conjugated", "tensor `w` is of a kind that can't be read (conjugated or negated in place)"),
        ("float8", "tensor `w` is of a kind that can't be read (float8_e4m3fn)"),
        ("deflated", "the file's part `byteorder` is compressed"),
    ] {
        let path = golden(&format!("{file}.pth"));
        let found = refusal(&path);
        let start = format!("{}: {sentence}", path.display());
        assert!(found.starts_with(&start), "{file}: {found}");
        assert!(!found.contains("Error"), "{found}");
    }
}

#[test]
fn files_of_other_kinds_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("file.pth");
    assert!(refusal(&path).contains("can't be read"));
    assert!(refusal(folder.path()).contains("this is a folder"));
    for (bytes, sentence) in [
        (&b""[..], "the file is empty"),
        (b"<!DOCTYPE html>", "is not a PyTorch checkpoint (not a zip archive)"),
        (b"PK\x03\x04 and so on", "cut short"),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "no data.pkl"),
    ] {
        fs::write(&path, bytes).expect("the folder is ours");
        let found = refusal(&path);
        assert!(found.contains(sentence), "{found}");
    }
}

#[test]
fn nothing_in_a_file_is_executed() {
    let bytes = fs::read(golden("evil.pth")).expect("the golden file is committed");
    assert!(bytes.windows(25).any(|part| part == b"touch pth_reader_was_here"));
    let evil = ["evil", "evil_beside"].map(|name| read(&golden(&format!("{name}.pth"))).is_ok());
    assert_eq!(evil, [false, true], "good tensors beside bad things can be read");
    for folder in [Path::new("."), Path::new(env!("CARGO_MANIFEST_DIR"))] {
        assert!(!folder.join("pth_reader_was_here").exists());
    }
}

#[test]
fn no_truncation_and_no_changed_byte_makes_it_panic() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("damaged.pth");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut read_anyway, mut refused) = (0, 0);
    for name in ["nested", "views", "protocol4", "zip64", "tagged", "legacy", "legacy_protocol4"] {
        let bytes = fs::read(golden(&format!("{name}.pth"))).expect("the golden file is committed");
        fs::write(&path, &bytes).expect("the folder is ours");
        let file = File::options().write(true).open(&path).expect("just written");
        for _ in 0..2000 {
            // Marsaglia's xorshift64.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = random % bytes.len() as u64;
            let old = bytes[at as usize];
            let new = old ^ ((random >> 32) as u8).max(1);
            file.write_all_at(&[new], at).expect("the file is ours");
            match read(&path) {
                Ok(_) => read_anyway += 1,
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().chars().any(char::is_control), "{error}");
                }
            }
            file.write_all_at(&[old], at).expect("the file is ours");
        }
        for length in (0..bytes.len() as u64).rev() {
            file.set_len(length).expect("the file is ours");
            assert!(read(&path).is_err(), "{name} cut to {length} bytes");
        }
    }
    assert!(read_anyway > 1000 && refused > 1000, "{read_anyway} {refused}");
}

/// Reads a file of these bytes.
fn read_bytes(bytes: &[u8]) -> Result<Vec<PthTensor>, String> {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("made.pth");
    fs::write(&path, bytes).expect("the folder is ours");
    read(&path).map_err(|error| error.to_string())
}

/// A zip archive of stored parts.
fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in parts {
        let (offset, size, length) = (file.len() as u32, bytes.len() as u32, name.len() as u16);
        file.extend(b"PK\x03\x04");
        file.extend([0; 22]);
        file.extend([length.to_le_bytes(), [0; 2]].as_flattened());
        file.extend(name.bytes().chain(bytes.iter().copied()));
        directory.extend(b"PK\x01\x02");
        directory.extend([0; 16]);
        directory.extend([size.to_le_bytes(); 2].as_flattened());
        directory.extend(length.to_le_bytes());
        directory.extend([0; 12]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.bytes());
    }
    let ends = [directory.len() as u32, file.len() as u32].map(u32::to_le_bytes);
    file.extend(directory);
    file.extend(b"PK\x05\x06");
    file.extend([0; 4]);
    file.extend([(parts.len() as u16).to_le_bytes(); 2].as_flattened());
    file.extend(ends.as_flattened());
    file.extend([0; 2]);
    file
}

/// A checkpoint of `copies` tensors `w0`, `w1`, … that share a storage of bytes: its size as the pickle and
/// as the zip have it, then each tensor's offset, shape and strides.
fn shared(
    claimed: i64,
    stored: usize,
    copies: usize,
    offset: i64,
    shape: &[i64],
    strides: &[i64],
) -> Vec<u8> {
    let text = |text: &str| [b"\x8c", &[text.len() as u8][..], text.as_bytes()].concat();
    let int = |int: &i64| [b"\x8a\x08", &int.to_le_bytes()[..]].concat();
    let tuple = |ints: &[i64]| [b"(".to_vec(), ints.iter().flat_map(int).collect(), b"t".to_vec()].concat();
    let mut list = b"\x80\x02}".to_vec();
    for copy in 0..copies {
        list.extend(text(&format!("w{copy}")));
        list.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        list.extend([text("storage"), b"ctorch\nByteStorage\n".to_vec(), text("0"), text("cpu")].concat());
        list.extend([int(&claimed), b"tQ".to_vec(), int(&offset), tuple(shape), tuple(strides)].concat());
        list.extend(b"\x89NtRs");
    }
    list.push(b'.');
    let values: Vec<u8> = (0..stored).map(|value| value as u8).collect();
    zip(&[("a/data.pkl", &list), ("a/data/0", &values)])
}

#[test]
fn tensors_lie_where_offset_and_strides_say() {
    let one = |bytes: Vec<u8>| read_bytes(&bytes).map(|mut tensors| tensors.remove(0).bytes);
    assert_eq!(one(shared(12, 12, 1, 1, &[2, 3], &[1, 4])), Ok(vec![1, 5, 9, 2, 6, 10]));
    assert_eq!(
        one(shared(12, 12, 1, 3, &[2, 2], &[0, 1])),
        Ok(vec![3, 4, 3, 4]),
        "repeated, but no more than stored"
    );
    assert_eq!(one(shared(12, 12, 1, 11, &[], &[])), Ok(vec![11]));
    let any = i64::MAX;
    assert_eq!(one(shared(12, 12, 1, 2, &[1, 2, 1], &[any, 5, any])), Ok(vec![2, 7]), "a step never taken");
    assert_eq!(
        one(shared(0, 0, 1, any, &[any, any, 0], &[any, any, any])),
        Ok(vec![]),
        "nothing lies anywhere"
    );
}

#[test]
fn claims_beyond_the_file_are_refused() {
    let any = i64::MAX;
    for (bytes, sentence) in [
        (shared(12, 12, 1, 1, &[3, 4], &[4, 1]), "it reaches beyond its storage"),
        (shared(12, 12, 1, 12, &[], &[]), "it reaches beyond its storage"),
        (shared(any, 12, 1, any, &[2], &[any]), "it reaches beyond its storage"),
        (shared(any, 12, 1, 0, &[any, any], &[any, any]), "it reaches beyond its storage"),
        (shared(any, 12, 1, 0, &[3, any], &[any, any]), "it reaches beyond its storage"),
        (shared(12, 12, 1, 0, &[any], &[0]), "repeats values"),
        (shared(12, 12, 1, 0, &[any, any], &[0, 0]), "it reaches beyond its storage"),
        (shared(any, 12, 1, 0, &[any], &[1]), "the file holds fewer values than it needs"),
        (shared(13, 12, 1, 0, &[2], &[1]), "the file holds fewer values than it needs"),
        (shared(12, 12, 1, -1, &[2], &[1]), "it reaches beyond its storage"),
        (shared(12, 12, 1, 5, &[2], &[-1]), "its shape or strides aren't whole numbers"),
        (shared(12, 12, 1, 0, &[-2], &[1]), "its shape or strides aren't whole numbers"),
        (shared(-12, 12, 1, 0, &[2], &[1]), "its storage has a negative size"),
        (shared(12, 12, 1, 0, &[2, 2], &[1]), "its shape doesn't go with its strides"),
        (shared(12, 12, 1, 0, &[1; 65], &[1; 65]), "its shape doesn't go with its strides"),
        (shared(50_000, 50_000, 100, 0, &[50_000], &[1]), "the tensors need 5000000 bytes and"),
    ] {
        let found = read_bytes(&bytes).expect_err(sentence);
        assert!(found.contains(sentence), "{found}");
    }
    assert_eq!(
        read_bytes(&shared(50_000, 50_000, 5, 0, &[50_000], &[1])).map(|tensors| tensors.len()),
        Ok(5)
    );
}

#[test]
fn a_zip_that_contradicts_itself_is_refused() {
    let whole: (&str, &[u8]) = ("a/data.pkl", b"\x80\x02}.");
    let mut outside = zip(&[whole]);
    let size = outside.len() - 22 - 56 + 20; // in its directory's only entry
    outside[size..size + 8].fill(0x7f);
    let mut moved = zip(&[whole]);
    moved[0] = b'p';
    for (bytes, sentence) in [
        (zip(&[whole]), "holds no tensors by name, only an empty dict"),
        (zip(&[whole, whole]), "names a part twice"),
        (zip(&[whole, ("a/byteorder", b"big")]), "big-endian"),
        (zip(&[("a/data", b"")]), "no data.pkl"),
        (outside, "the file's part `data.pkl` lies outside the file"),
        (moved, "the file's part `data.pkl` is not at the place that the zip directory gives"),
    ] {
        let found = read_bytes(&bytes).expect_err(sentence);
        assert!(found.contains(sentence), "{found}");
    }
    let mut absent = shared(12, 12, 1, 0, &[2], &[1]);
    let reference = absent.windows(3).position(|part| part == b"\x8c\x010").expect("the storage's key");
    absent[reference + 2] = b'1';
    let found = read_bytes(&absent).expect_err("there is no data/1");
    assert!(found.contains("tensor `w0` is damaged (its values are missing from the file)"), "{found}");
}

#[test]
fn names_in_sentences_have_no_control_characters() {
    let mut bytes = fs::read(golden("expanded.pth")).expect("the golden file is committed");
    let at = bytes.windows(4).position(|part| part == b"\0\0\0w").expect("the name `w`");
    bytes[at + 3] = 0x1b;
    let found = read_bytes(&bytes).expect_err("it is still expanded");
    assert!(found.contains("tensor `` repeats values"), "{found}");
}
