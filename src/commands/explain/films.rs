//! The films to explain, from the run's data or from pictures.

use anyhow::{Context, Result, bail};

use chestxr_tui::dataset::films::Films;
use chestxr_tui::dataset::phantom::Bounds;
use chestxr_tui::dataset::picture::{self, Limits};
use chestxr_tui::dataset::{Cache, Dataset};
use chestxr_tui::evaluation::{self, Predictor};
use chestxr_tui::runs::RunFolder;
use chestxr_tui::text::one_line;
use std::sync::Arc;

use super::super::{Misuse, progress};
use crate::cli::{ExplainArgs, Global};

/// Films with what is known of them.
pub struct Chosen {
    pub films: Films,
    /// How each is called.
    pub names: Vec<String>,
    /// `N,C`: what the network says of them.
    pub probabilities: Vec<f32>,
    /// A row of labels a film, where they are known.
    pub labels: Option<Vec<Vec<u8>>>,
    /// Findings of each film: label column and place in pixels.
    pub boxes: Vec<Vec<(usize, Bounds)>>,
}

/// A run's data, or other data by --data.
pub fn dataset(folder: &RunFolder, global: &Global) -> Result<Arc<Dataset>> {
    let Some(source) = &global.data else { return evaluation::own_films(folder, &Cache::new()) };
    Ok(Arc::new(progress::load_for(folder, source, global)?))
}

/// Reads the films that were asked for and looks at them.
pub fn choose(
    args: &ExplainArgs,
    global: &Global,
    folder: &RunFolder,
    predictor: &Predictor,
) -> Result<Chosen> {
    let mut chosen = match (args.image.as_slice(), args.index.as_slice()) {
        ([], []) => bail!(Misuse("name films by --index N, or pictures by --image FILE".into())),
        ([], indices) => of_split(indices, args, &*dataset(folder, global)?)?,
        (_, _) => of_pictures(args, predictor)?,
    };
    let scores = predictor.predict(&chosen.films, &mut |_| true)?.context("nobody ended it")?;
    chosen.probabilities = scores.probabilities;
    Ok(chosen)
}

fn of_split(indices: &[usize], args: &ExplainArgs, dataset: &Dataset) -> Result<Chosen> {
    let split = args.split;
    let (films, labels) = dataset.trainable(split)?;
    let mut pixels = Vec::new();
    for index in indices {
        if *index >= films.len() {
            bail!(Misuse(format!(
                "there is no {split} film {index}; they go from 0 to {}",
                films.len().saturating_sub(1)
            )));
        }
        pixels.extend_from_slice(films.film(*index));
    }
    let boxes_of = |index: &usize| -> Vec<(usize, Bounds)> {
        let regions = dataset.regions(split, *index);
        regions
            .into_iter()
            .flat_map(|region| region.boxes.into_iter().map(move |bounds| (region.class, bounds)))
            .collect()
    };
    Ok(Chosen {
        films: Films::new(pixels, films.height(), films.width()).context("films of one size")?,
        names: indices.iter().map(|index| format!("{split}_{index}")).collect(),
        probabilities: Vec::new(),
        labels: Some(indices.iter().map(|index| labels.row(*index).to_vec()).collect()),
        boxes: indices.iter().map(boxes_of).collect(),
    })
}

fn of_pictures(args: &ExplainArgs, predictor: &Predictor) -> Result<Chosen> {
    let files = picture::find(&args.image)?;
    let mut pixels = Vec::new();
    let mut names = Vec::new();
    for path in &files {
        let picture = picture::read(path, Limits::default())?;
        pixels.extend(predictor.preprocess().film(&picture));
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        names.push(one_line(&name, 120));
    }
    let [height, width] = predictor.film_size();
    Ok(Chosen {
        films: Films::new(pixels, height, width).context("films of one size")?,
        boxes: vec![Vec::new(); names.len()],
        names,
        probabilities: Vec::new(),
        labels: None,
    })
}
