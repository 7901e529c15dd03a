//! Thresholds, cells and the order of conditions, by keys.

use crate::tui::action::Action;
use crate::tui::app::{App, Effect, Message};
use crate::tui::fixture::{self, noon, press};

#[test]
fn a_moved_threshold_moves_matrix_and_rates_and_is_kept_only_when_asked_for() {
    let mut app = fixture::evaluated();
    let row = app.evaluate.row();
    let numbers =
        |app: &App| app.evaluate.run().and_then(|run| run.numbers(app.evaluate.row())).expect("numbers");
    let before = numbers(&app);
    press(&mut app, &["=", ".", "0", "1", "Enter"]);
    let after = numbers(&app);
    assert_eq!(after.threshold, 0.01);
    assert!(
        after.counts.tp + after.counts.fp > before.counts.tp + before.counts.fp,
        "a lower one calls more"
    );
    assert_eq!(after.auroc, before.auroc, "a threshold moves no ranking");
    let effects = press(&mut app, &["w"]);
    let [Effect::Keep { thresholds, .. }] = effects.as_slice() else { panic!("kept: {effects:?}") };
    let key = &app.evaluate.run().expect("a run").labels.keys()[row];
    assert_eq!(thresholds.conditions[key].threshold, 0.01);
    press(&mut app, &["Esc"]);
    assert_eq!(numbers(&app), before, "Esc goes back to what is kept");
    assert!(press(&mut app, &["w"]).is_empty(), "nothing was moved, so nothing is written");
}

#[test]
fn the_screen_stays_as_it_is_while_what_was_saved_is_read_again() {
    let mut app = fixture::evaluated();
    press(&mut app, &["=", ".", "0", "1", "Enter", "w"]);
    let path = app.evaluate.run().expect("a run").path.clone();
    // Thresholds of another condition, moved while figures are drawn and the run is read again.
    press(&mut app, &["Down", "=", ".", "0", "2", "Enter"]);
    let row = app.evaluate.row();
    let effects = app.update(Message::Kept(path, Ok(())), noon());
    let [Effect::Evaluate(request)] = effects.as_slice() else { panic!("read again: {effects:?}") };
    press(&mut app, &["d", "Enter"]);
    assert!(app.evaluate.images.is_some(), "keys answer meanwhile");
    app.update(Message::Evaluated(request.clone(), Ok(Box::new(fixture::answer()))), noon());
    assert!(app.evaluate.images.is_some());
    assert_eq!(app.evaluate.run().expect("a run").levels[row], 0.02, "nothing that was moved is lost");
}

#[test]
fn threshold_keys_for_all_move_every_condition_but_not_normal_detection() {
    let mut app = fixture::evaluated();
    press(&mut app, &["a", "=", ".", "3", "Enter"]);
    let run = app.evaluate.run().expect("a run");
    let (normal, conditions) = run.levels.split_last().expect("rows");
    assert!(conditions.iter().all(|level| *level == 0.3), "{conditions:?}");
    assert_eq!(*normal, run.kept.normal.threshold);
    press(&mut app, &["=", "7", "Enter"]);
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("from 0 to 1")));
}

#[test]
fn a_cell_leads_to_its_images_furthest_wrong_first() {
    let mut app = fixture::evaluated();
    let effects = press(&mut app, &["f"]);
    assert!(matches!(effects.as_slice(), [Effect::ReadImages { .. }]), "{effects:?}");
    let list = app.evaluate.images.as_ref().expect("images");
    let run = app.evaluate.run().expect("a run");
    let numbers = run.numbers(list.row).expect("numbers");
    assert_eq!(list.images.len() as u64, numbers.counts.fn_);
    assert!(list.images.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    for (image, score) in &list.images {
        let (labels, scores) = run.image(*image as usize).expect("an image");
        assert_eq!((labels[list.row], scores[list.row]), (1, *score));
        assert!(*score <= numbers.threshold);
    }
    press(&mut app, &["Esc"]);
    assert!(app.evaluate.images.is_none());
}

#[test]
fn the_order_of_conditions_changes_and_the_cursor_stays_on_its_condition() {
    let mut app = fixture::evaluated();
    press(&mut app, &["Down", "Down"]);
    let row = app.evaluate.row();
    for _ in 0..3 {
        press(&mut app, &["o"]);
        assert_eq!(app.evaluate.row(), row);
        assert_eq!(app.evaluate.sorted().last(), Some(&14), "normal detection stays last");
    }
}

#[test]
fn an_answer_to_an_older_question_is_not_shown() {
    let mut app = fixture::evaluated();
    press(&mut app, &["s"]);
    let old = crate::tui::screens::evaluate::state::EvaluateRequest {
        run: None,
        split: crate::dataset::Split::Test,
        predict: false,
    };
    app.update(Message::Evaluated(old, Ok(Box::new(fixture::answer()))), noon());
    assert!(app.evaluate.run().is_none(), "val was asked for since");
}

#[test]
fn the_macro_mean_is_shown_and_intervals_by_image_are_marked_at_every_size() {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    for (width, height) in [(80, 24), (120, 34), (200, 60)] {
        let mut app = fixture::evaluated();
        let crate::tui::screens::evaluate::state::Loading::Ready(run) = &mut app.evaluate.shown else {
            panic!("a run")
        };
        run.evaluation.macro_average.auroc_ci = Some([0.701, 0.845]);
        run.evaluation.bootstrap = Some(crate::metrics::BootstrapEvaluation {
            resamples: 1000,
            seed: 1,
            unit: "images".into(),
            units: 40,
        });
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        crate::tui::draw::draw(&app, None, &mut buffer);
        let text: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
        assert!(text.contains("macro .791"), "{width}x{height}: {text}");
        // An interval is never without the remark that it is too narrow.
        let has_interval = text.contains(".701–.845");
        let has_remark =
            text.contains(".701–.845 by image") || text.contains(".701–.845 (by image: too narrow)");
        assert_eq!((has_interval, has_remark), (width >= 120, width >= 120), "{width}x{height}: {text}");
    }
}

#[test]
fn every_matrix_has_its_four_counts_at_every_size() {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    for (width, height) in [(80, 24), (120, 34), (200, 60)] {
        let mut app = fixture::evaluated();
        press(&mut app, &["v"]);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let hits = crate::tui::draw::draw(&app, None, &mut buffer).0;
        let run = app.evaluate.run().expect("a run");
        for (place, index) in app.evaluate.sorted().into_iter().enumerate() {
            let counts = run.numbers(index).expect("numbers").counts;
            // The list at the left answers the same click; the matrix is farther to the right.
            let of_row = hits.iter().filter(|hit| hit.action == Some(Action::Row(place)));
            let area = of_row.map(|hit| hit.area).max_by_key(|area| area.x).expect("it is on screen");
            let text: String = (area.y + 1..area.bottom().min(area.y + 3))
                .flat_map(|y| (area.x..area.right()).map(move |x| (x, y)))
                .map(|at| buffer[at].symbol())
                .collect();
            let shown: Vec<u64> = text
                .split(|sign: char| !sign.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            let all = [counts.tn, counts.fp, counts.fn_, counts.tp];
            assert_eq!(shown, all, "{} at {width}x{height}: {text}", run.name(index));
        }
    }
}
