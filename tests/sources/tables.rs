//! Tables of image files.

use super::*;

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
    assert!(stderr(&other).contains("have no labels for fracture"), "{}", stderr(&other));
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
        ("file,edema\n8.png,1\n9.png,0\n", "none of its 2 images is there, the first is 8.png in line 2"),
        ("file,edema,split\n0.png,1,soon\n1.png,0,later\n", "the split `later`"),
        ("file,Edema,oedema\n0.png,1,1\n1.png,0,0\n", "two label columns mean `edema`"),
    ];
    let skipped = [
        ("file,edema\n0.png,1\n9.png,0\n", "names 9.png, which is not there"),
        ("file,edema\n0.png,1\n0.png,0\n", "names 0.png as line 2 does"),
        ("file,edema,split\n0.png,1,train\n1.png,0,later\n", "has the split `later`"),
        ("file,findings,boxes\n0.png,Nodule,\n1.png,Mass,1 2 3\n", "has a box without four numbers"),
        ("file,findings,boxes\n0.png,Mass,\n1.png,Mass|Nodule,1 2 3 4\n", "has a box of no known finding"),
        ("file,edema\n0.png,1\n,0\n", "names no file"),
        ("file,edema\n0.png,1\n1.png,0,1\n", "has 3 cells for the 2 columns of the heading"),
    ];
    for (text, expected) in skipped {
        place.write("t.csv", text);
        let source = place.path("t.csv").display().to_string();
        let info = place.info(&[&source]);
        assert_eq!(info["skipped"][0]["line"], 3, "{text:?}");
        assert!(info["skipped"][0]["why"].as_str().is_some_and(|why| why.starts_with(expected)), "{info}");
        assert!(info["notes"].to_string().contains("1 row taken, 1 skipped: line 3 "), "{info}");
        let (said, code) = place.refusal(&[&source, "--set", "data.on_error=fail"]);
        assert!(said.contains(&format!("line 3 {expected}")) && code == Some(1), "{said}");
    }
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
    let source = place.path("t.csv").display().to_string();
    let strict = ["--set", "data.on_error=fail"];
    let (said, _) = place.refusal(&[&[source.as_str()], &strict[..]].concat());
    assert!(
        said.contains("2 of 4 images can't be read") && said.contains("1.png") && said.contains("2.png"),
        "{said}"
    );
    // Skipped, they are named, also where they come from the cache.
    for _ in 0..2 {
        let info = place.info(&[&source]);
        let lines: Vec<&Value> =
            info["skipped"].as_array().expect("a list").iter().map(|row| &row["line"]).collect();
        assert_eq!(lines, [3, 4]);
        assert!(info["notes"].to_string().contains("2 rows taken, 2 skipped"), "{info}");
    }
    // A cache of the rest doesn't hide them from who wants all.
    assert_eq!(place.refusal(&[&[source.as_str()], &strict[..]].concat()).1, Some(1));
}

#[test]
fn ages_and_sexes_are_read_alike_however_they_are_written() {
    let place = Place::new();
    let people = [
        ("M", "058Y"),
        ("Male", "58"),
        ("m", "003M"),
        ("male", "013D"),
        ("F", "58.0"),
        ("female", "104W"),
        ("Unknown", "old"),
        ("", ""),
    ];
    let mut table = "path,sex,age,patient,mass\n".to_owned();
    // Enough patients for three splits.
    for copy in 0..5 {
        for (person, (sex, age)) in people.iter().enumerate() {
            let name = format!("people/{copy}_{person}.png");
            place.image(&name, 32, (copy * people.len() + person) as u32);
            table += &format!("{name},{sex},{age},{copy}_{person},{}\n", person % 2);
        }
    }
    place.write("people.csv", &table);
    let source = place.path("people.csv").display().to_string();
    let count = |filter: &str| {
        let info = place.info(&[&source, "--set", &format!("data.where={filter}")]);
        ["train", "val", "test"]
            .iter()
            .map(|split| info["splits"][split]["images"].as_u64().expect("a count"))
            .sum::<u64>()
    };
    assert_eq!((count("sex=M"), count("sex=F")), (20, 10));
    assert_eq!((count("age=0-0"), count("age=1-1"), count("age=58-58")), (10, 5, 15));
    let notes = place.info(&[&source])["notes"].to_string();
    assert!(notes.contains("5 ages are not readable") && notes.contains("`old` in line 8"), "{notes}");
}

#[test]
fn ages_of_nihs_first_table_are_months_and_days_too() {
    let place = Place::new();
    let head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n";
    let ages = ["058Y", "003M", "013D", "411Y"];
    let mut table = head.to_owned();
    for number in 0..40_u32 {
        let name = format!("{number:08}_000.png");
        place.image(&format!("nih/images/{name}"), 32, number);
        table += &format!("{name},Mass,0,{number},{},M,PA\n", ages[number as usize % 4]);
    }
    place.write("nih/Data_Entry_2017.csv", &table);
    let source = format!("nih:{}", place.path("nih").display());
    let info = place.info(&[&source, "--set", "data.where=age=0-1", "--set", "data.size=32"]);
    let images =
        ["train", "val", "test"].map(|split| info["splits"][split]["images"].as_u64().expect("a count"));
    assert_eq!(images.iter().sum::<u64>(), 20, "{info}");
}

/// Neighbours of the shared cases: of the same kinds, written otherwise.
#[test]
fn neighbours_of_what_went_wrong_are_read_by_value_too() {
    let place = Place::new();
    for image in 0..10 {
        place.image(&format!("i/{image}.png"), 16, image);
    }
    // The table's text, settings, and of its first condition: images, positives, unknown labels; and skipped lines.
    type Case = (&'static str, fn(usize) -> String, &'static str, [u64; 3], &'static [u64]);
    let cases: [Case; 17] = [
        ("path,mass", |n| format!("{n}.png,{}", ["1", "0", "null"][n % 3]), "", [10, 4, 3], &[]),
        ("path,mass", |n| format!("{n}.png,{}", ["1.0", "0.0", "#N/A"][n % 3]), "", [10, 4, 3], &[]),
        ("path,mass", |n| format!("{n}.png,{}", ["yes", "no", ""][n % 3]), "", [10, 4, 3], &[]),
        ("path,mass", |n| format!("{n}.png,{}", ["yes", "no", ""][n % 3]), "blank=0", [10, 4, 0], &[]),
        // Where only what is present is written down, a blank is absent.
        ("path,mass", |n| format!("{n}.png,{}", ["1", ""][n % 2]), "", [10, 5, 0], &[]),
        ("path,mass", |n| format!("{n}.png,{}", ["1", ""][n % 2]), "blank=ignore", [10, 5, 5], &[]),
        ("path,mass", |n| format!("{n}.png,{}", ["1", "0", "-1"][n % 3]), "", [10, 4, 3], &[]),
        ("path,mass", |n| format!("{n}.png,{}", ["1", "0", "-1"][n % 3]), "uncertain=1", [10, 7, 0], &[]),
        (
            "path,mass",
            |n| format!("{n}.png,{}", ["1", "0", "uncertain"][n % 3]),
            "uncertain=0",
            [10, 4, 0],
            &[],
        ),
        // A slip costs one label of one image.
        (
            "path,mass",
            |n| format!("{n}.png,{}", if n == 4 { "o" } else { ["1", "0"][n % 2] }),
            "",
            [10, 4, 1],
            &[],
        ),
        ("path;mass;age", |n| format!("{n}.png;{};5{n},5", n % 2), "", [10, 5, 0], &[]),
        (
            "path,mass,note",
            |n| format!("{n}.png,{},{}", n % 2, if n == 3 { "5\" tube" } else { "" }),
            "",
            [10, 5, 0],
            &[],
        ),
        (
            "path,mass,note",
            |n| format!("{n}.png,{},{}", n % 2, if n == 3 { "\"open" } else { "" }),
            "",
            [9, 4, 0],
            &[5],
        ),
        (
            "path,mass,note",
            |n| format!("{n}.png,{}{}", n % 2, if n == 3 { "" } else { ",x" }),
            "",
            [9, 4, 0],
            &[5],
        ),
        // Names of findings win over words for labels where they repeat.
        (
            "path,label",
            |n| format!("{n}.png,{}", ["mass", "negative"][usize::from(n > 1)]),
            "",
            [10, 2, 0],
            &[],
        ),
        ("path,finding", |n| format!("{n}.png,\"['mass', 'x, y']\"{}", &""[..n / 10]), "", [10, 10, 0], &[]),
        ("path,findings", |n| format!("{n}.png,{}", ["Mass", "No Finding", ""][n % 3]), "", [10, 4, 3], &[]),
    ];
    for (heading, row, columns, [images, positives, unknown], skipped) in cases {
        let rows = (0..10).map(|number| format!("i/{}\n", row(number))).collect::<String>();
        place.write("t.csv", &format!("{heading}\n{rows}"));
        let source = format!("csv:{}", place.path("t.csv").display());
        let set = format!("data.columns={columns}");
        let info = place.info(&[&source, "--set", &set]);
        let sum = |what: &str| -> u64 {
            let of = |split: &str| info["splits"][split][what]["mass"].as_u64().unwrap_or(0);
            ["train", "val", "test"].map(of).iter().sum()
        };
        let all: u64 = ["train", "val", "test"]
            .map(|split| info["splits"][split]["images"].as_u64().expect("a count"))
            .iter()
            .sum();
        let what = format!("{heading} {columns}: {rows}{info}");
        assert_eq!([all, sum("positives"), sum("unknown")], [images, positives, unknown], "{what}");
        let lines: Vec<u64> = info["skipped"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|row| row["line"].as_u64())
            .collect();
        assert_eq!(lines, skipped, "{what}");
    }
    // What was named wins over what is found: columns of labels over a column of findings, folds as splits.
    let rows = (0..10).map(|n| format!("i/{n}.png,Effusion,{},{},{}\n", n % 2, u8::from(n < 3), n % 5));
    let rows = rows.collect::<String>();
    place.write("t.csv", &format!("path,Finding Labels,mass,portable,fold\n{rows}"));
    let source = format!("csv:{}", place.path("t.csv").display());
    let info = place.info(&[&source, "--set", "data.columns=labels=mass+portable,val=3,test=4"]);
    assert_eq!(info["conditions"], serde_json::json!(["mass", "portable"]));
    assert_eq!(info["splits"]["test"]["images"], 2);
    assert_eq!(info["splits"]["train"]["images"], 6);
    assert_eq!(info["splits"]["val"]["positives"]["mass"], 1);
    // A row for each image is no row for each reader, whatever the column is called.
    let rows_of_classes = (0..10).map(|n| {
        let split = ["train", "val", "test"][n % 3];
        format!("i/{n}.png,{},{split}\n", ["Mass", "No finding"][n % 2])
    });
    place.write("c.csv", &format!("image_id,class_name,split\n{}", rows_of_classes.collect::<String>()));
    let info = place.info(&[&format!("csv:{}", place.path("c.csv").display())]);
    assert_eq!(
        (&info["splits"]["val"]["images"], &info["splits"]["val"]["positives"]["mass"]),
        (&3.into(), &1.into())
    );
    // A file of the same name in another folder is another image.
    place.image("a/only.png", 16, 30);
    place.image("b/other.png", 16, 31);
    place.write("f.csv", "path,mass\nb/only.png,1\na/only.png,0\nother.jpg,1\n");
    let info = place.info(&[&format!("csv:{}", place.path("f.csv").display())]);
    assert_eq!(info["skipped"].as_array().map(Vec::len), Some(1), "{info}");
    assert_eq!(info["skipped"][0]["why"], "names b/only.png, which is not there");
    // A flag that is no condition is noted.
    place.write("t.csv", &format!("path,note,mass,portable,fold\n{rows}"));
    let info = place.info(&[&source]);
    assert_eq!(info["conditions"], serde_json::json!(["mass"]));
    assert!(info["notes"].to_string().contains("not taken for conditions: portable"), "{info}");
    // A path from the home directory.
    fs::create_dir_all(place.path("home")).expect("made");
    fs::copy(place.path("t.csv"), place.path("home/t.csv")).expect("copied");
    fs::create_dir_all(place.path("home/i")).expect("made");
    for image in 0..10 {
        place.image(&format!("home/i/{image}.png"), 16, image);
    }
    assert_eq!(place.info(&["csv:~/t.csv"])["conditions"], serde_json::json!(["mass"]));
}
