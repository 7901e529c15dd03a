//! The inputs of `../shared/cases`, each with what the independent reading of its README makes of it, and neighbours of
//! the same kinds. Skipped, and said so, where the folder isn't there.

use chestxr_tui::dataset::image_file::{self, Pixels};

use super::*;

/// What is read of a case.
#[derive(Default)]
struct Expected {
    /// Arguments of `data info`.
    source: &'static str,
    settings: &'static [&'static str],
    /// Images of train, val and test together.
    images: u64,
    /// Known positives of conditions, all splits together.
    positives: &'static [(&'static str, u64)],
    /// Unknown labels of conditions.
    unknown: &'static [(&'static str, u64)],
    /// Lines that are skipped.
    skipped: &'static [u64],
    /// What notes say.
    notes: &'static [&'static str],
}

/// The cases on a copy, beside the folder of images that their tables name.
fn place() -> Option<Place> {
    let folder = PathBuf::from(std::env::var_os("CHESTXR_SAMPLE_DIR")?).parent()?.join("cases");
    if !folder.is_dir() {
        return None;
    }
    let place = Place::new();
    let copied =
        Command::new("cp").arg("-r").arg(&folder).arg(place.path("cases")).status().expect("cp runs");
    assert!(copied.success());
    for image in 0..24 {
        place.image(&format!("cases/stray_label/f{image}.png"), 40, image);
    }
    Some(place)
}

fn check(place: &Place, expected: &Expected) {
    let (kind, path) = expected.source.split_once(':').expect("a kind");
    let source = format!("{kind}:{}", place.path("cases").join(path).display());
    let settings: Vec<&str> = expected.settings.iter().flat_map(|set| ["--set", set]).collect();
    let info = place.info(&[&[source.as_str()], &settings[..]].concat());
    let splits = ["train", "val", "test"].map(|split| &info["splits"][split]);
    let sum = |values: [&Value; 3]| values.iter().filter_map(|value| value.as_u64()).sum::<u64>();
    let what = expected.source;
    assert_eq!(sum(splits.map(|split| &split["images"])), expected.images, "{what}: images in {info}");
    for (condition, count) in expected.positives {
        assert_eq!(sum(splits.map(|split| &split["positives"][condition])), *count, "{what}: {condition}");
    }
    let all: u64 = splits.iter().filter_map(|split| split["unknown"].as_object()).flatten().count() as u64;
    assert!(all == 0 || !expected.unknown.is_empty(), "{what}: unknown labels in {info}");
    for (condition, count) in expected.unknown {
        assert_eq!(
            sum(splits.map(|split| &split["unknown"][condition])),
            *count,
            "{what}: unknown {condition}"
        );
    }
    let skipped: Vec<u64> =
        info["skipped"].as_array().expect("a list").iter().filter_map(|row| row["line"].as_u64()).collect();
    assert_eq!(skipped, expected.skipped, "{what}: {}", info["skipped"]);
    let notes = info["notes"].to_string();
    for note in expected.notes {
        assert!(notes.contains(note), "{what}: no `{note}` in {notes}");
    }
}

#[test]
fn tables_that_went_wrong_are_read_as_pandas_reads_them() {
    let Some(place) = place() else {
        return eprintln!("SKIPPED: CHESTXR_SAMPLE_DIR has no folder `cases` beside it");
    };
    let cases = [
        Expected {
            source: "csv:na_labels/t.csv",
            images: 20,
            positives: &[("mass", 9), ("edema", 10)],
            unknown: &[("mass", 1)],
            notes: &["1 label is NA or the like and counts as unknown"],
            ..Expected::default()
        },
        Expected {
            source: "csv:nan_labels/t.csv",
            images: 20,
            positives: &[("mass", 10)],
            unknown: &[("mass", 5)],
            ..Expected::default()
        },
        Expected {
            source: "csv:yn_labels/t.csv",
            images: 20,
            positives: &[("mass", 10), ("edema", 13)],
            ..Expected::default()
        },
        Expected {
            source: "csv:sex_codes/t.csv",
            images: 20,
            positives: &[("mass", 10)],
            ..Expected::default()
        },
        Expected {
            source: "csv:fold_numbers/t.csv",
            images: 20,
            positives: &[("mass", 10)],
            notes: &["column fold holds numbers"],
            ..Expected::default()
        },
        Expected {
            source: "csv:findings_mixed_sep/t.csv",
            images: 20,
            positives: &[("mass", 10), ("nodule", 10), ("effusion", 5), ("hernia", 0)],
            notes: &["14 conditions", "separated by | and ;"],
            ..Expected::default()
        },
        Expected {
            source: "csv:unbalanced_quote/t.csv",
            images: 19,
            positives: &[("mass", 10)],
            skipped: &[8],
            notes: &["19 rows taken, 1 skipped: line 8 opens a quotation mark"],
            ..Expected::default()
        },
        Expected {
            source: "csv:unquoted_decimal_comma/t.csv",
            images: 10,
            positives: &[("mass", 10), ("edema", 5)],
            skipped: &[3, 5, 7, 9, 11, 13, 15, 17, 19, 21],
            notes: &["line 3 has 5 cells for the 4 columns"],
            ..Expected::default()
        },
        Expected {
            source: "csv:one_bad/t.csv",
            images: 18,
            skipped: &[9, 11],
            notes: &["18 rows taken, 2 skipped"],
            ..Expected::default()
        },
        Expected {
            source: "csv:excel_sep/t.csv",
            images: 3,
            positives: &[("mass", 2)],
            ..Expected::default()
        },
        Expected {
            source: "csv:excel_sep/q.csv",
            images: 3,
            positives: &[("mass", 2)],
            ..Expected::default()
        },
        Expected {
            source: "csv:excel_sep/u.csv",
            images: 3,
            positives: &[("mass", 2)],
            ..Expected::default()
        },
        Expected {
            source: "csv:excel_sep/w.csv",
            images: 3,
            positives: &[("mass", 2)],
            ..Expected::default()
        },
        Expected {
            source: "csv:excel_sep/t.csv.gz",
            images: 1,
            positives: &[("mass", 1)],
            ..Expected::default()
        },
    ];
    for case in &cases {
        check(&place, case);
    }
    let refused = [
        ("csv:excel_sep/l.csv", "line 2 isn't text in UTF-8; if it is Windows-1252"),
        ("csv:excel_sep/t.xlsx", "is an Excel workbook"),
    ];
    for (source, sentence) in refused {
        let (kind, path) = source.split_once(':').expect("a kind");
        let said = place.refusal(&[&format!("{kind}:{}", place.path("cases").join(path).display())]).0;
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn public_data_sets_are_read_as_they_are_shipped() {
    let Some(place) = place() else {
        return eprintln!("SKIPPED: CHESTXR_SAMPLE_DIR has no folder `cases` beside it");
    };
    let cases = [
        Expected {
            source: "csv:chexpert/CheXpert-v1.0-small/train.csv",
            images: 40,
            unknown: &[("edema", 10), ("fracture", 10)],
            positives: &[("edema", 10), ("effusion", 10)],
            notes: &[
                "empty labels count as 0",
                "uncertain labels (-1) count as unknown",
                "known from the files' paths",
            ],
            ..Expected::default()
        },
        Expected {
            source: "csv:chexpert/CheXpert-v1.0-small/train.csv",
            settings: &["data.columns=uncertain=1,blank=ignore"],
            images: 40,
            positives: &[("edema", 20)],
            unknown: &[("edema", 10)],
            ..Expected::default()
        },
        Expected {
            source: "csv:padchest/PADCHEST.csv",
            images: 24,
            positives: &[
                ("cardiomegaly", 4),
                ("effusion", 4),
                ("nodule", 4),
                ("pneumonia", 4),
                ("unchanged", 4),
            ],
            unknown: &[("cardiomegaly", 4)],
            notes: &["findings = Labels, patient = PatientID, sex = PatientSex_DICOM, view = Projection"],
            ..Expected::default()
        },
        Expected {
            source: "csv:rsna/stage_2_train_labels.csv",
            images: 12,
            positives: &[("pneumonia", 6)],
            notes: &["18 rows are 12 images"],
            ..Expected::default()
        },
        Expected {
            source: "csv:vindr/train.csv",
            images: 10,
            positives: &[("cardiomegaly", 5)],
            notes: &["30 rows are 10 images"],
            ..Expected::default()
        },
        Expected {
            source: "csv:siim/train-rle.csv",
            images: 6,
            positives: &[("pneumothorax", 3)],
            ..Expected::default()
        },
        Expected {
            source: "nih:kaggle_sample",
            images: 24,
            positives: &[("cardiomegaly", 12), ("hernia", 4)],
            ..Expected::default()
        },
        Expected {
            source: "nih:nih_jpg",
            images: 24,
            notes: &["24 images were saved again as JPEG"],
            ..Expected::default()
        },
        Expected { source: "nih:nih_list_bom", images: 24, ..Expected::default() },
        Expected { source: "nih:nih_v2017_ages", images: 24, ..Expected::default() },
        Expected {
            source: "folders:kaggle_pneumonia",
            images: 18,
            positives: &[("pneumonia", 9)],
            ..Expected::default()
        },
    ];
    for case in &cases {
        check(&place, case);
    }
    // Boxes on copies of another size lie where they were drawn.
    let folder = place.path("cases/nih_boxes_224").display().to_string();
    let info = place.info(&[&format!("nih:{folder}")]);
    let boxes: u64 = info["boxes"].as_array().expect("a list").iter().filter_map(Value::as_u64).sum();
    assert_eq!(boxes, 12);
}

#[test]
fn patients_come_from_where_they_are_known() {
    let Some(place) = place() else {
        return eprintln!("SKIPPED: CHESTXR_SAMPLE_DIR has no folder `cases` beside it");
    };
    let split = |source: &str| {
        let info = place.info(&[&format!("csv:{}", place.path("cases").join(source).display())]);
        let images =
            ["train", "val", "test"].map(|split| info["splits"][split]["images"].as_u64().expect("a count"));
        (images, info["notes"].to_string())
    };
    // Three images of each of ten patients, known by their headers alone.
    let (images, notes) = split("csv_dicom_patient/labels.csv");
    assert!(images.iter().all(|count| count % 3 == 0) && images.iter().sum::<u64>() == 30, "{images:?}");
    assert!(notes.contains("PatientID in their headers") && notes.contains("by patient"), "{notes}");
    // The table's fifteen patients of two images win over headers that all say the same.
    let (images, notes) = split("dicom_anon_same/labels.csv");
    assert!(images.iter().all(|count| *count > 0 && count % 2 == 0), "{images:?}");
    assert!(notes.contains("by patient"), "{notes}");
    // Without the table's column, one id on everything identifies nobody.
    let source = format!("csv:{}", place.path("cases/dicom_anon_same/bare.csv").display());
    let rows = (0..30).map(|image| format!("f{image}.dcm,{}\n", image % 2)).collect::<String>();
    place.write("cases/dicom_anon_same/bare.csv", &format!("path,mass\n{rows}"));
    let info = place.info(&[&source]);
    assert!(info["splits"]["test"]["images"].as_u64().is_some_and(|images| images >= 5), "{info}");
    assert!(info["notes"].to_string().contains("identifies nobody"), "{info}");
}

#[test]
fn an_image_that_was_replaced_is_read_again_though_its_size_and_time_are_the_same() {
    let place = Place::new();
    for image in 0..6 {
        place.image(&format!("{image}.bmp.png"), 16, image);
    }
    let rows = (0..6)
        .map(|image| format!("{image}.bmp.png,{},{}\n", image % 2, ["train", "val", "test"][image % 3]));
    place.write("t.csv", &format!("path,mass,split\n{}", rows.collect::<String>()));
    let source = format!("csv:{}", place.path("t.csv").display());
    let before = place.info(&[&source])["digest"].clone();
    assert_eq!(place.info(&[&source])["digest"], before);
    // The same bytes but for one pixel's row, in place, with the time set back.
    let path = place.path("0.bmp.png");
    let time = fs::metadata(&path).expect("a file").modified().expect("a time");
    let other = image::open(place.path("1.bmp.png")).expect("an image");
    let mut bytes = Vec::new();
    other.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).expect("packed");
    let length = fs::metadata(&path).expect("a file").len() as usize;
    bytes.resize(length.max(bytes.len()), 0);
    fs::write(&path, &bytes).expect("written");
    fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(time)).expect("set back");
    assert_ne!(place.info(&[&source])["digest"], before);
}

#[test]
fn unknown_labels_go_through_training_evaluation_and_export() {
    let place = Place::new();
    let mut text = String::from("path,mass,edema,split\n");
    for image in 0..90_u32 {
        place.image(&format!("i/{image}.png"), 24, image);
        let mass = ["1", "0", "NA", "0", "1", "-1"][image as usize % 6];
        let split = ["train", "train", "val", "test"][image as usize / 3 % 4];
        text += &format!("i/{image}.png,{mass},{},{split}\n", u32::from(image % 4 == 0));
    }
    place.write("t.csv", &text);
    let source = format!("csv:{}", place.path("t.csv").display());
    let args = [
        "--no-ui",
        "--data",
        &source,
        "--device",
        "cpu",
        "--set",
        "optimizer.epochs=2",
        "--set",
        "data.size=32",
    ];
    let weighted = ["--set", "loss.pos_weight=full", "--set", "data.sampling=balanced"];
    let output = place.run(&[&args[..], &weighted[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let run = only_run(&place.path("runs"));
    let evaluation = json(&run.join("evaluation.json"));
    // Of the six kinds of labels two are unknown; of mass each third image of the split.
    let (images, mass) = (&evaluation["n"], &evaluation["per_condition"]["mass"]);
    let count = |name: &str| mass[name].as_u64().expect("a count");
    let known = ["tp", "fp", "tn", "fn"].map(count).iter().sum::<u64>();
    assert_eq!(known + mass["unknown"].as_u64().expect("a count"), images.as_u64().expect("a count"));
    assert!(mass["unknown"].as_u64() > Some(0) && evaluation["per_condition"]["edema"]["unknown"].is_null());
    let shown = place.run(&["evaluate", "last", "--bootstrap", "20"]);
    assert!(stdout(&shown).contains("unknown labels are left out: mass "), "{}", stdout(&shown));

    // The archive keeps them, and reads back as the same data set.
    let archive = place.path("t.npz").display().to_string();
    let converted = place.run(&["data", "convert", &source, &archive, "--size", "32"]);
    assert_eq!(converted.status.code(), Some(0), "{}", stderr(&converted));
    let read = place.info(&[&format!("npz:{archive}")]);
    let table = place.info(&[&source, "--set", "data.size=32"]);
    assert_eq!((&read["splits"], &read["digest"]), (&table["splits"], &table["digest"]));
}

/// Mean and two pixels, of 0 to 65,535, as pydicom makes them of the file with its odd element as it is meant.
#[test]
fn images_that_went_wrong_have_the_values_that_were_meant() {
    let Some(place) = place() else {
        return eprintln!("SKIPPED: CHESTXR_SAMPLE_DIR has no folder `cases` beside it");
    };
    // Each folder has one image beside its README.
    let read = |name: &str| {
        let files = fs::read_dir(place.path("cases").join(name)).expect("a case").flatten();
        let mut images = files.map(|entry| entry.path()).filter(|path| path.extension().is_some());
        image_file::read(&images.next().expect("an image"), image_file::Limits::default())
    };
    let cases = [
        ("ds_comma_slope", [33_543.5, 1639.2, 32_783.9]),
        ("jpegls", [37_741.0, 23_722.9, 44_664.0]),
        ("no_preamble_impl", [32_767.5, 1600.4, 32_007.3]),
        ("photo_monochrome", [32_767.5, 1600.4, 32_007.3]),
        ("plut_inverse_m2", [32_767.5, 63_934.6, 33_527.7]),
        ("rows_IS", [32_767.5, 1600.4, 32_007.3]),
        ("voilut_first_as_US", [21_840.0, 32.0, 15_619.6]),
        ("voilut_narrow", [43_679.0, 10_226.3, 45_786.5]),
        ("vr_odd", [32_767.5, 1600.4, 32_007.3]),
        ("window_below_1", [49_527.2, 3276.7, 65_535.0]),
        ("window_vr_FL", [32_767.5, 0.0, 29_651.5]),
    ];
    for (name, expected) in cases {
        let image = read(name).unwrap_or_else(|error| panic!("{error}"));
        let Pixels::Sixteen(pixels) = image.pixels() else { panic!("{name}: 8 bits") };
        let mean = pixels.iter().map(|pixel| f64::from(*pixel)).sum::<f64>() / pixels.len() as f64;
        let found = [mean, pixels[100].into(), pixels[2000].into()];
        for (found, expected) in found.into_iter().zip(expected) {
            // A quarter of an 8-bit grey level.
            assert!((found - expected).abs() < 64.0, "{name}: {found} and not {expected}");
        }
    }
    // As Pillow opens it.
    let image = read("png_no_iend").expect("all but its end is there");
    let Pixels::Eight(pixels) = image.pixels() else { panic!("16 bits") };
    assert_eq!((pixels.iter().map(|pixel| u64::from(*pixel)).sum::<u64>(), pixels[100]), (126 * 64 * 64, 74));
    for (name, sentence) in [
        ("html_page", "is a web page"),
        ("lfs_pointer", "`git lfs pull`"),
        ("htj2k", "is DICOM in High-Throughput JPEG 2000, which isn't read"),
    ] {
        let said = read(name).expect_err(name).to_string();
        assert!(said.contains(sentence), "{said}");
    }
}
