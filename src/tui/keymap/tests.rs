use crate::tui::screens::runs::action::RunsAction;
use crate::tui::screens::train::action::TrainAction;
use std::collections::HashSet;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::tui::action::Action;
use crate::tui::screen::Screen;

#[test]
fn no_key_means_two_things_in_a_mode() {
    for mode in Mode::ALL {
        let mut seen = HashSet::new();
        for binding in bindings(mode) {
            for key in binding.keys {
                assert!(seen.insert(*key), "{mode:?}: {} is bound twice", key.name());
            }
        }
    }
}

#[test]
fn every_binding_has_keys_and_words() {
    for binding in all() {
        assert!(!binding.keys.is_empty() && !binding.help.is_empty(), "{binding:?}");
        assert!(!binding.help.ends_with('.') && binding.help.chars().count() <= 66, "{}", binding.help);
    }
}

#[test]
fn every_mode_can_be_left_without_a_mouse() {
    for mode in Mode::ALL {
        let ways = |binding: &Binding| {
            matches!(binding.action, Action::Back | Action::Quit | Action::Break | Action::LeaveNow)
        };
        assert!(bindings(mode).any(ways), "{mode:?}");
    }
}

#[test]
fn the_program_can_be_suspended_in_every_mode() {
    let event = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    for mode in Mode::ALL {
        assert_eq!(action(mode, &event), Some(Action::Suspend), "{mode:?}");
        let typed = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::NONE);
        assert_ne!(action(mode, &typed), Some(Action::Suspend), "{mode:?}");
    }
}

#[test]
fn what_every_screen_can_do_is_in_the_palette() {
    let offered: Vec<Action> = commands().iter().map(|binding| binding.action).collect();
    for action in [
        Action::Show(Screen::Data),
        Action::Show(Screen::Train),
        Action::Show(Screen::Runs),
        Action::Train(TrainAction::Start),
        Action::Train(TrainAction::Pause),
        Action::Train(TrainAction::Stop),
        Action::Train(TrainAction::Checkpoint),
        Action::Train(TrainAction::RaiseRate),
        Action::Train(TrainAction::LowerRate),
        Action::LogScale,
        Action::Smooth,
        Action::Zoom,
        Action::Edit,
        Action::Split,
        Action::View,
        Action::Runs(RunsAction::Open),
        Action::Runs(RunsAction::Filter),
        Action::Reload,
        Action::NextTheme,
        Action::Help,
        Action::Quit,
    ] {
        assert!(offered.contains(&action), "{action:?}");
    }
    let distinct: HashSet<String> = offered.iter().map(|action| format!("{action:?}")).collect();
    assert_eq!(distinct.len(), offered.len());
}

#[test]
fn neighbours_with_the_same_word_share_a_place_in_the_bar() {
    let bar: Vec<(String, &str)> =
        bar(Mode::Train).iter().map(|entry| (entry.key_text(), entry.label)).collect();
    assert!(bar.contains(&("←→".to_owned(), "cursor")), "{bar:?}");
    assert!(bar.contains(&("+/-".to_owned(), "rate")), "{bar:?}");
    assert_eq!(bar[0], ("s".to_owned(), "start"));
}

#[test]
fn the_table_for_the_readme_has_every_row() {
    let table = markdown();
    for binding in all() {
        assert!(table.contains(binding.help), "{}", binding.help);
    }
}

#[test]
fn control_tells_keys_apart() {
    let plain = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::NONE);
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(action(Mode::Train, &plain), Some(Action::Train(TrainAction::Checkpoint)));
    assert_eq!(action(Mode::Train, &control), Some(Action::Break));
}

#[test]
fn alt_with_a_letter_is_not_the_letter() {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    for binding in all() {
        for key in binding.keys {
            let KeyCode::Char(_) = key.code else { continue };
            let event = KeyEvent::new(key.code, KeyModifiers::ALT);
            assert_eq!(action(binding.mode, &event), None, "{}", key.name());
        }
    }
}

#[test]
fn while_text_can_be_typed_no_printable_key_is_bound() {
    use crossterm::event::KeyCode;
    for binding in all().filter(|binding| matches!(binding.mode, Mode::Form | Mode::Typing)) {
        for key in binding.keys {
            assert!(key.control || !matches!(key.code, KeyCode::Char(_)), "{}", key.name());
        }
    }
}
