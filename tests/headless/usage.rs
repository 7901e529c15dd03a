//! Messages and exit codes of wrong and of short commands.

use std::fs;
use std::process::Stdio;

use super::support::{chestxr, only_run, stderr, stdout};
use super::{small, walk};

#[test]
fn messages_contain_no_control_characters_from_files() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let config = runs.path().join("c.toml");
    for text in [
        "[\"\\u001b[31mred\"]\nx = 1\n",
        "[run]\nname = \"\\u001b[31mred\"\n",
        "[run]\n\"\\u001b[31m\" = 1\n",
    ] {
        fs::write(&config, text).expect("written");
        let output =
            chestxr(runs.path()).args(["--no-ui", "--config"]).arg(&config).output().expect("it exits");
        assert_eq!(output.status.code(), Some(2), "{text}");
        let message = stderr(&output);
        assert!(!message.contains('\u{1b}') && message.trim_end().lines().count() == 1, "{message:?}");
    }
    fs::write(&config, "[optimizer]\nlearning_rate = 1\n").expect("written");
    let output = chestxr(runs.path()).args(["--no-ui", "--config"]).arg(&config).output().expect("it exits");
    assert_eq!(stderr(&output).matches("there is no setting").count(), 1, "{}", stderr(&output));
}

#[test]
fn usage_errors_exit_with_2_and_one_line_of_correction() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    for (arguments, sentence) in [
        (
            vec!["--no-ui", "--set", "optimizer.learning_rate=1"],
            "there is no setting `optimizer.learning_rate`",
        ),
        (vec!["--no-ui", "--set", "optimizer.batchsize=1"], "did you mean `optimizer.batch_size`?"),
        (vec!["--no-ui", "--set", "optimizer.epochs=0"], "a whole number from 1"),
        (vec!["--no-ui", "--set", "optimizer.epochs"], "lacks a value"),
        (vec!["--no-ui", "--set", "model.arch=resnet19"], "did you mean `resnet18`?"),
        (vec!["--no-ui", "--data", "chest"], "phantom[:N], chestmnist, npz:FILE"),
        (vec!["--no-ui", "--data", "phantom:3"], "from 10"),
        (vec!["--no-ui", "--device", "tpu"], "auto, cpu, cuda or cuda:N"),
        (vec!["--no-ui", "--config", "/no/such.toml"], "can't read the configuration /no/such.toml"),
        (vec![], "add --no-ui"),
        (vec!["train"], "add --no-ui"),
        (vec!["data", "info", "nonsense"], "names no data source"),
    ] {
        let output = chestxr(runs.path()).args(&arguments).stdin(Stdio::null()).output().expect("it exits");
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(sentence), "{arguments:?}: {message}");
        assert_eq!(message.trim_end().lines().count(), 1, "one line: {message}");
    }
    assert!(fs::read_dir(runs.path()).expect("the folder").next().is_none(), "nothing was started");
}

#[test]
fn unreadable_inputs_exit_with_1_and_one_line() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let weights = folder.path().join("weights.safetensors");
    fs::write(&weights, b"not weights at all").expect("written");
    let weights = format!("model.init={}", weights.display());
    let no_such = folder.path().join("none.npz").display().to_string();
    for (arguments, sentence) in [
        (vec!["--no-ui", "--data", &no_such], "none.npz"),
        (vec!["runs", "show", "last"], "there are no runs"),
        (vec!["runs", "show", "2026"], "no run in"),
        (vec!["--no-ui", "--data", "phantom:120", "--set", &weights], "it is no safetensors file"),
        (
            vec!["--no-ui", "--data", "phantom:120", "--set", "model.init=/no/such.safetensors"],
            "can't read the weights",
        ),
        (vec!["--no-ui", "--data", "phantom:120", "--device", "cuda:7"], "there is no CUDA device 7 here"),
    ] {
        let output = chestxr(folder.path()).args(&arguments).output().expect("it exits");
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(message.contains(sentence), "{arguments:?}: {message}");
        assert_eq!(message.trim_end().lines().count(), 1, "one line: {message}");
        let _ = fs::remove_dir_all(folder.path().join("runs"));
    }
}

#[test]
fn weights_of_another_network_are_rejected_by_tensor_name() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(small(runs.path()).output().expect("it runs").status.code(), Some(0));
    let best = only_run(runs.path()).join("checkpoints/best.safetensors");
    let init = format!("model.init={}", best.display());
    let other = tempfile::tempdir().expect("a temporary directory");
    let output =
        small(other.path()).args(["--set", &init, "--set", "model.arch=resnet18"]).output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("has no tensor `conv1.weight`"), "{}", stderr(&output));
    assert!(
        fs::read_dir(other.path()).expect("a folder").next().is_none(),
        "a run that never started leaves nothing"
    );

    let third = tempfile::tempdir().expect("a temporary directory");
    let output =
        small(third.path()).args(["--set", &init, "--set", "data.size=32"]).output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("`classifier.1.weight` has shape"), "{}", stderr(&output));
}

#[test]
fn doctor_and_completions_print_their_output() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let output = chestxr(runs.path()).arg("doctor").output().expect("it looks");
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    assert!(
        text.contains(&format!("libtorch     {}", chestxr_tui::native::libtorch_version()))
            && text.contains("CUDA"),
        "{text}"
    );
    let output = chestxr(runs.path()).args(["completions", "bash"]).output().expect("it prints");
    assert!(stdout(&output).contains("_chestxr__tui"));
}

#[test]
fn a_pipe_closed_early_is_not_an_error() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let mut child = chestxr(runs.path())
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn settings_lists_every_setting_and_its_schema_is_json() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let output = chestxr(runs.path()).args(["settings", "--json"]).output().expect("it prints");
    let settings: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(settings.len(), chestxr_tui::config::FIELDS.len());
    let rate = settings.iter().find(|setting| setting["key"] == "optimizer.lr").expect("the learning rate");
    assert_eq!(rate["type"], "number");
    let output = chestxr(runs.path()).args(["settings", "--json-schema"]).output().expect("it prints");
    let schema: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(schema["properties"]["optimizer"]["properties"]["lr"]["type"], "number");
    let output = chestxr(runs.path()).arg("settings").output().expect("it prints");
    assert!(stdout(&output).contains("[optimizer]"), "{}", stdout(&output));
}

#[test]
fn the_log_file_has_the_run_and_nothing_is_printed() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let log = folder.path().join("logs/run.log");
    let output = small(&folder.path().join("runs")).arg("--log").arg(&log).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = fs::read_to_string(&log).expect("a log file");
    for event in ["start", "run started", "checkpoint", "run ended"] {
        assert!(text.contains(event), "{event}: {text}");
    }
    assert!(!stdout(&output).contains("INFO") && !stderr(&output).contains("INFO"));
    // By default the log is in the state directory, and `off` creates nothing.
    let state = folder.path().join("state");
    let list = |log: &str| {
        let mut command = chestxr(folder.path());
        command.args(["runs", "list"]).env("XDG_STATE_HOME", &state);
        if log.is_empty() {
            command.env_remove("CHESTXR_LOG")
        } else {
            command.env("CHESTXR_LOG", log)
        };
        command.output().expect("it lists")
    };
    list("off");
    assert!(!state.exists());
    if cfg!(target_os = "linux") {
        list("");
        assert_eq!(walk(&state).len(), 1);
    }
    let output = list("inof");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("off, error, warn, info, debug, trace"), "{}", stderr(&output));
}
