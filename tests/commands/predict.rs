//! `predict`: the same numbers as the run's own, and names for what can't be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{chestxr, only_run, real_images, stderr, stdout};
use chestxr_tui::dataset::npz::{Archive, Limits, Writer};

const SIZE: usize = 32;

/// A run on phantoms of 32 px, and the folder with the same images as an npz file.
fn trained(folder: &Path) -> PathBuf {
    let runs = folder.join("runs");
    let phantoms = ["--data", "phantom:300", "--set", "data.size=32", "--device", "cpu"];
    let output = chestxr(&runs)
        .args(["--no-ui", "--set", "optimizer.epochs=1"])
        .args(phantoms)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = chestxr(&runs)
        .args(["data", "convert", "phantom:300"])
        .arg(folder.join("images.npz"))
        .args(["--set", "data.size=32"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    only_run(&runs)
}

fn predict(folder: &Path, arguments: &[&Path]) -> Output {
    chestxr(&folder.join("runs"))
        .args(["--json", "predict", "last"])
        .args(arguments)
        .output()
        .expect("it runs")
}

fn found(output: &Output) -> Vec<serde_json::Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn png(path: &Path, image: &[u8], depth: png::BitDepth) {
    let file = fs::File::create(path).expect("a file");
    let mut encoder = png::Encoder::new(file, SIZE as u32, SIZE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(image).expect("pixels");
}

#[test]
fn a_runs_own_test_images_get_its_own_probabilities_whatever_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = trained(folder.path());
    let npz = |path: &Path| Archive::open(path, Limits::default()).expect("an npz file");
    let expected = npz(&run.join("predictions_test.npz")).read_f32("probabilities").expect("probabilities");
    let images = npz(&folder.path().join("images.npz")).read_u8("test_images").expect("images");
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).expect("a folder");
    for (index, image) in images.values.chunks_exact(SIZE * SIZE).enumerate() {
        png(&pictures.join(format!("{index:02}.png")), image, png::BitDepth::Eight);
    }
    for source in [folder.path().join("images.npz"), pictures] {
        let output = predict(folder.path(), &[&source]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("Not a medical device"));
        let found = found(&output);
        assert_eq!(found.len(), images.shape[0]);
        for (image, row) in found.iter().zip(expected.values.chunks_exact(14)) {
            let ours = image["probabilities"]["atelectasis"].as_f64().expect("a probability");
            assert!((ours - f64::from(row[0])).abs() < 1e-6, "{image}: {}", row[0]);
            let positive = image["predicted_positive"].as_array().expect("conditions");
            for (condition, threshold) in image["thresholds"].as_object().expect("thresholds") {
                let above = image["probabilities"][condition].as_f64() > threshold.as_f64();
                assert_eq!(positive.iter().any(|key| key == condition), above, "{image}");
            }
        }
    }
}

#[test]
fn what_can_be_read_is_predicted_and_what_cannot_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    trained(folder.path());
    let mixed = folder.path().join("mixed");
    fs::create_dir(&mixed).expect("a folder");
    let image: Vec<u8> = (0..SIZE * SIZE).map(|at| (at % 251) as u8).collect();
    png(&mixed.join("good.png"), &image, png::BitDepth::Eight);
    let wide: Vec<u8> = image.iter().flat_map(|grey| [*grey, *grey]).collect();
    png(&mixed.join("sixteen.png"), &wide, png::BitDepth::Sixteen);
    fs::write(mixed.join("empty.png"), b"").expect("written");
    fs::write(mixed.join("notes.txt"), "patient was seen").expect("written");
    let whole = fs::read(mixed.join("good.png")).expect("read");
    fs::write(mixed.join("cut.png"), &whole[..whole.len() / 2]).expect("written");

    let output = predict(folder.path(), &[&mixed]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let names: Vec<String> = found(&output)
        .iter()
        .map(|image| {
            image["file"].as_str().and_then(|file| file.rsplit('/').next()).expect("a name").to_owned()
        })
        .collect();
    assert_eq!(names, ["good.png", "sixteen.png"]);
    for bad in ["empty.png", "notes.txt", "cut.png", "2 images predicted; can't read 3 files"] {
        assert!(stderr(&output).contains(bad), "{bad}: {}", stderr(&output));
    }

    let csv = folder.path().join("found.csv");
    let output = chestxr(&folder.path().join("runs"))
        .args(["predict", "last", "--format", "csv", "--out"])
        .arg(&csv)
        .arg(mixed.join("good.png"))
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = fs::read_to_string(&csv).expect("a table");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.starts_with("file,atelectasis,") && text.contains("good.png,"), "{text}");

    // A name of two lines and a tab is one field.
    let odd = mixed.join("two\nlines\tand \u{1b}[31m.png");
    fs::copy(mixed.join("good.png"), &odd).expect("copied");
    let output = chestxr(&folder.path().join("runs"))
        .args(["predict", "last", "--format", "csv"])
        .args([&odd, &mixed.join("good.png")])
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].ends_with("/two") && lines[1].starts_with('"'), "{text:?}");
    assert!(lines[2].starts_with("lines\tand \u{1b}[31m.png\",\"0."), "{text:?}");
    assert!(!lines[3].contains('"') && lines.len() == 4, "{text:?}");

    let output = predict(folder.path(), &[&folder.path().join("nowhere.png")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nowhere.png") && stderr(&output).contains("doesn't exist"));
}

#[test]
fn full_size_images_are_reduced_and_predicted() {
    let Some(samples) = real_images() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    trained(folder.path());
    let output = predict(folder.path(), &[&samples.join("nih_folder/images")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = found(&output);
    assert_eq!(found.len(), 16);
    let first = &found[0]["probabilities"]["effusion"];
    assert!(
        found.iter().any(|image| image["probabilities"]["effusion"] != *first),
        "all images look the same"
    );
}

#[test]
fn no_writer_replaces_a_file_unless_it_is_forced_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("notes");
    let runs = folder.path().join("runs");
    let commands: [&[&str]; 3] = [
        &["data", "convert", "phantom:20", "FILE"],
        &["--data", "phantom:20", "--set", "data.size=32", "--graphics", "off", "augment", "--out", "FILE"],
        &["--graphics", "off", "data", "show", "phantom:20", "--count", "1", "--out", "FILE"],
    ];
    for command in commands {
        std::fs::write(&file, b"a user's own").expect("written");
        let run = |more: &[&str]| {
            let path = file.display().to_string();
            let words = command.iter().map(|word| if *word == "FILE" { path.as_str() } else { word });
            chestxr(&runs).args(words).args(more).output().expect("it runs")
        };
        let refused = run(&[]);
        let said = crate::support::stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{command:?}: {said}");
        assert!(said.contains("exists already; replace it with --force"), "{command:?}: {said}");
        assert_eq!(std::fs::read(&file).expect("readable"), b"a user's own", "{command:?}");
        let forced = run(&["--force"]);
        assert!(forced.status.success(), "{command:?}: {}", crate::support::stderr(&forced));
        assert_ne!(std::fs::read(&file).expect("readable"), b"a user's own", "{command:?}");
    }
}

#[test]
fn an_archive_is_predicted_batch_by_batch_and_a_damaged_one_leaves_no_prediction() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    trained(folder.path());
    let mixed = folder.path().join("mixed");
    fs::create_dir(&mixed).expect("a folder");
    // More than two batches of 64, each image another.
    let count = 150;
    let pixels: Vec<u8> = (0..count * SIZE * SIZE).map(|at| ((at % 251) ^ (at / 1024)) as u8).collect();
    let archive = mixed.join("b.npz");
    let shape = [count, SIZE, SIZE];
    Writer::create(&archive)
        .and_then(|writer| writer.array_u8("images", &shape, &pixels))
        .and_then(Writer::finish)
        .expect("written");
    png(&mixed.join("a.png"), &pixels[..SIZE * SIZE], png::BitDepth::Eight);
    png(&mixed.join("c.png"), &pixels[(count - 1) * SIZE * SIZE..], png::BitDepth::Eight);
    let output = predict(folder.path(), &[&mixed]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = found(&output);
    let names: Vec<&str> =
        all.iter().filter_map(|image| image["file"].as_str()?.rsplit('/').next()).collect();
    let mut expected = vec!["a.png".to_owned()];
    expected.extend((0..count).map(|index| format!("b.npz#{index}")));
    expected.push("c.png".to_owned());
    assert_eq!(names, expected);
    let same = |one: usize, other: usize| {
        let probability =
            |image: usize| all[image]["probabilities"]["edema"].as_f64().expect("a probability");
        assert!((probability(one) - probability(other)).abs() < 1e-6, "{one} and {other}");
    };
    same(0, 1);
    same(count, count + 1);

    // A bit in the last image: it shows only once all others were predicted.
    let mut bytes = fs::read(&archive).expect("the archive");
    let last =
        bytes.windows(8).rposition(|window| window == &pixels[pixels.len() - 8..]).expect("stored as it is");
    bytes[last] ^= 1;
    fs::write(&archive, bytes).expect("written");
    let output = predict(folder.path(), &[&mixed]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(found(&output).len(), 2, "the pictures beside it");
    assert!(stderr(&output).contains("2 images predicted; can't read 1 file"), "{}", stderr(&output));
}

#[test]
fn images_without_pixels_are_refused_however_many_an_archive_claims() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nothing.npz");
    Writer::create(&path)
        .and_then(|writer| writer.array_u8("images", &[1 << 40, 0, 32], &[]))
        .and_then(Writer::finish)
        .expect("written");
    let archive = Archive::open(&path, Limits::default()).expect("an npz file");
    let refused = archive.image_rows("images").err().expect("refused").to_string();
    assert!(refused.contains("at least 1x1"), "{refused}");
}
