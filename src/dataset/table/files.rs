//! The file that a table's cell names: as it is written, else below the table's folder by its name.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::files::from_home;

/// Endings of image files, tried where a cell has none.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "dcm", "dicom", "dic"];
/// Folders below the table's that are searched.
const DEEPEST: usize = 6;

/// Finds the images of a table.
pub(super) struct Files<'a> {
    folder: &'a Path,
    /// The folder's own name.
    own_name: Option<OsString>,
    /// Files below the folder by their name, with and without ending; read when the first cell needs it. `None` for a name
    /// that several have.
    by_name: Option<HashMap<String, Option<PathBuf>>>,
    /// How many were found by their name alone.
    pub by_name_alone: usize,
}

impl<'a> Files<'a> {
    /// Those of the table in `folder`.
    pub fn of(folder: &'a Path) -> Self {
        let own_name = std::path::absolute(folder).ok().and_then(|path| Some(path.file_name()?.to_owned()));
        Self { folder, own_name, by_name: None, by_name_alone: 0 }
    }

    /// The file of a cell; `None` where there is none.
    pub fn find(&mut self, cell: &str) -> Option<PathBuf> {
        let as_written = self.folder.join(cell);
        if as_written.is_file() {
            return Some(as_written);
        }
        let written = PathBuf::from(from_home(&cell.replace('\\', "/")));
        // A path may begin with the name of the folder that the table lies in, as CheXpert's do.
        let own = self.own_name.as_ref().and_then(|name| written.strip_prefix(name).ok());
        let candidates = [Some(written.as_path()), own].into_iter().flatten();
        if let Some(found) = candidates.map(|path| self.folder.join(path)).find(|path| path.is_file()) {
            return Some(found);
        }
        let name = written.file_name()?.to_string_lossy().to_lowercase();
        let folder = self.folder;
        let by_name = self.by_name.get_or_insert_with(|| by_name(folder));
        let stem = match name.rsplit_once('.') {
            Some((stem, ending)) if ENDINGS.contains(&ending) => stem,
            _ => &name,
        };
        // A picture that was saved again in another format is still the one that the table means; one of that name in
        // another folder than the cell says is not.
        let found = by_name.get(&name).or_else(|| by_name.get(&of_stem(stem))).cloned().flatten();
        let named = written.parent().unwrap_or(Path::new(""));
        let found = found.filter(|path| path.parent().is_some_and(|folder| folder.ends_with(named)))?;
        self.by_name_alone += 1;
        Some(found)
    }
}

/// The key of a name without its ending, which no file's name can be.
fn of_stem(stem: &str) -> String {
    format!("/{stem}")
}

/// The files of a folder and those below it, by name.
fn by_name(folder: &Path) -> HashMap<String, Option<PathBuf>> {
    let mut found: HashMap<String, Option<PathBuf>> = HashMap::new();
    let mut add = |name: String, path: &Path| {
        found.entry(name).and_modify(|known| *known = None).or_insert_with(|| Some(path.to_owned()));
    };
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                if depth < DEEPEST {
                    waiting.push((path, depth + 1));
                }
                continue;
            }
            let name = entry.file_name().to_string_lossy().to_lowercase();
            if let Some((stem, ending)) = name.rsplit_once('.')
                && ENDINGS.contains(&ending)
            {
                add(of_stem(stem), &path);
            }
            add(name, &path);
        }
    }
    found
}
