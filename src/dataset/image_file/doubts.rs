//! Sentences about images whose headers say something doubtful, see [`DecodedImage::doubts`].

use std::collections::BTreeMap;
use std::path::Path;

use super::gray::DecodedImage;
use crate::text::{counted, one_line};

/// Files that a sentence names.
const NAMED: usize = 5;
/// Longest file name in a sentence, in characters.
const LONGEST_NAME: usize = 60;

/// The doubts about some images: for each kind the files of those images, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubts(BTreeMap<String, Vec<String>>);

impl Doubts {
    /// Adds those about the image in the file at `path`.
    pub fn add_all(&mut self, path: &Path, image: &DecodedImage) {
        image.doubts().iter().for_each(|how| self.add(how, path));
    }

    /// Adds one about the image in the file at `path`.
    pub fn add(&mut self, how: &str, path: &Path) {
        self.0.entry(how.to_owned()).or_default().push(file_name(path));
    }

    /// Adds those of `other` behind its own.
    pub fn append(&mut self, other: Self) {
        for (how, names) in other.0 {
            self.0.entry(how).or_default().extend(names);
        }
    }

    /// A sentence for each kind: `3 images have a rescale slope of 0, taken as 1: a.dcm, b.dcm, c.dcm`.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(how, names)| {
            let count = counted(names.len(), "image has", "images have");
            format!("{count} {how}: {}", first_names(names))
        })
    }
}

/// The file name of a path, for a sentence.
pub fn file_name(path: &Path) -> String {
    one_line(&path.file_name().unwrap_or_default().to_string_lossy(), LONGEST_NAME)
}

/// The first names, and whether there are more.
pub fn first_names(names: &[String]) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { first + ", …" } else { first }
}

#[cfg(test)]
mod tests {
    use super::super::gray::Pixels;
    use super::*;

    #[test]
    fn a_kind_of_doubt_has_one_sentence_with_its_first_files() {
        let image = |doubts: &[&str]| {
            let image = DecodedImage::new(1, 1, Pixels::Eight(vec![0])).unwrap();
            image.with_doubts(doubts.iter().map(|how| (*how).to_owned()).collect())
        };
        let mut doubts = Doubts::default();
        doubts.add_all(Path::new("there/a\u{1b}.dcm"), &image(&["two of a kind", "one alone"]));
        for number in 0..6 {
            doubts.add_all(Path::new(&format!("{number}.dcm")), &image(&["two of a kind"]));
        }
        doubts.add_all(Path::new("clear.dcm"), &image(&[]));
        let said: Vec<String> = doubts.sentences().collect();
        assert_eq!(said[0], format!("1 image has one alone: {}", one_line("a\u{1b}.dcm", 60)));
        assert!(
            said[1].starts_with("7 images have two of a kind: ") && said[1].ends_with("3.dcm, …"),
            "{said:?}"
        );
        assert_eq!(said.len(), 2);
    }
}
