//! Images and maps, by keys.

use crate::tui::app::{App, Effect, Message};
use crate::tui::fixture::{self, noon, press, with_data};

#[test]
fn moving_through_images_asks_for_the_newest_map_only_once() {
    use crate::tui::screens::explain::state::ExplainRequest;
    let mut app = fixture::explained();
    let first = app.explain.image().expect("an image");
    let effects = press(&mut app, &["Down"]);
    let [Effect::Explain(ExplainRequest::Map(key))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(key.image, first + 1);
    assert!(press(&mut app, &["g", "G", "g"]).len() <= 3);
    // Back on the first image its map is there already.
    for _ in 0..first {
        press(&mut app, &["Down"]);
    }
    assert_eq!(app.explain.image(), Some(first));
    assert!(app.explain.map().is_some());
    assert_eq!(press(&mut app, &["o"]), [], "another opacity is no other map");
    assert_eq!(press(&mut app, &["m"]).len(), 1, "another method is");
}

#[test]
fn a_map_of_a_run_that_is_gone_is_not_shown() {
    let mut app = fixture::explained();
    let old = app.explain.key().expect("an image is shown");
    press(&mut app, &["]"]);
    let (request, opened) = fixture::opened(2);
    let request = crate::tui::screens::explain::state::ExplainTarget {
        run: app.explain.request.clone().and_then(|a| a.run),
        ..request
    };
    app.update(Message::Opened(request, Ok(Box::new(opened))), noon());
    app.update(Message::Mapped(old, Ok(Box::new(fixture::map_of(old.image)))), noon());
    assert!(app.explain.map().is_none() && app.explain.run().is_some());
}

#[test]
fn images_are_listed_by_what_the_network_said_of_them() {
    let mut app = fixture::explained();
    let all = app.explain.images.len();
    let class = app.explain.class;
    let check = |app: &App, holds: &dyn Fn(bool, bool) -> bool| {
        let run = app.explain.run().expect("a run");
        let labels = &run.dataset.part(run.split).labels;
        let mut found = 0;
        for image in 0..all as u32 {
            let called = app.explain.probabilities(image).expect("seen")[class] > run.levels[class];
            let wanted = holds(labels.row(image as usize)[class] == 1, called);
            assert_eq!(app.explain.images.contains(&image), wanted, "{image}");
            found += usize::from(wanted);
        }
        assert_eq!(app.explain.images.len(), found);
    };
    check(&app, &|_, _| true);
    for holds in [
        &(|labelled: bool, _: bool| labelled) as &dyn Fn(bool, bool) -> bool,
        &|_, called| called,
        &|labelled, called| labelled && called,
        &|labelled, called| labelled && !called,
        &|labelled, called| !labelled && called,
    ] {
        press(&mut app, &["f"]);
        check(&app, holds);
    }
    press(&mut app, &["f", "/", "7", "Enter"]);
    assert_eq!(app.explain.image(), Some(7));
    press(&mut app, &["/", "9", "9", "9", "Enter"]);
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("999")));
}

#[test]
fn images_are_listed_by_view_sex_and_age_together() {
    let mut app = fixture::demographics::explained();
    let all = app.explain.images.len();
    let of = |app: &App, image: u32| {
        let run = app.explain.run().expect("a run");
        run.dataset.part(run.split).about.who(image as usize)
    };
    press(&mut app, &["w"]);
    assert!(app.explain.images.iter().all(|image| of(&app, *image).starts_with("AP")));
    assert_eq!(app.explain.images.len(), all / 4);
    press(&mut app, &["x", "x"]);
    assert!(app.explain.images.iter().all(|image| of(&app, *image).starts_with("AP M")));
    assert_eq!(app.explain.narrowed().as_deref(), Some("AP · M"));
    let men = app.explain.images.len();
    assert!(men > 0 && men < all / 4);
    press(&mut app, &["x"]);
    assert_eq!(app.explain.images.len(), all / 4, "after the last sex come all");
    press(&mut app, &["a"]);
    assert_eq!(app.explain.narrowed().as_deref(), Some("AP · age 0-17"));
    press(&mut app, &["Esc"]);
    assert_eq!((app.explain.images.len(), app.explain.narrowed()), (all, None));
}

#[test]
fn a_source_that_says_nothing_of_its_images_says_so() {
    let mut app = fixture::explained();
    let all = app.explain.images.len();
    press(&mut app, &["a"]);
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("has no age")));
    assert_eq!(app.explain.images.len(), all);
}

#[test]
fn a_setting_tuned_on_the_augment_screen_is_the_next_runs() {
    use crate::config::Preset;
    let mut app = with_data();
    press(&mut app, &["5", "Down", "Down", "Down", "Down", "Right"]);
    let augment = app.form.config().expect("allowed").augment.clone();
    // The chest preset's own values stay, but for the one that was moved.
    let chest = crate::config::AugmentSection::default();
    assert_eq!((augment.preset, augment.rotate), (Preset::Custom, chest.rotate + 1.0));
    assert_eq!((augment.affine_p, augment.shift), (chest.affine_p, chest.shift));
    press(&mut app, &["d", " "]);
    let augment = &app.form.current().augment;
    assert_eq!((augment.rotate, augment.affine_p), (chest.rotate, 0.0));
    press(&mut app, &[" "]);
    assert_eq!(app.form.current().augment.affine_p, chest.affine_p);
}
