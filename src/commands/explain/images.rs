//! The images to explain, from the run's data or from pictures.

use anyhow::{Context, Result, bail};

use chestxr_tui::dataset::image_file::{self, Limits};
use chestxr_tui::dataset::images::Images;
use chestxr_tui::dataset::phantom::Bounds;
use chestxr_tui::dataset::{Cache, Dataset};
use chestxr_tui::evaluation::{self, Predictor};
use chestxr_tui::runs::RunFolder;
use chestxr_tui::text::one_line;
use std::sync::Arc;

use super::super::{UsageError, progress};
use crate::cli::{ExplainArgs, Global};

/// Images with what is known of them.
pub struct Chosen {
    pub images: Images,
    /// How each is called.
    pub names: Vec<String>,
    /// `N,C`: what the network says of them.
    pub probabilities: Vec<f32>,
    /// A row of labels an image, where they are known.
    pub labels: Option<Vec<Vec<u8>>>,
    /// Findings of each image: label column and place in pixels.
    pub boxes: Vec<Vec<(usize, Bounds)>>,
}

/// A run's data, or other data by --data.
pub fn dataset(folder: &RunFolder, global: &Global) -> Result<Arc<Dataset>> {
    let Some(source) = &global.data else { return evaluation::own_images(folder, &Cache::new()) };
    Ok(Arc::new(progress::load_for(folder, source, global)?))
}

/// Reads the images that were asked for and looks at them.
pub fn choose(
    args: &ExplainArgs,
    global: &Global,
    folder: &RunFolder,
    predictor: &Predictor,
) -> Result<Chosen> {
    let mut chosen = match (args.image.as_slice(), args.index.as_slice()) {
        ([], []) => bail!(UsageError("name images by --index N, or pictures by --image FILE".into())),
        ([], indices) => of_split(indices, args, &*dataset(folder, global)?)?,
        (_, _) => of_pictures(args, predictor)?,
    };
    let scores = predictor.predict(&chosen.images, &mut |_| true)?.context("nobody ended it")?;
    chosen.probabilities = scores.probabilities;
    Ok(chosen)
}

fn of_split(indices: &[usize], args: &ExplainArgs, dataset: &Dataset) -> Result<Chosen> {
    let split = args.split;
    let (images, labels) = dataset.trainable(split)?;
    let mut pixels = Vec::new();
    for index in indices {
        if *index >= images.len() {
            bail!(UsageError(format!(
                "there is no {split} image {index}; they go from 0 to {}",
                images.len().saturating_sub(1)
            )));
        }
        pixels.extend_from_slice(images.image(*index));
    }
    let boxes_of = |index: &usize| -> Vec<(usize, Bounds)> {
        let regions = dataset.regions(split, *index);
        regions
            .into_iter()
            .flat_map(|region| region.boxes.into_iter().map(move |bounds| (region.class, bounds)))
            .collect()
    };
    Ok(Chosen {
        images: Images::new(pixels, images.height(), images.width()).context("images of one size")?,
        names: indices.iter().map(|index| format!("{split}_{index}")).collect(),
        probabilities: Vec::new(),
        labels: Some(indices.iter().map(|index| labels.row(*index).to_vec()).collect()),
        boxes: indices.iter().map(boxes_of).collect(),
    })
}

fn of_pictures(args: &ExplainArgs, predictor: &Predictor) -> Result<Chosen> {
    let files = image_file::find(&args.image)?;
    let mut pixels = Vec::new();
    let mut names = Vec::new();
    for path in &files {
        let picture = image_file::read(path, Limits::default())?;
        pixels.extend(predictor.preprocess().image(&picture));
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        names.push(one_line(&name, 120));
    }
    let [height, width] = predictor.image_size();
    Ok(Chosen {
        images: Images::new(pixels, height, width).context("images of one size")?,
        boxes: vec![Vec::new(); names.len()],
        names,
        probabilities: Vec::new(),
        labels: None,
    })
}
