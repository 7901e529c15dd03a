//! Keeps the list of runs up to date, reads the run under the cursor, and does what the user requests of runs and of the
//! queue, one request after another. While no request waits it measures runs, some hundred at a time.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::evaluation;
use crate::runs::{Catalog, Claim, Queue, QueueLock, RunFolder};
use crate::tui::app::{Effect, Message};
use crate::tui::jobs::job::{Job, Worker, guarded};
use crate::tui::screens::runs::state::{Change, Details, Done, Listed, RunsRequest, Settled};

/// Runs measured between two looks for requests.
const CHUNK: usize = 128;
/// Runs in the first list: more than any screen shows, and quick to read.
const FIRST: usize = 200;

/// Lists, measures, changes and queues runs.
pub struct RunsWorker {
    catalog: Catalog,
    queue: Queue,
    /// The lock of the queue, while this process takes runs from it.
    turn: Option<QueueLock>,
    /// The run that was taken from the queue and has not started.
    claim: Option<Claim>,
    /// The list sent last has only the newest runs.
    partial: bool,
    /// Metrics were read that no list sent yet has.
    untold: bool,
}

impl Worker for RunsWorker {
    fn handle(&mut self, effect: Effect, _job: &Job) -> Option<Message> {
        let Effect::Runs(request) = effect else { return None };
        Some(match &request {
            RunsRequest::List => Message::Runs(guarded(|| self.list())),
            RunsRequest::LookAt(path) => Message::Looked(path.clone(), guarded(|| look(path)).map(Box::new)),
            _ => Message::RunsDone(guarded(|| self.act(&request)).map(Box::new)),
        })
    }

    fn has_idle_work(&self) -> bool {
        self.partial || self.untold || !self.catalog.is_measured()
    }

    fn work_idly(&mut self, job: &Job) {
        let listed = match self.partial {
            true => guarded(|| self.list().map(Some)),
            false => guarded(|| self.measure()),
        };
        if let Some(listed) = listed.transpose() {
            job.send(Message::Runs(listed));
        }
    }

    fn refuse(&self, effect: &Effect, reason: String) -> Message {
        match effect {
            Effect::Runs(RunsRequest::List) => Message::Runs(Err(reason)),
            Effect::Runs(RunsRequest::LookAt(path)) => Message::Looked(path.clone(), Err(reason)),
            _ => Message::RunsDone(Err(reason)),
        }
    }
}

impl RunsWorker {
    /// A worker for the runs below `runs`.
    pub fn new(runs: &Path) -> Self {
        let (catalog, queue) = (Catalog::new(runs), Queue::of(runs));
        Self { catalog, queue, turn: None, claim: None, partial: false, untold: false }
    }

    fn list(&mut self) -> Result<Listed> {
        let waiting = self.queue.list()?;
        if let Some((runs, unread)) = self.catalog.glance(FIRST)? {
            self.partial = true;
            return Ok(Listed { runs, waiting, unread, damaged: self.catalog.damaged(), more: true });
        }
        // First, so that an unreadable directory is reported once.
        (self.partial, self.untold) = (false, false);
        let runs = self.catalog.refresh()?;
        let (damaged, more) = (self.catalog.damaged(), !self.catalog.is_measured());
        Ok(Listed { runs, waiting, unread: 0, damaged, more })
    }

    /// Measures some runs; returns the list after the last of them.
    fn measure(&mut self) -> Result<Option<Listed>> {
        self.untold |= self.catalog.measure(CHUNK);
        if !self.catalog.is_measured() {
            return Ok(None);
        }
        self.untold = false;
        let waiting = self.queue.list()?;
        let (runs, damaged) = (self.catalog.all(), self.catalog.damaged());
        Ok(Some(Listed { runs, waiting, unread: 0, damaged, more: false }))
    }

    fn act(&mut self, request: &RunsRequest) -> Result<Done> {
        Ok(match request {
            RunsRequest::Describe(path, change) => {
                describe(path, change)?;
                Done::Described
            }
            RunsRequest::Weigh(paths) => {
                let bytes = paths.iter().filter_map(|path| RunFolder::open(path).ok());
                Done::Weighed(paths.clone(), bytes.map(|folder| folder.bytes()).sum())
            }
            RunsRequest::Discard(paths) => discard(paths),
            RunsRequest::Restore(discarded) => match discarded.restore() {
                Ok(()) => Done::Restored(discarded.clone()),
                Err(error) => Done::NotRestored(discarded.clone(), sentence(&error)),
            },
            RunsRequest::Enqueue(config) => {
                self.queue.add(config)?;
                Done::Enqueued
            }
            RunsRequest::Dequeue(waiting) => {
                self.queue.remove(waiting)?;
                Done::Dequeued
            }
            RunsRequest::Swap(pair) => {
                let [a, b] = &**pair;
                self.queue.swap(a, b)?;
                Done::Swapped
            }
            RunsRequest::Export(path) => {
                Done::Exported(evaluation::export::model_folder(&RunFolder::open(path)?)?.join("model.onnx"))
            }
            RunsRequest::TakeNext { anew } => self
                .next(*anew)
                .unwrap_or_else(|error| Done::NotTaken { reason: sentence(&error), again: true }),
            RunsRequest::Settle(how) => {
                if let Some(claim) = self.claim.take() {
                    match how {
                        Settled::Begun => claim.begun()?,
                        Settled::PutBack => claim.put_back()?,
                        Settled::Failed(reason) => claim.failed(reason)?,
                    }
                }
                Done::Settled
            }
            RunsRequest::LeaveQueue => {
                self.turn = None;
                Done::Settled
            }
            RunsRequest::List | RunsRequest::LookAt(_) => bail!("a look changes nothing"),
        })
    }

    /// Takes the next run of the queue.
    fn next(&mut self, anew: bool) -> Result<Done> {
        if self.claim.is_some() {
            // Requested twice: the run that was taken starts first, or is put back.
            return Ok(Done::Settled);
        }
        if self.turn.is_none() {
            self.turn = self.queue.try_lock()?;
        }
        let Some(turn) = &self.turn else {
            let reason = "another process works the queue; what waits there gets its turn".to_owned();
            return Ok(Done::NotTaken { reason, again: false });
        };
        if anew {
            self.queue.try_anew()?;
        }
        self.claim = turn.claim()?;
        let config = self.claim.as_ref().map(|claim| claim.config.clone());
        if config.is_none() {
            // Other processes may take later runs.
            self.turn = None;
        }
        Ok(Done::Taken(config))
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
    let mut about = folder.read_annotations()?;
    match change {
        Change::Name(name) => about.rename(name),
        Change::Tags(words) => {
            about.change_tags(words.split_whitespace()).map_err(anyhow::Error::msg)?;
        }
        Change::Note(note) => about.set_note(note),
    }
    folder.write_annotations(&about).context("the annotation can't be saved")
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
            Err(error) => refused = Some(sentence(&error)),
        }
    }
    Done::Discarded(gone, bytes, refused)
}

fn sentence(error: &anyhow::Error) -> String {
    crate::text::one_line(&crate::sentence::of_error(error), 600)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::config::RunConfig;
    use crate::dataset::Cache;
    use crate::runs::{EpochRecord, Measure, Provenance, RunState, Status};
    use crate::tui::jobs::Jobs;

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
        let jobs = Jobs::new(runs.path().to_owned(), Cache::new(), messages);
        let ask = |request| {
            jobs.start(Effect::Runs(request)).expect("not leaving");
        };

        ask(RunsRequest::List);
        let first = list(&mut inbox);
        let number =
            |run: &crate::runs::RunSummary| run.measured.as_ref().and_then(|m| m.get(Measure::default()));
        assert!(first.runs.iter().all(|run| number(run) == Some(0.7)));

        ask(RunsRequest::Describe(paths[0].clone(), Change::Tags("+paper".into())));
        assert_eq!(done(&mut inbox), Ok(Done::Described));
        ask(RunsRequest::Describe(paths[0].clone(), Change::Tags("two words, no:tag!".into())));
        assert!(done(&mut inbox).expect_err("no tag").contains("is no tag"));
        ask(RunsRequest::Discard(vec![paths[1].clone(), runs.path().join("nowhere")]));
        let Ok(Done::Discarded(gone, bytes, Some(refused))) = done(&mut inbox) else { panic!("one of two") };
        assert!(bytes > 0 && refused.contains("nowhere"), "{refused}");
        ask(RunsRequest::List);
        let after = list(&mut inbox);
        assert_eq!(after.runs.len(), 1);
        assert_eq!(after.runs[0].about.tags, ["paper"]);
        ask(RunsRequest::Restore(gone[0].clone()));
        assert_eq!(done(&mut inbox), Ok(Done::Restored(gone[0].clone())));

        let take = || ask(RunsRequest::TakeNext { anew: false });
        take();
        assert_eq!(done(&mut inbox), Ok(Done::Taken(None)));
        let queue = Queue::of(runs.path());
        let is_free = || queue.try_lock().expect("lockable").is_some();
        assert!(is_free(), "nothing waits here, so others may take");
        ask(RunsRequest::Enqueue(Box::default()));
        assert_eq!(done(&mut inbox), Ok(Done::Enqueued));
        take();
        assert_eq!(done(&mut inbox), Ok(Done::Taken(Some(Box::default()))));
        assert!(!is_free() && queue.list().expect("readable").is_empty());
        ask(RunsRequest::Enqueue(Box::default()));
        assert_eq!(done(&mut inbox), Ok(Done::Enqueued));
        take();
        assert_eq!(done(&mut inbox), Ok(Done::Settled), "one at a time is taken");
        let [second] = queue.list().expect("readable").try_into().expect("it waits still");
        ask(RunsRequest::Dequeue(Box::new(second)));
        assert_eq!(done(&mut inbox), Ok(Done::Dequeued));
        ask(RunsRequest::Settle(Settled::Failed("no images".into())));
        assert_eq!(done(&mut inbox), Ok(Done::Settled));
        assert_eq!(queue.list().expect("readable")[0].failed.as_deref(), Some("no images"));
        take();
        assert_eq!(done(&mut inbox), Ok(Done::Taken(None)));
        ask(RunsRequest::TakeNext { anew: true });
        assert_eq!(done(&mut inbox), Ok(Done::Taken(Some(Box::default()))));
        ask(RunsRequest::Settle(Settled::Begun));
        ask(RunsRequest::LeaveQueue);
        ask(RunsRequest::Describe(paths[0].clone(), Change::Note("asked last".into())));
        jobs.leave();
        while !jobs.unfinished().0.is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert!(is_free() && queue.list().expect("readable").is_empty());
        let about =
            RunFolder::open(&paths[0]).and_then(|folder| folder.read_annotations()).expect("readable");
        assert_eq!(about.note, "asked last");
    }
}
