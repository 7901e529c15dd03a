//! The trainer's end of the command channel, and what ends a run before its time.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::Command;
use crate::runs::RunState;

/// Why a run ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// A person's wish.
    Stop,
    /// A signal.
    Interrupt,
    /// The program ends.
    Shutdown,
}

impl Halt {
    /// The halt a command asks for.
    pub fn asked_by(command: &Command) -> Option<Self> {
        match command {
            Command::Stop => Some(Self::Stop),
            Command::Interrupt => Some(Self::Interrupt),
            Command::Shutdown => Some(Self::Shutdown),
            _ => None,
        }
    }

    /// The state it leaves a run in.
    pub fn state(self) -> RunState {
        match self {
            Self::Stop | Self::Shutdown => RunState::Stopped,
            Self::Interrupt => RunState::Interrupted,
        }
    }

    /// Why the run ended, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Stop => "stopped by hand",
            Self::Shutdown => "stopped as the program ended",
            Self::Interrupt => "interrupted by a signal",
        }
    }
}

/// Commands in the order they were given. Some may come while nobody can act on them yet, as when films are
/// being read; those are kept.
pub struct Inbox<'a> {
    channel: &'a Receiver<Command>,
    kept: VecDeque<Command>,
}

impl<'a> Inbox<'a> {
    /// Reads from `channel`.
    pub fn new(channel: &'a Receiver<Command>) -> Self {
        Self { channel, kept: VecDeque::new() }
    }

    /// The next command, if one is there. When nobody can give any more, that is the program's end.
    pub fn try_next(&mut self) -> Option<Command> {
        self.kept.pop_front().or_else(|| match self.channel.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Command::Shutdown),
        })
    }

    /// The next command, waited for.
    pub fn next(&mut self) -> Command {
        self.kept.pop_front().or_else(|| self.channel.recv().ok()).unwrap_or(Command::Shutdown)
    }

    /// Whether one of the commands so far asks for an end; all others are kept.
    pub fn halt_asked(&mut self) -> Option<Halt> {
        self.kept.extend(self.channel.try_iter());
        let halt = self.kept.iter().find_map(Halt::asked_by)?;
        self.kept.clear();
        Some(halt)
    }
}
