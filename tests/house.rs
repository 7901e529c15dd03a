//! The structure of the sources: files of one sitting, nothing written twice, no circle between files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Longest file of Rust, C++ or Python, in lines.
const LONGEST: usize = 450;
/// Longest run of code lines that may stand in two places.
const LONGEST_REPEAT: usize = 12;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source below `folder`: its path from the root and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|ext| ["rs", "cpp", "h", "py"].iter().any(|own| ext == *own))
            {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn no_file_is_longer_than_one_sitting() {
    let folders = ["src", "tests", "scripts", "fuzz/src", "fuzz/fuzz_targets"];
    let all = folders.map(sources).concat();
    assert!(all.len() > 400, "only {} files", all.len());
    let long: Vec<String> = all
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// The lines of code of a file with their numbers: no comments, imports, blank lines or lone punctuation.
fn code(text: &str) -> Vec<(usize, &str)> {
    let thin = |line: &str| {
        line.starts_with("//")
            || line.starts_with("use ")
            || line.starts_with("pub use ")
            || line.chars().all(|letter| !letter.is_alphanumeric())
    };
    let lines = text.lines().map(str::trim).enumerate();
    lines.filter(|(_, line)| !line.is_empty() && !thin(line)).map(|(at, line)| (at + 1, line)).collect()
}

#[test]
fn nothing_of_more_than_twelve_lines_is_written_twice() {
    let length = LONGEST_REPEAT + 1;
    let files = sources("src");
    let mut seen: HashMap<Vec<&str>, (&str, usize)> = HashMap::new();
    let mut twice = Vec::new();
    for (name, text) in &files {
        let lines = code(text);
        for window in lines.windows(length) {
            let key: Vec<&str> = window.iter().map(|(_, line)| *line).collect();
            let here = (name.as_str(), window[0].0);
            match seen.get(&key) {
                // A run may overlap itself.
                Some((other, at)) if *other != here.0 || here.1 > at + length => {
                    twice.push(format!("{}:{} and {other}:{at}", here.0, here.1));
                }
                Some(_) => {}
                None => {
                    seen.insert(key, here);
                }
            }
        }
    }
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}

/// A module: its file, and for each name that it re-exports the module that has it.
#[derive(Default)]
struct Module {
    file: String,
    exports: BTreeMap<String, Vec<String>>,
}

/// The module path of a source: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn module_of(file: &str) -> Vec<String> {
    let path = PathBuf::from(file);
    let mut parts: Vec<String> =
        path.with_extension("").iter().skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// The paths that `use` declarations name, groups taken apart: `a::{b, c::D as E}` are `a::b` and `a::c::D`.
fn used(text: &str) -> Vec<(bool, Vec<String>)> {
    fn take_apart(prefix: &[String], tree: &str, out: &mut Vec<Vec<String>>) {
        let tree = tree.trim();
        if let Some(open) = tree.find('{') {
            let mut prefix = prefix.to_vec();
            prefix
                .extend(tree[..open].split("::").map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned));
            let inner = &tree[open + 1..tree.rfind('}').expect("groups are closed")];
            let (mut depth, mut start) = (0, 0);
            for (at, letter) in inner.char_indices() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        take_apart(&prefix, &inner[start..at], out);
                        start = at + 1;
                    }
                    _ => {}
                }
            }
            take_apart(&prefix, &inner[start..], out);
        } else if !tree.is_empty() {
            let path = tree.split(" as ").next().unwrap_or(tree);
            let parts = path.split("::").map(|part| part.trim().to_owned());
            out.push(prefix.iter().cloned().chain(parts).filter(|part| part != "self").collect());
        }
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let line_start = rest[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let before = rest[line_start..at].trim();
        let end = rest[at..].find(';').map_or(rest.len(), |end| at + end);
        if before.is_empty() || before.starts_with("pub") {
            let mut paths = Vec::new();
            take_apart(&[], &rest[at + 4..end], &mut paths);
            found.extend(paths.into_iter().map(|path| (before.starts_with("pub"), path)));
        }
        rest = &rest[end..];
    }
    found
}

/// The paths from `crate` or `super` that stand in the code itself, as in `crate::text::cut(name, 8)`.
fn inline(text: &str) -> Vec<Vec<String>> {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    lines
        .filter(|line| !(line.starts_with("use ") || line.starts_with("pub") && line.contains(" use ")))
        .flat_map(|line| line.split(|letter| !part(letter)))
        .filter(|path| path.starts_with("crate::") || path.starts_with("super::"))
        .map(|path| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect())
        .collect()
}

/// A path from the crate's root: `crate`, `super` and `self` resolved.
fn absolute(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let mut base = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "super" | "self" => module.to_vec(),
        _ => return None,
    };
    let mut rest = path;
    while let Some(first) = rest.first() {
        match first.as_str() {
            "crate" | "self" => {}
            "super" => {
                base.pop()?;
            }
            _ => break,
        }
        rest = &rest[1..];
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

/// The file that has what a path names, through re-exports.
fn resolve<'a>(modules: &'a BTreeMap<Vec<String>, Module>, path: &[String], depth: usize) -> Option<&'a str> {
    if depth > 6 {
        return None;
    }
    for length in (0..=path.len()).rev() {
        if let Some(module) = modules.get(&path[..length]) {
            let through = path.get(length).and_then(|name| module.exports.get(name));
            return match through {
                Some(target) => resolve(modules, target, depth + 1).or(Some(&module.file)),
                None => Some(&module.file),
            };
        }
    }
    None
}

/// Which file uses which, tests left out.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let files: Vec<(String, String)> = sources("src")
        .into_iter()
        .filter(|(name, _)| {
            name.ends_with(".rs")
                && !name.contains("test")
                && !name.contains("fixture")
                && !name.starts_with("src/main")
        })
        // What stands under `#[cfg(test)]` is not part of the program.
        .map(|(name, text)| {
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            (name, text)
        })
        .filter(|(name, _)| !name.starts_with("src/commands") && !name.starts_with("src/cli"))
        .collect();
    let mut modules: BTreeMap<Vec<String>, Module> = BTreeMap::new();
    for (name, text) in &files {
        let path = module_of(name);
        let mut module = Module { file: name.clone(), ..Module::default() };
        for (public, used) in used(text) {
            let child = modules_child(&path, &used);
            if public && let (Some(target), Some(last)) = (absolute(&path, &used).or(child), used.last()) {
                module.exports.insert(last.clone(), target);
            }
        }
        modules.insert(path, module);
    }
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in &files {
        let path = module_of(name);
        let inline = inline(text).into_iter().map(|path| (false, path));
        for (public, used) in used(text).into_iter().chain(inline) {
            let target = absolute(&path, &used).and_then(|target| resolve(&modules, &target, 0));
            if let Some(target) = target.filter(|target| *target != name && !public) {
                edges.entry(name.clone()).or_default().insert(target.to_owned());
            }
        }
    }
    edges
}

/// A path that begins with a module's own child, as `pub use child::Name` has it.
fn modules_child(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let first = path.first()?;
    (first.chars().all(|letter| letter.is_lowercase() || letter == '_' || letter.is_ascii_digit()))
        .then(|| module.iter().chain(path).cloned().collect())
}

/// The files that can be reached from `start`.
fn reachable(edges: &BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![start.to_owned()];
    while let Some(file) = waiting.pop() {
        for next in edges.get(&file).into_iter().flatten() {
            if found.insert(next.clone()) {
                waiting.push(next.clone());
            }
        }
    }
    found
}

#[test]
fn paths_in_the_code_count_as_those_of_use_do() {
    let text =
        "use crate::a::B;\npub use super::c;\n// crate::d\npub fn f(e: crate::e::E) { super::g::h(i) }\n";
    assert_eq!(inline(text), [["crate", "e", "E"], ["super", "g", "h"]]);
}

#[test]
fn no_file_leads_back_to_itself() {
    let edges = uses();
    assert!(edges.len() > 200, "only {} files use others", edges.len());
    let circles: Vec<String> = edges
        .keys()
        .filter(|file| reachable(&edges, file).contains(*file))
        .map(|file| {
            let back = edges[file].iter().filter(|next| reachable(&edges, next).contains(file));
            format!("{file} -> {}", back.cloned().collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}
