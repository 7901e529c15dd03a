//! Reading marked runs to compare them on the same images.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::dataset::Split;
use crate::evaluation::{self, ComparedRun, RESAMPLES};
use crate::runs::RunFolder;
use crate::tui::screens::runs::state::SideBySide;

/// Sets the runs that were tested against the first of them. A run that wasn't, or on other images, is left out with the
/// reason.
///
/// # Errors
/// When fewer than two are left.
pub fn read(paths: &[PathBuf]) -> Result<SideBySide> {
    let mut left_out = Vec::new();
    let (mut compared_runs, mut evaluated, mut own) = (Vec::<ComparedRun>::new(), Vec::new(), Vec::new());
    for path in paths {
        let read = RunFolder::open(path).and_then(|folder| {
            let compared_run = ComparedRun::read(&folder, Split::Test)?;
            if let Some(first) = compared_runs.first() {
                // Before the others are compared: a run on other images must not prevent their comparison.
                let labels = crate::dataset::labels::LabelSet::of_keys(&first.conditions);
                if first.conditions != compared_run.conditions {
                    bail!("run {} knows other conditions", compared_run.id);
                }
                if let Err(error) = evaluation::compare(first.input(), compared_run.input(), &labels, 0) {
                    bail!("run {}: {error}", compared_run.id);
                }
            }
            Ok((folder, compared_run))
        });
        match read {
            Ok((folder, compared_run)) => {
                let evaluation = folder.read_evaluation("test").ok();
                let evaluation = evaluation.filter(|found| found.epoch == compared_run.predictions.epoch);
                own.push(evaluation);
                compared_runs.push(compared_run);
                evaluated.push(path.clone());
            }
            Err(error) => left_out.push(crate::text::one_line(&format!("{error:#}"), 200)),
        }
    }
    if compared_runs.len() < 2 {
        bail!("{}", left_out.join("; "));
    }
    let side = evaluation::SideBySide::new(compared_runs, Split::Test, RESAMPLES)?;
    let own = own
        .into_iter()
        .enumerate()
        .map(|(run, evaluation)| {
            let conditions = side.labels.keys().into_iter().enumerate();
            conditions
                .map(|(class, key)| {
                    let compared = match run {
                        0 => side.against_first[0].conditions[class].auroc.a,
                        run => side.against_first[run - 1].conditions[class].auroc.b,
                    };
                    let found = evaluation.as_ref().and_then(|found| found.per_condition.get(&key));
                    (compared, found.and_then(|found| found.auroc_ci))
                })
                .collect()
        })
        .collect();
    Ok(SideBySide { labels: side.labels, runs: evaluated, own, against_first: side.against_first, left_out })
}
