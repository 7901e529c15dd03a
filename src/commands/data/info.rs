//! `data info`: images, conditions, licence and notes of a data source.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::part::GroupBy;
use chestxr_tui::dataset::stats::percent;
use chestxr_tui::dataset::{Dataset, Split};
use chestxr_tui::text::{bytes, one_line, thousands};

use super::load;
use crate::commands::Exit;
use chestxr_tui::dataset::labels::Condition;

/// Counts images and conditions per split, normal images included; `verbose` lists the rows that were not taken.
pub fn info(section: &DataSection, source: Option<String>, verbose: bool, json: bool) -> Result<Exit> {
    let dataset = load(section, source, json)?;
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
                let unknown: serde_json::Map<_, _> = unknown(&dataset, split)
                    .map(|(condition, count)| (condition.key.clone(), json!(count)))
                    .collect();
                let split_json = json!({
                    "images": stats.images, "normal": stats.normal, "positives": positives, "unknown": unknown,
                });
                (split.name().to_owned(), split_json)
            })
            .collect();
        let size = dataset.image_size().map(|(height, width)| [height, width]);
        let source = dataset.source().to_string();
        let terms = dataset.source().registry_entry();
        let conditions = dataset.labels().keys();
        let line = json!({
            "source": source, "digest": dataset.digest(), "image_size": size, "conditions": conditions,
            "splits": splits, "bytes": dataset.image_bytes(), "resident": !dataset.is_mapped(),
            "boxes": boxes(&dataset), "notes": dataset.notes(), "skipped": dataset.skipped(), "licence": terms.map(|terms| &terms.licence),
            "citation": terms.map(|terms| &terms.citation), "warning": terms.map(|terms| &terms.warning),
        });
        writeln!(out, "{line}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "source  {}", dataset.source())?;
    match dataset.image_size() {
        Some((height, width)) => {
            writeln!(out, "images   {height} x {width} px, 8-bit grayscale, {}", storage(&dataset))?;
        }
        None => writeln!(out, "images   none: a table of labels")?,
    }
    writeln!(out, "digest  {}", dataset.digest())?;
    if let Some(terms) = dataset.source().registry_entry() {
        writeln!(out, "terms   {}", terms.licence)?;
        writeln!(out, "cite    {}", terms.citation)?;
        if !terms.warning.is_empty() {
            writeln!(out, "warning {}", terms.warning)?;
        }
    }
    for note in dataset.notes() {
        writeln!(out, "note    {}", one_line(note, 1000))?;
    }
    for row in dataset.skipped().iter().filter(|_| verbose) {
        writeln!(out, "skipped line {} {}", row.line, one_line(&row.why, 300))?;
    }
    writeln!(out)?;

    write!(out, "{:<20}", "")?;
    for split in Split::ALL {
        write!(out, "{:>9}{:>8}", split.name(), "%")?;
    }
    writeln!(out)?;
    type Count<'a> = &'a dyn Fn(Split) -> usize;
    let mut row_of = |name: &str, count: Count, all: Count| -> std::io::Result<()> {
        write!(out, "{name:<20}")?;
        for split in Split::ALL {
            let share = percent(count(split), all(split));
            let share = share.map_or("–".to_owned(), |share| format!("{share:.2}"));
            write!(out, "{:>9}{share:>8}", thousands(count(split) as u64))?;
        }
        writeln!(out)
    };
    let images = |split: Split| dataset.stats(split).images;
    row_of("Normal", &|split| dataset.stats(split).normal, &|split| dataset.stats(split).normal_known())?;
    for (column, condition) in dataset.labels().iter().enumerate() {
        let known = |split: Split| dataset.stats(split).known(column);
        row_of(&condition.name, &|split| dataset.stats(split).positives[column], &known)?;
    }
    let mut row = |name: &str, count: Count| row_of(name, count, &images);
    row("Images", &|split| dataset.stats(split).images)?;
    for by in GroupBy::ALL {
        let groups = Split::ALL.map(|split| dataset.part(split).about.groups(by));
        let mut names: Vec<&String> = groups.iter().flatten().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        for name in names {
            row(name, &|split| {
                let group = groups[split as usize].iter().find(|(group, _)| group == name);
                group.map_or(0, |(_, images)| images.len())
            })?;
        }
    }
    if let Some(boxes) = boxes(&dataset) {
        row("Boxes", &|split| boxes[split as usize])?;
    }
    writeln!(out, "\nAn image can have several conditions; normal images have none.")?;
    for split in Split::ALL {
        let counts: Vec<String> = unknown(&dataset, split)
            .map(|(condition, count)| format!("{} {}", condition.name, thousands(count as u64)))
            .collect();
        if !counts.is_empty() {
            writeln!(out, "Unknown labels in {split}, left out of its shares: {}", counts.join(", "))?;
        }
    }
    Ok(Exit::Done)
}

/// The conditions of which some images of a split have an unknown label, with the number of these images.
fn unknown(dataset: &Dataset, split: Split) -> impl Iterator<Item = (&Condition, usize)> {
    let counts = dataset.labels().iter().zip(&dataset.stats(split).unknown);
    counts.map(|(condition, count)| (condition, *count)).filter(|(_, count)| *count > 0)
}

/// Manual boxes per split, where the source has any.
fn boxes(dataset: &Dataset) -> Option<[usize; 3]> {
    let about = |split: Split| &dataset.part(split).about;
    let any = Split::ALL.iter().any(|split| about(*split).has_boxes);
    any.then(|| Split::ALL.map(|split| about(split).boxes.len()))
}

/// Where a run reads the images from.
fn storage(dataset: &Dataset) -> String {
    let size = bytes(dataset.image_bytes() as u64);
    match (dataset.is_mapped(), dataset.memory_bound()) {
        (false, _) => format!("{size} in memory"),
        (true, None) => format!("{size} in a mapped file, within the memory limit"),
        (true, Some(bound)) => {
            format!("{size} in a mapped file, memory limit {} (data.memory)", bytes(bound))
        }
    }
}
