//! The layouts of public data sets at full width and, for ChestX-ray14, at full length: counts as pandas has them
//! (`tests/reference/table_golden.py`), and those that are published.

use std::collections::{BTreeMap, BTreeSet};

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::Split;
use chestxr_tui::dataset::listing::Listing;
use chestxr_tui::dataset::npz::{Archive, Limits};
use chestxr_tui::dataset::{nih, table};
use chestxr_tui::label::{PRESENT, UNKNOWN};
use serde::Deserialize;

use super::*;

/// What pandas counts in a table.
#[derive(Deserialize)]
struct Counted {
    images: usize,
    names: Vec<String>,
    positives: BTreeMap<String, usize>,
    unknown: BTreeMap<String, usize>,
    patients: Option<usize>,
    boxes: Option<usize>,
}

/// How many rows have `label` for each condition; conditions without any are left out.
fn count(listing: &Listing, label: u8) -> BTreeMap<String, usize> {
    let keys = listing.labels.keys();
    let of = |class: usize| listing.rows.iter().filter(|row| row.labels[class] == label).count();
    keys.into_iter()
        .enumerate()
        .map(|(class, key)| (key, of(class)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn without_zeros(counts: BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn tables_of_public_sets_hold_what_pandas_counts_in_them() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tables");
    let expected: BTreeMap<String, Counted> =
        serde_json::from_value(json(&golden.join("expected.json"))).expect("the golden file's layout");
    assert_eq!(expected.len(), 5);
    for (file, expected) in expected {
        let place = Place::new();
        let path = place.path("set").join(&file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::copy(golden.join(&file), &path).expect("copied");
        for name in &expected.names {
            let folder = if file.starts_with("chexpert") { "set/chexpert" } else { "set/nih/images" };
            let folder = if file.contains('/') { folder } else { "set/deep/images" };
            place.image(&format!("{folder}/{name}"), 4, 1);
        }
        let section = DataSection::default();
        let listing = match path.parent().filter(|_| file.starts_with("nih")) {
            Some(folder) => nih::listing(folder),
            None => table::listing(&path, &section),
        };
        let listing = listing.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!((listing.rows.len(), listing.skipped.len()), (expected.images, 0), "{file}");
        assert_eq!(count(&listing, PRESENT), without_zeros(expected.positives), "{file}");
        assert_eq!(count(&listing, UNKNOWN), without_zeros(expected.unknown), "{file}");
        let patients: BTreeSet<_> = listing.rows.iter().filter_map(|row| row.patient.as_ref()).collect();
        assert_eq!(patients.len(), expected.patients.unwrap_or(0), "{file}");
        if let Some(boxes) = expected.boxes {
            assert_eq!(listing.rows.iter().map(|row| row.boxes.len()).sum::<usize>(), boxes, "{file}");
        }
    }
}

/// ChestX-ray14 whole: a row for each of its 112,120 images, whose labels lie in `chestmnist_labels.npz`. All images are one
/// small file.
#[test]
fn the_whole_of_chest_x_ray_14_has_the_published_counts() {
    let Some(images) = real_images() else { return };
    let archive = Archive::open(&images.join("chestmnist_labels.npz"), Limits { max_bytes: 1 << 30 });
    let archive = archive.expect("an archive");
    let place = Place::new();
    fs::create_dir_all(place.path("nih/images")).expect("made");
    let mut text = String::from(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,\
         Height],OriginalImagePixelSpacing[x,y]\n",
    );
    let keys = chestxr_tui::dataset::labels::LabelSet::chest_xray_14();
    let mut lists = [String::new(), String::new()];
    let mut links = 0;
    for split in ["train", "val", "test"] {
        let names = archive.read_text(&format!("{split}_files")).expect("names").values;
        let labels = archive.read_u8(&format!("{split}_labels")).expect("labels").values;
        for (name, row) in names.iter().zip(labels.chunks(14)) {
            let found = keys.iter().zip(row).filter(|(_, label)| **label == 1);
            let found: Vec<&str> = found.map(|(condition, _)| condition.name.as_str()).collect();
            let found = if found.is_empty() { "No Finding".to_owned() } else { found.join("|") };
            let found = found.replace("Pleural thickening", "Pleural_Thickening");
            text += &format!("{name},{found},0,{},58,M,PA,2682,2749,0.143,0.143\n", &name[..8]);
            lists[usize::from(split == "test")] += &format!("{name}\n");
            // File systems limit how many names a file has, ext4 to 65,000.
            let stub = format!("stub_{}.png", links / 30_000);
            if links % 30_000 == 0 {
                place.image(&stub, 4, 1);
            }
            links += 1;
            fs::hard_link(place.path(&stub), place.path("nih/images").join(name)).expect("linked");
        }
    }
    place.write("nih/Data_Entry_2017_v2020.csv", &text);
    place.write("nih/train_val_list.txt", &lists[0]);
    place.write("nih/test_list.txt", &lists[1]);
    let listing = nih::listing(&place.path("nih")).expect("a listing");
    assert_eq!((listing.rows.len(), listing.skipped.len()), (112_120, 0));
    let test = chestxr_tui::dataset::row::Given::Split(Split::Test);
    assert_eq!(listing.rows.iter().filter(|row| row.split == Some(test)).count(), 22_433);
    let patients: BTreeSet<_> = listing.rows.iter().filter_map(|row| row.patient.as_ref()).collect();
    assert_eq!(patients.len(), 30_805);
    // NIH's table of 2017, which ChestMNIST's labels are from: images with each finding, and with none.
    let published = [
        ("atelectasis", 11_535),
        ("cardiomegaly", 2772),
        ("effusion", 13_307),
        ("infiltration", 19_870),
        ("mass", 5746),
        ("nodule", 6323),
        ("pneumonia", 1353),
        ("pneumothorax", 5298),
        ("consolidation", 4667),
        ("edema", 2303),
        ("emphysema", 2516),
        ("fibrosis", 1686),
        ("pleural", 3385),
        ("hernia", 227),
    ];
    assert_eq!(count(&listing, PRESENT), published.map(|(key, count)| (key.to_owned(), count)).into());
    assert_eq!(listing.rows.iter().filter(|row| !row.labels.contains(&PRESENT)).count(), 60_412);
}
