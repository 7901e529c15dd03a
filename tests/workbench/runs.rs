//! The list of runs: deleting and putting back, the queue, resuming.

use super::home::Home;
use crate::support::json;

#[test]
fn a_deleted_run_comes_back_until_the_workbench_is_left() {
    let home = Home::with_runs();
    let mut session = home.start((120, 34), &[]);
    session.press("6");
    let newest = home.all_runs()[0].clone();
    let short = Home::short(&newest);
    session.wait_text(&short);
    session.press("d");
    session.wait_text("Delete 2");
    session.press("\x03");
    session.wait_until("the question's end", |session| !session.text().contains("Delete 2"));
    assert!(newest.is_dir(), "Ctrl-C closes a question");
    session.press("d");
    session.wait_text("Delete 2");
    session.press("\r");
    session.wait_text(&format!("deleted {short}; U puts it back"));
    assert!(!newest.exists());
    session.press("U");
    session.wait_text(&format!("run {short} is back"));
    assert!(newest.join("checkpoints/best.safetensors").is_file());

    session.press("d");
    session.wait_text("Delete 2");
    session.press("\r");
    session.wait_text("U puts it back");
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
    assert_eq!(home.all_runs().len(), 1);
    let left: Vec<_> =
        std::fs::read_dir(home.runs().join(".trash")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "nothing of it takes room any more: {left:?}");
}

#[test]
fn a_run_is_queued_asked_about_before_it_is_removed_and_trained_when_the_queue_starts() {
    let home = Home::with_runs();
    let mut session = home.start((120, 34), &[]);
    session.press("6");
    session.wait_text("2 runs");
    session.press("a");
    session.wait_text("queued 1");
    session.press("a");
    session.wait_text("queued 2");
    // To the first row, and remove it: a question first, which Esc answers with no.
    session.press("\x1b[H");
    session.press("d");
    session.wait_text("Remove it from the queue?");
    session.press("\x1b");
    session.wait_until("the question's end", |session| !session.text().contains("Remove it"));
    assert!(session.text().contains("queued 1"), "{}", session.text());
    session.press("d");
    session.wait_text("Remove it from the queue?");
    session.press("\r");
    session.wait_until("one run in the queue", |session| {
        let text = session.text();
        text.contains("queue 1") && !text.contains("queued 2")
    });
    session.press("Q");
    session.wait_until("a third finished run", |_| {
        let runs = home.all_runs();
        runs.len() == 3
            && runs[0].join("status.json").is_file()
            && json(&runs[0].join("status.json"))["state"] == "finished"
    });
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
}

#[test]
fn a_stopped_run_is_resumed_from_the_list_and_goes_on_where_it_was() {
    let home = Home::with_runs();
    let endless = ["--set", "optimizer.epochs=100000", "--set", "early_stopping.enabled=false"];
    let mut session = home.start((120, 34), &endless);
    session.wait_text("1 DATA");
    session.press("2s");
    let run = session.wait("a third run", |_| {
        let runs = home.all_runs();
        (runs.len() == 3).then(|| runs[0].clone())
    });
    let status = |key: &str| {
        let path = run.join("status.json");
        path.is_file().then(|| json(&path)[key].clone())
    };
    let epochs = || status("epoch").and_then(|epoch| epoch.as_u64()).unwrap_or(0);
    session.wait_until("two epochs", |_| epochs() >= 2);
    session.press("x");
    session.wait_text("Stop run");
    session.press("\r");
    session.wait_until("a stopped run", |_| status("state").is_some_and(|state| state == "stopped"));
    let before = epochs();
    session.press("6");
    // The list is read beside; the cursor may still be on another run.
    let short = Home::short(&run);
    session.wait_until("the run in the list", |session| {
        session.text().lines().skip(1).any(|line| line.contains(&short))
    });
    session.press("g");
    session.wait_text(&format!("■ {short} ─"));
    session.press("u");
    session.wait_until("more epochs of the same run", |_| {
        status("state").is_some_and(|state| state == "running") && epochs() > before + 1
    });
    assert_eq!(home.all_runs().len(), 3, "no new run");
    let rows = std::fs::read_to_string(run.join("metrics.jsonl")).expect("epochs");
    let numbers: Vec<u64> = rows
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()?["epoch"].as_u64())
        .collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "each epoch once: {numbers:?}");
    session.press("q");
    session.wait_text("Stop and leave?");
    session.press("\r");
    assert_eq!(session.wait_exit(), 0);
    assert_eq!(status("state").expect("a status"), "stopped");
}
