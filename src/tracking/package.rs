//! A run's model folder as it is sent: its files, what they are together, and the descriptor `MLmodel` with what only
//! the server can know written into it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// The key in the descriptor's metadata with the digest of the folder's source.
const MADE_FROM: &str = "made_from";
/// The file that makes a folder a model of MLflow's.
const DESCRIPTOR: &str = "MLmodel";

/// A folder with a model.
#[derive(Clone, Debug)]
pub(super) struct Package {
    folder: PathBuf,
    /// The epoch of the weights.
    pub epoch: usize,
    /// Of what it was made from, however often it is written: a model that was deleted and made again is the same. Of
    /// all that is in it where it has no list.
    pub digest: String,
}

impl Package {
    /// Looks at a model folder.
    pub fn open_folder(folder: &Path, epoch: usize) -> Result<Self> {
        let mut package = Self { folder: folder.to_owned(), epoch, digest: String::new() };
        let told = package.descriptor(DESCRIPTOR, &[])?.unwrap_or_default();
        let mut hash = blake3::Hasher::new();
        match package.as_json(&told)?["metadata"][MADE_FROM].as_str().filter(|made| !made.is_empty()) {
            Some(made) => {
                hash.update(made.as_bytes());
            }
            None => {
                for name in package.files()? {
                    hash.update(name.as_bytes());
                    hash.update_reader(package.open(&name)?).with_context(|| format!("can't read {name}"))?;
                }
            }
        }
        package.digest = hash.finalize().to_hex().chars().take(32).collect();
        Ok(package)
    }

    /// Names of the files, the descriptor last: a model is one once that is there.
    pub fn files(&self) -> Result<Vec<String>> {
        let entries =
            fs::read_dir(&self.folder).with_context(|| format!("can't read {}", self.folder.display()))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_file() && !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort_by_key(|name| (name == DESCRIPTOR, name.clone()));
        Ok(names)
    }

    pub fn open(&self, name: &str) -> Result<File> {
        let path = self.folder.join(name);
        File::open(&path).with_context(|| format!("can't read {}", path.display()))
    }

    /// The descriptor with these lines at its top; `None` for another file.
    pub fn descriptor(&self, name: &str, lines: &[(&str, &str)]) -> Result<Option<String>> {
        if name != DESCRIPTOR {
            return Ok(None);
        }
        let path = self.folder.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        let is_ours = |line: &&str| !lines.iter().any(|(key, _)| line.starts_with(&format!("{key}:")));
        let kept: Vec<&str> = text.lines().filter(is_ours).collect();
        let added: String = lines.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        Ok(Some(format!("{added}{}\n", kept.join("\n"))))
    }

    /// The descriptor as JSON, which servers before MLflow 3 need. It is YAML as `evaluation::export` writes it:
    /// two spaces a level, scalars plain or in quotes, lists of scalars as deep as their key.
    pub fn as_json(&self, descriptor: &str) -> Result<Value> {
        let mut lines = descriptor.lines().filter(|line| !line.trim().is_empty()).peekable();
        Ok(Value::Object(block(&mut lines, 0)))
    }
}

fn block<'a>(
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
    depth: usize,
) -> Map<String, Value> {
    let mut map = Map::new();
    let indent = |line: &str| line.len() - line.trim_start().len();
    while let Some(line) = lines.next_if(|line| indent(line) >= depth) {
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        let value = match (value.trim(), lines.peek().map(|next| (indent(next), is_entry(next)))) {
            ("", Some((deep, true))) if deep >= depth => Value::Array(list(lines, deep)),
            ("", Some((deeper, false))) if deeper > depth => Value::Object(block(lines, deeper)),
            ("", _) => Value::Null,
            (text, _) => scalar(text),
        };
        map.insert(key.trim_matches('\'').trim_matches('"').to_owned(), value);
    }
    map
}

fn is_entry(line: &str) -> bool {
    line.trim_start().starts_with("- ")
}

fn list<'a>(lines: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, depth: usize) -> Vec<Value> {
    let is_ours = |line: &&str| is_entry(line) && line.len() - line.trim_start().len() == depth;
    std::iter::from_fn(|| lines.next_if(is_ours))
        .map(|line| scalar(line.trim_start().trim_start_matches("- ").trim()))
        .collect()
}

fn scalar(text: &str) -> Value {
    if let Some(inside) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return Value::String(inside.replace("''", "'"));
    }
    // What looks like JSON is JSON, which YAML is a superset of.
    if text.starts_with(['"', '{', '[']) {
        return serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    }
    match text {
        "null" | "~" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_told_with_the_servers_numbers_in_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = "flavors:\n  onnx:\n    data: model.onnx\n    code: null\n    providers:\n    - CUDAExecutionProvider\n    - CPUExecutionProvider\n  other:\n    data: x\nmodel_size_bytes: 12\nrun_id: old\nsignature:\n  inputs: '[{\"name\": \"it''s\"}]'\n";
        fs::write(folder.path().join("MLmodel"), text).expect("written");
        fs::write(folder.path().join("model.onnx"), b"x").expect("written");
        let package = Package::open_folder(folder.path(), 3).expect("a package");
        assert_eq!(package.files().expect("files"), ["model.onnx", "MLmodel"]);
        let told =
            package.descriptor("MLmodel", &[("run_id", "new")]).expect("read").expect("the descriptor");
        assert!(told.starts_with("run_id: new\nflavors:") && !told.contains("old"), "{told}");
        let json = package.as_json(&told).expect("JSON");
        assert_eq!(json["flavors"]["onnx"]["data"], "model.onnx");
        assert_eq!(json["flavors"]["onnx"]["code"], Value::Null);
        let providers = serde_json::json!(["CUDAExecutionProvider", "CPUExecutionProvider"]);
        assert_eq!(json["flavors"]["onnx"]["providers"], providers);
        assert_eq!(json["flavors"]["other"]["data"], "x");
        assert_eq!(json["model_size_bytes"], 12);
        assert_eq!(json["signature"]["inputs"], "[{\"name\": \"it's\"}]");
        assert_eq!(package.descriptor("model.onnx", &[]).expect("read"), None);
    }
    #[test]
    fn a_model_written_again_of_the_same_is_the_same() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let digest = |made: &str, written: &str| {
            let text = format!("metadata: {{\"made_from\": \"{made}\"}}\nutc_time_created: '{written}'\n");
            fs::write(folder.path().join("MLmodel"), text).expect("written");
            Package::open_folder(folder.path(), 3).expect("a package").digest
        };
        assert_eq!(digest("a", "today"), digest("a", "tomorrow"));
        assert_ne!(digest("a", "today"), digest("b", "today"));
        assert_ne!(digest("", "today"), digest("", "tomorrow"), "one that doesn't say is told by its files");
    }
}
