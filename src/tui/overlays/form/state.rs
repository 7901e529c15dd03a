//! The settings of the next run as they are being edited: text a field, checked at every change.

use crate::config::{FIELDS, Field, Kind, RunConfig};
use tui_input::Input;

/// Settings that are changed most often, shown first.
const MAIN: [&str; 10] = [
    "data.source",
    "data.size",
    "model.arch",
    "augment.preset",
    "optimizer.epochs",
    "optimizer.batch_size",
    "optimizer.lr",
    "run.name",
    "run.seed",
    "run.device",
];

/// One setting in the form.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The setting with its allowed values.
    pub field: &'static Field,
    /// Its text, allowed or not.
    pub text: String,
    /// Whether it belongs to the settings shown first.
    pub main: bool,
    /// Why it isn't allowed.
    pub error: Option<String>,
}

/// The form.
#[derive(Clone, Debug)]
pub struct Form {
    entries: Vec<Entry>,
    /// The chosen row; the row after the last setting is [start].
    pub row: usize,
    /// The line being typed.
    pub typing: Option<Input>,
    config: RunConfig,
    /// Settings that contradict each other, or a line that isn't allowed yet.
    problem: Option<String>,
}

impl Form {
    /// A form over these settings.
    pub fn new(config: RunConfig) -> Self {
        let in_order = MAIN
            .iter()
            .filter_map(|key| FIELDS.iter().find(|field| field.key == *key))
            .chain(FIELDS.iter().filter(|field| !MAIN.contains(&field.key)));
        let entries = in_order
            .map(|field| Entry {
                field,
                text: config.get(field),
                main: MAIN.contains(&field.key),
                error: None,
            })
            .collect();
        let mut form = Self { entries, row: 0, typing: None, config, problem: None };
        form.check();
        form
    }

    /// All rows but [start].
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether the cursor is on [start].
    pub fn on_start(&self) -> bool {
        self.row >= self.entries.len()
    }

    /// The setting under the cursor.
    pub fn chosen(&self) -> Option<&Entry> {
        self.entries.get(self.row)
    }

    /// The settings, once nothing is wrong with them.
    pub fn config(&self) -> Option<&RunConfig> {
        (self.problem.is_none()).then_some(&self.config)
    }

    /// The last settings that were allowed one by one, for showing.
    pub fn current(&self) -> &RunConfig {
        &self.config
    }

    /// The reason why a run can't start.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether a setting differs from its default.
    pub fn differs(&self, entry: &Entry) -> bool {
        entry.text != RunConfig::default().get(entry.field)
    }

    /// Moves the cursor; a line being typed stays.
    pub fn go(&mut self, row: usize) {
        self.row = row.min(self.entries.len());
    }

    /// Moves the cursor by `by` rows.
    pub fn step(&mut self, by: isize) {
        self.go(self.row.saturating_add_signed(by));
    }

    /// Begins to type over the setting under the cursor, from `text`.
    pub fn begin(&mut self, text: Option<String>) {
        if let Some(entry) = self.entries.get(self.row) {
            self.typing = Some(Input::new(text.unwrap_or_else(|| entry.text.clone())));
        }
    }

    /// Edits the setting under the cursor by a typed letter or pasted text. A choice takes the next name that begins with
    /// it, a switch turns at a space; other settings begin a line with it.
    pub fn type_over(&mut self, text: &str) {
        let Some(entry) = self.entries.get(self.row) else { return };
        match entry.field.kind {
            Kind::Choice(names) => {
                let at = names.iter().position(|name| *name == entry.text).map_or(0, |at| at + 1);
                let next = (0..names.len())
                    .map(|step| names[(at + step) % names.len()])
                    .find(|name| name.to_lowercase().starts_with(&text.trim().to_lowercase()));
                if let Some(name) = next {
                    self.put(self.row, name.to_owned());
                }
            }
            Kind::Switch => match text.trim().to_lowercase().as_str() {
                "" => self.turn(1),
                "y" | "t" | "true" | "1" => self.put(self.row, true.to_string()),
                "n" | "f" | "false" | "0" => self.put(self.row, false.to_string()),
                _ => {}
            },
            _ => self.begin(Some(text.to_owned())),
        }
    }

    /// What is wrong with the line being typed.
    pub fn typing_error(&self) -> Option<String> {
        let (input, entry) = (self.typing.as_ref()?, self.entries.get(self.row)?);
        refusal(entry.field, input.value())
    }

    /// Ends typing, with the line or without it.
    pub fn end(&mut self, take: bool) {
        if let (Some(input), true) = (self.typing.take(), take) {
            self.put(self.row, input.value().trim().to_owned());
        }
    }

    /// Puts the default back under the cursor.
    pub fn reset(&mut self) {
        if let Some(entry) = self.entries.get(self.row) {
            let text = RunConfig::default().get(entry.field);
            self.put(self.row, text);
        }
    }

    /// Selects the next (`by` = 1) or previous (-1) choice or number.
    pub fn turn(&mut self, by: isize) {
        let Some(entry) = self.entries.get(self.row) else { return };
        let text = match entry.field.kind {
            Kind::Choice(names) => {
                let at = names.iter().position(|name| *name == entry.text);
                let next = at.map_or(0, |at| (at as isize + by).rem_euclid(names.len() as isize) as usize);
                names[next].to_owned()
            }
            Kind::Switch => (entry.text != "true").to_string(),
            Kind::Whole { min, max } => {
                let Ok(number) = entry.text.parse() else { return };
                step_whole(entry.field.key, number, by).clamp(min, max).to_string()
            }
            Kind::Real { min, max, .. } => {
                let Ok(number) = entry.text.parse() else { return };
                step_real(number, by, max <= 1.0).clamp(min, max).to_string()
            }
            Kind::Text | Kind::Device | Kind::PosWeight | Kind::Memory | Kind::Server => return,
        };
        if refusal(entry.field, &text).is_none() {
            self.put(self.row, text);
        }
    }

    /// Changes one setting from outside the form, e.g. the learning rate by its own key.
    pub fn set(&mut self, key: &str, text: String) {
        if let Some(row) = self.entries.iter().position(|entry| entry.field.key == key) {
            self.put(row, text);
        }
    }

    fn put(&mut self, row: usize, text: String) {
        if let Some(entry) = self.entries.get_mut(row) {
            entry.text = text;
        }
        self.check();
    }

    fn check(&mut self) {
        let mut config = self.config.clone();
        self.problem = None;
        for entry in &mut self.entries {
            entry.error = refusal(entry.field, &entry.text)
                .or_else(|| config.set(entry.field.key, &entry.text).err().map(|error| error.to_string()));
            // Texts become what the configuration writes, so that equal values look equal.
            if entry.error.is_none() {
                entry.text = config.get(entry.field);
            } else if self.problem.is_none() {
                self.problem.clone_from(&entry.error);
            }
        }
        self.config = config;
        if self.problem.is_none() {
            self.problem = self.config.validate().err().map(|error| error.to_string());
        }
    }
}

fn refusal(field: &Field, text: &str) -> Option<String> {
    match field.parse(text) {
        Ok(_) if field.key == "data.source" => {
            text.parse::<crate::dataset::source::Source>().err().map(|error| error.to_string())
        }
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

/// Numbers that are usually doubled, and usual image sizes, have steps of their own.
fn step_whole(key: &str, number: i64, by: isize) -> i64 {
    let by = by as i64;
    match key {
        "optimizer.batch_size" if by > 0 => number.saturating_mul(2),
        "optimizer.batch_size" => number / 2,
        "data.size" => (number / 32 + by).max(1) * 32,
        "data.limit" => (number / 1000 + by).max(0) * 1000,
        "optimizer.epochs" if number >= 10 => (number / 5 + by).max(1) * 5,
        _ => number.saturating_add(by),
    }
}

/// Along 1, 2, 5, 10 …; a share of .05 and more by .05.
fn step_real(number: f64, by: isize, share: bool) -> f64 {
    let up = by > 0;
    if share && (number > 0.0501 || (number > 0.0499 && up)) {
        // Twentieths, made from whole numbers so that no tails grow.
        return ((number * 20.0).round() + by as f64) / 20.0;
    }
    if number <= 0.0 {
        return if up { 1e-6 } else { 0.0 };
    }
    let exponent = number.log10().floor() as i32;
    let ladder = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
    let steps = ladder.map(|mantissa| format!("{mantissa}e{exponent}").parse::<f64>().unwrap_or(number));
    // A thousandth of slack, so that 3.0000001e-4 counts as 3e-4.
    let found = if up {
        steps.into_iter().find(|step| *step > number * 1.001)
    } else {
        steps.into_iter().rev().find(|step| *step < number * 0.999)
    };
    match found {
        Some(step) if step < 0.9e-8 => 0.0,
        found => found.unwrap_or(number),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
