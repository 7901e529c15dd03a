use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::config::RunConfig;

fn folder(runs: &std::path::Path, second: i8) -> RunFolder {
    let now = date(2026, 11, 22).at(20, 15, second, 0).in_tz("UTC").expect("a time");
    RunFolder::create(runs, &RunConfig::default(), &now).expect("a new run")
}

fn record(epoch: usize) -> EpochRecord {
    EpochRecord { epoch, val_auroc_macro: Some(0.5 + epoch as f64 / 100.0), ..EpochRecord::default() }
}

fn finished(folder: &RunFolder, second: i64, value: f64) {
    let mut status = Status::starting(Timestamp::from_second(1_795_000_000 + second).expect("a time"));
    status.state = RunState::Finished;
    status.best = Some(Best { metric: "val_auroc_macro".into(), value, epoch: 2 });
    folder.write_status(&status).expect("written");
    folder.write_config(&RunConfig::default(), &Provenance::default()).expect("written");
}

#[test]
fn a_run_is_named_by_time_network_and_chance() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let id = folder(runs.path(), 3).id().to_string();
    assert!(id.starts_with("20261122-201503-chestnet-s-"), "{id}");
    assert_eq!(id.rsplit('-').next().expect("an end").len(), 4);
    assert_ne!(folder(runs.path(), 3).id().to_string(), id);
}

#[test]
fn what_is_written_is_read_back() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let folder = folder(runs.path(), 0);
    let mut config = RunConfig::default();
    config.set("optimizer.lr", "0.001").expect("allowed");
    let provenance = Provenance { device: "cpu".into(), images: [7, 1, 2], ..Provenance::default() };
    folder.write_config(&config, &provenance).expect("written");
    assert_eq!(folder.read_config().expect("read"), config);
    assert_eq!(folder.read_provenance().expect("read"), provenance);

    let status = Status::starting(Timestamp::now());
    folder.write_status(&status).expect("written");
    assert_eq!(folder.read_status().expect("read"), status);

    assert!(folder.read_epochs().expect("none yet").is_empty());
    folder.append_epoch(&record(1)).expect("written");
    folder.append_epoch(&record(2)).expect("written");
    assert_eq!(folder.read_epochs().expect("read"), [record(1), record(2)]);
}

#[test]
fn an_undefined_number_is_null_in_the_journal() {
    let line = serde_json::to_string(&record(1)).expect("JSON");
    assert!(line.contains("\"train_loss\":null"), "{line}");
}

#[test]
fn a_damaged_line_in_the_middle_is_named_and_one_cut_short_at_the_end_left_out() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let folder = folder(runs.path(), 0);
    folder.append_epoch(&record(1)).expect("written");
    let path = folder.path().join("metrics.jsonl");
    let mut text = std::fs::read_to_string(&path).expect("read");
    text.push_str("{\"epoch\":2,\"st");
    std::fs::write(&path, &text).expect("written");
    assert_eq!(folder.read_epochs().expect("read"), [record(1)]);
    text.push('\n');
    std::fs::write(&path, &text).expect("written");
    assert!(folder.read_epochs().expect_err("damaged").to_string().contains("line 2"));
}

#[test]
fn a_live_state_of_a_process_that_is_gone_is_interrupted() {
    let mut status = Status::starting(Timestamp::now());
    assert_eq!(status.actual_state(), RunState::Running);
    status.pid_started += 1;
    assert_eq!(status.actual_state(), RunState::Interrupted, "another process has the number now");
    status.host = "elsewhere".into();
    assert_eq!(status.actual_state(), RunState::Running, "another host is believed");
}

#[test]
fn the_time_of_a_run_is_what_was_worked_at_it() {
    let at = |second| Timestamp::from_second(second).expect("a time");
    let mut status = Status::starting(at(1000));
    status.session_seconds = Some(100.0);
    // Whatever the calendar's clock was set to meanwhile.
    (status.updated, status.ended) = (at(500), Some(at(1_000_000)));
    assert_eq!(status.seconds(), 100.0);
    // Days later, killed after 30 seconds of which 25 left a trace; then once more.
    let mut status = status.resumed_at_time(at(900_000));
    assert_eq!((status.seconds(), status.created, status.ended), (100.0, at(1000), None));
    status.session_seconds = Some(25.0);
    let mut status = status.resumed_at_time(at(1_000_000));
    status.session_seconds = Some(7.0);
    assert_eq!(status.seconds(), 132.0);
    let old = r#"{"state":"finished","pid":1,"host":"h","epoch":2,"step":9,"best":null,"reason":null,
        "created":"2026-11-22T12:00:00Z","updated":"2026-11-22T12:00:50Z","ended":"2026-11-22T12:01:00Z"}"#;
    let old: Status = serde_json::from_str(old).expect("a status of before sessions were told apart");
    assert_eq!(old.seconds(), 60.0);
}

#[test]
fn nothing_is_no_name_of_the_only_run() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    finished(&folder(runs.path(), 1), 1, 0.8);
    for nothing in ["", " "] {
        assert!(matches!(find(runs.path(), nothing), Err(LookupError::Unnamed)));
        assert!(matches!(find_even_damaged(runs.path(), nothing), Err(LookupError::Unnamed)));
    }
}

#[test]
fn a_run_is_found_by_id_beginning_end_last_best_or_path() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    assert!(list(runs.path()).expect("no runs").is_empty());
    assert!(matches!(find(runs.path(), "last"), Err(LookupError::NoRuns(_))));
    let (first, second) = (folder(runs.path(), 1), folder(runs.path(), 2));
    finished(&first, 1, 0.8);
    finished(&second, 2, 0.7);
    let found = |wanted: &str| find(runs.path(), wanted).expect(wanted).id().clone();
    assert_eq!(found("last"), *second.id());
    assert_eq!(found("best"), *first.id());
    assert_eq!(found(first.id().as_str()), *first.id());
    assert_eq!(found(first.id().short()), *first.id());
    assert_eq!(found("20261122-201502"), *second.id());
    assert_eq!(found(&first.path().display().to_string()), *first.id());
    assert!(matches!(find(runs.path(), "2026"), Err(LookupError::Ambiguous { count: 2, .. })));
    assert!(matches!(find(runs.path(), "1999"), Err(LookupError::Unknown { .. })));
}

#[test]
fn the_best_of_runs_that_watched_a_loss_is_the_smallest() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    for (second, value) in [(1, 0.2), (2, 0.1), (3, 0.3)] {
        let folder = folder(runs.path(), second as i8);
        finished(&folder, second, value);
        let mut status = folder.read_status().expect("read");
        status.best = Some(Best { metric: "val_loss".into(), value, epoch: 1 });
        folder.write_status(&status).expect("written");
    }
    let best = find(runs.path(), "best").expect("a best");
    assert!(best.id().as_str().starts_with("20261122-201502"));
}

#[test]
fn the_table_of_metrics_names_every_number_of_the_journal() {
    let line = serde_json::to_value(record(1)).expect("JSON");
    let mut keys: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
    // One number a condition is no curve of its own.
    keys.retain(|key| !matches!(*key, "epoch" | "step" | "val_auroc"));
    let mut listed: Vec<&str> = METRICS.iter().map(|metric| metric.key).collect();
    keys.sort_unstable();
    listed.sort_unstable();
    assert_eq!(keys, listed);
}

#[test]
fn a_catalog_reads_what_changed_and_keeps_the_rest() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut catalog = Catalog::new(&runs.path().join("nothing"));
    assert!(catalog.refresh().expect("no folder, no runs").is_empty());
    let (first, second) = (folder(runs.path(), 1), folder(runs.path(), 2));
    for (number, folder) in [(1, &first), (2, &second)] {
        folder.append_epoch(&record(2)).expect("written");
        finished(folder, number, 0.7);
    }
    let mut catalog = Catalog::new(runs.path());
    let before = catalog.refresh().expect("readable");
    assert!(before.iter().all(|run| run.measured.is_none()) && !catalog.is_measured());
    assert!(catalog.measure(1) && !catalog.is_measured() && catalog.measure(9));
    let before = catalog.all();
    let value = before[0].measured.as_ref().and_then(|measured| measured.get(Measure::default()));
    assert_eq!(value, record(2).val_auroc_macro);

    let same = catalog.refresh().expect("readable");
    assert!(same.iter().zip(&before).all(|(a, b)| std::sync::Arc::ptr_eq(a, b)));
    let mut about = Annotations::default();
    about.rename("another");
    first.write_annotations(&about).expect("written");
    let after = catalog.refresh().expect("readable");
    assert_eq!((after[0].name(), after[1].name()), ("", "another"));
    assert!(std::sync::Arc::ptr_eq(&after[0], &before[0]));
    assert_eq!(after[1].measured, before[1].measured, "what is known is shown until it is measured anew");
    second.discard().expect("gone");
    assert_eq!(catalog.refresh().expect("readable").len(), 1);
}

#[test]
fn a_folder_that_has_not_changed_for_a_while_is_not_read_again() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let folder = folder(runs.path(), 1);
    finished(&folder, 1, 0.7);
    let age = |hours: u64| {
        let at = std::time::SystemTime::now() - std::time::Duration::from_secs(3600 * hours);
        let opened = std::fs::File::open(folder.path()).expect("the folder");
        opened.set_modified(at).expect("an older time");
    };
    age(2);
    let mut catalog = Catalog::new(runs.path());
    assert_eq!(catalog.refresh().expect("readable").len(), 1);
    assert!(catalog.measure(1) && catalog.is_measured());
    // In place, which leaves the folder's time as it is.
    std::fs::write(folder.path().join("status.json"), "damaged").expect("written");
    assert_eq!(catalog.refresh().expect("readable").len(), 1, "it isn't read");
    age(1);
    assert_eq!(catalog.damaged(), 0);
    assert_eq!(catalog.refresh().expect("readable").len(), 0, "it is read when the folder's time is another");
    assert_eq!(catalog.damaged(), 1);
}

#[test]
fn a_long_list_begins_with_its_newest_runs() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let made: Vec<_> = (1..=5)
        .map(|number| {
            let folder = folder(runs.path(), number);
            finished(&folder, i64::from(number), 0.7);
            folder.path().to_owned()
        })
        .collect();
    let paths =
        |runs: &[std::sync::Arc<RunSummary>]| -> Vec<_> { runs.iter().map(|run| run.path.clone()).collect() };
    let mut catalog = Catalog::new(runs.path());
    assert!(catalog.glance(5).expect("readable").is_none(), "all are read as quickly");
    let (first, left) = catalog.glance(2).expect("readable").expect("more than two");
    assert_eq!((paths(&first), left), (vec![made[4].clone(), made[3].clone()], 3));
    assert!(catalog.glance(2).expect("readable").is_none(), "the rest comes by refresh");
    let all = catalog.refresh().expect("readable");
    assert_eq!(all.len(), 5);
    assert_eq!(first[..], all[..2]);
}

#[test]
fn a_configuration_with_fewer_settings_than_today_is_skimmed_as_it_is_read() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let folder = folder(runs.path(), 1);
    let old = "[optimizer]\nepochs = 3\n\n[provenance]\nargv = []\n";
    std::fs::write(folder.path().join("run.toml"), old).expect("written");
    let skimmed = folder.skim_config().expect("readable");
    assert_eq!(skimmed, folder.read_config().expect("readable"));
    assert_eq!(skimmed.optimizer.epochs, 3);
    std::fs::write(folder.path().join("run.toml"), "[optimizer]\nepochs = \"three\"\n").expect("written");
    assert!(folder.skim_config().is_err());
}
