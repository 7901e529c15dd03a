//! Answers of a slow terminal that arrive after the probe for them has ended.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyModifiers};
use tokio::time::Instant;

/// A terminal on a slow line answers after we gave up on it; its answers must not be taken for keys. They are strings
/// that begin with Alt-P or Alt-_ and end with Alt-\. A user's own Alt-P is followed by no end: what is swallowed is
/// limited in time and length.
pub struct LateAnswers {
    /// An answer may begin until then.
    until: Option<Instant>,
    /// Where an answer is being received: when it began, and how many keys it has had.
    inside: Option<(Instant, usize)>,
}

/// How long after the start an answer may begin.
const LATEST_ANSWER: Duration = Duration::from_secs(10);
/// How long an answer may take, and how many characters it may have.
const LONGEST_ANSWER: (Duration, usize) = (Duration::from_millis(500), 512);

impl LateAnswers {
    /// `expected`: the terminal has not answered yet.
    pub fn new(expected: bool) -> Self {
        Self { until: expected.then(|| Instant::now() + LATEST_ANSWER), inside: None }
    }

    /// Whether an event belongs to a late answer.
    pub fn swallows(&mut self, event: &Event) -> bool {
        self.swallows_at(event, Instant::now())
    }

    fn swallows_at(&mut self, event: &Event, now: Instant) -> bool {
        let Event::Key(key) = event else { return false };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        if let Some((began, keys)) = &mut self.inside {
            *keys += 1;
            let (time, length) = LONGEST_ANSWER;
            if now.duration_since(*began) > time || *keys > length {
                self.inside = None;
                return false;
            }
            if key.code == KeyCode::Char('\\') && alt {
                self.inside = None;
            }
            return true;
        }
        let begins = matches!(key.code, KeyCode::Char('P' | '_')) && alt;
        if begins && self.until.is_some_and(|until| now < until) {
            self.inside = Some((now, 0));
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;

    use super::*;

    #[test]
    fn a_late_answer_is_swallowed_and_an_alt_key_of_the_user_blocks_nothing() {
        let key = |letter, modifiers| Event::Key(KeyEvent::new(KeyCode::Char(letter), modifiers));
        let (alt, none) = (KeyModifiers::ALT, KeyModifiers::NONE);
        let start = Instant::now();
        let mut late = LateAnswers::new(true);
        for letter in [key('_', alt), key('G', none), key('i', none), key('\\', alt)] {
            assert!(late.swallows_at(&letter, start));
        }
        assert!(!late.swallows_at(&key('q', none), start), "the answer has ended");
        assert!(late.swallows_at(&key('P', alt), start));
        let later = start + Duration::from_millis(600);
        assert!(!late.swallows_at(&key('q', none), later), "no answer takes that long");
        assert!(!late.swallows_at(&key('s', none), later));
        assert!(late.swallows_at(&key('P', alt), later));
        let swallowed = (0..2000).filter(|_| late.swallows_at(&key('x', none), later)).count();
        assert!(swallowed < 600, "no answer is that long");
        let much_later = start + Duration::from_secs(60);
        assert!(!late.swallows_at(&key('P', alt), much_later), "the terminal will not answer any more");
        assert!(!LateAnswers::new(false).swallows_at(&key('P', alt), start), "the terminal has answered");
    }
}
