//! The words that the project doesn't use: counted in the sources, the tests, the scripts, the documentation and every
//! `--help`. The rule is the field's own vocabulary; see CONTRIBUTING.md.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Parts of words, in lower case, that occur nowhere.
const BANNED: &[&str] = &[
    "film",
    "judg",
    "wish",
    "hush",
    "obey",
    "contender",
    "opponent",
    "courier",
    "whoever",
    "go_on",
    "let_go",
    "is worth",
    "are worth",
    "was worth",
];

/// Whole words, in lower case, that occur nowhere.
const BANNED_WORDS: &[&str] = &["voice", "voices", "grant", "grants", "granted", "halt", "halts", "halted"];

/// Names of types that are gone.
const BANNED_TYPES: &[&str] =
    &["Feed", "Maker", "Painter", "Dice", "Seen", "Wish", "Halt", "Voice", "Hold", "Judged"];

/// Where one of them is right: a part of the line and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("alias = \"film", "keys in files of runs that version 0.1.0 made"),
    ("hash(\"film.", "names from which the numbers of recorded golden files follow"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file below `folder` with one of these extensions.
fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // Golden files hold what other programs wrote, fonts have their licence.
                if !["golden", "corpus", "fonts"].iter().any(|name| path.ends_with(name)) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|own| extensions.iter().any(|extension| own == *extension))
            {
                found.push(path);
            }
        }
    }
    found
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The banned word in a line.
fn banned(line: &str) -> Option<&'static str> {
    if EXCEPTIONS.iter().any(|(part, _)| line.contains(part)) {
        return None;
    }
    let lower = line.to_lowercase();
    let whole = |text: &str, word: &str| {
        text.match_indices(word).any(|(at, _)| {
            let before = at.checked_sub(1).map(|at| text.as_bytes()[at]);
            !is_word(before) && !is_word(text.as_bytes().get(at + word.len()).copied())
        })
    };
    let part = BANNED.iter().find(|word| lower.contains(*word));
    let word = || BANNED_WORDS.iter().find(|word| whole(&lower, word));
    let name = || BANNED_TYPES.iter().find(|word| whole(line, word));
    part.or_else(word).or_else(name).copied()
}

#[test]
fn sources_tests_scripts_and_documentation_have_none_of_them() {
    let mut paths =
        vec!["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "build.rs", "Cargo.toml", ".ci/run"]
            .into_iter()
            .map(|name| root().join(name))
            .collect::<Vec<_>>();
    for folder in ["src", "tests", "scripts", "docs", "fuzz", "examples", "themes", "data"] {
        paths.extend(files(folder, &["rs", "py", "sh", "md", "toml", "cpp", "h", "txt"]));
    }
    assert!(paths.len() > 450, "only {} files were found", paths.len());
    let own = root().join("tests/vocabulary.rs");
    let mut found = Vec::new();
    for path in paths.into_iter().filter(|path| *path != own) {
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        if let Some(word) = banned(&name) {
            found.push(format!("{name}: the file's name has `{word}`"));
        }
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = banned(line) {
                found.push(format!("{name}:{}: `{word}` in {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{} times:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_help_has_one_of_them() {
    let help = |words: &[String]| {
        let output = Command::new(env!("CARGO_BIN_EXE_chestxr-tui"))
            .env_remove("CHESTXR_RUNS_DIR")
            .args(words)
            .arg("--help")
            .output()
            .expect("it starts");
        support::stdout(&output)
    };
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    let mut looked_at = 0;
    while let Some(words) = waiting.pop() {
        let text = help(&words);
        looked_at += 1;
        for line in text.lines() {
            assert_eq!(banned(line), None, "{words:?}: {line}");
        }
        let below =
            text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        for line in below.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
            let name = line.split_whitespace().next().expect("a name");
            if name != "help" {
                waiting.push([&words[..], &[name.to_owned()]].concat());
            }
        }
    }
    assert!(looked_at > 25, "only {looked_at} commands");
}

#[test]
fn the_counting_finds_what_it_should() {
    assert_eq!(banned("a Film of the chest"), Some("film"));
    assert_eq!(banned("fn go_on()"), Some("go_on"));
    assert_eq!(banned("they were granted"), Some("granted"));
    assert_eq!(banned("struct Dice(u64);"), Some("Dice"));
    assert_eq!(banned("the dice"), None);
    assert_eq!(banned("migrants"), None);
}
