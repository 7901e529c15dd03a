//! Tables with several rows for an image: a row for each box or reader, or for each run-length mask.

use std::collections::HashMap;

use super::columns::ColumnSpec;
use crate::dataset::labels::{LabelSet, is_no_finding, key_of};
use crate::dataset::row::Row;
use crate::dataset::sheet::{Sheet, Skipped, said};
use crate::text::counted;

/// What makes a row's label.
#[derive(Clone, Copy)]
enum Label {
    /// The name of a finding, or "No finding".
    Name(usize),
    /// The condition of this key where the cell is 1.
    Flag(usize, &'static str),
    /// The condition of this key where the cell holds a mask, and not -1.
    Mask(usize, &'static str),
}

/// Four columns of a box.
#[derive(Clone, Copy)]
enum Boxes {
    /// x, y, width, height.
    Sized([usize; 4]),
    /// Left, top, right, bottom.
    Corners([usize; 4]),
    /// None.
    None,
}

/// How such a table is laid out.
pub(super) struct Layout {
    name: &'static str,
    image: usize,
    label: Label,
    boxes: Boxes,
    /// Whether the image's id is a patient's.
    of_patient: bool,
}

/// The images of such a table.
pub(super) struct Grouped {
    pub labels: LabelSet,
    /// Their paths are the cells as they are written.
    pub rows: Vec<Row>,
    pub skipped: Vec<Skipped>,
    pub note: String,
}

impl Layout {
    /// The layout of `sheet`, where it is one of these and `data.columns` leaves it open.
    pub fn of(sheet: &Sheet, spec: &ColumnSpec) -> Option<Self> {
        if !spec.is_open() {
            return None;
        }
        let column = |name: &str| sheet.column(&[name]);
        let four = |names: [&str; 4]| -> Option<[usize; 4]> {
            let [a, b, c, d] = names.map(column);
            Some([a?, b?, c?, d?])
        };
        let sized = four(["x", "y", "width", "height"]).map(Boxes::Sized);
        let corners = four(["x min", "y min", "x max", "y max"]).map(Boxes::Corners);
        let boxes = sized.or(corners);
        if let (Some(image), Some(masks)) = (sheet.column(&["image id", "image"]), column("encoded pixels")) {
            let label = Label::Mask(masks, "pneumothorax");
            let name = "a mask's run lengths in each row, as SIIM-ACR has them";
            return Some(Self { name, image, label, boxes: Boxes::None, of_patient: false });
        }
        let by_reader = boxes.is_some() || column("rad id").is_some();
        if let (Some(image), Some(class), true) =
            (sheet.column(&["image id", "image"]), column("class name"), by_reader)
        {
            let name = "a row for each box and reader, as VinDr-CXR has them; a finding of any reader counts";
            let boxes = boxes.unwrap_or(Boxes::None);
            return Some(Self { name, image, label: Label::Name(class), boxes, of_patient: false });
        }
        if let (Some(image), Some(target), Some(boxes)) = (column("patient id"), column("target"), boxes) {
            let label = Label::Flag(target, "pneumonia");
            let name = "a row for each box, as RSNA's pneumonia challenge has them";
            return Some(Self { name, image, label, boxes, of_patient: true });
        }
        None
    }

    /// The images with their labels and boxes.
    pub fn images(&self, sheet: &Sheet) -> Grouped {
        let mut keys: Vec<String> = match self.label {
            Label::Flag(_, key) | Label::Mask(_, key) => vec![key.to_owned()],
            Label::Name(column) => {
                let names = sheet.rows.iter().filter_map(|(_, record)| record.get(column));
                names.filter(|name| !is_no_finding(name)).map(key_of).collect()
            }
        };
        let fourteen = LabelSet::chest_xray_14().keys();
        keys.sort_by_key(|key| (fourteen.iter().position(|known| known == key).unwrap_or(99), key.clone()));
        keys.dedup();
        let mut rows: Vec<Row> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut skipped = Vec::new();
        for (line, record) in &sheet.rows {
            let mut skip = |why: &str| skipped.push(Skipped { line: *line, why: why.to_owned() });
            let cell = |column: usize| record.get(column).unwrap_or_default();
            let Some(name) = said(Some(cell(self.image))) else {
                skip("names no image");
                continue;
            };
            let class = match self.label {
                Label::Name(column) if is_no_finding(cell(column)) => None,
                Label::Name(column) => keys.iter().position(|key| *key == key_of(cell(column))),
                Label::Flag(column, _) => match cell(column) {
                    "0" => None,
                    "1" => Some(0),
                    _ => {
                        skip("has neither 0 nor 1 for its target");
                        continue;
                    }
                },
                Label::Mask(column, _) => (!matches!(cell(column), "-1" | "")).then_some(0),
            };
            let place = *places.entry(name.clone()).or_insert_with(|| {
                rows.push(Row {
                    line: *line,
                    path: cell(self.image).into(),
                    labels: vec![0; keys.len()],
                    patient: self.of_patient.then(|| name.clone()),
                    ..Row::default()
                });
                rows.len() - 1
            });
            if let Some(class) = class {
                rows[place].labels[class] = 1;
                if let Some(bounds) = self.bounds(&cell) {
                    rows[place].boxes.push((class, bounds));
                }
            }
        }
        let (taken, images) = (sheet.rows.len() - skipped.len(), rows.len());
        let note = format!(
            "the table has {}: {} are {}",
            self.name,
            counted(taken, "row", "rows"),
            counted(images, "image", "images")
        );
        Grouped { labels: LabelSet::of_keys(&keys), rows, skipped, note }
    }

    /// The box of a row as x, y, width and height; `None` where it has none.
    fn bounds<'a>(&self, cell: &impl Fn(usize) -> &'a str) -> Option<[f32; 4]> {
        let number = |column: usize| cell(column).parse::<f32>().ok().filter(|value| value.is_finite());
        let found = match self.boxes {
            Boxes::None => return None,
            Boxes::Sized([x, y, width, height]) => [number(x)?, number(y)?, number(width)?, number(height)?],
            Boxes::Corners([left, top, right, bottom]) => {
                let (left, top) = (number(left)?, number(top)?);
                [left, top, number(right)? - left, number(bottom)? - top]
            }
        };
        (found[2] > 0.0 && found[3] > 0.0).then_some(found)
    }
}
