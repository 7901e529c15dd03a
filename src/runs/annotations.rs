//! A user's annotations of a run: its name, tags and a note, in `about.json`. The trainer never writes this file, so
//! it can change while the run is on.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::RunFolder;
use crate::text::one_line;

const FILE: &str = "about.json";

/// Longest tag, in characters.
const TAG_LIMIT: usize = 60;

/// Longest name, in characters.
const NAME_LIMIT: usize = 120;

/// Longest note, in characters.
const NOTE_LIMIT: usize = 10_000;

/// What users write about a run: name, tags, note. What a file holds beyond the limits of [`Annotations::tag`] and the
/// others is cut when it is read, so it can be shown as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// Overrules `run.name` of the configuration; `None` where nobody gave one.
    pub name: Option<String>,
    /// Sorted, each once.
    pub tags: Vec<String>,
    /// Any text, with its line breaks; empty for none.
    pub note: String,
}

impl Annotations {
    /// A tag: letters, digits, `-`, `_`, `.`, `/`, `:`, `=`, at most 60 characters, neither `+` nor `-` in front.
    ///
    /// # Errors
    /// When `text` is no tag: a sentence for the user.
    pub fn tag(text: &str) -> Result<String, String> {
        let safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=');
        let fits = !text.is_empty() && text.chars().count() <= TAG_LIMIT;
        if fits && !text.starts_with('-') && text.chars().all(safe) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "`{}` is no tag: take letters, digits and - _ . / : =, at most {TAG_LIMIT} of them",
            one_line(text, 80)
        ))
    }

    /// Adds and removes tags: `+good -draft`; a word without a sign is added.
    ///
    /// # Errors
    /// A sentence about the first word that is no tag; nothing is changed then.
    pub fn change_tags<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
        let mut tags: BTreeSet<String> = self.tags.iter().cloned().collect();
        for word in words {
            if let Some(tag) = word.strip_prefix('-') {
                tags.remove(&Self::tag(tag)?);
            } else {
                tags.insert(Self::tag(word.strip_prefix('+').unwrap_or(word))?);
            }
        }
        self.tags = tags.into_iter().collect();
        Ok(())
    }

    /// Names the run; an empty name gives it back the configuration's.
    pub fn rename(&mut self, name: &str) {
        let name = one_line(name, NAME_LIMIT);
        self.name = (!name.is_empty()).then_some(name);
    }

    /// Replaces the note; empty for none.
    pub fn set_note(&mut self, note: &str) {
        self.note = fit_for_a_terminal(note);
    }

    /// What a file held, made to fit.
    fn tidy(mut self) -> Self {
        self.name = self.name.map(|name| one_line(&name, NAME_LIMIT)).filter(|name| !name.is_empty());
        self.note = fit_for_a_terminal(&self.note);
        let tags: BTreeSet<String> = self.tags.iter().filter_map(|tag| Self::tag(tag).ok()).collect();
        self.tags = tags.into_iter().collect();
        self
    }
}

/// Line breaks stay, other control characters become spaces; white space at both ends goes.
fn fit_for_a_terminal(note: &str) -> String {
    let plain = note.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
    plain.take(NOTE_LIMIT).collect::<String>().trim().to_owned()
}

impl RunFolder {
    /// The annotations of the run; empty when `about.json` is missing.
    ///
    /// # Errors
    /// When the file can't be read or is damaged.
    pub fn read_annotations(&self) -> Result<Annotations> {
        match self.path().join(FILE).exists() {
            true => Ok(self.read_json::<Annotations>(FILE)?.tidy()),
            false => Ok(Annotations::default()),
        }
    }

    /// Replaces `about.json`.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_annotations(&self, about: &Annotations) -> Result<()> {
        self.replace_json(FILE, &about.clone().tidy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_and_each_there_once() {
        let mut about = Annotations::default();
        about.change_tags(["+new", "good", "+a/b", "good"]).expect("tags");
        assert_eq!(about.tags, ["a/b", "good", "new"]);
        about.change_tags(["-good", "-never-there", "lr=1e-3"]).expect("tags");
        assert_eq!(about.tags, ["a/b", "lr=1e-3", "new"]);
    }

    #[test]
    fn what_is_no_tag_is_refused_and_nothing_changes() {
        let mut about = Annotations { tags: vec!["kept".into()], ..Annotations::default() };
        for wrong in ["two words", "", "+", "-", "\u{1b}[31m", &"x".repeat(61)] {
            assert!(about.change_tags(["-kept", wrong]).is_err(), "{wrong:?}");
            assert_eq!(about.tags, ["kept"]);
        }
    }

    #[test]
    fn what_comes_from_a_file_is_fit_for_a_terminal() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let now = "2026-11-22T12:00:00[UTC]".parse().expect("a time");
        let folder = RunFolder::create(runs.path(), &Default::default(), &now).expect("a new run");
        assert_eq!(folder.read_annotations().expect("nothing yet"), Annotations::default());
        let wild = r#"{"name":" a\u001b[2Jb ","tags":["z","a b","a","z"],"note":"one\ntwo\u0007","more":1}"#;
        std::fs::write(folder.path().join(FILE), wild).expect("written");
        let about = folder.read_annotations().expect("read");
        assert_eq!(about.name.as_deref(), Some("a [2Jb"));
        assert_eq!(about.tags, ["a", "z"]);
        assert_eq!(about.note, "one\ntwo");
        folder.write_annotations(&about).expect("written");
        assert_eq!(folder.read_annotations().expect("read"), about);
        std::fs::write(folder.path().join(FILE), "{").expect("written");
        assert!(folder.read_annotations().expect_err("damaged").to_string().contains("about.json"));
    }
}
