//! The data sets that the program knows by name, from `data/datasets.toml`.

use std::path::PathBuf;
use std::sync::LazyLock;

use serde::Deserialize;

use super::DataError;
use crate::config::AppPaths;

/// More bytes are none of the files: the largest has about 4 GB.
pub const LARGEST: u64 = 16 << 30;

/// Another place with the same files, e.g. in a network without a way out.
pub const MIRROR: &str = "CHESTXR_DATA_URL";

/// A data set: what it is and on what terms.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    pub about: String,
    pub licence: String,
    pub citation: String,
    /// Its own page.
    pub home: String,
    /// How it is named as a source.
    pub source: String,
    /// How its files must lie.
    #[serde(default)]
    pub layout: String,
    /// What one must know before believing a number.
    #[serde(default)]
    pub warning: String,
    /// Images of the three splits.
    #[serde(default)]
    pub images: Vec<usize>,
    /// Files that can be fetched.
    #[serde(default, rename = "file")]
    pub files: Vec<RemoteFile>,
}

/// A file that can be fetched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteFile {
    /// Side of its images in pixels.
    pub size: usize,
    pub name: String,
    pub url: String,
    /// MD5 of its content, 32 hexadecimal digits.
    pub md5: String,
}

/// All entries in the order of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    pub chestmnist: Entry,
    pub nih: Entry,
    pub phantom: Entry,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    // The text is part of the program, and a test reads it.
    toml::from_str(include_str!("../../data/datasets.toml")).expect("the embedded table is valid")
});

impl Registry {
    /// The table that ships.
    pub fn get() -> &'static Self {
        &REGISTRY
    }

    /// All entries with their names.
    pub fn entries(&self) -> [(&'static str, &Entry); 3] {
        [("chestmnist", &self.chestmnist), ("nih", &self.nih), ("phantom", &self.phantom)]
    }

    /// The entry of this name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().into_iter().find(|(own, _)| *own == name).map(|(_, entry)| entry)
    }
}

impl RemoteFile {
    /// Where it is kept once it is here.
    pub fn place(&self) -> PathBuf {
        AppPaths::new(None).data.join(&self.name)
    }

    /// Where it is fetched from: its own address, or the mirror's folder.
    pub fn address(&self, mirror: Option<&str>) -> String {
        match mirror {
            Some(mirror) => format!("{}/{}", mirror.trim_end_matches('/'), self.name),
            None => self.url.clone(),
        }
    }
}

/// ChestMNIST's file of images of `size` px.
///
/// # Errors
/// When there is no such size.
pub fn chestmnist_file(size: usize) -> Result<&'static RemoteFile, DataError> {
    let files = &Registry::get().chestmnist.files;
    files.iter().find(|file| file.size == size).ok_or(DataError::NoSuchSize(size))
}

/// The place of ChestMNIST's file of images of `size` px, which is here: in our cache, or where the Python package
/// medmnist keeps it.
///
/// # Errors
/// When there is no such size, or it isn't here.
pub fn chestmnist(size: usize) -> Result<PathBuf, DataError> {
    let file = chestmnist_file(size)?;
    let place = file.place();
    let pythons = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".medmnist").join(&file.name));
    let found = [Some(place.clone()), pythons].into_iter().flatten().find(|path| path.is_file());
    found.ok_or_else(|| DataError::NotFetched {
        size,
        file: file.name.clone(),
        folder: place.parent().unwrap_or(&place).display().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chestmnist_is_as_the_package_medmnist_has_it() {
        // Made by tests/reference/medmnist_golden.py from the installed package.
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/medmnist.json")).expect("JSON");
        let entry = &Registry::get().chestmnist;
        assert_eq!(entry.licence, golden["license"]);
        assert_eq!(serde_json::json!(entry.images), golden["images"]);
        let files: Vec<_> =
            entry.files.iter().map(|file| serde_json::json!([file.size, file.url, file.md5])).collect();
        assert_eq!(serde_json::json!(files), golden["files"]);
        let keys = crate::dataset::labels::LabelSet::chest_xray_14().keys();
        assert_eq!(serde_json::json!(keys), golden["labels"]);
    }

    #[test]
    fn the_table_that_ships_is_whole() {
        let registry = Registry::get();
        assert_eq!(registry.chestmnist.images.iter().sum::<usize>(), 112_120);
        let sizes: Vec<usize> = registry.chestmnist.files.iter().map(|file| file.size).collect();
        assert_eq!(sizes, [28, 64, 128, 224]);
        for (name, entry) in registry.entries() {
            assert!(
                !entry.about.is_empty() && !entry.licence.is_empty() && !entry.citation.is_empty(),
                "{name}"
            );
        }
        for file in &registry.chestmnist.files {
            assert!(file.md5.len() == 32 && file.url.contains(&file.name), "{}", file.name);
            assert_eq!(file.address(Some("http://mirror/m/")), format!("http://mirror/m/{}", file.name));
        }
        assert!(matches!(chestmnist_file(100), Err(DataError::NoSuchSize(100))));
    }
}
