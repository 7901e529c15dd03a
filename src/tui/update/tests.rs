//! What messages do to the state, and which effects follow: by subject.

mod lists;
mod trainer;

use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::runs::RunState;
use crate::train::{Command, Event, Level, Phase, Progress};
use crate::tui::action::Action;
use crate::tui::app::{App, Effect, Message, Overlay};
use crate::tui::fixture::{self, command, emit, ended, failed, noon, press, training, with_data, with_runs};
use crate::tui::keymap::Mode;
use crate::tui::screen::Screen;
use crate::tui::screens::data::state::Loading;
use crate::tui::screens::runs::state::RunsRequest;

fn sent(effects: Vec<Effect>) -> Option<Command> {
    command(&effects).cloned()
}
