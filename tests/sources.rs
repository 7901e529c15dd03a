//! Images from NIH's folder, from tables of all shapes, from DICOM, from archives larger than memory: what the binary
//! makes of them, and what it says of those it can't use.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::{chestxr, json, only_run, real_images, stderr, stdout};

/// A place for images, tables, runs and the cache of one test.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with a cache of its own.
    fn program(&self) -> Command {
        let mut command = chestxr(&self.path("runs"));
        command.env("XDG_CACHE_HOME", self.path("cache")).env("HOME", self.path("home"));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.program().args(args).output().expect("the program runs")
    }

    /// `data info` as JSON.
    fn info(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["data", "info", "--json"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).expect("one object")
    }

    /// The sentence and exit code of what fails.
    fn refusal(&self, args: &[&str]) -> (String, Option<i32>) {
        let output = self.run(&[&["data", "info"], args].concat());
        let said = stderr(&output);
        assert_eq!(said.lines().count(), 1, "one sentence: {said}");
        (said, output.status.code())
    }

    /// An image of `side` x `side` px with a pattern of its own.
    fn image(&self, name: &str, side: u32, seed: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let image = image::GrayImage::from_fn(side, side, |x, y| {
            image::Luma([((x * (3 + seed % 7) + y * (5 + seed % 11)) ^ (seed * 37)) as u8])
        });
        image.save(path).expect("written");
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// Sixty images of thirty patients in a table with columns of 0 and 1.
    fn table(&self) -> String {
        let mut text = String::from("Path,PatientID,Gender,Age,AP/PA,Fracture,Edema,No Finding\n");
        for image in 0..60_u32 {
            self.image(&format!("images/{image}.png"), 40, image);
            let (fracture, edema) = (u32::from(image % 3 == 0), u32::from(image % 5 == 0));
            let normal = u32::from(fracture + edema == 0);
            let (sex, view) = (["F", "M"][image as usize % 2], ["PA", "AP"][image as usize % 2]);
            text += &format!(
                "images/{image}.png,p{},{sex},{},{view},{fracture},{edema},{normal}\n",
                image / 2,
                20 + image
            );
        }
        self.write("images.csv", &text);
        format!("csv:{}", self.path("images.csv").display())
    }
}

#[test]
fn nihs_folder_is_counted_divided_and_trained_on() {
    let Some(images) = real_images() else { return };
    let place = Place::new();
    let source = format!("nih:{}", images.join("nih_folder").display());
    let info = place.info(&[&source, "--set", "data.val_fraction=0.3"]);
    let count = |split: &str| info["splits"][split]["images"].as_u64().expect("a count");
    assert_eq!(count("train") + count("val"), 10, "train_val_list has ten");
    assert_eq!((count("test"), info["splits"]["test"]["positives"]["effusion"].as_u64()), (6, Some(2)));
    assert!(count("val") >= 1);
    let boxes: u64 = info["boxes"].as_array().expect("boxes").iter().filter_map(Value::as_u64).sum();
    assert_eq!(boxes, 4);
    assert!(info["licence"].as_str().expect("terms").contains("NIH Clinical Center"));

    let output = place.run(&[
        "--no-ui",
        "--json",
        "--data",
        &source,
        "--set",
        "data.val_fraction=0.3",
        "--set",
        "optimizer.epochs=1",
        "--set",
        "early_stopping.monitor=val_loss",
        "--set",
        "early_stopping.mode=min",
        "--device",
        "cpu",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let run = only_run(&place.path("runs"));
    assert_eq!(json(&run.join("evaluation.json"))["n"], 6);
    // Boxes reach the scores of explanations.
    let score = place.run(&["explain", "last", "--score", "--method", "occlusion", "--json"]);
    assert_eq!(score.status.code(), Some(0), "{}", stderr(&score));
    assert!(stdout(&score).contains("occlusion"), "{}", stdout(&score));
}

#[test]
fn nihs_images_are_pillows_to_a_grey_level_and_come_from_the_cache_the_second_time() {
    let Some(images) = real_images() else { return };
    let place = Place::new();
    let source = format!("nih:{}", images.join("nih_folder").display());
    let out = place.path("images.npz");
    let convert =
        |size: &str| place.run(&["data", "convert", &source, &out.display().to_string(), "--size", size]);
    assert_eq!(convert("64").status.code(), Some(0));
    let limits = chestxr_tui::dataset::npz::Limits::default();
    let data = chestxr_tui::dataset::npz::read_medmnist(&out, None, limits).expect("it reads");
    // Pillow's own reductions of the same files, by tests/reference/picture_golden.py, have these sums.
    let golden =
        json(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/nih_folder_64.json").as_path());
    let names = golden["images"].as_object().expect("images by name");
    let parts = [&data.train, &data.val, &data.test];
    let mut compared = 0;
    for part in parts {
        let images = part.images.as_ref().expect("images");
        for index in 0..images.len() {
            let image = images.image(index);
            let alike = |probes: &Value| {
                let probes = probes.as_array().expect("probes");
                probes.iter().enumerate().all(|(place, grey)| {
                    let ours = i64::from(image[place * image.len() / probes.len()]);
                    (ours - grey.as_i64().expect("a grey")).abs() <= 2
                })
            };
            assert!(names.values().any(alike), "image {index} is none of Pillow's");
            compared += 1;
        }
    }
    assert_eq!(compared, names.len());
    let stores = || {
        let mut found: Vec<PathBuf> = fs::read_dir(place.path("cache/chestxr-tui/images"))
            .expect("the cache")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.join("store.json").is_file())
            .collect();
        found.sort();
        found
    };
    let before = stores();
    let written = fs::metadata(before[0].join("images.u8")).and_then(|file| file.modified()).expect("a time");
    assert_eq!(convert("64").status.code(), Some(0));
    let again = fs::metadata(before[0].join("images.u8")).and_then(|file| file.modified()).expect("a time");
    assert_eq!((stores(), again), (before, written), "nothing was made anew");
}

#[test]
fn a_table_with_its_own_conditions_is_trained_on_evaluated_and_predicted_with() {
    let place = Place::new();
    let source = place.table();
    let info = place.info(&[&source]);
    assert_eq!(info["conditions"], serde_json::json!(["fracture", "edema"]));
    let images = |split: &str| info["splits"][split]["images"].as_u64().expect("a count");
    assert_eq!(images("train") + images("val") + images("test"), 60);
    assert!(images("val") >= 4 && images("test") >= 10, "{info}");
    // A table with its own validation images gets test images from those for training.
    let split = place.path("split.csv");
    let text = fs::read_to_string(place.path("images.csv")).expect("the table");
    let rows = text.lines().enumerate().map(|(number, line)| match number {
        0 => format!("{line},split\n"),
        number => format!("{line},{}\n", if number <= 10 { "val" } else { "train" }),
    });
    fs::write(&split, rows.collect::<String>()).expect("written");
    let own = place.info(&[&split.display().to_string()]);
    assert_eq!(own["splits"]["val"]["images"], 10);
    assert!(own["splits"]["test"]["images"].as_u64().is_some_and(|images| images >= 8), "{own}");
    let notes = info["notes"].to_string();
    assert!(notes.contains("path = Path") && notes.contains("by patient"), "{notes}");
    // The same seed divides alike, another one differently.
    assert_eq!(place.info(&[&source])["digest"], info["digest"]);
    assert_ne!(place.info(&[&source, "--set", "data.split_seed=1"])["digest"], info["digest"]);

    let output = place.run(&["--no-ui", "--data", &source, "--set", "optimizer.epochs=1", "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let evaluation = json(&only_run(&place.path("runs")).join("evaluation.json"));
    assert_eq!(evaluation["conditions"], serde_json::json!(["fracture", "edema"]));
    let by = place.run(&["evaluate", "last", "--by", "sex", "--bootstrap", "0"]);
    assert_eq!(by.status.code(), Some(0), "{}", stderr(&by));
    let lines = stdout(&by);
    assert!(lines.contains("sex F") && lines.contains("sex M"), "{lines}");
    // Images with other labels are refused rather than counted in the wrong column.
    let out = place.path("other").display().to_string();
    let other = place.run(&["evaluate", "last", "--data", "phantom:60", "--out", &out]);
    assert!(stderr(&other).contains("say nothing about fracture"), "{}", stderr(&other));
    let image = place.path("images/3.png").display().to_string();
    let predicted = place.run(&["predict", "last", &image, "--json"]);
    assert_eq!(predicted.status.code(), Some(0), "{}", stderr(&predicted));
    assert!(stdout(&predicted).contains("\"fracture\""), "{}", stdout(&predicted));
}

#[test]
fn images_are_chosen_by_view_sex_and_age() {
    let place = Place::new();
    let source = place.table();
    let total = |spec: &str| {
        let info = place.info(&[&source, "--set", &format!("data.where={spec}")]);
        ["train", "val", "test"]
            .map(|split| info["splits"][split]["images"].as_u64().expect("a count"))
            .iter()
            .sum::<u64>()
    };
    assert_eq!(total("view=PA"), 30);
    assert_eq!(total("age=20-29"), 10);
    assert_eq!(total("view=AP,sex=M,age=70-"), 5);
    let (said, code) = place.refusal(&[&source, "--set", "data.where=view=XX"]);
    assert!(said.contains("no image is left") && said.contains("view=AP|PA, sex=F|M, age=20-79"), "{said}");
    assert_eq!(code, Some(1));
    let (said, code) = place.refusal(&["phantom:20", "--set", "data.where=view=PA"]);
    assert!(said.contains("needs images with a table") && code == Some(2), "{said}");
}

#[test]
fn findings_in_one_column_splits_and_boxes_of_a_table_are_taken() {
    let place = Place::new();
    let mut text = String::from("file;findings;split;boxes\n");
    for image in 0..12_u32 {
        place.image(&format!("{image}.png"), 64, image);
        let split = ["train", "train", "validation", "test"][image as usize % 4];
        let (finding, drawn) = match image % 3 {
            0 => ("Effusion|Pleural_Thickening", "effusion: 8 8 16 32"),
            1 => ("No Finding", ""),
            _ => ("Nodule", "10 20 4 4"),
        };
        text += &format!("{image}.png;{finding};{split};{drawn}\n");
    }
    place.write("t.csv", &text);
    let source = place.path("t.csv").display().to_string();
    let info = place.info(&[&source, "--set", "data.size=32"]);
    assert_eq!(info["conditions"].as_array().map(Vec::len), Some(14), "all are of the fourteen");
    assert_eq!(info["splits"]["train"]["images"], 6);
    assert_eq!(info["boxes"], serde_json::json!([4, 2, 2]));
    assert_eq!(info["splits"]["train"]["normal"], 2);
    let shown = place.path("sheet.png");
    let out = shown.display().to_string();
    let output = place.run(&["data", "show", &source, "--boxes", "--class", "effusion", "--out", &out]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(fs::metadata(shown).expect("a sheet").len() > 1000);
    assert!(
        stdout(&output).lines().all(|line| line.contains("Effusion, Pleural thickening")),
        "{}",
        stdout(&output)
    );
}

#[test]
fn what_is_wrong_with_a_table_is_said_in_a_sentence() {
    let place = Place::new();
    for image in 0..4 {
        place.image(&format!("{image}.png"), 16, image);
    }
    let cases = [
        ("", "the table has no rows"),
        ("file,edema\n", "the table has no rows"),
        ("edema,mass\n1,0\n", "no column seems to name the images"),
        ("file,note\n0.png,hello\n1.png,world\n", "findings"),
        ("file,edema\n0.png,1\n9.png,0\n", "1 of 2 images are not there, the first is 9.png in line 3"),
        ("file,edema\n0.png,1\n0.png,0\n", "line 3 names 0.png as line 2 does"),
        ("file,edema\n0.png,1\n1.png,-1\n", "add uncertain=0 or uncertain=1"),
        ("file,edema,split\n0.png,1,train\n1.png,0,later\n", "the split `later`"),
        ("file,Edema,oedema\n0.png,1,1\n1.png,0,0\n", "two label columns mean `edema`"),
        ("file,findings,boxes\n0.png,Mass,1 2 3\n", "a box without four numbers"),
        ("file,findings,boxes\n0.png,Mass|Nodule,1 2 3 4\n", "a box of no known finding"),
    ];
    for (text, expected) in cases {
        place.write("t.csv", text);
        let (said, code) = place.refusal(&[&place.path("t.csv").display().to_string()]);
        if expected == "findings" {
            // Words in a column of notes are no labels.
            assert!(said.contains("no column holds labels"), "{said}");
        } else {
            assert!(said.contains(expected), "{text:?}: {said}");
        }
        assert_eq!(code, Some(1), "{said}");
    }
    fs::write(place.path("1.png"), b"<html>").expect("written");
    fs::write(place.path("2.png"), b"").expect("written");
    place.write("t.csv", "file,edema\n0.png,1\n1.png,0\n2.png,0\n3.png,1\n");
    let (said, _) = place.refusal(&[&place.path("t.csv").display().to_string()]);
    assert!(
        said.contains("2 of 4 images can't be read") && said.contains("1.png") && said.contains("2.png"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_nihs_folder_is_said_in_a_sentence() {
    let place = Place::new();
    let head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n";
    let folder = place.path("nih");
    let source = format!("nih:{}", folder.display());
    assert!(place.refusal(&[&source]).0.contains("there is no such folder"));
    place.image("nih/images_001/images/a_000.png", 32, 1);
    assert!(place.refusal(&[&source]).0.contains("lacks Data_Entry_2017.csv"));
    place.write("nih/Data_Entry_2017.csv", &format!("{head}z.png,Mass,0,1,058Y,M,PA\n"));
    assert!(place.refusal(&[&source]).0.contains("none of its 1 images is in"));
    place.write("nih/Data_Entry_2017.csv", &format!("{head}a_000.png,Mass|Gossypiboma,0,1,058Y,M,PA\n"));
    place.write("nih/test_list.txt", "a_000.png\n");
    assert!(place.refusal(&[&source]).0.contains("train_val_list.txt: is not there, but the other list is"));
    place.write("nih/train_val_list.txt", "a_000.png\n");
    assert!(place.refusal(&[&source]).0.contains("a_000.png is in train_val_list.txt as well"));
    place.write("nih/train_val_list.txt", "b_000.png\n");
    place.image("nih/images_001/images/stray.png", 32, 2);
    place.write(
        "nih/BBox_List_2017.csv",
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\na_000.png,Mass,4,4,0,8,,,\n",
    );
    assert!(place.refusal(&[&source]).0.contains("a box without an inside"));
    place.write(
        "nih/BBox_List_2017.csv",
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\na_000.png,Infiltrate,4,4,2,8,,,\n",
    );
    let info = place.info(&[&source]);
    let notes = info["notes"].to_string();
    assert!(
        notes.contains("Gossypiboma (1)") && notes.contains("1 pictures in the folder are not in the table"),
        "{notes}"
    );
    assert_eq!((&info["splits"]["test"]["images"], &info["boxes"][2]), (&Value::from(1), &Value::from(1)));
}

#[test]
fn dicom_images_are_predicted_on_and_a_folder_of_them_trains() {
    let place = Place::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom");
    let mut names: Vec<String> = fs::read_dir(&golden)
        .expect("the images")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    // Those that the program reads, by its own word.
    let mut text = String::from("path,mass,patient,split\n");
    let limits = chestxr_tui::dataset::image_file::Limits::default();
    let good: Vec<String> = names
        .into_iter()
        .filter(|name| chestxr_tui::dataset::image_file::read(&golden.join(name), limits).is_ok())
        .take(24)
        .collect();
    assert!(good.len() >= 20, "{}", good.len());
    for (number, name) in good.iter().enumerate() {
        fs::create_dir_all(place.path("dicom")).expect("made");
        fs::copy(golden.join(name), place.path("dicom").join(name)).expect("copied");
        let split = ["train", "val", "test"][number / 2 % 3];
        text += &format!("{name},{},Doe-{number},{split}\n", number % 2);
    }
    place.write("dicom/labels.csv", &text);
    let source = format!("dicom:{}", place.path("dicom").display());
    let out = place.path("images.npz").display().to_string();
    let output = place.run(&["data", "convert", &source, &out, "--size", "32"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let bytes = fs::read(&out).expect("an archive");
    // Texts of an archive have four bytes a character.
    let wide = |text: &str| text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>();
    let holds = |text: &str| bytes.windows(4 * text.len()).any(|window| window == wide(text));
    assert!(holds("mass") && !holds("Doe-"), "patients are written as hashes alone");
    let output = place.run(&["--no-ui", "--data", &source, "--set", "optimizer.epochs=1", "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let image = place.path("dicom").join(&good[0]).display().to_string();
    let predicted = place.run(&["predict", "last", &image, "--json"]);
    assert_eq!(predicted.status.code(), Some(0), "{}", stderr(&predicted));
    assert!(stdout(&predicted).contains("\"mass\""), "{}", stdout(&predicted));
}

#[test]
fn images_read_from_disk_train_to_the_same_bits_as_images_in_memory() {
    let place = Place::new();
    let train = |memory: &str, name: &str| {
        let runs = place.path(name);
        let output = place
            .program()
            .env("CHESTXR_RUNS_DIR", &runs)
            .args([
                "--no-ui",
                "--json",
                "--data",
                "phantom:400",
                "--set",
                "optimizer.epochs=2",
                "--device",
                "cpu",
            ])
            .args(["--memory", memory])
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let run = only_run(&runs);
        fs::read(run.join("checkpoints/best.safetensors")).expect("weights")
    };
    // 400 images of 64 px are 1.6 MB.
    assert!(train("1GB", "resident") == train("1MB", "mapped"), "the weights differ");
    let bound = |memory: &str| place.info(&["phantom:400", "--memory", memory])["resident"].clone();
    assert_eq!((bound("1GB"), bound("1MB")), (Value::from(true), Value::from(false)));
    let npz = place.path("images.npz").display().to_string();
    assert_eq!(place.run(&["data", "convert", "phantom:400", &npz]).status.code(), Some(0));
    let digest = |memory: &str| place.info(&[&npz, "--memory", memory])["digest"].clone();
    assert_eq!(digest("1GB"), digest("1MB"));
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_was() {
    let place = Place::new();
    let mut text = String::from("file,edema\n");
    for image in 0..200_u32 {
        place.image(&format!("{image}.png"), 300, image);
        text += &format!("{image}.png,{}\n", image % 2);
    }
    place.write("t.csv", &text);
    let source = place.path("t.csv").display().to_string();
    let mut child = place.program().args(["data", "info", &source]).spawn().expect("the program runs");
    let images = place.path("cache/chestxr-tui/images");
    let grown = || -> u64 {
        let parts = fs::read_dir(&images).into_iter().flatten().flatten();
        let part =
            parts.map(|entry| entry.path().join("images.u8")).filter_map(|path| fs::metadata(path).ok());
        part.map(|file| file.len()).sum()
    };
    while grown() == 0 && child.try_wait().expect("a state").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    // A child that was quicker leaves a whole store, which is just as good.
    let _ = child.kill();
    child.wait().expect("it ended");
    let info = place.info(&[&source]);
    let clean = Place::new();
    for image in 0..200_u32 {
        clean.image(&format!("{image}.png"), 300, image);
    }
    clean.write("t.csv", &text);
    let other = clean.info(&[&clean.path("t.csv").display().to_string()]);
    assert_eq!(info["digest"], other["digest"]);
    let left: Vec<_> = fs::read_dir(&images)
        .expect("the cache")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_check_tells_of_a_copy_across_splits() {
    let place = Place::new();
    let mut text = String::from("file,edema,split,patient\n");
    for image in 0..30_u32 {
        place.image(&format!("{image}.png"), 48, if image == 29 { 0 } else { image });
        let split = ["train", "val", "test"][image as usize / 10];
        text += &format!("{image}.png,{},{split},p{}\n", image % 2, if image == 20 { 0 } else { image });
    }
    place.write("t.csv", &text);
    let output = place.run(&["data", "check", "--json", &place.path("t.csv").display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).expect("one object");
    let kinds: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|found| found["kind"].as_str())
        .collect();
    assert!(kinds.contains(&"same image") && kinds.contains(&"patient"), "{kinds:?}");
}

#[test]
fn chestmnist_that_is_not_here_says_how_to_get_it() {
    let place = Place::new();
    let (said, code) = place.refusal(&["chestmnist"]);
    assert!(said.contains("data fetch chestmnist --size 64") && code == Some(1), "{said}");
    let (said, code) = place.refusal(&["chestmnist", "--set", "data.size=72"]);
    assert!(said.contains("28, 64, 128 or 224") && code == Some(2), "{said}");
    let wrong = place.path("wrong.npz");
    fs::write(&wrong, b"not it").expect("written");
    let output = place.run(&["data", "fetch", "chestmnist", "--from", &wrong.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("another file or was damaged"), "{}", stderr(&output));
    // A proxy of the environment is asked instead of a server that doesn't exist.
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", proxy.local_addr().expect("an address"));
    let asked = std::thread::spawn(move || {
        use std::io::{BufRead, BufReader, Write};
        let (mut stream, _) = proxy.accept().expect("a client");
        let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
        let first = lines.next().expect("a line").expect("text");
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").expect("written");
        first
    });
    let output = place
        .program()
        .args(["data", "fetch", "chestmnist", "--mirror", "http://images.invalid/medmnist"])
        .env("HTTP_PROXY", &address)
        .env("http_proxy", &address)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .expect("the program runs");
    let first = asked.join().expect("the proxy was asked");
    assert!(first.contains("images.invalid"), "{first}");
    assert!(!output.status.success(), "{}", stderr(&output));
    let nih = place.run(&["data", "fetch", "nih"]);
    assert!(stderr(&nih).contains("nihcc.app.box.com") && nih.status.code() == Some(2), "{}", stderr(&nih));
}
