//! The one table of keys, read by key handling, the bottom bar, the help, the palette and the reference pages. Each screen
//! has its rows in its own folder; here are those that are valid on every screen, and the functions that read the table.

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::action::Action;
use crate::tui::keymap::binding::{Binding, bind};
use crate::tui::keymap::key::{BACK_TAB, BREAK, SUSPEND, TAB, letter, plain};
use crate::tui::keymap::mode::Mode;
use crate::tui::overlays;
use crate::tui::screen::Screen;
use crate::tui::screens::SCREENS;

/// Rows that are valid on every screen.
#[rustfmt::skip]
const GLOBAL: &[Binding] = &[
    bind(Mode::Global, &[letter('1')], Action::Show(Screen::Data), "", "screen 1: the data"),
    bind(Mode::Global, &[letter('2')], Action::Show(Screen::Train), "", "screen 2: training"),
    bind(Mode::Global, &[letter('3')], Action::Show(Screen::Evaluate), "", "screen 3: metrics of a run"),
    bind(Mode::Global, &[letter('4')], Action::Show(Screen::Explain), "", "screen 4: explanations of predictions"),
    bind(Mode::Global, &[letter('5')], Action::Show(Screen::Augment), "", "screen 5: augmented images"),
    bind(Mode::Global, &[letter('6')], Action::Show(Screen::Runs), "", "screen 6: all runs"),
    bind(Mode::Global, &[TAB], Action::NextScreen, "", "next screen"),
    bind(Mode::Global, &[BACK_TAB], Action::PreviousScreen, "", "previous screen"),
    bind(Mode::Global, &[letter('t')], Action::NextTheme, "", "next theme"),
    bind(Mode::Global, &[letter('?'), plain(KeyCode::F(1))], Action::Help, "help", "all keys"),
    bind(Mode::Global, &[letter(':')], Action::Palette, "command", "run a command by name"),
    bind(Mode::Global, &[letter('q')], Action::Quit, "quit", "quit; asks first while a run is active"),
    bind(Mode::Global, &[SUSPEND], Action::Suspend, "", "suspend; fg resumes, a run pauses too"),
    bind(Mode::Global, &[BREAK], Action::Break, "", "quit; asks first while a run is active"),
];

/// All rows: those of every screen, of each screen, of the overlays.
pub fn all() -> impl Iterator<Item = &'static Binding> {
    let screens = SCREENS.iter().flat_map(|screen| screen.keys());
    GLOBAL.iter().chain(screens).chain(overlays::keys::KEYS)
}

/// Rows that are valid in a mode: its own, then the global ones.
pub fn bindings(mode: Mode) -> impl Iterator<Item = &'static Binding> {
    let own = all().filter(move |binding| binding.mode == mode);
    let global = all().filter(move |binding| mode.has_global() && binding.mode == Mode::Global);
    own.chain(global)
}

/// The action of a key in a mode. The key that suspends does so in dialogs and forms as well, as in any other program.
pub fn action(mode: Mode, event: &KeyEvent) -> Option<Action> {
    let bound = bindings(mode).find(|binding| binding.keys.iter().any(|key| key.matches(event)));
    bound.map(|binding| binding.action).or_else(|| SUSPEND.matches(event).then_some(Action::Suspend))
}

/// An entry of the bottom bar: keys that share a label, each with its action.
pub struct BarEntry {
    /// Keys as they are written, with the action of each.
    pub keys: Vec<(String, Action)>,
    /// What they do, at most eight words.
    pub label: &'static str,
}

impl BarEntry {
    /// The separator of two keys: none between arrows.
    pub fn separator(&self) -> &'static str {
        if self.keys.iter().all(|(key, _)| "↑↓←→".contains(key.as_str())) { "" } else { "/" }
    }

    /// The keys as shown, `↑↓` or `x/y`.
    pub fn key_text(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|(key, _)| key.as_str()).collect();
        keys.join(self.separator())
    }
}

/// The entries of the bottom bar in the order of the table.
pub fn bar(mode: Mode) -> Vec<BarEntry> {
    let mut entries: Vec<BarEntry> = Vec::new();
    for binding in all().filter(|binding| binding.mode == mode && !binding.label.is_empty()) {
        // The first key stands for its alternatives: the bar is a reminder, the help has all.
        let key = binding.keys[0].name();
        match entries.last_mut() {
            Some(entry) if entry.label == binding.label => entry.keys.push((key, binding.action)),
            _ => entries.push(BarEntry { keys: vec![(key, binding.action)], label: binding.label }),
        }
    }
    entries
}

/// Commands of the palette: those that work from any screen, each once.
pub fn commands() -> Vec<&'static Binding> {
    let mut found: Vec<&'static Binding> = Vec::new();
    for binding in all() {
        let at_home =
            matches!(binding.mode, Mode::Global | Mode::Data | Mode::Train | Mode::Evaluate | Mode::Runs);
        let alone = !matches!(
            binding.action,
            Action::Up
                | Action::Down
                | Action::Left
                | Action::Right
                | Action::PageUp
                | Action::PageDown
                | Action::First
                | Action::Last
                | Action::Back
                | Action::Break
                | Action::Suspend
                | Action::Palette
        );
        if at_home && alone && !found.iter().any(|known| known.action == binding.action) {
            found.push(binding);
        }
    }
    found
}

/// The keys of a row as text: `↑ k`.
pub fn keys(binding: &Binding) -> String {
    binding.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(" ")
}

/// The first key of an action, `m`; empty where no key has it.
pub fn key_of(action: Action) -> String {
    let mut bound = all().filter(|binding| binding.action == action);
    bound.find_map(|binding| binding.keys.first()).map_or_else(String::new, |key| key.name())
}

/// The whole table in Markdown, for the README.
pub fn markdown() -> String {
    let mut out = String::new();
    for mode in Mode::ALL {
        out.push_str(&format!("\n| {} | |\n|---|---|\n", mode.title()));
        for binding in all().filter(|binding| binding.mode == mode) {
            let keys: Vec<_> = binding.keys.iter().map(|key| format!("`{}`", key.name())).collect();
            out.push_str(&format!("| {} | {} |\n", keys.join(" "), binding.help));
        }
    }
    out
}
