//! README and the book: the generated reference pages are the program's own tables, links lead somewhere, and the commands
//! that they quote are commands of the program. `UPDATE_DOCS=1 cargo test --test docs` writes the generated parts.

mod support;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use chestxr_tui::config::{RunConfig, environment};
use chestxr_tui::tui::{keymap, theme};
use rayon::prelude::*;

/// Longest README, in lines.
const README_LINES: usize = 150;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Markdown page: README and its neighbours, and the book.
fn pages() -> Vec<PathBuf> {
    let mut pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)).to_vec();
    let mut folders = vec![root().join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("docs").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// Checks, or with `UPDATE_DOCS` writes, what stands between the marks of a reference page.
fn generated(page: &str, content: &str) {
    let path = root().join(format!("docs/src/reference/{page}.md"));
    let text = read(&path);
    let (begin, end) = (format!("<!-- {page}: begin -->\n"), format!("<!-- {page}: end -->"));
    let start = text.find(&begin).unwrap_or_else(|| panic!("{page}.md has no {begin}")) + begin.len();
    let stop = text.find(&end).unwrap_or_else(|| panic!("{page}.md has no {end}"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{}{content}{}", &text[..start], &text[stop..])).expect("written");
        return;
    }
    assert!(text[start..stop] == *content, "{page}.md is stale; run UPDATE_DOCS=1 cargo test --test docs");
}

/// The binary, free of the caller's settings.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chestxr-tui"));
    for name in ["CHESTXR_RUNS_DIR", "CHESTXR_GRAPHICS", "CHESTXR_LOG", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// The help of a command and, below it, of its subcommands.
fn help(words: &[String]) -> String {
    let output = program().args(words).arg("--help").output().expect("it starts");
    let text = support::stdout(&output);
    let name =
        ["chestxr-tui"].into_iter().chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    let subcommands: Vec<String> = text
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect();
    let own = format!("\n## `{name}`\n\n```text\n{}\n```\n", text.trim_end());
    let below: Vec<String> = subcommands.into_par_iter().map(|sub| help(&[words, &[sub]].concat())).collect();
    own + &below.concat()
}

#[test]
fn the_reference_pages_are_the_programs_own_tables() {
    generated("keys", &keymap::markdown());
    generated("settings", &RunConfig::markdown());
    let (variables, codes) = environment::markdown();
    generated("environment", &variables);
    generated("exit-codes", &codes);
    let themes = theme::SHIPPED.iter().map(|(name, text)| {
        let about = text.lines().next().unwrap_or_default().trim_start_matches("# ");
        format!("| `{name}` | {about} |\n")
    });
    generated("themes", &format!("| theme | |\n|---|---|\n{}", themes.collect::<String>()));
    generated("cli", &help(&[]));
}

#[test]
fn the_readme_is_short() {
    let lines = read(&root().join("README.md")).lines().count();
    assert!(lines <= README_LINES, "{lines} lines");
}

/// The anchors of a page: its headings as links name them.
fn anchors(text: &str) -> HashSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_to_a_file_or_a_heading() {
    let mut dead = Vec::new();
    let mut links = 0;
    for page in pages() {
        let text = read(&page);
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            if target.starts_with("http") || target.contains(['`', ' ']) {
                continue;
            }
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.with_file_name("").join(file) };
            if !path.is_file() {
                dead.push(format!("{}: {target}", page.display()));
            } else if !anchor.is_empty() && !anchors(&read(&path)).contains(anchor) {
                dead.push(format!("{}: no heading for #{anchor}", page.display()));
            }
        }
    }
    assert!(links > 40, "only {links} links were found");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_page_of_the_book_is_in_its_summary() {
    let summary = read(&root().join("docs/src/SUMMARY.md"));
    for page in pages().iter().filter(|page| page.starts_with(root().join("docs/src"))) {
        let name = page.strip_prefix(root().join("docs/src")).expect("a page").display().to_string();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is not in SUMMARY.md"
        );
    }
}

/// The words of a command line, as a shell splits it; double quotes group.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => words.last_mut().expect("there is always one").push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_quoted_command_is_one_of_the_program() {
    let mut commands: Vec<String> = Vec::new();
    for page in pages() {
        let text = read(&page);
        // Blocks of other kinds than `sh`, as the help of the reference page, have no commands to run.
        for block in text.split("```sh\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let lines = block.lines().map(str::trim).filter(|line| line.starts_with("chestxr-tui "));
            commands.extend(lines.map(|line| {
                let ends = [" | ", " > ", " # "].into_iter().filter_map(|mark| line.find(mark));
                line[..ends.min().unwrap_or(line.len())].trim().to_owned()
            }));
        }
    }
    assert!(commands.len() > 40, "only {} commands were found", commands.len());
    let wrong: Vec<String> = commands
        .par_iter()
        .filter_map(|line| {
            // The parser stops with an error at the first word that it doesn't know, and else at `--help`.
            let output = program().args(&words(line)[1..]).arg("--help").output().expect("it starts");
            (!output.status.success()).then(|| format!("{line}\n{}", support::stderr(&output)))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
