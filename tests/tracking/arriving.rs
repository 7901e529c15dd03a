//! Runs at a real MLflow server: everything arrives, whenever it is sent, and shows what is so now.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::mlflow::{Server, programs};
use crate::support::tracked::{assert_whole, done, history, lines, of_pairs, only_at, program, sync, train};
use crate::support::{json as read_json, only_run, real_images, stderr, stdout};
use serde_json::{Value, json};

#[test]
fn a_run_on_real_images_arrives_whole_and_its_model_says_the_same_there() {
    let (Some(programs), Some(images)) = (programs(), real_images()) else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(&programs, home.path());
    let source = format!("npz:{}", images.join("nih_sample_64_strat.npz").display());
    let output = program(runs.path())
        .args(["--no-ui", "--data", &source, "--set", "optimizer.epochs=2", "--set", "data.limit=200"])
        .args(["--set", "tracking.experiment=real images", "--set", "tracking.register_as=chest"])
        .env("MLFLOW_TRACKING_URI", server.uri())
        .output()
        .expect("it runs");
    done(output);
    let run = only_run(runs.path());
    let there = assert_whole(&server, &run, "real%20images");
    assert_eq!(of_pairs(&there, "params", "optimizer.lr").as_deref(), Some("0.0003"));
    assert_eq!(of_pairs(&there, "params", "data.source").as_deref(), Some(source.as_str()));
    assert!(of_pairs(&there, "tags", "mlflow.note.content").expect("a note").contains("Test macro AUROC"));
    let test_auroc = read_json(&run.join("evaluation.json"))["macro"]["auroc"].as_f64();
    let run_id = there["info"]["run_id"].as_str().expect("an id");
    assert_eq!(history(&server, run_id, "test_auroc_macro").first().map(|row| row.0), test_auroc);
    assert_eq!(there["inputs"]["dataset_inputs"].as_array().map(Vec::len), Some(1));

    // Sent again, nothing changes.
    assert!(done(sync(runs.path(), &["last"])).contains("complete, nothing new"));
    assert_whole(&server, &run, "real%20images");
    let versions = server.get("model-versions/search?filter=name%3D%27chest%27");
    assert_eq!(versions["model_versions"].as_array().map(Vec::len), Some(1), "{versions}");

    // What comes later goes later: another look at the run is sent, the rest is not.
    done(program(runs.path()).args(["explain", "last", "--index", "0"]).output().expect("it runs"));
    let said = done(sync(runs.path(), &["--json"]));
    let said: Value = serde_json::from_str(said.trim()).expect("JSON");
    assert!(said["sent"]["files"].as_u64().is_some_and(|files| (1..=4).contains(&files)), "{said}");

    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mlflow/check_model.py");
    let output = Command::new(programs.join("python"))
        .arg(check)
        .args([images.join("nih_sample_64_strat.npz"), run.join("predictions_test.npz")])
        .env("MLFLOW_TRACKING_URI", server.uri())
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let largest: f64 = stdout(&output).trim().parse().expect("a number");
    assert!(largest < 1e-5, "probabilities differ by {largest}");
}

#[test]
fn an_offline_run_with_undefined_numbers_arrives_later_and_renamed_words_stay() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let run = train(runs.path(), None);
    assert!(!run.join("tracking.json").exists(), "nobody is told");
    // A journal as a run leaves it whose numbers were not finite.
    let path = run.join("metrics.jsonl");
    let mut rows = lines(&path);
    rows[1]["val_auroc_macro"] = Value::Null;
    rows[1]["train_loss"] = Value::Null;
    fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).expect("written");

    let output = sync(runs.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--to http://host:5000"), "{}", stderr(&output));
    let output = sync(runs.path(), &["--to", "http://me:secret@host"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("MLFLOW_TRACKING_USERNAME") && !stderr(&output).contains("secret"));
    let server = Server::start(&programs, home.path());
    let there = || only_at(&server, "chestxr-tui");
    done(sync(runs.path(), &["--to", &server.uri()]));
    assert_whole(&server, &run, "chestxr-tui");

    // Where a run was sent once it is sent again; one that shall be told nowhere isn't.
    assert!(done(sync(runs.path(), &[])).contains("complete, nothing new"));
    let nowhere = program(runs.path())
        .args(["track", "sync", "--set", "tracking.mlflow_uri=none"])
        .env("MLFLOW_TRACKING_URI", server.uri())
        .output();
    assert_eq!(nowhere.expect("it runs").status.code(), Some(2));
    let unusable = program(runs.path())
        .args(["track", "sync", "--to", &server.uri()])
        .env("MLFLOW_TRACKING_URI", "http://me:secret@host")
        .output();
    assert!(done(unusable.expect("it runs")).contains("complete, nothing new"));

    // Somebody at the server finds better words; they are left alone.
    let run_id = there()["info"]["run_id"].as_str().expect("an id").to_owned();
    server.post("runs/update", &json!({"run_id": run_id, "run_name": "the good one"}));
    let note = json!({"run_id": run_id, "key": "mlflow.note.content", "value": "mine"});
    server.post("runs/set-tag", &note);
    done(sync(runs.path(), &["--to", &server.uri()]));
    assert_eq!(there()["info"]["run_name"], "the good one");
    assert_eq!(of_pairs(&there(), "tags", "mlflow.note.content").as_deref(), Some("mine"));

    // A run that goes on is the same run there.
    let more = ["--set", "optimizer.epochs=5", "--set", &format!("tracking.mlflow_uri={}", server.uri())];
    let output = program(runs.path()).args(["train", "--no-ui", "--resume", "last"]).args(more).output();
    done(output.expect("it runs"));
    let there = assert_whole(&server, &run, "chestxr-tui");
    assert_eq!(of_pairs(&there, "params", "optimizer.epochs").as_deref(), Some("3"));
    assert_eq!(of_pairs(&there, "tags", "chestxr.changed.optimizer.epochs").as_deref(), Some("5"));
    assert_eq!(of_pairs(&there, "tags", "mlflow.note.content").as_deref(), Some("mine"));
    assert_eq!(history(&server, &run_id, "wait_count").len(), 5);
}

#[test]
fn a_run_evaluated_again_shows_the_latest_values_even_where_they_are_lower() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(&programs, home.path());
    let run = train(runs.path(), Some(&server.uri()));
    let path = run.join("evaluation.json");
    let mut evaluated = read_json(&path);
    let less = evaluated["macro"]["auroc"].as_f64().expect("an AUROC") / 2.0;
    evaluated["macro"]["auroc"] = json!(less);
    fs::write(&path, evaluated.to_string()).expect("written");
    assert!(done(sync(runs.path(), &[])).contains("rows"));
    let there = assert_whole(&server, &run, "chestxr-tui");
    let metrics = there["data"]["metrics"].as_array().expect("metrics");
    let shown = metrics.iter().find(|metric| metric["key"] == "test_auroc_macro").expect("it is there");
    assert_eq!(shown["value"].as_f64(), Some(less));
    assert!(done(sync(runs.path(), &[])).contains("nothing new"));
}

#[test]
fn an_epoch_that_is_trained_anew_after_a_kill_takes_the_place_of_the_one_before() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(&programs, home.path());
    let run = train(runs.path(), None);
    // As a kill leaves it between an epoch and its checkpoint: a fourth row, and a process that is gone.
    let path = run.join("metrics.jsonl");
    let mut rows = lines(&path);
    let mut lost = rows[2].clone();
    lost["epoch"] = json!(4);
    lost["val_loss"] = json!(7.25);
    rows.push(lost);
    fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).expect("written");
    let status = run.join("status.json");
    let mut told = read_json(&status);
    told["state"] = json!("interrupted");
    told["epoch"] = json!(4);
    fs::write(&status, told.to_string()).expect("written");
    done(sync(runs.path(), &["--to", &server.uri(), "--set", "tracking.register_as=killed"]));
    let there = only_at(&server, "chestxr-tui");
    let run_id = there["info"]["run_id"].as_str().expect("an id");
    assert_eq!(history(&server, run_id, "val_loss").last(), Some(&(7.25, 4)), "what there is is told");
    let found = server.get("registered-models/search");
    assert!(found["registered_models"].as_array().is_none_or(Vec::is_empty), "it has not finished: {found}");

    let more = ["train", "--no-ui", "--resume", "last", "--set", "optimizer.epochs=4"];
    done(program(runs.path()).args(more).output().expect("it runs"));
    done(sync(runs.path(), &[]));
    let rows = lines(&path);
    assert_eq!(rows.len(), 4);
    for key in ["val_loss", "train_loss", "wait_count", "epoch_seconds"] {
        let wanted = rows[3][key].as_f64().expect(key);
        let found = history(&server, run_id, key);
        assert!(found.contains(&(wanted, 4)), "{key}: {wanted} isn't among {found:?}");
        let there = only_at(&server, "chestxr-tui");
        let metrics = there["data"]["metrics"].as_array().expect("metrics");
        let shown = metrics.iter().find(|metric| metric["key"] == key).expect("it is there");
        assert_eq!(shown["value"].as_f64(), Some(wanted), "{key}");
    }
    assert_eq!(only_at(&server, "chestxr-tui")["info"]["status"], "FINISHED");
}

#[test]
fn exported_files_become_a_data_base_of_mlflows_with_the_same_numbers() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let run = train(runs.path(), None);
    let store = home.path().join("store");
    let output =
        program(runs.path()).args(["runs", "export", "--mlflow", "mlruns"]).current_dir(home.path()).output();
    assert!(stderr(&output.expect("it runs")).contains("choose another name"));
    for _ in 0..2 {
        let output = program(runs.path()).args(["runs", "export", "--mlflow"]).arg(&store).output();
        done(output.expect("it runs"));
        // Other thresholds make another model, which takes the place of the one before.
        let thresholds = run.join("checkpoints/thresholds.json");
        let mut chosen = read_json(&thresholds);
        chosen["normal"]["threshold"] = json!(0.125);
        fs::write(&thresholds, chosen.to_string()).expect("written");
    }
    let experiment = fs::read_dir(&store).expect("the store").flatten().next().expect("an experiment").path();
    let names = |folder: &Path| -> Vec<String> {
        let names = fs::read_dir(folder).expect("a folder").flatten();
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(&experiment.join("models")).len(), 1);
    assert!(!names(&experiment).iter().any(|name| name.ends_with(".part")), "{:?}", names(&experiment));

    // One that is damaged keeps none away; for another machine the paths are those of there.
    let damaged = runs.path().join("20260101-000000-chestnet-s-dead");
    fs::create_dir(&damaged).expect("a folder");
    fs::copy(run.join("status.json"), damaged.join("status.json")).expect("copied");
    let id = run.file_name().expect("a name").to_string_lossy().into_owned();
    let output = program(runs.path())
        .args([
            "runs",
            "export",
            "20260101-000000-chestnet-s-dead",
            &id,
            "--at",
            "/srv/images/store",
            "--mlflow",
        ])
        .arg(home.path().join("carried"))
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("dead"), "{}", stderr(&output));
    assert!(stdout(&output).contains(&id) && stdout(&output).contains("Copy it to /srv/images/store"));
    let experiment =
        fs::read_dir(home.path().join("carried")).expect("it").flatten().next().expect("one").path();
    let meta = fs::read_to_string(experiment.join("meta.yaml")).expect("an experiment");
    assert!(meta.contains("file:///srv/images/store/"), "{meta}");
    fs::remove_dir_all(&damaged).expect("removed");
    let migrated = Command::new(programs.join("mlflow"))
        .args(["migrate-filestore", "--source"])
        .arg(&store)
        .args(["--target", &format!("sqlite:///{}", home.path().join("runs.db").display())])
        .current_dir(home.path())
        .output()
        .expect("mlflow runs");
    assert!(migrated.status.success(), "{}{}", stdout(&migrated), stderr(&migrated));
    let server = Server::start(&programs, home.path());
    let there = only_at(&server, "chestxr-tui");
    let run_id = there["info"]["run_id"].as_str().expect("an id");
    for row in lines(&run.join("metrics.jsonl")) {
        let (epoch, loss) =
            (row["epoch"].as_i64().expect("an epoch"), row["val_loss"].as_f64().expect("a loss"));
        assert!(history(&server, run_id, "val_loss").contains(&(loss, epoch)), "epoch {epoch}");
    }
    assert_eq!(there["info"]["status"], "FINISHED");
    assert_eq!(of_pairs(&there, "params", "model.arch").as_deref(), Some("chestnet-s"));
    assert_eq!(there["inputs"]["dataset_inputs"].as_array().map(Vec::len), Some(1));
    assert_eq!(there["outputs"]["model_outputs"].as_array().map(Vec::len), Some(1), "{there:#}");
}
