//! The data sets that the program knows by name, from `data/datasets.toml`.

use std::collections::BTreeMap;
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
    /// Name as shown.
    pub name: String,
    /// What it is, one sentence.
    pub about: String,
    /// Licence and terms of use.
    pub licence: String,
    /// What to cite.
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
    /// What to do instead of downloading, where there are no files.
    #[serde(default)]
    pub instead: String,
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
    /// Name of the file.
    pub name: String,
    /// Address it is downloaded from.
    pub url: String,
    /// MD5 of its content, 32 hexadecimal digits.
    pub md5: String,
}

/// All entries by name. A data set is a table in `data/datasets.toml`; no code names one.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Registry {
    entries: BTreeMap<String, Entry>,
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

    /// All entries with their names, in the order of their names.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The entry of this name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The first data set that has files to download.
    pub fn first_download(&self) -> Option<&Entry> {
        self.entries.values().find(|entry| !entry.files.is_empty())
    }

    /// Names of the data sets that have files to download.
    pub fn downloadable(&self) -> Vec<&str> {
        self.entries().filter(|(_, entry)| !entry.files.is_empty()).map(|(name, _)| name).collect()
    }
}

impl Entry {
    /// The file with images of `size` px.
    ///
    /// # Errors
    /// When the data set has no file of this size.
    pub fn file(&self, size: usize) -> Result<&RemoteFile, DataError> {
        self.files.iter().find(|file| file.size == size).ok_or_else(|| DataError::NoSuchSize {
            name: self.name.clone(),
            sizes: self.files.iter().map(|file| file.size.to_string()).collect::<Vec<_>>().join(", "),
            size,
        })
    }

    /// The path of the downloaded file with images of `size` px.
    ///
    /// # Errors
    /// When the data set has no file of this size, or it was not downloaded.
    pub fn local_file(&self, size: usize) -> Result<PathBuf, DataError> {
        let file = self.file(size)?;
        let place = file.place();
        file.local().ok_or_else(|| DataError::NotFetched {
            name: self.name.clone(),
            source_name: self.source.clone(),
            size,
            file: file.name.clone(),
            folder: place.parent().unwrap_or(&place).display().to_string(),
        })
    }
}

impl RemoteFile {
    /// Where it is kept once it is here.
    pub fn place(&self) -> PathBuf {
        AppPaths::new(None).data.join(&self.name)
    }

    /// Its path if it was downloaded, into the own cache or by the Python package medmnist.
    pub fn local(&self) -> Option<PathBuf> {
        let medmnist =
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".medmnist").join(&self.name));
        [Some(self.place()), medmnist].into_iter().flatten().find(|path| path.is_file())
    }

    /// Where it is fetched from: its own address, or the mirror's folder.
    pub fn address(&self, mirror: Option<&str>) -> String {
        match mirror {
            Some(mirror) => format!("{}/{}", mirror.trim_end_matches('/'), self.name),
            None => self.url.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chestmnist_is_as_the_package_medmnist_has_it() {
        // Made by tests/reference/medmnist_golden.py from the installed package.
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/medmnist.json")).expect("JSON");
        let entry = Registry::get().entry("chestmnist").expect("in the table");
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
        let chestmnist = registry.entry("chestmnist").expect("in the table");
        assert_eq!(chestmnist.images.iter().sum::<usize>(), 112_120);
        let sizes: Vec<usize> = chestmnist.files.iter().map(|file| file.size).collect();
        assert_eq!(sizes, [28, 64, 128, 224]);
        for (name, entry) in registry.entries() {
            assert!(
                !entry.about.is_empty() && !entry.licence.is_empty() && !entry.citation.is_empty(),
                "{name}"
            );
            assert!(
                entry.files.is_empty() != entry.instead.is_empty(),
                "{name}: files, or what to do instead"
            );
        }
        for file in &chestmnist.files {
            assert!(file.md5.len() == 32 && file.url.contains(&file.name), "{}", file.name);
            assert_eq!(file.address(Some("http://mirror/m/")), format!("http://mirror/m/{}", file.name));
        }
        assert!(matches!(chestmnist.file(100), Err(DataError::NoSuchSize { size: 100, .. })));
    }
}
