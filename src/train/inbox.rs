//! The trainer's end of the command channel, and what ends a run before its time.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::Command;
use crate::runs::RunState;

/// Why a run ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The user's command.
    Stop,
    /// A signal.
    Interrupt,
    /// The program ends.
    Shutdown,
}

impl StopReason {
    /// The stop that a command requests.
    pub fn of_command(command: &Command) -> Option<Self> {
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
            Self::Stop => "stopped by the user",
            Self::Shutdown => "stopped as the program ended",
            Self::Interrupt => "interrupted by a signal",
        }
    }
}

/// Commands in the order they were given. Some may come while nobody can act on them yet, as when images are
/// being read; those are kept.
pub struct Inbox {
    channel: Receiver<Command>,
    kept: VecDeque<Command>,
}

impl Inbox {
    /// Reads from `channel`.
    pub fn new(channel: Receiver<Command>) -> Self {
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

    /// Whether a stop is among the commands so far, all of which are kept.
    pub fn stop_requested(&mut self) -> bool {
        self.kept.extend(self.channel.try_iter());
        self.kept.iter().any(|command| StopReason::of_command(command).is_some())
    }

    /// The first stop among the commands so far. It and what came before it are taken, since they were about
    /// the run it ends; what came after is kept, as are all commands when none is a stop.
    pub fn take_stop(&mut self) -> Option<StopReason> {
        self.kept.extend(self.channel.try_iter());
        let at = self.kept.iter().position(|command| StopReason::of_command(command).is_some())?;
        self.kept.drain(..=at).next_back().as_ref().and_then(StopReason::of_command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_takes_earlier_commands_and_leaves_later_ones() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut inbox = Inbox::new(receiver);
        assert_eq!(inbox.take_stop(), None);
        for command in [Command::Pause, Command::Interrupt, Command::Shutdown] {
            sender.send(command).expect("open");
        }
        assert_eq!(inbox.take_stop(), Some(StopReason::Interrupt));
        assert_eq!(inbox.next(), Command::Shutdown);
        sender.send(Command::Checkpoint).expect("open");
        assert_eq!(inbox.take_stop(), None);
        assert_eq!(inbox.try_next(), Some(Command::Checkpoint));
        assert_eq!(inbox.try_next(), None);
        drop(sender);
        assert_eq!(inbox.try_next(), Some(Command::Shutdown), "nobody can command any more");
    }
}
