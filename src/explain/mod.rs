//! Attribution maps over an image, and their quality.
//!
//! A method is one file in `methods` and one line in [`METHODS`]. Maps explain the logit of one condition, in
//! single precision, with the network in evaluation mode (running statistics, no dropout). Their quality is
//! measured in `quality` (numbers of single maps) and `score` (tables over many images, beside controls).
//! Methods agree with Captum's and pytorch-grad-cam's (tests/explain_golden.rs).

mod colour;
mod map;
mod methods;
mod noise;
mod options;
mod paint;
mod quadrature;
pub mod quality;
mod score;

pub use colour::{COLOUR_MAPS, ColourMap, SIGNED};
pub use map::{Completeness, Map, signed};
pub use methods::{METHODS, Method, default_method};
pub use options::{Baseline, Options, OptionsError};
pub use paint::{Overlay, Shows, paint};
pub use score::{Estimate, ScoreTable, Scored, Target, score, targets};

use std::cell::{Cell, RefCell};

use anyhow::{Result, ensure};
use tch::Tensor;

use crate::dataset::images::Images;
use crate::evaluation::Predictor;
use crate::model::Network;
use methods::{Ended, Scene};

/// Which condition of which image is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Row among the images.
    pub image: usize,
    /// Column of the logits.
    pub class: usize,
}

/// Images that go through the network at once when each needs one pass.
const BATCH: usize = 32;

/// Explains conditions of images, one map a request. `watch` receives the number done, now and then within an image as
/// well, and returns whether to continue; `None` when it returned `false`.
///
/// # Errors
/// When the images have another size than the network, there is no such layer or class, or memory runs out.
pub fn explain(
    predictor: &Predictor,
    images: &Images,
    requests: &[Request],
    method: &Method,
    options: &Options,
    watch: &mut dyn FnMut(usize) -> bool,
) -> Result<Option<Vec<Map>>> {
    options.check(predictor.image_size())?;
    ensure!(
        [images.height(), images.width()] == predictor.image_size(),
        "the images are {} x {} px and the network wants {} x {}",
        images.height(),
        images.width(),
        predictor.image_size()[0],
        predictor.image_size()[1]
    );
    for request in requests {
        ensure!(
            request.image < images.len(),
            "there is no image {}; the last is {}",
            request.image,
            images.len() - 1
        );
        ensure!(request.class < predictor.labels().len(), "there is no condition number {}", request.class);
    }
    let layer = options.layer_index(&predictor.network().map_layers())?;
    let mut maps = Vec::with_capacity(requests.len());
    // A method that needs many passes per image makes its batches of one image's passes.
    let batch = if method.passes_once { BATCH } else { 1 };
    let (done, watch) = (Cell::new(0), RefCell::new(watch));
    let keep_going = || (watch.borrow_mut())(done.get());
    for requests in requests.chunks(batch) {
        done.set(maps.len());
        if !keep_going() {
            return Ok(None);
        }
        let indices: Vec<usize> = requests.iter().map(|request| request.image).collect();
        let scene = Scene {
            network: predictor.network(),
            images: predictor.upload(images, &indices)?,
            classes: requests.iter().map(|request| request.class as i64).collect(),
            shift: predictor.shift(),
            layer,
            keys: indices.iter().map(|index| *index as u64).collect(),
            keep_going: &keep_going,
        };
        match (method.run)(&scene, options) {
            Ok(more) => maps.extend(more),
            Err(error) if error.is::<Ended>() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(maps))
}

/// Explains condition `classes[n]` of image `n` of a batch `float32 N,1,H,W` in -1..=1 on the network's device.
/// Probabilities are the logits' own.
///
/// # Errors
/// As [`explain`].
pub fn explain_batch(
    network: &Network,
    images: &Tensor,
    classes: &[usize],
    method: &Method,
    options: &Options,
) -> Result<Vec<Map>> {
    let size = images.size();
    ensure!(
        size.len() == 4 && size[0] as usize == classes.len(),
        "a class for each image of a batch N,1,H,W"
    );
    options.check([size[2] as usize, size[3] as usize])?;
    let scene = Scene {
        network,
        images: images.shallow_clone(),
        classes: classes.iter().map(|class| *class as i64).collect(),
        shift: None,
        layer: options.layer_index(&network.map_layers())?,
        keys: (0..classes.len() as u64).collect(),
        keep_going: &|| true,
    };
    (method.run)(&scene, options)
}
