//! `explain --score`: how well maps localise findings, as a table.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

use chestxr_tui::evaluation::Predictor;
use chestxr_tui::explain::{Method, Options, ScoreTable, Scored, score, targets};
use chestxr_tui::runs::RunFolder;
use chestxr_tui::text::thousands;

use super::super::progress::StderrBar;
use super::super::{Exit, UsageError};
use super::images;
use crate::cli::{ExplainArgs, Global};

/// Scores the methods, saves the results and prints the tables.
pub fn run(
    args: &ExplainArgs,
    global: &Global,
    folder: &RunFolder,
    predictor: &Predictor,
    methods: &[&'static Method],
    options: &Options,
    out: &Path,
) -> Result<Exit> {
    let dataset = images::dataset(folder, global)?;
    if !dataset.knows_regions() {
        bail!(UsageError(format!(
            "--score: {} has no boxes of findings; try --data phantom:4000",
            dataset.source()
        )));
    }
    let targets = targets(&dataset, args.split, args.findings);
    if targets.is_empty() {
        bail!("the {} images have no box of a labelled finding", args.split);
    }
    // Methods and two controls, each over all targets.
    let bar = StderrBar::start("findings", targets.len() * (methods.len() + 2), global.json);
    let (mut before, mut last) = (0, String::new());
    let mut watch = |name: &str, done: usize| {
        if name != last {
            before += if last.is_empty() { 0 } else { targets.len() };
            last = name.to_owned();
        }
        bar.set(before + done)
    };
    let table = score(predictor, &dataset, args.split, &targets, methods, options, &mut watch)?;
    bar.finish();
    let table = table.context("scoring was stopped")?;
    std::fs::create_dir_all(out).with_context(|| format!("can't create {}", out.display()))?;
    let path = out.join(format!("score_{}.json", args.split));
    super::write(&path, &serde_json::to_vec_pretty(&table)?)?;
    let mut stdout = std::io::stdout().lock();
    if global.json {
        writeln!(stdout, "{}", serde_json::to_string(&table)?)?;
    } else {
        write_table(&mut stdout, &table)?;
        writeln!(stdout, "\nall scores: {}", path.display())?;
    }
    Ok(Exit::Done)
}

/// All measures over all findings, then the pointing game by condition with intervals.
fn write_table(out: &mut impl Write, table: &ScoreTable) -> std::io::Result<()> {
    let mut methods: Vec<&str> = Vec::new();
    for row in &table.rows {
        if !methods.contains(&row.method.as_str()) {
            methods.push(&row.method);
        }
    }
    let all = |method: &str| table.rows.iter().find(|row| row.method == method && row.condition == "all");
    writeln!(
        out,
        "{} findings of the {} images; CAM layer {} ({} x {})\n",
        thousands(table.targets as u64),
        table.split,
        table.layer,
        table.layer_size[0],
        table.layer_size[1]
    )?;
    writeln!(
        out,
        "{:<22} {:>18} {:>6} {:>6} {:>6} {:>9} {:>8} {:>9} {:>8}",
        "over all findings",
        "pointing (95 %)",
        "IoU",
        "mass",
        "center",
        "insertion",
        "deletion",
        "random net",
        "empty"
    )?;
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    for row in methods.iter().filter_map(|method| all(method)) {
        writeln!(
            out,
            "{:<22} {:>18} {:>6} {:>6} {:>6} {:>9} {:>8} {:>9} {:>8}",
            row.method,
            pointing(row),
            number(row.iou.mean),
            number(row.mass.mean),
            number(row.centre.mean),
            number(row.insertion.mean),
            number(row.deletion.mean),
            number(row.randomisation.mean),
            number(row.without_evidence)
        )?;
    }
    write!(out, "\n{:<20} {:>4}", "pointing (95 %)", "n")?;
    for method in &methods {
        write!(out, " {method:>20}")?;
    }
    writeln!(out)?;
    let mut conditions: Vec<&str> = Vec::new();
    for row in table.rows.iter().filter(|row| row.condition != "all") {
        if !conditions.contains(&row.condition.as_str()) {
            conditions.push(&row.condition);
        }
    }
    for condition in conditions {
        let rows: Vec<Option<&Scored>> = methods
            .iter()
            .map(|method| table.rows.iter().find(|row| row.method == *method && row.condition == condition))
            .collect();
        let n = rows.iter().flatten().map(|row| row.pointing.n).max().unwrap_or(0);
        write!(out, "{condition:<20} {n:>4}")?;
        for row in rows {
            write!(out, " {:>20}", row.map_or("–".to_owned(), pointing))?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "\npointing: the maximum lies in the finding. IoU: of the finding and the area above half the maximum. mass: share \
         of the map inside.\ncenter: the center of mass lies in the box. insertion (higher is better), deletion (lower): \
         area under the probability curve.\nrandom net: rank correlation with the map of random weights (near 0 is good). \
         empty: share of maps without positive evidence."
    )
}

fn pointing(row: &Scored) -> String {
    match (row.pointing.mean, row.pointing.ci) {
        (Some(mean), Some([low, high])) => format!("{mean:.2} ({low:.2}–{high:.2})"),
        (Some(mean), None) => format!("{mean:.2}"),
        _ => "–".to_owned(),
    }
}
