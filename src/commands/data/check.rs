//! `data check`: problems of a data set that would distort results.

use std::cell::RefCell;
use std::io::Write;

use anyhow::Result;
use indicatif::ProgressBar;
use serde_json::json;

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::Dataset;
use chestxr_tui::dataset::check::{Place, check};

use super::load;
use crate::commands::Exit;

/// Examples printed per finding.
const EXAMPLES: usize = 3;

/// Checks the data set and prints the findings; findings are not an error.
pub fn run(section: &DataSection, source: Option<String>, as_json: bool) -> Result<Exit> {
    let dataset = load(section, source, as_json)?;
    let bar = RefCell::new(if as_json { ProgressBar::hidden() } else { ProgressBar::new_spinner() });
    let report = check(&dataset, &mut |what| {
        bar.borrow_mut().set_message(what);
        bar.borrow_mut().enable_steady_tick(std::time::Duration::from_millis(100));
        true
    });
    bar.borrow().finish_and_clear();
    let warning = dataset.source().registry_entry().map(|entry| entry.warning.as_str()).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    if as_json {
        let source = dataset.source().to_string();
        let line = json!({
            "source": source, "digest": dataset.digest(), "findings": report.findings, "looked_at": report.looked_at,
            "not_looked_at": report.not_looked_at, "warning": warning, "notes": dataset.notes(),
        });
        writeln!(out, "{line}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "source   {}", dataset.source())?;
    writeln!(out, "checked  {}", report.looked_at.join("; "))?;
    for reason in &report.not_looked_at {
        writeln!(out, "skipped  {reason}")?;
    }
    if !warning.is_empty() {
        writeln!(out, "warning  {warning}")?;
    }
    for note in dataset.notes() {
        writeln!(out, "note     {note}")?;
    }
    writeln!(out)?;
    for finding in &report.findings {
        writeln!(out, "{:<8} {}", finding.severity.name(), finding.sentence)?;
        for group in finding.examples.iter().take(EXAMPLES) {
            let names: Vec<String> = group.iter().take(6).map(|place| name(&dataset, place)).collect();
            writeln!(out, "         {}", names.join("  ="))?;
        }
        if finding.examples.len() > EXAMPLES {
            writeln!(out, "         …")?;
        }
    }
    if report.findings.is_empty() {
        writeln!(out, "No problems.")?;
    }
    Ok(Exit::Done)
}

/// `train #7 00000013_005.png  PA  F 57`
fn name(dataset: &Dataset, place: &Place) -> String {
    let about = dataset.part(place.split).about.line(place.index as usize);
    format!("{} #{} {about}", place.split, place.index).trim_end().to_owned()
}
