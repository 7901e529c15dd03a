//! The thread that computes attribution maps with a run's network. Of the requests that wait it serves the newest: a user
//! who moves on doesn't wait for maps that are no longer shown. While idle it predicts all images of the split, so that
//! they can be filtered by outcome. It shares nothing with the trainer but the machine.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvError, Sender, TryRecvError, channel};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc::UnboundedSender;

use crate::dataset::images::Images;
use crate::dataset::{Cache, Dataset, Split};
use crate::evaluation::{self, Predictor, Weights};
use crate::explain::{METHODS, Options, Request, explain};
use crate::metrics::DEFAULT_THRESHOLD;
use crate::runs::{self, RunFolder};
use crate::tui::app::Message;
use crate::tui::screens::explain::state::{Asked, ExplainRequest, ImageMap, MapKey, Opened};

/// Images looked at between two looks for requests.
const CHUNK: usize = 32;

/// Fewer points than `explain` takes: a map on the screen is looked at, not published.
const STEPS: usize = 24;
const SAMPLES: usize = 8;

/// The way to the thread, which begins with the first request.
#[derive(Default)]
pub struct Explainer {
    thread: OnceCell<Sender<ExplainRequest>>,
    /// There are requests that the thread hasn't read: what it is at can be left.
    newer: Arc<AtomicBool>,
}

impl Explainer {
    /// Asks; the answer comes as a message.
    pub fn ask(
        &self,
        request: ExplainRequest,
        runs: &Path,
        cache: &Cache,
        messages: &UnboundedSender<Message>,
    ) {
        let thread = self.thread.get_or_init(|| {
            let (sender, inbox) = channel();
            let work = Work {
                runs: runs.to_owned(),
                cache: cache.clone(),
                messages: messages.clone(),
                newer: self.newer.clone(),
                opened: None,
            };
            if let Err(error) =
                std::thread::Builder::new().name("explainer".into()).spawn(move || work.run(&inbox))
            {
                let text =
                    format!("the system refuses a thread to explain with ({error}); close other programs");
                let _ = messages.send(Message::Broken(text));
            }
            sender
        });
        // A thread that broke has said so.
        let _ = thread.send(request);
        self.newer.store(true, Ordering::SeqCst);
    }
}

struct Work {
    runs: PathBuf,
    cache: Cache,
    messages: UnboundedSender<Message>,
    newer: Arc<AtomicBool>,
    opened: Option<Run>,
}

struct Run {
    number: u64,
    predictor: Predictor,
    dataset: Arc<Dataset>,
    split: Split,
    /// `N,C` of the images looked at so far; `None` once all are told.
    seen: Option<Vec<f32>>,
}

impl Work {
    fn run(mut self, inbox: &Receiver<ExplainRequest>) {
        loop {
            let idle = self.opened.as_ref().is_none_or(|run| run.seen.is_none());
            let request = match inbox.try_recv() {
                Err(TryRecvError::Empty) if !idle => {
                    self.look_on();
                    continue;
                }
                Err(TryRecvError::Empty) => inbox.recv(),
                Err(TryRecvError::Disconnected) => Err(RecvError),
                Ok(request) => Ok(request),
            };
            let Ok(request) = request else { return };
            // Before the rest is read: what comes from here on is newer.
            self.newer.store(false, Ordering::SeqCst);
            let (mut open, mut map) = (None, None);
            for request in std::iter::once(request).chain(inbox.try_iter()) {
                match request {
                    ExplainRequest::Open(asked) => (open, map) = (Some(asked), None),
                    ExplainRequest::Map(key) => map = Some(key),
                }
            }
            if let Some(asked) = open {
                let outcome = guarded(|| self.open(&asked)).map(Box::new);
                self.tell(Message::Opened(asked, outcome));
            }
            if let Some(key) = map {
                match guarded(|| self.map(&key)).transpose() {
                    Some(outcome) => self.tell(Message::Mapped(key, outcome.map(Box::new))),
                    None => self.tell(Message::Passed(key)),
                }
            }
        }
    }

    fn tell(&self, message: Message) {
        // The loop may be gone already.
        let _ = self.messages.send(message);
    }

    fn open(&mut self, asked: &Asked) -> Result<Opened> {
        self.opened = None;
        let all = runs::list(&self.runs)?;
        let can_be = |run: &&runs::RunSummary| {
            RunFolder::open(&run.path)
                .is_ok_and(|folder| folder.best_weights().is_file() || folder.last_weights().is_file())
        };
        let choices: Vec<PathBuf> = all.iter().filter(can_be).map(|run| run.path.clone()).collect();
        let Some(path) = asked.run.as_ref().or(choices.first()) else {
            bail!("No run has weights yet. A run writes some after each epoch; 2 shows how far it is.");
        };
        let live = all.iter().any(|run| run.path == *path && run.state.is_live());
        let folder = RunFolder::open(path)?;
        // What a run on its way knows now, of one that ended the best.
        let weights = if live || !folder.best_weights().is_file() { Weights::Last } else { Weights::Best };
        let predictor = Predictor::open_weights(&folder, "auto", weights)?;
        let dataset = evaluation::own_images(&folder, &self.cache)?;
        dataset.trainable(asked.split)?;
        let kept = match weights {
            // What can't be read is made anew.
            Weights::Best => evaluation::best_predictions(&folder, asked.split).ok().flatten(),
            Weights::Last => None,
        };
        let probabilities = kept.map(|kept| kept.probabilities);
        let seen = probabilities.is_none().then(Vec::new);
        let keys = predictor.labels().keys();
        let levels = match folder.read_thresholds()? {
            Some(kept) if weights == Weights::Best => kept.of(&keys),
            _ => vec![DEFAULT_THRESHOLD; keys.len()],
        };
        let opened = Opened {
            path: path.clone(),
            id: folder.id().clone(),
            network: folder.read_config()?.model.arch.name(),
            live,
            epoch: predictor.epoch(),
            labels: predictor.labels().clone(),
            levels,
            split: asked.split,
            dataset: dataset.clone(),
            probabilities,
            layers: predictor.map_layers(),
            choices,
        };
        let (number, split) = (asked.number, asked.split);
        self.opened = Some(Run { number, predictor, dataset, split, seen });
        Ok(opened)
    }

    /// Looks at the next images, and tells when all were seen.
    fn look_on(&mut self) {
        let Some(run) = &mut self.opened else { return };
        let number = run.number;
        match guarded(|| run.look_on()) {
            Ok(None) => {}
            Ok(Some(all)) => self.tell(Message::AllPredicted(number, all)),
            Err(reason) => {
                run.seen = None;
                self.tell(Message::Broken(reason));
            }
        }
    }

    /// `None` when a newer request arrives before it is done.
    fn map(&self, key: &MapKey) -> Result<Option<ImageMap>> {
        let began = Instant::now();
        let Some(Run { number, predictor, dataset, split, .. }) = &self.opened else {
            bail!("no run is open")
        };
        if *number != key.number {
            bail!("another run was opened meanwhile");
        }
        let (images, _) = dataset.trainable(*split)?;
        let image = key.image as usize;
        let one =
            Images::new(images.image(image).to_vec(), images.height(), images.width()).context("an image")?;
        let scores = predictor.predict(&one, &mut |_| true)?.context("nobody ended it")?;
        let options = Options {
            layer: predictor.map_layers().get(key.layer).cloned(),
            steps: STEPS,
            samples: SAMPLES,
            ..Options::default()
        };
        let method = METHODS.get(key.method).context("there is no such method")?;
        let request = Request { image, class: key.class };
        let mut keep_going = |_: usize| !self.newer.load(Ordering::SeqCst);
        let Some(mut maps) = explain(predictor, images, &[request], method, &options, &mut keep_going)?
        else {
            return Ok(None);
        };
        let map = maps.pop().context("one image gives one map")?;
        Ok(Some(ImageMap { map, probabilities: scores.probabilities, took: began.elapsed() }))
    }
}

impl Run {
    /// Looks at the next images; all probabilities once none is left.
    fn look_on(&mut self) -> Result<Option<Vec<f32>>> {
        let (images, _) = self.dataset.trainable(self.split)?;
        let Some(seen) = &mut self.seen else { return Ok(None) };
        let first = seen.len() / self.predictor.labels().len().max(1);
        let last = (first + CHUNK).min(images.len());
        if first < last {
            let pixels: Vec<u8> = (first..last).flat_map(|image| images.image(image)).copied().collect();
            let chunk = Images::new(pixels, images.height(), images.width()).context("images of one size")?;
            let scores = self.predictor.predict(&chunk, &mut |_| true)?.context("nobody ended it")?;
            seen.extend(scores.probabilities);
        }
        Ok(if last == images.len() { self.seen.take() } else { None })
    }
}

/// Turns what goes wrong into a sentence, so that nobody waits for an answer for ever.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| bail!("explaining broke; the log on the train screen says how"))
        .map_err(|error| crate::text::one_line(&format!("{error:#}"), 600))
}
