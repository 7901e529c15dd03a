use super::*;

/// Every command with its words, the program itself first.
fn commands() -> Vec<(String, clap::Command)> {
    fn walk(command: &clap::Command, path: &str, all: &mut Vec<(String, clap::Command)>) {
        all.push((path.to_owned(), command.clone()));
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            walk(sub, &format!("{path} {}", sub.get_name()), all);
        }
    }
    let mut all = Vec::new();
    walk(&command(), "chestxr-tui", &mut all);
    all
}

/// The words of a command line; quotes group words.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('"').enumerate().flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        _ => vec![part.to_owned()],
    });
    quoted.collect()
}

#[test]
fn clap_finds_no_contradiction() {
    command().debug_assert();
}

#[test]
fn every_command_has_one_or_two_examples_that_parse_as_that_command() {
    for (path, shown) in commands() {
        let text = shown.get_after_help().unwrap_or_else(|| panic!("{path}: no examples")).to_string();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert!(text.starts_with("Examples:\n") && (1..=2).contains(&lines.len()), "{path}: {text}");
        for line in lines {
            let line = line.strip_prefix("  ").unwrap_or_else(|| panic!("{path}: indent {line}"));
            assert!(line.starts_with(&path), "{path}: {line}");
            assert!(line.chars().count() <= 98, "{path}: {line} is too long for a terminal");
            let parsed = command().try_get_matches_from(words(line));
            let matches = parsed.unwrap_or_else(|error| panic!("{line}: {error}"));
            let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| panic!("{line}: {error}"));
            let settings = chestxr_tui::config::RunConfig::resolve(None, &cli.global.sets);
            settings.unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}

#[test]
fn global_options_are_shown_where_they_have_an_effect() {
    let help = |path: &str| {
        let (_, mut shown) = commands().into_iter().find(|(known, _)| known == path).expect(path);
        shown.render_help().to_string()
    };
    for option in ["--no-ui", "--config", "--set", "--data", "--runs-dir", "--memory", "--device", "--theme"]
    {
        assert!(help("chestxr-tui train").contains(option), "train: {option}");
        assert!(!help("chestxr-tui completions").contains(option), "completions: {option}");
    }
    assert!(help("chestxr-tui").contains("Global options:"));
    assert!(!help("chestxr-tui settings").contains("--graphics"));
    assert!(!help("chestxr-tui runs rm").contains("--graphics"));
    assert!(help("chestxr-tui runs rm").contains("--runs-dir"));
    assert!(help("chestxr-tui runs queue add").contains("--set"));
    assert!(!help("chestxr-tui runs queue rm").contains("--set"));
    assert!(help("chestxr-tui runs queue").contains("--json"));
    assert!(help("chestxr-tui runs").contains("--runs-dir") && !help("chestxr-tui runs").contains("--set"));
    assert!(!help("chestxr-tui data").contains("--runs-dir"));
}

#[test]
fn global_options_are_accepted_before_and_after_every_command() {
    for line in [
        "chestxr-tui --no-ui --data phantom",
        "chestxr-tui --no-ui train --data phantom",
        "chestxr-tui --graphics off runs rm last --yes --json",
        "chestxr-tui runs --json queue --runs-dir x add --set run.seed=1",
        "chestxr-tui --theme dark completions zsh --json",
    ] {
        assert!(command().try_get_matches_from(words(line)).is_ok(), "{line}");
    }
    let parse = |line: &str| Cli::from_arg_matches(&command().get_matches_from(words(line))).expect("valid");
    let cli = parse("chestxr-tui --json runs list --runs-dir here");
    assert!(cli.global.json && cli.global.runs_dir.is_some());
}

#[test]
fn the_long_version_names_commit_libtorch_and_cuda() {
    let long = command().render_long_version();
    for word in [env!("CARGO_PKG_VERSION"), "commit ", "libtorch ", "CUDA "] {
        assert!(long.contains(word), "{long}");
    }
    assert_eq!(command().render_version().trim(), concat!("chestxr-tui ", env!("CARGO_PKG_VERSION")));
}
