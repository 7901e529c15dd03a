//! `data convert`: a data source as an npz file.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::Split;
use chestxr_tui::dataset::npz::Writer;
use chestxr_tui::text::bytes;

use super::load;
use crate::commands::{Exit, UsageError, print_error};
use chestxr_tui::dataset::patient_key::PatientKey;

/// Writes a source as an npz file in MedMNIST's layout, with names of conditions and patients. Images are written one by
/// one, so they need not fit into memory.
pub fn run(
    section: &DataSection,
    source: String,
    out: &Path,
    size: Option<usize>,
    json: bool,
) -> Result<Exit> {
    let mut section = section.clone();
    if let Some(size) = size {
        if !(1..=4096).contains(&size) {
            return Err(UsageError(format!("--size {size}: must be 1 to 4096")).into());
        }
        section.size = size;
    }
    let dataset = load(&section, Some(source), json)?;
    if let (Some(size), false, Some((height, width))) =
        (size, dataset.source().is_sized(), dataset.image_size())
        && (height, width) != (size, size)
    {
        return Err(UsageError(format!(
            "--size: images of an npz file have a fixed size, here {height} x {width} px; omit --size, or convert the \
             image files they were made from"
        ))
        .into());
    }
    let mut writer = Writer::create(out)?;
    for split in Split::ALL {
        let part = dataset.part(split);
        if let Some(images) = &part.images {
            writer = writer.images(&format!("{split}_images"), images)?;
        }
        let shape = [part.labels.len(), part.labels.classes()];
        writer = writer.labels(&format!("{split}_labels"), &shape, part.labels.values())?;
        let named = !part.about.patients.is_empty();
        if named {
            let key = PatientKey::of_user()?;
            let names: Vec<String> = part.about.patients.iter().map(|id| key.name(id)).collect();
            writer = writer.array_text(&format!("{split}_patient"), &names)?;
        } else if let Some(patients) = &part.patients {
            let numbers: Vec<i64> = patients.iter().map(|patient| i64::from(*patient)).collect();
            writer = writer.array_i64(&format!("{split}_patient"), &[numbers.len()], &numbers)?;
        }
    }
    writer = writer.array_text("conditions", &dataset.labels().keys())?;
    writer.finish()?;
    let size = std::fs::metadata(out).with_context(|| format!("can't read {}", out.display()))?.len();
    match json {
        true => writeln!(std::io::stdout(), "{}", serde_json::json!({"path": out, "bytes": size}))?,
        false => print_error(&format!("wrote {} ({})", out.display(), bytes(size))),
    }
    Ok(Exit::Done)
}
