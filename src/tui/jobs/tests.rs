use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::job::{BROKE, CANCELLED};
use super::*;
use crate::tui::screens::runs::state::{Change, RunsRequest};

/// Reports each job that begins, and ends it once it is cancelled or the test says so.
struct Scripted {
    begun: Sender<Effect>,
    end: Receiver<()>,
}

impl Worker for Scripted {
    fn handle(&mut self, effect: Effect, job: &Job) -> Option<Message> {
        self.begun.send(effect.clone()).expect("the test runs");
        while !job.is_cancelled() && self.end.try_recv().is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let reason = if job.is_cancelled() { CANCELLED } else { "done" };
        Some(self.refuse(&effect, reason.into()))
    }

    fn refuse(&self, effect: &Effect, reason: String) -> Message {
        match effect {
            Effect::ReadEpochs(path) => Message::Epochs(path.clone(), Err(reason)),
            Effect::Compare { other, .. } => Message::Compared(other.clone(), Err(reason)),
            _ => Message::RunsDone(Err(reason)),
        }
    }
}

struct Bench {
    jobs: Jobs,
    answers: UnboundedReceiver<Message>,
    begun: Receiver<Effect>,
    end: Sender<()>,
}

/// Jobs with a scripted worker in one lane.
fn bench(lane: Lane) -> Bench {
    let (messages, answers) = unbounded_channel();
    let jobs = Jobs::new(PathBuf::from("nowhere"), Cache::new(), messages);
    let ((begun, told), (end, ends)) = (channel(), channel());
    let worker: Box<dyn Worker> = Box::new(Scripted { begun, end: ends });
    jobs.shared.lanes().entry(lane).or_default().worker = Some(worker);
    Bench { jobs, answers, begun: told, end }
}

fn compare(other: &str) -> Effect {
    Effect::Compare { shown: "shown".into(), other: other.into(), split: crate::dataset::Split::Test }
}

impl Bench {
    fn begins(&self) -> Effect {
        self.begun.recv().expect("a job begins")
    }

    /// The next answer, `other: reason`.
    fn answer(&mut self) -> String {
        loop {
            match self.answers.blocking_recv().expect("an answer") {
                Message::Compared(path, Err(reason)) | Message::Epochs(path, Err(reason)) => {
                    return format!("{}: {reason}", path.display());
                }
                Message::RunsDone(Err(reason)) => return reason,
                Message::LaneIdle => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn wait_until_idle(&self) {
        while !self.jobs.unfinished().0.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn the_same_job_is_not_started_twice() {
    let mut bench = bench(Lane::Comparison);
    let first = bench.jobs.start(compare("a"));
    assert_eq!(bench.begins(), compare("a"));
    assert_eq!(bench.jobs.start(compare("a")), first);
    bench.end.send(()).expect("it runs");
    assert_eq!(bench.answer(), "a: done");
    bench.wait_until_idle();
    assert!(bench.begun.try_recv().is_err(), "it ran once");
    assert_ne!(bench.jobs.start(compare("a")), first, "once it is done, it can be started again");
    bench.end.send(()).expect("it runs");
    assert_eq!(bench.answer(), "a: done");
}

#[test]
fn a_newer_request_supersedes_the_one_that_runs_and_those_that_wait() {
    let mut bench = bench(Lane::Comparison);
    bench.jobs.start(compare("a"));
    bench.begins();
    for other in ["b", "c", "d"] {
        bench.jobs.start(compare(other));
    }
    assert_eq!(bench.begins(), compare("d"), "a is cancelled, b and c never begin");
    bench.end.send(()).expect("it runs");
    assert_eq!(bench.answer(), "d: done", "a superseded job gives no answer");
}

#[test]
fn a_job_that_is_requested_again_while_it_is_cancelled_runs_again() {
    let mut bench = bench(Lane::Comparison);
    bench.jobs.start(compare("a"));
    bench.begins();
    bench.jobs.start(compare("b"));
    bench.jobs.start(compare("a"));
    assert_eq!(bench.begins(), compare("a"));
    bench.end.send(()).expect("it runs");
    assert_eq!(bench.answer(), "a: done");
}

#[test]
fn jobs_that_each_matter_run_one_after_another() {
    let mut bench = bench(Lane::Epochs);
    for path in ["a", "b", "c"] {
        bench.jobs.start(Effect::ReadEpochs(path.into()));
    }
    for path in ["a", "b", "c"] {
        assert_eq!(bench.begins(), Effect::ReadEpochs(path.into()));
        bench.end.send(()).expect("it runs");
        assert_eq!(bench.answer(), format!("{path}: done"));
    }
}

#[test]
fn a_job_that_the_user_cancels_answers_so() {
    let mut bench = bench(Lane::Epochs);
    bench.jobs.start(Effect::ReadEpochs("a".into()));
    bench.jobs.start(Effect::ReadEpochs("b".into()));
    bench.begins();
    bench.jobs.cancel(Lane::Epochs);
    assert_eq!(bench.answer(), "a: cancelled");
    assert_eq!(bench.answer(), "b: cancelled");
    bench.wait_until_idle();
    assert!(bench.begun.try_recv().is_err(), "b never began");
}

#[test]
fn leaving_cancels_reading_and_completes_what_changes_files() {
    let mut reading = bench(Lane::Comparison);
    reading.jobs.start(compare("a"));
    reading.begins();
    reading.jobs.leave();
    assert_eq!(reading.answer(), "a: cancelled");
    reading.wait_until_idle();
    assert_eq!(reading.jobs.start(compare("b")), None, "nothing starts any more");

    let mut writing = bench(Lane::Runs);
    let note =
        |text: &str| Effect::Runs(RunsRequest::Describe(PathBuf::from("run"), Change::Note(text.to_owned())));
    writing.jobs.start(note("first"));
    writing.jobs.start(Effect::Runs(RunsRequest::List));
    writing.jobs.start(note("second"));
    writing.begins();
    writing.jobs.leave();
    assert_eq!(writing.jobs.unfinished(), (vec![Lane::Runs], true));
    writing.end.send(()).expect("it runs");
    assert_eq!(writing.answer(), "done");
    assert_eq!(writing.begins(), note("second"), "the list is dropped, the note is not");
    writing.end.send(()).expect("it runs");
    assert_eq!(writing.answer(), "done");
    writing.wait_until_idle();
}

#[test]
fn a_worker_that_panics_answers_and_the_lane_goes_on() {
    struct Panicking;
    impl Worker for Panicking {
        fn handle(&mut self, _effect: Effect, _job: &Job) -> Option<Message> {
            std::panic::resume_unwind(Box::new("broken on purpose"))
        }
        fn refuse(&self, _effect: &Effect, reason: String) -> Message {
            Message::RunsDone(Err(reason))
        }
    }
    let mut bench = bench(Lane::Epochs);
    bench.jobs.shared.lanes().entry(Lane::Epochs).or_default().worker = Some(Box::new(Panicking));
    bench.jobs.start(Effect::ReadEpochs("nowhere/a".into()));
    // A new worker of the program's own took its place.
    assert_eq!(bench.answer(), format!("nowhere/a: {BROKE}"));
    bench.jobs.start(Effect::ReadEpochs("nowhere/b".into()));
    assert!(bench.answer().starts_with("nowhere/b: "), "the lane works on");
}
