//! The images to explain, from a data set or from image files.

use anyhow::{Context, Result, bail};

use chestxr_tui::dataset::image_file::{self, Doubts, Limits};
use chestxr_tui::dataset::images::Images;
use chestxr_tui::dataset::phantom::Bounds;
use chestxr_tui::dataset::{Cache, Dataset};
use chestxr_tui::evaluation::{self, Predictor};
use chestxr_tui::runs::RunFolder;
use chestxr_tui::text::one_line;
use std::sync::Arc;

use super::super::{UsageError, print_error, progress};
use crate::cli::{ExplainArgs, Global};

/// Images to explain, with predictions, labels and boxes.
pub struct ImagesToExplain {
    pub images: Images,
    /// Names of the images.
    pub names: Vec<String>,
    /// Predicted probabilities, `[N, C]`.
    pub probabilities: Vec<f32>,
    /// Labels of each image, `[N][C]`; `None` for image files.
    pub labels: Option<Vec<Vec<u8>>>,
    /// Boxes of findings of each image: label column and bounds in pixels.
    pub boxes: Vec<Vec<(usize, Bounds)>>,
}

/// The data set of --data, or the run's own.
pub fn dataset(folder: &RunFolder, global: &Global) -> Result<Arc<Dataset>> {
    let Some(source) = &global.data else { return evaluation::own_images(folder, &Cache::new()) };
    Ok(Arc::new(progress::load_for(folder, source, global)?))
}

/// Loads the requested images and predicts on them.
///
/// # Errors
/// When none are requested, an index is out of range, or a file can't be read.
pub fn load(
    args: &ExplainArgs,
    global: &Global,
    folder: &RunFolder,
    predictor: &Predictor,
) -> Result<ImagesToExplain> {
    let mut images = match (args.image.as_slice(), args.index.as_slice()) {
        ([], []) => bail!(UsageError("explain: no images given; use --index N or --image FILE".into())),
        ([], indices) => of_split(indices, args, &*dataset(folder, global)?)?,
        (_, _) => of_files(args, predictor)?,
    };
    let scores = predictor.predict(&images.images, &mut |_| true)?.context("prediction was stopped")?;
    images.probabilities = scores.probabilities;
    Ok(images)
}

fn of_split(indices: &[usize], args: &ExplainArgs, dataset: &Dataset) -> Result<ImagesToExplain> {
    let split = args.split;
    let (images, labels) = dataset.trainable(split)?;
    let mut pixels = Vec::new();
    for index in indices {
        if *index >= images.len() {
            bail!(UsageError(format!(
                "--index {index}: the {split} split has images 0 to {}",
                images.len().saturating_sub(1)
            )));
        }
        pixels.extend_from_slice(images.image(*index)?);
    }
    let boxes_of = |index: &usize| -> Vec<(usize, Bounds)> {
        let regions = dataset.regions(split, *index);
        regions
            .into_iter()
            .flat_map(|region| region.boxes.into_iter().map(move |bounds| (region.class, bounds)))
            .collect()
    };
    Ok(ImagesToExplain {
        images: Images::new(pixels, images.height(), images.width()).context("images of one size")?,
        names: indices.iter().map(|index| format!("{split}_{index}")).collect(),
        probabilities: Vec::new(),
        labels: Some(indices.iter().map(|index| labels.row(*index).to_vec()).collect()),
        boxes: indices.iter().map(boxes_of).collect(),
    })
}

fn of_files(args: &ExplainArgs, predictor: &Predictor) -> Result<ImagesToExplain> {
    let files = image_file::find(&args.image)?;
    let mut pixels = Vec::new();
    let mut names = Vec::new();
    let mut doubts = Doubts::default();
    for path in &files {
        let decoded = image_file::read(path, Limits::default())?;
        doubts.add_all(path, &decoded);
        pixels.extend(predictor.preprocess().image(&decoded));
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        names.push(one_line(&name, 120));
    }
    doubts.sentences().for_each(|sentence| print_error(&format!("note: {sentence}")));
    let [height, width] = predictor.image_size();
    Ok(ImagesToExplain {
        images: Images::new(pixels, height, width).context("images of one size")?,
        boxes: vec![Vec::new(); names.len()],
        names,
        probabilities: Vec::new(),
        labels: None,
    })
}
