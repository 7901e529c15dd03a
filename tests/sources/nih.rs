//! ChestX-ray14 folders.

use super::*;

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
    let convert = |size: &str| {
        place.run(&["data", "convert", &source, &out.display().to_string(), "--force", "--size", size])
    };
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
            let image = images.image(index).expect("pixels");
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
    let info = place.info(&[&source]);
    assert_eq!(info["boxes"][2], 0);
    let said = info["skipped"].to_string();
    assert!(said.contains("\"line\":2") && said.contains("a box without an inside"), "{said}");
    let strict = place.refusal(&[&source, "--set", "data.on_error=fail"]).0;
    assert!(strict.contains("line 2 of BBox_List_2017.csv has a box without an inside"), "{strict}");
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
