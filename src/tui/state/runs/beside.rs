//! Reading marked runs to compare them on the same images.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::SideBySide;
use crate::dataset::Split;
use crate::evaluation::{self, Contender, RESAMPLES};
use crate::runs::RunFolder;

/// Sets the runs that were tested against the first of them. A run that wasn't, or on other images, is left out with the
/// reason.
///
/// # Errors
/// When fewer than two are left.
pub fn read(paths: &[PathBuf]) -> Result<SideBySide> {
    let mut left_out = Vec::new();
    let (mut contenders, mut judged, mut own) = (Vec::<Contender>::new(), Vec::new(), Vec::new());
    for path in paths {
        let read = RunFolder::open(path).and_then(|folder| {
            let contender = Contender::read(&folder, Split::Test)?;
            if let Some(first) = contenders.first() {
                // Before the others are compared: one that is on other images spoils nothing for them.
                let labels = crate::dataset::labels::LabelSet::of_keys(&first.conditions);
                if first.conditions != contender.conditions {
                    bail!("run {} knows other conditions", contender.id);
                }
                if let Err(error) = evaluation::compare(first.opponent(), contender.opponent(), &labels, 0) {
                    bail!("run {}: {error}", contender.id);
                }
            }
            Ok((folder, contender))
        });
        match read {
            Ok((folder, contender)) => {
                let evaluation = folder.read_evaluation("test").ok();
                let evaluation = evaluation.filter(|found| found.epoch == contender.predictions.epoch);
                own.push(evaluation);
                contenders.push(contender);
                judged.push(path.clone());
            }
            Err(error) => left_out.push(crate::text::one_line(&format!("{error:#}"), 200)),
        }
    }
    if contenders.len() < 2 {
        bail!("{}", left_out.join("; "));
    }
    let side = evaluation::SideBySide::new(contenders, Split::Test, RESAMPLES)?;
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
    Ok(SideBySide { labels: side.labels, runs: judged, own, against_first: side.against_first, left_out })
}
