//! Evaluate, Explain and Augment by their keys, and what they leave on the disk.

use vt100::Color;

use super::home::Home;
use crate::support::json;
use crate::support::pty::PtySession;

/// Colours of the cells inside a picture pane: what a person sees of an image.
fn colours(session: &PtySession, rows: std::ops::Range<u16>, columns: std::ops::Range<u16>) -> Vec<Color> {
    session.screen(|screen| {
        rows.flat_map(|row| columns.clone().map(move |column| (row, column)))
            .filter_map(|(row, column)| screen.cell(row, column).map(vt100::Cell::fgcolor))
            .collect()
    })
}

#[test]
fn evaluate_moves_a_threshold_and_saves_it_with_the_numbers_that_follow() {
    let home = Home::with_runs();
    let mut session = home.start((120, 34), &[]);
    session.press("3");
    session.wait_text("by AUROC");
    let run = home.all_runs()[0].clone();
    let thresholds = run.join("checkpoints/thresholds.json");
    let before = json(&thresholds);
    let report = std::fs::read_to_string(run.join("artifacts/report.md")).expect("a report");
    session.press("=");
    session.wait_text("threshold");
    session.press(".25\r");
    session.wait_text("manual, not");
    session.press("w");
    session.wait_text("thresholds saved; evaluation, figures and report are updated");
    let after = json(&thresholds);
    assert_ne!(before, after);
    let moved = after.to_string();
    assert!(moved.contains("{\"by\":\"hand\",\"threshold\":0.25}"), "{moved}");
    let evaluation = json(&run.join("evaluation.json")).to_string();
    assert!(evaluation.contains("0.25"), "the evaluation has the threshold too");
    assert_ne!(std::fs::read_to_string(run.join("artifacts/report.md")).expect("a report"), report);

    // The images of a cell, here the false positives, and from there to the explanation of one.
    session.press("d\r");
    session.wait_text("test #");
    session.press("x");
    session.wait_text("4 EXPLAIN");
    session.wait_text("logit per pixel");
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
}

#[test]
fn explain_paints_a_map_and_changes_it_with_image_method_and_view() {
    let home = Home::with_runs();
    let mut session = home.start((120, 34), &[]);
    session.press("4");
    session.wait_text("logit per pixel");
    session.wait_text("integrated gradients");
    let picture = |session: &PtySession| colours(session, 4..30, 51..108);
    let is_grey =
        |colour: &Color| matches!(colour, Color::Rgb(red, green, blue) if red == green && green == blue);
    let (map, title) = (picture(&session), session.text());
    assert!(!map.iter().all(is_grey), "a map is painted over the image");
    session.press("n");
    session.wait_until("another image and its map", |session| {
        let text = session.text();
        text.lines().nth(1) != title.lines().nth(1) && text.contains("logit per pixel")
    });
    session.wait_until("another picture", |session| picture(session) != map);
    session.press("m");
    session.wait_text("SmoothGrad of integrated gradients");
    // Views: overlay, side by side, map, image; the image alone is grey.
    session.press("vvv");
    session.wait_until("the image alone", |session| {
        let shown = picture(session);
        shown.iter().filter(|colour| matches!(colour, Color::Rgb(..))).count() > 500
            && shown.iter().filter(|colour| matches!(colour, Color::Rgb(..))).all(is_grey)
    });
    session.press("/57\r");
    session.wait_text("test #57 ");
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
}

#[test]
fn augment_changes_a_transform_and_the_next_run_has_it() {
    let home = Home::with_runs();
    let mut session = home.start((120, 34), &["--set", "optimizer.epochs=1"]);
    session.press("5");
    session.wait_text("transforms of the next run");
    session.wait_text("preset chest");
    let versions = |session: &PtySession| colours(session, 2..33, 43..118);
    session.wait_until("pictures", |session| {
        versions(session).iter().filter(|colour| matches!(colour, Color::Rgb(..))).count() > 500
    });
    let before = versions(&session);
    session.press(" ");
    session.wait_text("● rotate 90°");
    session.wait_text("preset custom");
    session.wait_until("other pictures", |session| versions(session) != before);
    session.press("2s");
    session.wait_text("finished");
    let run = home.all_runs()[0].join("run.toml");
    let settings = std::fs::read_to_string(run).expect("settings");
    assert!(settings.contains("preset = \"custom\"") && settings.contains("rotate90_p = 0.5"), "{settings}");
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
}
