//! `data info`, `data convert`

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::npz::Writer;
use chestxr_tui::dataset::stats::percent;
use chestxr_tui::dataset::{Dataset, Split};
use chestxr_tui::text::{bytes, thousands};

use super::Exit;

fn load(section: &DataSection, source: Option<String>) -> Result<Dataset> {
    let mut section = section.clone();
    section.source = source.unwrap_or(section.source);
    Ok(Dataset::load(&section)?)
}

/// Counts films and conditions of every split, the normal class among them.
pub fn info(section: &DataSection, source: Option<String>, json: bool) -> Result<Exit> {
    let dataset = load(section, source)?;
    let mut out = std::io::stdout().lock();
    if json {
        let splits: serde_json::Map<_, _> = Split::ALL
            .iter()
            .map(|&split| {
                let stats = dataset.stats(split);
                let positives: serde_json::Map<_, _> = dataset
                    .labels()
                    .iter()
                    .zip(&stats.positives)
                    .map(|(condition, count)| (condition.key.clone(), json!(count)))
                    .collect();
                let split_json =
                    json!({"films": stats.films, "normal": stats.normal, "positives": positives});
                (split.name().to_owned(), split_json)
            })
            .collect();
        let size = dataset.film_size().map(|(height, width)| [height, width]);
        let source = dataset.source().to_string();
        let line = json!({"source": source, "digest": dataset.digest(), "film_size": size, "splits": splits});
        writeln!(out, "{line}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "source  {}", dataset.source())?;
    match dataset.film_size() {
        Some((height, width)) => {
            let memory = bytes(dataset.film_bytes() as u64);
            writeln!(out, "films   {height} x {width} px, 8 bits of grey, {memory} in memory")?;
        }
        None => writeln!(out, "films   none: a table of labels")?,
    }
    writeln!(out, "digest  {}", dataset.digest())?;
    writeln!(out)?;

    write!(out, "{:<20}", "")?;
    for split in Split::ALL {
        write!(out, "{:>9}{:>8}", split.name(), "%")?;
    }
    writeln!(out)?;
    let mut row = |name: &str, count: &dyn Fn(Split) -> usize| -> std::io::Result<()> {
        write!(out, "{name:<20}")?;
        for split in Split::ALL {
            let share = percent(count(split), dataset.stats(split).films);
            let share = share.map_or("–".to_owned(), |share| format!("{share:.2}"));
            write!(out, "{:>9}{share:>8}", thousands(count(split) as u64))?;
        }
        writeln!(out)
    };
    row("Normal", &|split| dataset.stats(split).normal)?;
    for (column, condition) in dataset.labels().iter().enumerate() {
        row(&condition.name, &|split| dataset.stats(split).positives[column])?;
    }
    row("Films", &|split| dataset.stats(split).films)?;
    writeln!(out, "\nA film can have several conditions; Normal films have none of them.")?;
    Ok(Exit::Done)
}

/// Writes a source as an npz file in MedMNIST's layout.
pub fn convert(section: &DataSection, source: String, out: &Path) -> Result<Exit> {
    let dataset = load(section, Some(source))?;
    let mut writer = Writer::create(out)?;
    for split in Split::ALL {
        let part = dataset.part(split);
        if let Some(films) = &part.films {
            let shape = [films.len(), films.height(), films.width()];
            writer = writer.array_u8(&format!("{split}_images"), &shape, films.pixels())?;
        }
        let shape = [part.labels.len(), part.labels.classes()];
        writer = writer.array_u8(&format!("{split}_labels"), &shape, part.labels.values())?;
    }
    writer.finish()?;
    let size = std::fs::metadata(out).with_context(|| format!("can't read {} back", out.display()))?.len();
    eprintln!("wrote {} ({})", out.display(), bytes(size));
    Ok(Exit::Done)
}
