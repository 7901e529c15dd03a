//! What an image can be labelled with: conditions, their names and their order.

use serde::{Deserialize, Serialize};

use crate::label::{PRESENT, UNKNOWN};
use crate::text::alphanumeric;

/// One condition an image is labelled with or without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Lower-case identifier used in files, options and metric names, e.g. `pleural`.
    pub key: String,
    /// The name shown, e.g. `Pleural thickening`.
    pub name: String,
    /// At most five letters for narrow tables, e.g. `Pleur`.
    pub abbreviation: String,
}

/// The conditions of a data set in the order of its label columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSet {
    conditions: Vec<Condition>,
}

/// ChestX-ray14's conditions in ChestMNIST's column order: key, name, abbreviation.
const CHEST_XRAY_14: [(&str, &str, &str); 14] = [
    ("atelectasis", "Atelectasis", "Atel"),
    ("cardiomegaly", "Cardiomegaly", "Cardi"),
    ("effusion", "Effusion", "Effus"),
    ("infiltration", "Infiltration", "Infil"),
    ("mass", "Mass", "Mass"),
    ("nodule", "Nodule", "Nodul"),
    ("pneumonia", "Pneumonia", "Pneum"),
    ("pneumothorax", "Pneumothorax", "Ptx"),
    ("consolidation", "Consolidation", "Conso"),
    ("edema", "Edema", "Edema"),
    ("emphysema", "Emphysema", "Emphy"),
    ("fibrosis", "Fibrosis", "Fibro"),
    ("pleural", "Pleural thickening", "Pleur"),
    ("hernia", "Hernia", "Hern"),
];

/// Other spellings of the fourteen, letters and digits alone.
const SPELLINGS: [(&str, &str); 12] = [
    ("pleuralthickening", "pleural"),
    ("pleuralthick", "pleural"),
    ("thickening", "pleural"),
    ("infiltrate", "infiltration"),
    ("infiltrates", "infiltration"),
    ("pleuraleffusion", "effusion"),
    ("pulmonaryedema", "edema"),
    ("oedema", "edema"),
    ("hiatalhernia", "hernia"),
    ("lungmass", "mass"),
    ("pulmonarynodule", "nodule"),
    ("pulmonaryfibrosis", "fibrosis"),
];

/// Whether a finding's name means that there is none.
pub fn is_no_finding(name: &str) -> bool {
    matches!(
        alphanumeric(name).as_str(),
        "nofinding" | "nofindings" | "normal" | "healthy" | "negative" | "none" | ""
    )
}

/// The key of the condition that somebody calls `name`: one of the fourteen in any spelling, else the name with
/// `_` between its words.
pub fn key_of(name: &str) -> String {
    let short = alphanumeric(name);
    let spelled = SPELLINGS.iter().find(|(spelling, _)| *spelling == short).map(|(_, key)| *key);
    let known = CHEST_XRAY_14.iter().map(|(key, ..)| *key).find(|key| *key == short);
    spelled.or(known).map_or_else(
        || {
            let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
        },
        str::to_owned,
    )
}

/// A condition that isn't one of the fourteen.
fn named(key: &str) -> Condition {
    let words = key.replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next();
    let name: String = first.into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let abbreviation =
        crate::text::one_line(&name, 200).chars().filter(|c| !c.is_whitespace()).take(5).collect();
    Condition { key: key.to_owned(), name, abbreviation }
}

impl LabelSet {
    /// The fourteen conditions of ChestX-ray14 in ChestMNIST's order.
    pub fn chest_xray_14() -> Self {
        let conditions = CHEST_XRAY_14
            .iter()
            .map(|(key, name, abbreviation)| Condition {
                key: key.to_string(),
                name: name.to_string(),
                abbreviation: abbreviation.to_string(),
            })
            .collect();
        Self { conditions }
    }

    /// The conditions of these keys; a key that isn't one of the fourteen is its own name.
    pub fn of_keys(keys: &[String]) -> Self {
        let known = Self::chest_xray_14();
        let of_key = |key: &String| {
            let condition = known.conditions.iter().find(|condition| condition.key == *key);
            condition.cloned().unwrap_or_else(|| named(key))
        };
        Self { conditions: keys.iter().map(of_key).collect() }
    }

    /// The fourteen where there are so many columns, else columns by their numbers.
    pub fn of_width(columns: usize) -> Self {
        let known = Self::chest_xray_14();
        if columns == known.len() {
            return known;
        }
        Self::of_keys(&(1..=columns).map(|column| format!("class_{column}")).collect::<Vec<_>>())
    }

    /// The keys in column order.
    pub fn keys(&self) -> Vec<String> {
        self.conditions.iter().map(|condition| condition.key.clone()).collect()
    }

    /// How many conditions there are: the width of a label row and of a network's output.
    pub fn len(&self) -> usize {
        self.conditions.len()
    }

    /// Whether there is no condition at all.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The conditions in column order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Condition> {
        self.conditions.iter()
    }

    /// What is known of an image with these labels, for people: its conditions, `no finding`, and the conditions of which
    /// nobody says whether it has them.
    pub fn found(&self, labels: &[u8]) -> String {
        let named = |wanted: u8| -> Vec<&str> {
            let of = self.conditions.iter().zip(labels).filter(|(_, label)| **label == wanted);
            of.map(|(condition, _)| condition.name.as_str()).collect()
        };
        let (present, unknown) = (named(PRESENT), named(UNKNOWN));
        let mut text = if present.is_empty() { "no finding".to_owned() } else { present.join(", ") };
        if unknown.len() == self.len() {
            "no label is known".clone_into(&mut text);
        } else if !unknown.is_empty() {
            text += &format!("; unknown: {}", unknown.join(", "));
        }
        text
    }

    /// The condition of a label column, if there is such a column.
    pub fn get(&self, column: usize) -> Option<&Condition> {
        self.conditions.get(column)
    }
}

impl Default for LabelSet {
    fn default() -> Self {
        Self::chest_xray_14()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_lead_to_the_fourteen_and_other_names_to_keys() {
        let keys =
            ["Pleural_Thickening", "Pleural thickening", "Infiltrate", "EDEMA", "Lung Opacity", "COVID-19"];
        let expected = ["pleural", "pleural", "infiltration", "edema", "lung_opacity", "covid_19"];
        assert_eq!(keys.map(key_of), expected);
        assert!(is_no_finding("No Finding") && is_no_finding("") && !is_no_finding("Nodule"));
        let set = LabelSet::of_keys(&["effusion".into(), "lung_opacity".into()]);
        let names: Vec<_> = set.iter().map(|c| (c.name.as_str(), c.abbreviation.as_str())).collect();
        assert_eq!(names, [("Effusion", "Effus"), ("Lung opacity", "Lungo")]);
    }

    #[test]
    fn the_fourteen_conditions_have_distinct_keys_and_short_abbreviations() {
        let set = LabelSet::chest_xray_14();
        let keys: std::collections::HashSet<_> = set.iter().map(|c| &c.key).collect();
        assert_eq!(keys.len(), 14);
        assert!(set.iter().all(|c| (1..=5).contains(&c.abbreviation.len())));
    }
}
