//! One split of a data set: images, labels, patients, demographics, boxes.

use super::images::{Images, Labels};
use super::phantom::Bounds;

/// The images and labels of one split. With images, row `i` of `labels` belongs to image `i`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The images; `None` where the source holds labels alone, enough for statistics.
    pub images: Option<Images>,
    /// The label rows.
    pub labels: Labels,
    /// Which patient each image is of, numbered from 0 in the order they come; `None` where that isn't known.
    pub patients: Option<Vec<u32>>,
    /// What else is known.
    pub about: About,
}

/// The metadata of a split's images. Each column is empty where the source has none, else as long as the
/// split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The name of each image's file, without its folder.
    pub names: Vec<String>,
    /// Patients by name or by hash.
    pub patients: Vec<String>,
    /// `F`, `M` or the source's own value.
    pub sex: Categories,
    /// Projection: `PA`, `AP`, …
    pub view: Categories,
    /// Years as the source has them, even where that can't be.
    pub age: Vec<Option<u16>>,
    /// Whether somebody drew boxes on images of this source at all.
    pub has_boxes: bool,
    /// Image, label column and place of each box, in pixels of the image; sorted by image.
    pub boxes: Vec<(u32, usize, Bounds)>,
}

/// A column of few different values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    /// The values in the order they came.
    pub levels: Vec<String>,
    /// For each image the place of its value in `levels`; `None` where it is unknown.
    pub codes: Vec<Option<u8>>,
}

/// More are no categories.
const MOST_LEVELS: usize = 200;

impl Categories {
    /// Adds an image's value. What comes after 200 different ones is unknown.
    pub fn push(&mut self, value: Option<&str>) {
        let code = value.map(str::trim).filter(|value| !value.is_empty()).and_then(|value| {
            let known = self.levels.iter().position(|level| level == value);
            let place = known.or_else(|| {
                (self.levels.len() < MOST_LEVELS).then(|| {
                    self.levels.push(value.to_owned());
                    self.levels.len() - 1
                })
            });
            place.map(|place| place as u8) // below 200
        });
        self.codes.push(code);
    }

    /// The value of image `index`.
    pub fn get(&self, index: usize) -> Option<&str> {
        let code = (*self.codes.get(index)?)?;
        self.levels.get(usize::from(code)).map(String::as_str)
    }

    fn truncate(&mut self, count: usize) {
        self.codes.truncate(count);
    }
}

/// What images can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Projection.
    View,
    /// Sex.
    Sex,
    /// Age group.
    Age,
}

impl GroupBy {
    /// All in order.
    pub const ALL: [Self; 3] = [Self::View, Self::Sex, Self::Age];

    /// `view`, `sex` or `age`.
    pub fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Sex => "sex",
            Self::Age => "age",
        }
    }
}

/// Age groups: the first year of each group.
const AGES: [(&str, u16); 5] =
    [("age 0-17", 0), ("age 18-39", 18), ("age 40-64", 40), ("age 65-120", 65), ("age over 120", 121)];

impl About {
    /// Images by what is known of them: the group's name (`view PA`, `sex F`, `age 18-39`) and their numbers. What is
    /// unknown is in no group.
    pub fn groups(&self, by: GroupBy) -> Vec<(String, Vec<usize>)> {
        let column = match by {
            GroupBy::View => &self.view,
            GroupBy::Sex => &self.sex,
            GroupBy::Age => {
                let mut groups = AGES.map(|(name, _)| (name.to_owned(), Vec::new()));
                for (image, age) in self.age.iter().enumerate() {
                    let place = age.and_then(|age| AGES.iter().rposition(|(_, from)| age >= *from));
                    if let Some(place) = place {
                        groups[place].1.push(image);
                    }
                }
                return groups.into_iter().filter(|(_, images)| !images.is_empty()).collect();
            }
        };
        let mut groups: Vec<(String, Vec<usize>)> = column
            .levels
            .iter()
            .map(|level| (format!("{} {}", by.name(), crate::text::one_line(level, 12)), Vec::new()))
            .collect();
        for (image, code) in column.codes.iter().enumerate() {
            if let Some(code) = code {
                groups[usize::from(*code)].1.push(image);
            }
        }
        groups.retain(|(_, images)| !images.is_empty());
        groups.sort();
        groups
    }

    /// The boxes of image `index`.
    pub fn boxes_of(&self, index: usize) -> &[(u32, usize, Bounds)] {
        let from = self.boxes.partition_point(|(image, ..)| (*image as usize) < index);
        let to = self.boxes.partition_point(|(image, ..)| (*image as usize) <= index);
        &self.boxes[from..to]
    }

    /// One line about image `index`: name, view, sex and age, as far as they are known.
    pub fn line(&self, index: usize) -> String {
        let name = self.names.get(index).map(String::as_str).unwrap_or_default();
        said([name, &self.who(index)])
    }

    /// View, sex and age of image `index`, as far as they are known.
    pub fn who(&self, index: usize) -> String {
        let age = self.age.get(index).copied().flatten().map(|age| age.to_string());
        let person = [self.sex.get(index).map(str::to_owned), age];
        let person = person.into_iter().flatten().collect::<Vec<_>>().join(" ");
        said([self.view.get(index).unwrap_or_default(), &person])
    }
}

/// What there is of two parts, on one line.
fn said(parts: [&str; 2]) -> String {
    let there: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    crate::text::one_line(&there.join("  "), 120)
}

impl Part {
    /// Images and labels of which nothing else is known.
    pub fn new(images: Option<Images>, labels: Labels, patients: Option<Vec<u32>>) -> Self {
        Self { images, labels, patients, about: About::default() }
    }

    /// The same with the patients' names, one an image or none at all.
    pub fn of_patients(
        images: Option<Images>,
        labels: Labels,
        patients: Option<Vec<u32>>,
        names: Vec<String>,
    ) -> Self {
        let about = About { patients: names, ..About::default() };
        Self { images, labels, patients, about }
    }

    /// Keeps the first `count` images.
    pub fn truncate(&mut self, count: usize) {
        self.labels.truncate(count);
        if let Some(images) = &mut self.images {
            images.truncate(count);
        }
        if let Some(patients) = &mut self.patients {
            patients.truncate(count);
        }
        let about = &mut self.about;
        about.names.truncate(count);
        about.patients.truncate(count);
        about.sex.truncate(count);
        about.view.truncate(count);
        about.age.truncate(count);
        about.boxes.retain(|(image, ..)| (*image as usize) < count);
    }
}
