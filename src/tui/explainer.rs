//! The thread that has a run's network at hand and makes maps with it. Of wishes that wait it grants the newest: a
//! person who moves on doesn't wait for what was passed by. It shares nothing with the trainer but the machine.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc::UnboundedSender;

use super::app::Message;
use super::state::explain::{Asked, FilmMap, MapKey, Opened, Wish};
use crate::dataset::films::Films;
use crate::dataset::{Cache, Dataset, Split};
use crate::evaluation::{self, Predictor, Weights};
use crate::explain::{METHODS, Options, Request, explain};
use crate::metrics::DEFAULT_THRESHOLD;
use crate::runs::{self, RunFolder};

/// Larger splits are not looked at as a whole when a run is opened; their films are one by one.
const LOOKED_AT: usize = 6000;

/// Fewer points than `explain` takes: a map on the screen is looked at, not published.
const STEPS: usize = 24;
const SAMPLES: usize = 8;

/// The way to the thread, which begins with the first wish.
#[derive(Default)]
pub struct Explainer(OnceCell<Sender<Wish>>);

impl Explainer {
    /// Asks; the answer comes as a message.
    pub fn ask(&self, wish: Wish, runs: &Path, cache: &Cache, messages: &UnboundedSender<Message>) {
        let thread = self.0.get_or_init(|| {
            let (sender, inbox) = channel();
            let work = Work {
                runs: runs.to_owned(),
                cache: cache.clone(),
                messages: messages.clone(),
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
        let _ = thread.send(wish);
    }
}

struct Work {
    runs: PathBuf,
    cache: Cache,
    messages: UnboundedSender<Message>,
    opened: Option<(u64, Predictor, Arc<Dataset>, Split)>,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Wish>) {
        while let Ok(wish) = inbox.recv() {
            let (mut open, mut map) = (None, None);
            for wish in std::iter::once(wish).chain(inbox.try_iter()) {
                match wish {
                    Wish::Open(asked) => (open, map) = (Some(asked), None),
                    Wish::Map(key) => map = Some(key),
                }
            }
            if let Some(asked) = open {
                let outcome = guarded(|| self.open(&asked)).map(Box::new);
                self.tell(Message::Opened(asked, outcome));
            }
            if let Some(key) = map {
                let outcome = guarded(|| self.map(&key)).map(Box::new);
                self.tell(Message::Mapped(key, outcome));
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
        let dataset = evaluation::own_films(&folder, &self.cache)?;
        let probabilities = probabilities(&folder, &predictor, &dataset, asked.split, weights)?;
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
        self.opened = Some((asked.number, predictor, dataset, asked.split));
        Ok(opened)
    }

    fn map(&self, key: &MapKey) -> Result<FilmMap> {
        let began = Instant::now();
        let Some((number, predictor, dataset, split)) = &self.opened else { bail!("no run is open") };
        if *number != key.number {
            bail!("another run was opened meanwhile");
        }
        let (films, _) = dataset.trainable(*split)?;
        let film = key.film as usize;
        let one = Films::new(films.film(film).to_vec(), films.height(), films.width()).context("a film")?;
        let scores = predictor.predict(&one, &mut |_| true)?.context("nobody ended it")?;
        let options = Options {
            layer: predictor.map_layers().get(key.layer).cloned(),
            steps: STEPS,
            samples: SAMPLES,
            ..Options::default()
        };
        let method = METHODS.get(key.method).context("there is no such method")?;
        let request = Request { film, class: key.class };
        let maps = explain(predictor, films, &[request], method, &options, &mut |_| true)?;
        let map = maps.and_then(|mut maps| maps.pop()).context("one film gives one map")?;
        Ok(FilmMap { map, probabilities: scores.probabilities, took: began.elapsed() })
    }
}

/// Those that are kept, or made now where that is soon done.
fn probabilities(
    folder: &RunFolder,
    predictor: &Predictor,
    dataset: &Dataset,
    split: Split,
    weights: Weights,
) -> Result<Option<Vec<f32>>> {
    if weights == Weights::Best
        && let Ok(Some(kept)) = evaluation::best_predictions(folder, split)
    {
        return Ok(Some(kept.probabilities));
    }
    let (films, _) = dataset.trainable(split)?;
    if films.len() > LOOKED_AT {
        return Ok(None);
    }
    Ok(predictor.predict(films, &mut |_| true)?.map(|scores| scores.probabilities))
}

/// Turns what goes wrong into a sentence, so that nobody waits for an answer for ever.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| bail!("explaining broke; the log on the train screen says how"))
        .map_err(|error| crate::text::one_line(&format!("{error:#}"), 600))
}
