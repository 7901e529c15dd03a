//! DICOM folders, data sets larger than the memory limit, interrupted imports, the data check, a data set that is missing.

use super::*;

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
fn what_headers_say_against_the_standard_is_told_at_the_import_later_and_by_predict() {
    let place = Place::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom");
    let names = ["table_narrow", "shape_inverse", "table_wide", "mono1_window", "sigmoid", "ten_bits"];
    fs::create_dir_all(place.path("dicom")).expect("made");
    let mut text = String::from("path,mass,patient,split\n");
    for (number, name) in names.iter().enumerate() {
        let file = format!("{name}.dcm");
        fs::copy(golden.join(&file), place.path("dicom").join(&file)).expect("copied");
        let split = ["train", "val", "test"][number % 3];
        text += &format!("{file},{},p{number},{split}\n", number % 2);
    }
    place.write("dicom/labels.csv", &text);
    let source = format!("dicom:{}", place.path("dicom").display());
    let expected = [
        "1 image has MONOCHROME2 with the presentation shape INVERSE, shown inverted: shape_inverse.dcm",
        "1 image has a VOI table described with 12 bits and filled with 16, taken with 16: table_wide.dcm",
        "1 image has a VOI table described with 16 bits and filled with 12, taken with 12: table_narrow.dcm",
    ];
    // Read, and from the cache.
    for _ in 0..2 {
        let info = place.info(&[&source]);
        let notes: Vec<&str> =
            info["notes"].as_array().expect("notes").iter().filter_map(Value::as_str).collect();
        let doubts: Vec<&str> =
            notes.iter().copied().filter(|note| note.starts_with("1 image has ")).collect();
        assert_eq!(doubts, expected, "{notes:?}");
    }
    let trained =
        place.run(&["--no-ui", "--data", &source, "--set", "optimizer.epochs=1", "--device", "cpu"]);
    assert_eq!(trained.status.code(), Some(0), "{}", stderr(&trained));
    let predicted = place.run(&["predict", "last", &place.path("dicom").display().to_string(), "--json"]);
    let said = stderr(&predicted);
    assert!(expected.iter().all(|sentence| said.contains(&format!("note: {sentence}"))), "{said}");
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

/// Changes a byte in the only image cache of a place.
fn damage_cache(place: &Place) {
    let cached = |folder: &std::path::Path| -> Vec<PathBuf> {
        let entries =
            fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
        entries.unwrap_or_default()
    };
    let mut folders = vec![place.path("cache")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in cached(&folder) {
            if path.ends_with("images.u8") {
                found.push(path);
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1, "one cache: {found:?}");
    let mut pixels = fs::read(&found[0]).expect("pixels");
    let middle = pixels.len() / 2;
    pixels[middle] ^= 16;
    fs::write(&found[0], pixels).expect("written");
}

#[test]
fn a_changed_byte_in_the_image_cache_is_noticed_and_the_images_are_read_anew() {
    let place = Place::new();
    let source = place.table();
    let check = || {
        let output = place.run(&["data", "check", "--json", &source, "--set", "data.size=160"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let report: Value = serde_json::from_str(&stdout(&output)).expect("one object");
        let findings = report["findings"].as_array().expect("findings").clone();
        assert!(report["looked_at"].to_string().contains("image cache"), "{report}");
        findings.into_iter().filter(|found| found["kind"] == "image cache").collect::<Vec<_>>()
    };
    assert!(check().is_empty());
    damage_cache(&place);
    let found = check();
    assert_eq!(found.len(), 1);
    assert!(
        found[0]["sentence"].as_str().is_some_and(|said| said.starts_with("1 image of the cache")),
        "{found:?}"
    );
    assert_eq!(found[0]["examples"].as_array().map(Vec::len), Some(1), "{found:?}");
    assert!(check().is_empty(), "the images were read anew");

    // Whatever computes with the image says it, however much of the cache may stay in memory; then all is well again.
    for budget in ["1GB", "1MB"] {
        damage_cache(&place);
        let train = || {
            place.run(&[
                "--no-ui",
                "train",
                "--data",
                &source,
                "--device",
                "cpu",
                "--set",
                "data.size=160",
                "--set",
                &format!("data.memory={budget}"),
                "--set",
                "optimizer.epochs=1",
                "--set",
                "optimizer.batch_size=8",
            ])
        };
        let refused = train();
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("of the image cache") && said.contains("start again"), "{said}");
        let again = train();
        assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    }
}

#[test]
fn chestmnist_that_is_not_here_says_how_to_get_it() {
    let place = Place::new();
    let (said, code) = place.refusal(&["chestmnist"]);
    assert!(said.contains("data fetch chestmnist --size 64") && code == Some(1), "{said}");
    let (said, code) = place.refusal(&["chestmnist", "--set", "data.size=72"]);
    assert!(said.contains("one of 28, 64, 128, 224") && code == Some(2), "{said}");
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
