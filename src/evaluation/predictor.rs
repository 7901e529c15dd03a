//! A run's best weights, loaded for prediction.

use anyhow::{Context, Result, ensure};
use tch::{Device, Kind, Tensor};

use crate::config::ModelSection;
use crate::data_loader::{DataLoader, batch_of};
use crate::dataset::image_file::Preprocess;
use crate::dataset::images::Images;
use crate::dataset::labels::LabelSet;
use crate::metrics::sigmoid;
use crate::model::prediction_device;
use crate::model::{Mode, Network, Shape};
use crate::native::{CudaMode, prepare_threads};
use crate::runs::RunFolder;

/// Images a forward pass.
const BATCH: usize = 128;
/// Bytes that must be free on a GPU beside the weights: the layers' outputs of a batch, and the CUDA libraries themselves.
const ROOM: u64 = 2 << 30;

/// A network with the weights of a run's best epoch.
pub struct Predictor {
    network: Network,
    device: Device,
    /// Subtracted from logits before they become probabilities (`float32 C`): what the loss's weights and balanced
    /// sampling moved is moved back.
    shift: Option<Tensor>,
    shape: Shape,
    labels: LabelSet,
    preprocess: Preprocess,
    epoch: usize,
    model: ModelSection,
}

/// Which of a run's weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Weights {
    /// Of the best epoch.
    #[default]
    Best,
    /// Of the last checkpoint: while a run trains, what it knows now.
    Last,
}

/// Predictions of a network on N images.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// `float32 N,C`.
    pub logits: Vec<f32>,
    /// `float32 N,C`, in 0..=1.
    pub probabilities: Vec<f32>,
}

impl Predictor {
    /// Loads the best weights of a run onto `device` (`auto`, `cpu`, `cuda`, `cuda:N`). `auto` takes the run's own device where
    /// it is here and has room, and its own mode of CUDA unless a run is being trained.
    ///
    /// # Errors
    /// When the run has no best weights yet, its files are damaged, or there is no such device.
    pub fn open(folder: &RunFolder, device: &str) -> Result<Self> {
        Self::open_weights(folder, device, Weights::Best)
    }

    /// The same with other weights than the best.
    ///
    /// # Errors
    /// As [`Predictor::open`].
    pub fn open_weights(folder: &RunFolder, device: &str, which: Weights) -> Result<Self> {
        let config = folder.read_config()?;
        let provenance = folder.read_provenance()?;
        let status = folder.read_status()?;
        let (weights, epoch) = match which {
            Weights::Best => {
                let best = status.best.with_context(|| {
                    format!("run {} has no best epoch yet, so there are no weights to evaluate", folder.id())
                })?;
                (folder.best_weights(), best.epoch)
            }
            Weights::Last => (folder.last_weights(), status.epoch),
        };
        if which == Weights::Last {
            ensure!(
                weights.is_file(),
                "run {} has no checkpoint yet; it writes one after each epoch, and c on screen 2 writes one now",
                folder.id()
            );
        }
        ensure!(weights.is_file(), "run {} has lost its best weights, {}", folder.id(), weights.display());
        prepare_threads().context("can't start the threads that compute")?;
        let needed = ROOM + std::fs::metadata(&weights)?.len();
        let device = prediction_device(device, &config.run.device, needed)?;
        if device.is_cuda() {
            CudaMode::set_unless_held(config.run.deterministic)?;
        }
        let labels = LabelSet::of_keys(&provenance.conditions);
        let [height, width] = provenance.image_size;
        let shape = Shape { height, width, classes: labels.len() };
        let preprocess = provenance.preprocess.unwrap_or_else(|| Preprocess::of_size(height, width));
        ensure!(
            preprocess.is_allowed() && [preprocess.height, preprocess.width] == [height, width],
            "{}: preprocess and image_size in [provenance] don't fit each other",
            folder.path().join("run.toml").display()
        );
        let mut network = Network::build_blank(&config.model, shape, device)?;
        network.state_mut().load(&weights)?;
        let shift = match provenance.logit_correction.as_slice() {
            [] => None,
            shift => Some(Tensor::f_from_slice(shift)?.f_to_device(device)?),
        };
        let model = config.model;
        Ok(Self { network, device, shift, shape, labels, preprocess, epoch, model })
    }

    /// The same network as it was before any training, from a seed of its own. Sets libtorch's generator, so it has
    /// no place beside a run.
    ///
    /// # Errors
    /// When the parameters of the new network don't fit into the device's memory.
    pub fn with_fresh_weights(&self, seed: u64) -> Result<Self> {
        // Fresh weights are drawn from libtorch's own generator.
        tch::manual_seed(seed as i64);
        let network = Network::build(&self.model, self.shape, self.device)?;
        Ok(Self {
            network,
            device: self.device,
            shift: self.shift.as_ref().map(Tensor::shallow_clone),
            shape: self.shape,
            labels: self.labels.clone(),
            preprocess: self.preprocess.clone(),
            epoch: 0,
            model: self.model.clone(),
        })
    }

    /// The layers that a CAM can be made at, by name, the last one last.
    pub fn map_layers(&self) -> Vec<String> {
        self.network.map_layers()
    }

    /// The network itself.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// What is taken from logits before they become probabilities (`float32 C`).
    pub(crate) fn shift(&self) -> Option<&Tensor> {
        self.shift.as_ref()
    }

    /// Images on the network's device, `float32 N,1,H,W` in -1..=1.
    pub(crate) fn upload(&self, images: &Images, indices: &[usize]) -> Result<Tensor> {
        Ok(batch_of(images, None, indices, self.device)?.0)
    }

    /// Probabilities `float32 N,C` of images `float32 N,1,H,W` in -1..=1.
    pub(crate) fn probabilities(&self, images: &Tensor) -> Result<Tensor> {
        Ok(self.forward(images)?.f_sigmoid()?)
    }

    /// The conditions in the order of the columns.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Height and width that images must have, in pixels.
    pub fn image_size(&self) -> [usize; 2] {
        [self.shape.height, self.shape.width]
    }

    /// How a picture becomes an image as the network was trained on.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// The epoch that the weights are of.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// Predicts on images. `watch` receives the number done and returns whether to continue; `None` when it stopped.
    ///
    /// # Errors
    /// When the images have another size than the network's, or the device is out of memory.
    pub fn predict(&self, images: &Images, watch: &mut dyn FnMut(usize) -> bool) -> Result<Option<Scores>> {
        let (height, width) = (images.height(), images.width());
        ensure!(
            [height, width] == self.image_size() || images.is_empty(),
            "the images are {height} x {width} px and the network wants {} x {}",
            self.shape.height,
            self.shape.width
        );
        let _no_grad = tch::no_grad_guard();
        let mut loader = DataLoader::in_order(images, None, BATCH, self.device)?;
        // They stay on the device until the end: a copy of every batch would make the next one wait.
        let mut predicted =
            vec![Tensor::f_empty([0, self.shape.classes as i64], (Kind::Float, self.device))?];
        let mut done = 0;
        loop {
            if !watch(done) {
                return Ok(None);
            }
            let Some((batch, _)) = loader.next_batch()? else { break };
            predicted.push(self.forward(&batch)?);
            done += batch.size()[0] as usize;
        }
        let logits = Tensor::f_cat(&predicted, 0)?;
        let logits = Vec::<f32>::try_from(logits.f_contiguous()?.f_view(-1)?)?;
        let probabilities = logits.iter().map(|logit| sigmoid(*logit)).collect();
        Ok(Some(Scores { logits, probabilities }))
    }

    /// Logits of the probabilities that are reported, `float32 N,C`; in fp32 whatever the run trains in.
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let logits = self.network.forward(images, Mode::Eval)?;
        Ok(match &self.shift {
            Some(shift) => logits.f_sub(shift)?,
            None => logits,
        })
    }
}
