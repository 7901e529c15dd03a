//! What keys, clicks, the wheel and pasted text do.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Position;
use tui_input::{Input, InputRequest};

use crate::tui::action::Action;
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::canvas::MouseTarget;
use crate::tui::keymap::{self, Mode};

/// Longest text that a paste may add to a line.
const PASTE_LIMIT: usize = 4096;

impl App {
    pub(in crate::tui) fn input(&mut self, event: &Event) -> Vec<Effect> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Paste(text) => {
                let text = crate::text::one_line(text, PASTE_LIMIT);
                if self.mode() == Mode::Form {
                    self.form.type_over(&text);
                    return Vec::new();
                }
                self.type_with(|line| {
                    for letter in text.chars() {
                        line.handle(InputRequest::InsertChar(letter));
                    }
                })
            }
            Event::Mouse(mouse) => self.mouse(mouse),
            _ => Vec::new(),
        }
    }

    fn key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let mode = self.mode();
        if let Some(action) = keymap::action(mode, key) {
            // A key that does something has read the sentence in the bottom line.
            self.notice = None;
            return self.perform(action);
        }
        match mode {
            Mode::Typing => {
                if let Some(request) = line_request(key) {
                    return self.type_with(|line| {
                        line.handle(request);
                    });
                }
            }
            Mode::Form => self.begin_typing(key),
            _ => {}
        }
        Vec::new()
    }

    /// In the form a printable key edits the selected setting, without another key before it.
    fn begin_typing(&mut self, key: &KeyEvent) {
        let modified = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        if let (KeyCode::Char(letter), false) = (key.code, modified) {
            self.form.type_over(&letter.to_string());
        }
    }

    /// Edits the line being typed, and reads what is selected because of it.
    fn type_with(&mut self, mut edit: impl FnMut(&mut Input)) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Form) => {
                if let Some(line) = &mut self.form.typing {
                    edit(line);
                }
            }
            Some(Overlay::Palette { input, row }) => {
                edit(input);
                *row = 0;
            }
            None => return self.screen.view().edit_line(self, &mut edit),
            _ => {}
        }
        Vec::new()
    }

    fn mouse(&mut self, mouse: &MouseEvent) -> Vec<Effect> {
        let at = Position::new(mouse.column, mouse.row);
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => self.mouse_action(at, |target| target.action),
            MouseEventKind::ScrollUp => self.mouse_action(at, |target| target.wheel.map(|[up, _]| up)),
            MouseEventKind::ScrollDown => self.mouse_action(at, |target| target.wheel.map(|[_, down]| down)),
            _ => Vec::new(),
        }
    }

    /// Performs the action of the topmost target under the pointer that has one.
    fn mouse_action(&mut self, at: Position, read: impl Fn(&MouseTarget) -> Option<Action>) -> Vec<Effect> {
        let under = self.hits.iter().rev().filter(|target| target.area.contains(at));
        let action = under.filter_map(read).next();
        action.map_or_else(Vec::new, |action| self.perform(action))
    }
}

/// What a key does to a line being typed.
fn line_request(key: &KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let word = control || key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Char('u') if control => InputRequest::DeleteLine,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
        KeyCode::Char(letter) if !word => InputRequest::InsertChar(letter),
        KeyCode::Backspace if word => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if word => InputRequest::GoToPrevWord,
        KeyCode::Right if word => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return None,
    })
}
