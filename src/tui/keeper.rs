//! The thread that knows the folder of runs: it keeps the list up to date, looks at the run under the cursor, and does
//! what a person asks of runs and of the queue, one thing after another. Of two looks that wait only the newer is
//! taken, so a person who moves on waits for nothing that was passed by; numbers of thousands of runs are read a few
//! hundred at a time in between.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc::UnboundedSender;

use super::app::Message;
use super::state::runs::{Change, Details, Done, Listed, Wish};
use crate::evaluation;
use crate::runs::{Catalog, Queue, RunFolder, Turn, Waiting};

/// Runs measured between two looks for wishes.
const CHUNK: usize = 128;
/// Runs that the first list begins with: more than any screen shows, read in a blink.
const FIRST: usize = 200;

/// The way to the thread, which begins with the first wish.
#[derive(Default)]
pub struct Keeper {
    thread: OnceCell<Sender<Wish>>,
}

impl Keeper {
    /// Asks; the answer comes as a message.
    pub fn ask(&self, wish: Wish, runs: &Path, messages: &UnboundedSender<Message>) {
        let thread = self.thread.get_or_init(|| {
            let (sender, inbox) = channel();
            let work = Work {
                catalog: Catalog::new(runs),
                queue: Queue::of(runs),
                turn: None,
                messages: messages.clone(),
                partial: false,
                untold: false,
            };
            if let Err(error) =
                std::thread::Builder::new().name("keeper".into()).spawn(move || work.run(&inbox))
            {
                let text =
                    format!("the system refuses a thread to read runs with ({error}); close other programs");
                let _ = messages.send(Message::Broken(text));
            }
            sender
        });
        // A thread that broke has said so.
        let _ = thread.send(wish);
    }
}

struct Work {
    catalog: Catalog,
    queue: Queue,
    /// The right to take runs from the queue, once this process has it.
    turn: Option<Turn>,
    messages: UnboundedSender<Message>,
    /// The list told last has only the newest runs.
    partial: bool,
    /// Numbers were read that the list hasn't told yet.
    untold: bool,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Wish>) {
        let mut waiting: VecDeque<Wish> = VecDeque::new();
        loop {
            waiting.extend(inbox.try_iter());
            let wish = match waiting.pop_front() {
                Some(wish) => wish,
                None if !self.partial && !self.untold && self.catalog.is_measured() => match inbox.recv() {
                    Ok(wish) => wish,
                    Err(_) => return,
                },
                None => {
                    match inbox.try_recv() {
                        Ok(wish) => waiting.push_back(wish),
                        Err(TryRecvError::Empty) => self.complete(),
                        Err(TryRecvError::Disconnected) => return,
                    }
                    continue;
                }
            };
            let is_look = |wish: &Wish| matches!(wish, Wish::LookAt(_));
            if is_look(&wish) && waiting.iter().any(is_look) {
                continue;
            }
            self.grant(wish);
        }
    }

    fn grant(&mut self, wish: Wish) {
        let answer = match &wish {
            Wish::List => Message::Runs(guarded(|| self.list())),
            Wish::LookAt(path) => Message::Looked(path.clone(), guarded(|| look(path)).map(Box::new)),
            _ => Message::RunsDone(guarded(|| self.act(&wish)).map(Box::new)),
        };
        // The loop may be gone already.
        let _ = self.messages.send(answer);
    }

    fn list(&mut self) -> Result<Listed> {
        let waiting = self.queue.list()?;
        if let Some((runs, unread)) = self.catalog.glance(FIRST)? {
            self.partial = true;
            return Ok(Listed { runs, waiting, unread, more: true });
        }
        // First, so that a folder that can't be read is told once.
        (self.partial, self.untold) = (false, false);
        let runs = self.catalog.refresh()?;
        Ok(Listed { runs, waiting, unread: 0, more: !self.catalog.is_measured() })
    }

    /// Goes on with what lists lack: runs first, then numbers.
    fn complete(&mut self) {
        if self.partial { self.grant(Wish::List) } else { self.measure() }
    }

    /// Measures some runs; tells the list when that was the last of them.
    fn measure(&mut self) {
        self.untold |= self.catalog.measure(CHUNK);
        if self.catalog.is_measured() {
            self.untold = false;
            let listed = || {
                let waiting = self.queue.list()?;
                Ok(Listed { runs: self.catalog.all(), waiting, unread: 0, more: false })
            };
            let _ = self.messages.send(Message::Runs(guarded(listed)));
        }
    }

    fn act(&mut self, wish: &Wish) -> Result<Done> {
        Ok(match wish {
            Wish::Describe(path, change) => {
                describe(path, change)?;
                Done::Described
            }
            Wish::Weigh(paths) => {
                let bytes = paths.iter().filter_map(|path| RunFolder::open(path).ok());
                Done::Weighed(paths.clone(), bytes.map(|folder| folder.bytes()).sum())
            }
            Wish::Discard(paths) => discard(paths),
            Wish::Restore(discarded) => {
                discarded.restore()?;
                Done::Restored(discarded.clone())
            }
            Wish::Enqueue(config) => {
                self.queue.add(config)?;
                Done::Enqueued
            }
            Wish::Dequeue(number) => {
                self.queue.remove(*number)?;
                Done::Dequeued
            }
            Wish::Swap(a, b) => {
                self.queue.swap(*a, *b)?;
                Done::Swapped
            }
            Wish::Export(path) => {
                Done::Exported(evaluation::export::model_folder(&RunFolder::open(path)?)?.join("model.onnx"))
            }
            Wish::TakeNext => Done::Taken(self.next()?),
            Wish::List | Wish::LookAt(_) => bail!("a look changes nothing"),
        })
    }

    /// The first run of the queue that can be read. Once this process has taken one, others leave the queue to it.
    fn next(&mut self) -> Result<Option<(u32, Box<crate::config::RunConfig>)>> {
        let waiting = self.queue.list()?;
        if waiting.is_empty() {
            return Ok(None);
        }
        if self.turn.is_none() {
            self.turn = self.queue.take_turn()?;
        }
        if self.turn.is_none() {
            bail!("another process works the queue; what waits there gets its turn");
        }
        let readable = |waiting: Waiting| Some((waiting.number, waiting.config.ok()?));
        Ok(waiting.into_iter().find_map(readable))
    }
}

fn look(path: &Path) -> Result<Details> {
    let folder = RunFolder::open(path)?;
    let tested = folder.read_evaluation("test").ok().and_then(|evaluation| {
        let mean = evaluation.macro_average;
        Some((mean.average.values.auroc?, mean.auroc_ci))
    });
    Ok(Details { epochs: folder.read_epochs()?, bytes: folder.bytes(), tested })
}

fn describe(path: &Path, change: &Change) -> Result<()> {
    let folder = RunFolder::open(path)?;
    let mut about = folder.read_about()?;
    match change {
        Change::Name(name) => about.rename(name),
        Change::Tags(words) => {
            about.change_tags(words.split_whitespace()).map_err(anyhow::Error::msg)?;
        }
        Change::Note(note) => about.set_note(note),
    }
    folder.write_about(&about).context("what was typed isn't kept")
}

fn discard(paths: &[PathBuf]) -> Done {
    let (mut gone, mut bytes, mut refused) = (Vec::new(), 0, None);
    for path in paths {
        let outcome = RunFolder::open(path).and_then(|folder| {
            let size = folder.bytes();
            Ok((folder.discard()?, size))
        });
        match outcome {
            Ok((discarded, size)) => {
                gone.push(discarded);
                bytes += size;
            }
            Err(error) => refused = Some(crate::text::one_line(&format!("{error:#}"), 300)),
        }
    }
    Done::Discarded(gone, bytes, refused)
}

/// Turns what went wrong, a panic too, into a sentence.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|error| crate::text::one_line(&format!("{error:#}"), 600)),
        Err(_) => Err("reading runs broke; the log on the train screen says how".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::config::RunConfig;
    use crate::runs::{EpochRecord, Measure, Provenance, RunState, Status};

    fn run(runs: &Path) -> PathBuf {
        let now = "2026-11-22T12:00:00[UTC]".parse().expect("a time");
        let folder = RunFolder::create(runs, &RunConfig::default(), &now).expect("a new run");
        folder.write_config(&RunConfig::default(), &Provenance::default()).expect("written");
        let record = EpochRecord { epoch: 1, val_auroc_macro: Some(0.7), ..EpochRecord::default() };
        folder.append_epoch(&record).expect("written");
        let mut status = Status::starting(jiff::Timestamp::now());
        status.state = RunState::Finished;
        status.best = Some(crate::runs::Best { metric: "val_auroc_macro".into(), value: 0.7, epoch: 1 });
        folder.write_status(&status).expect("written");
        folder.path().to_owned()
    }

    /// The next list that has all its numbers.
    fn list(inbox: &mut UnboundedReceiver<Message>) -> Listed {
        loop {
            if let Some(Message::Runs(Ok(listed))) = inbox.blocking_recv()
                && !listed.more
            {
                return listed;
            }
        }
    }

    fn done(inbox: &mut UnboundedReceiver<Message>) -> Result<Done, String> {
        loop {
            if let Message::RunsDone(outcome) = inbox.blocking_recv().expect("an answer") {
                return outcome.map(|done| *done);
            }
        }
    }

    #[test]
    fn what_is_asked_is_done_in_order_on_the_disk() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let paths = [run(runs.path()), run(runs.path())];
        let (messages, mut inbox) = unbounded_channel();
        let keeper = Keeper::default();
        let ask = |wish| keeper.ask(wish, runs.path(), &messages);

        ask(Wish::List);
        let first = list(&mut inbox);
        let number =
            |run: &crate::runs::RunSummary| run.measured.as_ref().and_then(|m| m.get(Measure::default()));
        assert!(first.runs.iter().all(|run| number(run) == Some(0.7)));

        ask(Wish::Describe(paths[0].clone(), Change::Tags("+paper".into())));
        assert_eq!(done(&mut inbox), Ok(Done::Described));
        ask(Wish::Describe(paths[0].clone(), Change::Tags("two words, no:tag!".into())));
        assert!(done(&mut inbox).expect_err("no tag").contains("is no tag"));
        ask(Wish::Discard(vec![paths[1].clone(), runs.path().join("nowhere")]));
        let Ok(Done::Discarded(gone, bytes, Some(refused))) = done(&mut inbox) else { panic!("one of two") };
        assert!(bytes > 0 && refused.contains("nowhere"), "{refused}");
        ask(Wish::List);
        let after = list(&mut inbox);
        assert_eq!(after.runs.len(), 1);
        assert_eq!(after.runs[0].about.tags, ["paper"]);
        ask(Wish::Restore(gone[0].clone()));
        assert_eq!(done(&mut inbox), Ok(Done::Restored(gone[0].clone())));

        ask(Wish::TakeNext);
        assert_eq!(done(&mut inbox), Ok(Done::Taken(None)));
        ask(Wish::Enqueue(Box::default()));
        assert_eq!(done(&mut inbox), Ok(Done::Enqueued));
        ask(Wish::TakeNext);
        assert_eq!(done(&mut inbox), Ok(Done::Taken(Some((1, Box::default())))));
        let other = Queue::of(runs.path()).take_turn().expect("lockable");
        assert!(other.is_none(), "from now on this process takes");
    }

    #[test]
    fn of_looks_that_wait_only_the_newest_is_taken() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let path = run(runs.path());
        let (sender, inbox) = channel();
        let (messages, mut answers) = unbounded_channel();
        for number in 0..50 {
            sender.send(Wish::LookAt(runs.path().join(number.to_string()))).expect("open");
        }
        sender.send(Wish::LookAt(path.clone())).expect("open");
        drop(sender);
        let (catalog, queue) = (Catalog::new(runs.path()), Queue::of(runs.path()));
        Work { catalog, queue, turn: None, messages, partial: false, untold: false }.run(&inbox);
        match answers.blocking_recv() {
            Some(Message::Looked(looked, Ok(details))) => {
                assert_eq!((looked, details.epochs.len()), (path, 1));
                assert!(details.bytes > 0);
            }
            other => panic!("{other:?}"),
        }
        assert!(answers.blocking_recv().is_none(), "fifty were passed by");
    }
}
