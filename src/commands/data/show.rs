//! `data show`: images with their labels in the terminal.

use std::io::Write;

use anyhow::{Context, Result};

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::{Bounds, Dataset};
use chestxr_tui::files::replace_file;
use chestxr_tui::report::figures::{Tile, image_sheet};
use chestxr_tui::text::one_line;

use super::load;
use crate::cli::{Global, ShowArgs};
use crate::commands::{Exit, UsageError, augment, check_output, inline};
use chestxr_tui::label::is_normal;

/// Tiles per row.
const COLUMNS: usize = 4;

/// Shows a contact sheet of images, and lists them.
pub fn run(args: &ShowArgs, global: &Global, section: &DataSection) -> Result<Exit> {
    if let Some(out) = &args.out {
        check_output(out, args.force)?;
    }
    let dataset = load(section, args.source.clone(), global.json)?;
    let (images, labels) = dataset.trainable(args.split)?;
    let chosen = choose(args, &dataset)?;
    let about = &dataset.part(args.split).about;
    let mut tiles = Vec::new();
    let mut lines = Vec::new();
    for index in chosen {
        let conditions = dataset.labels().found(labels.row(index));
        let regions = if args.boxes { dataset.regions(args.split, index) } else { Vec::new() };
        let boxes: Vec<Bounds> = regions.into_iter().flat_map(|region| region.boxes).collect();
        let captions = vec![format!("{} {index}", args.split), one_line(&conditions, 60), about.line(index)];
        let size = (images.height(), images.width());
        tiles.push(augment::tile(images.image(index)?, size, &boxes, captions));
        lines.push((index, conditions, about.line(index)));
    }
    let rows: Vec<Vec<Tile>> = tiles.chunks(COLUMNS).map(<[Tile]>::to_vec).collect();
    let title = format!("Images of the {} split", args.split);
    let sheet = image_sheet(&title, &one_line(&dataset.source().to_string(), 120), &[], &rows)?;
    if let Some(out) = &args.out {
        replace_file(out, &sheet).with_context(|| format!("can't write {}", out.display()))?;
    }
    inline::ImagePrinter::new(global.graphics, global.json).print_png(&sheet)?;
    let mut out = std::io::stdout().lock();
    for (index, conditions, about) in lines {
        if global.json {
            let line = serde_json::json!({"split": args.split, "index": index, "conditions": conditions, "about": about});
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "{} {index:>6}  {conditions}  {about}", args.split)?;
        }
    }
    Ok(Exit::Done)
}

/// Indices of the requested images: by --index, by --class, or evenly spaced over the split.
fn choose(args: &ShowArgs, dataset: &Dataset) -> Result<Vec<usize>> {
    let labels = &dataset.part(args.split).labels;
    let count = usize::from(args.count);
    if let Some(index) = args.index.iter().find(|index| **index >= labels.len()) {
        let last = labels.len().saturating_sub(1);
        return Err(
            UsageError(format!("--index {index}: the {} split has images 0 to {last}", args.split)).into()
        );
    }
    if !args.index.is_empty() {
        return Ok(args.index.clone());
    }
    let candidates: Vec<usize> = match args.class.as_deref() {
        None => (0..labels.len()).collect(),
        Some("normal") => {
            (0..labels.len()).filter(|image| is_normal(labels.row(*image)) == Some(true)).collect()
        }
        Some(name) => {
            let keys = dataset.labels().keys();
            let class = keys.iter().position(|key| *key == chestxr_tui::dataset::labels::key_of(name));
            let class = class.ok_or_else(|| {
                UsageError(format!(
                    "--class `{}`: unknown condition; there are normal, {}",
                    one_line(name, 40),
                    keys.join(", ")
                ))
            })?;
            (0..labels.len()).filter(|image| labels.row(*image)[class] == 1).collect()
        }
    };
    if candidates.is_empty() {
        let what = args.class.as_deref().unwrap_or("any");
        return Err(
            UsageError(format!("the {} split has no image with {}", args.split, one_line(what, 40))).into()
        );
    }
    let step = candidates.len().div_ceil(count).max(1);
    Ok(candidates.into_iter().step_by(step).take(count).collect())
}
