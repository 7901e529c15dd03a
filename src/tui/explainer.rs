//! Computes attribution maps with a run's network. A newer request supersedes the map that is computed. While no request
//! waits it predicts all images of the split, so that they can be filtered by outcome.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::dataset::images::Images;
use crate::dataset::{Cache, Dataset, Split};
use crate::evaluation::{self, Predictor, Weights};
use crate::explain::{METHODS, Options, Request, default_method, explain};
use crate::metrics::DEFAULT_THRESHOLD;
use crate::runs::{self, RunFolder};
use crate::tui::app::{Effect, Message};
use crate::tui::jobs::job::{Job, Worker, guarded};
use crate::tui::screens::explain::state::{ExplainRequest, ExplainTarget, ImageMap, MapKey, Opened};

/// Images predicted between two looks for requests.
const CHUNK: usize = 32;

/// Fewer points than `explain` uses: a map on the screen must be quick.
const STEPS: usize = 24;
const SAMPLES: usize = 8;

/// Computes maps with the network of the run that is open.
pub struct Explainer {
    runs: PathBuf,
    cache: Cache,
    opened: Option<Run>,
}

struct Run {
    number: u64,
    predictor: Predictor,
    dataset: Arc<Dataset>,
    split: Split,
    /// Probabilities of the images predicted so far, `N,C`; `None` once all were sent.
    predicted: Option<Vec<f32>>,
}

impl Explainer {
    /// A worker that opens runs below `runs`, and their images through `cache`.
    pub fn new(runs: &Path, cache: &Cache) -> Self {
        Self { runs: runs.to_owned(), cache: cache.clone(), opened: None }
    }
}

impl Worker for Explainer {
    fn handle(&mut self, effect: Effect, job: &Job) -> Option<Message> {
        match effect {
            Effect::Explain(ExplainRequest::Open(request)) => {
                let outcome = guarded(|| self.open(&request, job)).map(Box::new);
                Some(Message::Opened(request, outcome))
            }
            Effect::Explain(ExplainRequest::Map(key)) => match guarded(|| self.map(&key, job)).transpose() {
                Some(outcome) => Some(Message::Mapped(key, outcome.map(Box::new))),
                None => {
                    // The screen requests it again if it is needed after all.
                    job.send(Message::Passed(key));
                    None
                }
            },
            _ => None,
        }
    }

    fn has_idle_work(&self) -> bool {
        self.opened.as_ref().is_some_and(|run| run.predicted.is_some())
    }

    fn work_idly(&mut self, job: &Job) {
        let Some(run) = &mut self.opened else { return };
        match guarded(|| run.predict_next(job)) {
            Ok(None) => {}
            Ok(Some(all)) => job.send(Message::AllPredicted(run.number, all)),
            Err(reason) => {
                run.predicted = None;
                job.send(Message::Broken(reason));
            }
        }
    }

    fn refuse(&self, effect: &Effect, reason: String) -> Message {
        match effect {
            Effect::Explain(ExplainRequest::Open(request)) => Message::Opened(request.clone(), Err(reason)),
            Effect::Explain(ExplainRequest::Map(key)) => Message::Mapped(*key, Err(reason)),
            _ => Message::Broken(reason),
        }
    }
}

impl Explainer {
    fn open(&mut self, request: &ExplainTarget, job: &Job) -> Result<Opened> {
        self.opened = None;
        let all = runs::list(&self.runs)?;
        let can_be = |run: &&runs::RunSummary| {
            // Weights of epoch 0 are random or of another data set.
            run.status.epoch > 0
                && RunFolder::open(&run.path)
                    .is_ok_and(|folder| folder.best_weights().is_file() || folder.last_weights().is_file())
        };
        let choices: Vec<PathBuf> = all.iter().filter(can_be).map(|run| run.path.clone()).collect();
        let Some(path) = request.run.as_ref().or(choices.first()) else {
            bail!("No run has weights yet. A run writes some after each epoch; 2 shows how far it is.");
        };
        let live = all.iter().any(|run| run.path == *path && run.state.is_live());
        let folder = RunFolder::open(path)?;
        // The latest weights of an active run, the best of one that has ended.
        let weights = if live || !folder.best_weights().is_file() { Weights::Last } else { Weights::Best };
        let predictor = Predictor::open_weights(&folder, "auto", weights)?;
        if predictor.epoch() == 0 {
            bail!("Run {} has not finished an epoch yet; its weights are untrained.", folder.id().short());
        }
        let dataset = evaluation::own_images_watched(&folder, &self.cache, &|_| !job.is_cancelled())?;
        dataset.trainable(request.split)?;
        let kept = match weights {
            // Unreadable predictions are computed again.
            Weights::Best => evaluation::best_predictions(&folder, request.split).ok().flatten(),
            Weights::Last => None,
        };
        let probabilities = kept.map(|kept| kept.probabilities);
        let predicted = probabilities.is_none().then(Vec::new);
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
            split: request.split,
            dataset: dataset.clone(),
            probabilities,
            method: default_method(folder.read_config()?.model.arch),
            layers: predictor.map_layers(),
            choices,
        };
        let (number, split) = (request.number, request.split);
        self.opened = Some(Run { number, predictor, dataset, split, predicted });
        Ok(opened)
    }

    /// A map; `None` when the job is cancelled before it is done.
    fn map(&self, key: &MapKey, job: &Job) -> Result<Option<ImageMap>> {
        let began = Instant::now();
        let Some(Run { number, predictor, dataset, split, .. }) = &self.opened else {
            bail!("no run is open")
        };
        if *number != key.number {
            bail!("another run was opened meanwhile");
        }
        let (images, _) = dataset.trainable(*split)?;
        let image = key.image as usize;
        let one = Images::new(images.image(image)?.to_vec(), images.height(), images.width())
            .context("an image")?;
        let Some(scores) = predictor.predict(&one, &mut |_| !job.is_cancelled())? else { return Ok(None) };
        let options = Options {
            layer: predictor.map_layers().get(key.layer).cloned(),
            steps: STEPS,
            samples: SAMPLES,
            ..Options::default()
        };
        let method = METHODS.get(key.method).context("there is no such method")?;
        let request = Request { image, class: key.class };
        let mut keep_going = |_: usize| !job.is_cancelled();
        let Some(mut maps) = explain(predictor, images, &[request], method, &options, &mut keep_going)?
        else {
            return Ok(None);
        };
        let map = maps.pop().context("one image gives one map")?;
        Ok(Some(ImageMap { map, probabilities: scores.probabilities, took: began.elapsed() }))
    }
}

impl Run {
    /// Predicts the next images; the probabilities of all once none is left.
    fn predict_next(&mut self, job: &Job) -> Result<Option<Vec<f32>>> {
        let (images, _) = self.dataset.trainable(self.split)?;
        let Some(predicted) = &mut self.predicted else { return Ok(None) };
        let first = predicted.len() / self.predictor.labels().len().max(1);
        let last = (first + CHUNK).min(images.len());
        if first < last {
            let mut pixels = Vec::with_capacity((last - first) * images.area());
            for image in first..last {
                pixels.extend_from_slice(images.image(image)?);
            }
            let chunk = Images::new(pixels, images.height(), images.width()).context("images of one size")?;
            let Some(scores) = self.predictor.predict(&chunk, &mut |_| !job.is_cancelled())? else {
                return Ok(None);
            };
            predicted.extend(scores.probabilities);
        }
        Ok(if last == images.len() { self.predicted.take() } else { None })
    }
}
