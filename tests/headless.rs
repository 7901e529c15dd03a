//! The program without its screen: whole runs, their files, their exit codes.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{chestxr, json, only_run, real_images, stderr, stdout};

/// A few images and steps: what is tested is the way, not the model.
const SMALL: [&str; 8] = [
    "--no-ui",
    "--data",
    "phantom:120",
    "--set",
    "optimizer.batch_size=16",
    "--set",
    "optimizer.epochs=2",
    "--device",
];

fn small(runs: &Path) -> Command {
    let mut command = chestxr(runs);
    command.args(SMALL).arg("cpu");
    command
}

#[test]
fn a_run_on_real_images_leaves_every_file_and_learns() {
    let Some(images) = real_images() else { return };
    let runs = tempfile::tempdir().expect("a temporary folder");
    let source = format!("npz:{}", images.join("nih_sample_64_strat.npz").display());
    let output = chestxr(runs.path())
        .args(["--no-ui", "--json", "--data", &source, "--set", "optimizer.epochs=3", "--set", "run.seed=0"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let events: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"loading"), Some(&"ended")));
    assert_eq!(names.iter().filter(|name| **name == "epoch").count(), 3);

    let run = only_run(runs.path());
    for file in [
        "run.toml",
        "status.json",
        "metrics.jsonl",
        "events.jsonl",
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
        "checkpoints/last.state",
        "predictions_val.npz",
        "predictions_test.npz",
        "evaluation.json",
        "checkpoints/thresholds.json",
        "artifacts/report.md",
        "artifacts/auc_by_condition.png",
        "artifacts/confusion_matrix_hernia.png",
        "artifacts/normal_detection_metrics.json",
        "artifacts/overall_metrics.json",
        "artifacts/model_summary.txt",
        "artifacts/model_details.json",
        "artifacts/model_architecture.png",
    ] {
        assert!(run.join(file).metadata().expect(file).len() > 0, "{file} is empty");
    }
    let left_over: Vec<_> = walk(&run).into_iter().filter(|path| path.ends_with(".part")).collect();
    assert!(left_over.is_empty(), "{left_over:?}");

    let metrics = fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    let keys: BTreeSet<String> = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(
        metrics.lines().next().expect("a line"),
    )
    .expect("an object")
    .into_iter()
    .map(|(key, _)| key)
    .collect();
    let promised = "epoch step train_loss train_loss_unweighted train_accuracy train_precision train_f1_score val_loss \
        val_loss_unweighted val_accuracy val_precision val_f1_score val_auroc_macro val_auprc_macro val_auroc lr wait_count \
        epoch_seconds images_per_second";
    assert_eq!(keys, promised.split_whitespace().map(str::to_owned).collect());

    let status = json(&run.join("status.json"));
    assert_eq!(status["state"], "finished");
    assert_eq!(status["epoch"], 3);
    assert!(status["best"]["value"].as_f64().expect("a best value") > 0.5);

    let evaluation = json(&run.join("evaluation.json"));
    assert_eq!(evaluation["split"], "test");
    assert_eq!(evaluation["n"], 170);
    let effusion = &evaluation["per_condition"]["effusion"];
    let cells: u64 =
        ["tn", "fp", "fn", "tp"].iter().map(|cell| effusion[cell].as_u64().expect("a count")).sum();
    assert_eq!(cells, 170);
    assert_eq!(evaluation["per_condition"].as_object().expect("conditions").len(), 14);
}

#[test]
fn the_same_command_twice_gives_the_same_bytes() {
    let bytes = || {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let output = small(runs.path()).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let run = only_run(runs.path());
        ["predictions_test.npz", "predictions_val.npz", "checkpoints/best.safetensors"]
            .map(|file| fs::read(run.join(file)).expect(file))
    };
    assert!(bytes() == bytes(), "two runs of one configuration differ");
}

#[test]
fn another_seed_gives_another_run() {
    let predictions = |seed: &str| {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let output = small(runs.path()).args(["--set", seed]).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        fs::read(only_run(runs.path()).join("predictions_test.npz")).expect("predictions")
    };
    assert!(predictions("run.seed=1") != predictions("run.seed=2"));
}

#[test]
fn a_runs_configuration_starts_the_same_run_again() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(small(runs.path()).output().expect("the program runs").status.code(), Some(0));
    let first = only_run(runs.path());
    let again = tempfile::tempdir().expect("a temporary folder");
    let output = chestxr(again.path())
        .args(["--no-ui", "--config"])
        .arg(first.join("run.toml"))
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let second = only_run(again.path());
    let predictions = |run: &Path| fs::read(run.join("predictions_test.npz")).expect("predictions");
    assert!(predictions(&first) == predictions(&second));
}

#[test]
fn the_first_interrupt_writes_the_checkpoint_and_ends_with_130() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut child = endless(runs.path(), libc::SIGINT, libc::SIG_DFL);
    let _rest = wait_for_line(&mut child, "\"event\":\"epoch\"");
    signal(&child, libc::SIGINT);
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
    let run = only_run(runs.path());
    let status = json(&run.join("status.json"));
    assert_eq!(status["state"], "interrupted");
    assert!(run.join("checkpoints/last.safetensors").is_file());
    let list = stdout(&chestxr(runs.path()).args(["runs", "list"]).output().expect("it lists"));
    assert!(list.contains("interrupted"), "{list}");
}

#[test]
fn a_signal_that_the_caller_ignores_passes_the_run_by() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut child = endless(runs.path(), libc::SIGHUP, libc::SIG_IGN);
    let mut lines = wait_for_line(&mut child, "\"event\":\"epoch\"");
    signal(&child, libc::SIGHUP);
    for _ in 0..2 {
        assert!(lines.any(|line| line.contains("\"event\":\"epoch\"")), "the run goes on");
    }
    signal(&child, libc::SIGTERM);
    assert!(lines.any(|line| line.contains("\"state\":\"interrupted\"")));
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn a_reader_that_hangs_up_ends_the_run_with_a_checkpoint() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut child = endless(runs.path(), libc::SIGINT, libc::SIG_DFL);
    let mut first = [0; 1];
    std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut first).expect("it speaks");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let run = only_run(runs.path());
    assert_eq!(json(&run.join("status.json"))["state"], "interrupted");
    assert!(run.join("checkpoints/last.safetensors").is_file());
}

#[test]
fn a_batch_that_leaves_batch_norm_one_value_fails_with_a_sentence() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    // 84 training images in batches of 83: the last one is alone, and at 28 px this ResNet ends in one pixel.
    let output = small(runs.path())
        .args(["--set", "model.arch=resnet18", "--set", "model.stem=imagenet", "--set", "data.size=28"])
        .args(["--set", "optimizer.batch_size=83"])
        .output()
        .expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("choose another optimizer.batch_size"), "{}", stderr(&output));
    assert_eq!(json(&only_run(runs.path()).join("status.json"))["state"], "failed");
}

#[test]
fn text_from_files_reaches_the_terminal_without_control_characters() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let config = runs.path().join("c.toml");
    for text in [
        "[\"\\u001b[31mred\"]\nx = 1\n",
        "[run]\nname = \"\\u001b[31mred\"\n",
        "[run]\n\"\\u001b[31m\" = 1\n",
    ] {
        fs::write(&config, text).expect("written");
        let output =
            chestxr(runs.path()).args(["--no-ui", "--config"]).arg(&config).output().expect("it refuses");
        assert_eq!(output.status.code(), Some(2), "{text}");
        let message = stderr(&output);
        assert!(!message.contains('\u{1b}') && message.trim_end().lines().count() == 1, "{message:?}");
    }
    fs::write(&config, "[optimizer]\nlearning_rate = 1\n").expect("written");
    let output =
        chestxr(runs.path()).args(["--no-ui", "--config"]).arg(&config).output().expect("it refuses");
    assert_eq!(stderr(&output).matches("there is no setting").count(), 1, "{}", stderr(&output));
}

#[test]
fn a_kill_leaves_files_that_read_and_a_run_that_says_so() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut child = endless(runs.path(), libc::SIGINT, libc::SIG_DFL);
    let _rest = wait_for_line(&mut child, "\"event\":\"epoch\"");
    signal(&child, libc::SIGKILL);
    child.wait().expect("it ends");

    let run = only_run(runs.path());
    // The file still says what was true when the process was killed; the program knows better.
    assert_eq!(json(&run.join("status.json"))["state"], "running");
    let shown = chestxr(runs.path()).args(["runs", "show", "last", "--json"]).output().expect("it shows");
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    let shown: serde_json::Value = serde_json::from_str(&stdout(&shown)).expect("JSON");
    assert_eq!(shown["state"], "interrupted");
    assert!(!shown["epochs"].as_array().expect("epochs").is_empty());

    // A line cut short by the kill is left out, not stumbled over.
    let metrics = run.join("metrics.jsonl");
    let whole = fs::read(&metrics).expect("metrics");
    let first = whole.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    fs::write(&metrics, &whole[..first + 20.min(whole.len() - first)]).expect("cut");
    let shown = chestxr(runs.path()).args(["runs", "show", "last", "--json"]).output().expect("it shows");
    let shown: serde_json::Value = serde_json::from_str(&stdout(&shown)).expect("JSON");
    assert_eq!(shown["epochs"].as_array().expect("epochs").len(), 1);
}

#[test]
fn early_stopping_ends_a_run_and_says_why() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let output = small(runs.path())
        .args(["--set", "optimizer.epochs=50", "--set", "early_stopping.patience=2"])
        .args(["--set", "early_stopping.min_delta=1", "--json"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    let reason = last["reason"].as_str().expect("a reason");
    assert_eq!(reason, "val_auroc_macro gained less than 1 for 2 epochs in a row");
    assert_eq!(json(&only_run(runs.path()).join("status.json"))["epoch"], 3);
}

#[test]
fn a_loss_that_is_no_number_fails_the_run_with_a_sentence() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(small(runs.path()).output().expect("it runs").status.code(), Some(0));
    let best = only_run(runs.path()).join("checkpoints/best.safetensors");
    let poisoned: Vec<(String, tch::Tensor)> = tch::Tensor::read_safetensors(&best)
        .expect("weights")
        .into_iter()
        .map(|(name, tensor)| {
            let poisoned = if name == "classifier.4.bias" { tensor * f64::NAN } else { tensor };
            (name, poisoned)
        })
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("poisoned.safetensors");
    tch::Tensor::write_safetensors(&poisoned, &path).expect("written");
    let runs = folder.path().join("runs");
    let output =
        small(&runs).args(["--set", &format!("model.init={}", path.display())]).output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("lower optimizer.lr, which is 0.0003"), "{}", stderr(&output));
    assert_eq!(json(&only_run(&runs).join("status.json"))["state"], "failed");
}

#[test]
fn the_predecessors_class_table_comes_out_to_the_digit() {
    let Some(images) = real_images() else { return };
    let runs = tempfile::tempdir().expect("a temporary folder");
    let labels = images.join("chestmnist_labels.npz");
    let output = chestxr(runs.path()).args(["data", "info"]).arg(&labels).output().expect("it counts");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = stdout(&output);
    let train_count = |name: &str| {
        let line =
            table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {table}"));
        line[20..].split_whitespace().next().expect("a count").replace(',', "")
    };
    for (name, count) in [
        ("Infiltration", "13914"),
        ("Effusion", "9261"),
        ("Atelectasis", "7996"),
        ("Nodule", "4375"),
        ("Mass", "3988"),
        ("Pneumothorax", "3705"),
        ("Consolidation", "3263"),
        ("Pleural thickening", "2279"),
        ("Cardiomegaly", "1950"),
        ("Emphysema", "1799"),
        ("Edema", "1690"),
        ("Fibrosis", "1158"),
        ("Pneumonia", "978"),
        ("Hernia", "144"),
        ("Normal", "42405"),
        ("Images", "78468"),
    ] {
        assert_eq!(train_count(name), count, "{name}");
    }
    assert!(table.contains("54.04"), "{table}");

    let output = chestxr(runs.path()).args(["--no-ui", "--data"]).arg(&labels).output().expect("it refuses");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("holds labels but no images"), "{}", stderr(&output));
}

#[test]
fn a_converted_phantom_trains_as_the_phantom_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let npz = folder.path().join("phantom.npz");
    let output = chestxr(folder.path())
        .args(["data", "convert", "phantom:120"])
        .arg(&npz)
        .output()
        .expect("it writes");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let digest = |source: &str| {
        let output =
            chestxr(folder.path()).args(["data", "info", source, "--json"]).output().expect("it counts");
        let info: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        info["digest"].as_str().expect("a digest").to_owned()
    };
    assert_eq!(digest("phantom:120"), digest(&npz.display().to_string()));
}

#[test]
fn wrong_use_ends_with_2_and_says_what_is_right() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    for (arguments, sentence) in [
        (
            vec!["--no-ui", "--set", "optimizer.learning_rate=1"],
            "there is no setting `optimizer.learning_rate`",
        ),
        (vec!["--no-ui", "--set", "optimizer.batchsize=1"], "did you mean `optimizer.batch_size`?"),
        (vec!["--no-ui", "--set", "optimizer.epochs=0"], "a whole number from 1"),
        (vec!["--no-ui", "--set", "optimizer.epochs"], "lacks a value"),
        (vec!["--no-ui", "--set", "model.arch=resnet19"], "did you mean `resnet18`?"),
        (vec!["--no-ui", "--data", "chest"], "phantom, phantom:N, chestmnist, npz:FILE"),
        (vec!["--no-ui", "--data", "phantom:3"], "from 10"),
        (vec!["--no-ui", "--device", "tpu"], "auto, cpu, cuda or cuda:N"),
        (vec!["--no-ui", "--config", "/no/such.toml"], "can't read the configuration /no/such.toml"),
        (vec![], "add --no-ui"),
        (vec!["train"], "add --no-ui"),
        (vec!["data", "info", "nonsense"], "names no data source"),
    ] {
        let output = chestxr(runs.path()).args(&arguments).stdin(Stdio::null()).output().expect("it refuses");
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(sentence), "{arguments:?}: {message}");
        assert_eq!(message.trim_end().lines().count(), 1, "one sentence: {message}");
    }
    assert!(fs::read_dir(runs.path()).expect("the folder").next().is_none(), "nothing was started");
}

#[test]
fn what_cannot_be_read_ends_with_1_and_one_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
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
        let output = chestxr(folder.path()).args(&arguments).output().expect("it refuses");
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(message.contains(sentence), "{arguments:?}: {message}");
        assert_eq!(message.trim_end().lines().count(), 1, "one sentence: {message}");
        let _ = fs::remove_dir_all(folder.path().join("runs"));
    }
}

#[test]
fn weights_of_another_network_are_refused_by_name() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(small(runs.path()).output().expect("it runs").status.code(), Some(0));
    let best = only_run(runs.path()).join("checkpoints/best.safetensors");
    let init = format!("model.init={}", best.display());
    let other = tempfile::tempdir().expect("a temporary folder");
    let output =
        small(other.path()).args(["--set", &init, "--set", "model.arch=resnet18"]).output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("has no tensor `conv1.weight`"), "{}", stderr(&output));
    assert!(
        fs::read_dir(other.path()).expect("a folder").next().is_none(),
        "a run that never began leaves nothing"
    );

    let third = tempfile::tempdir().expect("a temporary folder");
    let output =
        small(third.path()).args(["--set", &init, "--set", "data.size=32"]).output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("`classifier.1.weight` has shape"), "{}", stderr(&output));
}

#[test]
fn doctor_and_completions_speak() {
    let runs = tempfile::tempdir().expect("a temporary folder");
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
fn a_reader_that_leaves_early_is_no_failure() {
    let runs = tempfile::tempdir().expect("a temporary folder");
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

/// A run that only a signal ends, with one signal handled as said: whoever runs the tests may ignore some, as
/// shells do for what they put into the background.
fn endless(runs: &Path, signal: i32, handler: libc::sighandler_t) -> std::process::Child {
    use std::os::unix::process::CommandExt;
    let mut command = small(runs);
    command
        .args(["--json", "--set", "optimizer.epochs=1000000", "--set", "early_stopping.enabled=false"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // SAFETY: signal() is one of the calls allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::signal(signal, handler);
            Ok(())
        });
    }
    command.spawn().expect("the program runs")
}

/// Reads the child's stdout up to a line that contains `needle`; gives what follows. The pipe stays open as
/// long as that is kept, and the child's next line would end it after that.
fn wait_for_line(child: &mut std::process::Child, needle: &str) -> impl Iterator<Item = String> + use<> {
    use std::io::BufRead;
    let mut lines =
        std::io::BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains(needle)), "the program ended before it said {needle}");
    lines
}

fn signal(child: &std::process::Child, signal: i32) {
    // SAFETY: the child is ours and not yet waited for, so the number is still its.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}
