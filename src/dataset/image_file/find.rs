//! Files from arguments: files as given, directories searched for image files.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Fault, ImageFileError};

/// The files of `paths`: files as they are given, folders with all that lies in them.
///
/// A folder gives its regular files in the order of their names, whatever their extensions, and those of its
/// folders where these come in that order: an image that can't be read is to be named later, not passed over.
/// Hidden entries are left out. Links are followed; a folder that several lead to is walked once, where it is met
/// first, so that loops end.
///
/// # Errors
/// When a path doesn't exist, a folder can't be listed, or a folder holds no files.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ImageFileError> {
    let mut found = Vec::new();
    for path in paths {
        let given = fs::metadata(path).map_err(|error| ImageFileError::new(path, Fault::of_file(error)))?;
        if !given.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        walk(path, &mut found)?;
        if found.len() == before {
            return Err(ImageFileError::new(path, Fault::NoFiles));
        }
    }
    Ok(found)
}

/// Adds the files below `root` to `found`.
fn walk(root: &Path, found: &mut Vec<PathBuf>) -> Result<(), ImageFileError> {
    let mut walked = HashSet::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(path) = waiting.pop() {
        match fs::metadata(&path) {
            Ok(entry) if entry.is_dir() => {
                let failed = |error| ImageFileError::new(&path, Fault::of_folder(error));
                if !walked.insert(fs::canonicalize(&path).map_err(failed)?) {
                    continue;
                }
                let mut inside = Vec::new();
                for entry in fs::read_dir(&path).map_err(failed)? {
                    let entry = entry.map_err(failed)?;
                    if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                        inside.push(entry.path());
                    }
                }
                inside.sort();
                waiting.extend(inside.into_iter().rev());
            }
            Ok(entry) if !entry.is_file() => {} // a device or a pipe
            // What can't be looked at, such as a link to nothing, is named when it is read.
            Ok(_) | Err(_) => found.push(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for name in ["b.png", "a/2.jpg", "a/10.jpg", "a/notes.txt", ".hidden.png", ".git/x.png", "c/d/e.PNG"]
        {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        root
    }

    /// The found files below `root`, with `/` between their parts.
    fn names(root: &Path, paths: &[&str]) -> Vec<String> {
        let paths: Vec<_> = paths.iter().map(|path| root.join(path)).collect();
        let found = find(&paths).unwrap();
        found
            .iter()
            .map(|path| path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"))
            .collect()
    }

    #[test]
    fn a_folder_is_walked_in_the_order_of_names_and_hidden_entries_are_left_out() {
        let root = tree();
        let whole = ["a/10.jpg", "a/2.jpg", "a/notes.txt", "b.png", "c/d/e.PNG"];
        assert_eq!(names(root.path(), &[""]), whole);
    }

    #[test]
    fn files_stay_as_and_where_they_are_given() {
        let root = tree();
        let found = names(root.path(), &["c", "b.png", ".hidden.png", "b.png"]);
        assert_eq!(found, ["c/d/e.PNG", "b.png", ".hidden.png", "b.png"]);
    }

    #[test]
    fn no_such_path_and_a_folder_without_files_are_told_apart() {
        let root = tree();
        fs::create_dir_all(root.path().join("empty/.hidden")).unwrap();
        let said = |name: &str| find(&[root.path().join(name)]).unwrap_err().to_string();
        assert!(said("nowhere").ends_with("nowhere: the file doesn't exist; check its path"));
        assert!(said("empty").contains("empty: the folder has no files"));
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_end_and_a_link_to_nothing_is_kept_to_be_named() {
        let root = tree();
        std::os::unix::fs::symlink(root.path(), root.path().join("c/loop")).unwrap();
        std::os::unix::fs::symlink("../a", root.path().join("c/again")).unwrap();
        std::os::unix::fs::symlink("nothing", root.path().join("c/broken.png")).unwrap();
        let whole = ["a/10.jpg", "a/2.jpg", "a/notes.txt", "b.png", "c/broken.png", "c/d/e.PNG"];
        assert_eq!(names(root.path(), &[""]), whole);
    }
}
