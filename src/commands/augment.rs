//! `augment`: a contact sheet of augmented images.

use std::io::Write;

use anyhow::{Context, Result, bail};

use chestxr_tui::augment::{AugmentPipeline, CpuAugmenter};
use chestxr_tui::config::RunConfig;
use chestxr_tui::dataset::phantom::Bounds;
use chestxr_tui::explain::{COLOUR_MAPS, Overlay, Shows, paint};
use chestxr_tui::files::replace_file;
use chestxr_tui::report::figures::{TILE_PIXELS, Tile, image_sheet};

use super::{Exit, UsageError, check_output, inline, progress};
use crate::cli::{AugmentArgs, Global};

/// Tiles per row.
const COLUMNS: usize = 4;

/// Renders the sheet, writes it and shows it in the terminal.
pub fn run(args: &AugmentArgs, global: &Global, config: &RunConfig) -> Result<Exit> {
    check_output(&args.out, args.force)?;
    let dataset = progress::load(&config.data, global.json)?;
    let (images, _) = dataset.trainable(args.split)?;
    let pipeline = AugmentPipeline::new(&config.augment);
    let size = (images.height(), images.width());
    let mut augmenter = CpuAugmenter::new(pipeline.border());
    let mut tiles = Vec::new();
    for index in &args.index {
        if *index >= images.len() {
            bail!(UsageError(format!(
                "--index {index}: the {} split has images 0 to {}",
                args.split,
                images.len().saturating_sub(1)
            )));
        }
        let image = images.image(*index)?;
        let regions = if args.boxes { dataset.regions(args.split, *index) } else { Vec::new() };
        let boxes: Vec<Bounds> = regions.into_iter().flat_map(|region| region.boxes).collect();
        let original = vec![format!("{} image {index}", args.split), "original".to_owned()];
        tiles.push(tile(image, size, &boxes, original));
        for epoch in args.epoch..args.epoch + usize::from(args.count) {
            let draw = pipeline.draw(config.run.seed, epoch, *index, 0, size);
            let mut greys = vec![0; image.len()];
            augmenter.paint_greys(image, &draw, &mut greys);
            let moved: Vec<Bounds> = boxes.iter().filter_map(|bounds| draw.moved_box(*bounds)).collect();
            let mut captions = vec![format!("epoch {epoch}")];
            captions.extend(wrapped(&draw.to_string()));
            tiles.push(tile(&greys, size, &moved, captions));
        }
    }
    let rows: Vec<Vec<Tile>> = tiles.chunks(COLUMNS).map(<[Tile]>::to_vec).collect();
    let subtitle =
        format!("preset {}, seed {}, {}", config.augment.preset.name(), config.run.seed, dataset.source());
    let sheet = image_sheet("Augmented training images", &subtitle, &[], &rows)?;
    replace_file(&args.out, &sheet).with_context(|| format!("can't write {}", args.out.display()))?;
    inline::ImagePrinter::new(global.graphics, global.json).print_png(&sheet)?;
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::json!({"image": args.out, "tiles": tiles.len()}))?;
    } else {
        writeln!(out, "{}", args.out.display())?;
    }
    Ok(Exit::Done)
}

/// A tile of a contact sheet: an image with outlined boxes.
pub(super) fn tile(
    image: &[u8],
    (height, width): (usize, usize),
    boxes: &[Bounds],
    captions: Vec<String>,
) -> Tile {
    let longer = height.max(width).max(1);
    let side = |pixels: usize| (pixels * TILE_PIXELS as usize / longer) as u32;
    let overlay = Overlay {
        shows: Shows::Image,
        colours: &COLOUR_MAPS[0],
        opacity: 0.0,
        contrast: 1.0,
        crop: None,
        boxes,
    };
    let rendered = paint(image, [height, width], None, &overlay, [side(width), side(height)]);
    Tile {
        width: rendered.width() as usize,
        height: rendered.height() as usize,
        rgb: rendered.into_raw(),
        scale: None,
        captions,
    }
}

/// Wraps text at commas.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 38;
    let mut lines = vec![String::new()];
    for piece in text.split(", ") {
        let line = lines.len() - 1;
        if lines[line].is_empty() {
            lines[line] = piece.to_owned();
        } else if lines[line].chars().count() + piece.chars().count() + 2 <= WIDTH {
            lines[line] = format!("{}, {piece}", lines[line]);
        } else {
            lines.push(piece.to_owned());
        }
    }
    lines
}
