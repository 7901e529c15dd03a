//! `report.md`: an evaluation written as a paper's results section, with what to be careful about.

use std::fmt::Write;

use super::Sheet;
use super::drawing::FIGURES;
use crate::metrics::{Basis, ConditionEvaluation, Evaluation, FEW_POSITIVES, Interval};
use crate::text::thousands;

/// Marks a condition with few positive images.
const FEW_MARK: &str = " †";

/// The report in Markdown.
pub fn markdown(sheet: &Sheet) -> String {
    let sections =
        [opening, summary, discrimination, operating_points, averages, normal, calibration, figures, caveats];
    sections.iter().map(|section| section(sheet)).collect::<Vec<_>>().join("\n")
}

/// A value with three digits, `–` where undefined.
fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or("–".to_owned(), |value| format!("{value:.3}"))
}

/// A value with its interval.
fn estimate(value: Option<f64>, interval: Option<Interval>) -> String {
    match interval {
        Some([low, high]) if value.is_some() => format!("{} ({low:.3}–{high:.3})", number(value)),
        _ => number(value),
    }
}

/// A table in Markdown: its heading, and rows; all columns but the first stand at the right.
pub fn table(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|---|{}\n", heading.join(" | "), "--:|".repeat(heading.len() - 1));
    for row in rows {
        // Names come from files: a bar would break the table.
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "/")).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

fn conditions<'a>(sheet: &'a Sheet) -> impl Iterator<Item = (&'a str, &'a ConditionEvaluation)> {
    let names = sheet.labels.iter().map(|condition| condition.name.as_str());
    names.zip(sheet.evaluation.iter().map(|(_, numbers)| numbers))
}

fn opening(sheet: &Sheet) -> String {
    let Evaluation { split, n, epoch, bootstrap, .. } = sheet.evaluation;
    let mut out = format!("# Results: {} on the {split} images\n\n{}", sheet.title, sheet.origin);
    if let Some(epoch) = epoch {
        let _ = write!(out, " The weights are those of epoch {epoch}, the best by the monitored value.");
    }
    let count = thousands(*n as u64);
    let _ = write!(out, " {count} images were evaluated for {} conditions.", sheet.labels.len());
    let _ = match bootstrap {
        Some(drawn) => write!(
            out,
            " Figures in parentheses are 95 % percentile intervals over {} bootstrap resamples of the {} {}.",
            thousands(drawn.resamples as u64),
            thousands(drawn.units as u64),
            if sheet.evaluation.resampled_by_image() {
                "images (patients are unknown, so they are too narrow)"
            } else {
                &drawn.unit
            }
        ),
        None => write!(out, " No intervals were computed."),
    };
    let _ = writeln!(
        out,
        " Thresholds were chosen on the {} images by the rule `{}`; an image is predicted positive when its probability is higher.",
        sheet.thresholds.split, sheet.thresholds.rule
    );
    out
}

fn summary(sheet: &Sheet) -> String {
    let Evaluation { macro_average: mean, micro_average: micro, normal_detection, medmnist, .. } =
        sheet.evaluation;
    let values = &mean.average.values;
    let over = |defined: usize| format!("{defined} of {} conditions", sheet.labels.len());
    let defined = &mean.average.defined;
    let row = |name: &str, value: String, over: String| vec![name.to_owned(), value, over];
    let all = "all image-condition pairs".to_owned();
    format!(
        "## Summary\n\n{}",
        table(
            &["measure", "value", "over"],
            [
                row("macro AUROC", estimate(values.auroc, mean.auroc_ci), over(defined.auroc)),
                row("macro AUPRC", estimate(values.auprc, mean.auprc_ci), over(defined.auprc)),
                row("macro F1", estimate(values.f1, mean.f1_ci), over(defined.f1)),
                row("micro F1", number(micro.f1), all.clone()),
                row("micro AUROC", number(micro.auroc), all),
                row(
                    "AUROC, normal against any finding",
                    estimate(normal_detection.numbers.auroc, normal_detection.numbers.auroc_ci),
                    "all images".to_owned(),
                ),
                row("AUC as MedMNIST has it", number(medmnist.auc), over(defined.auroc)),
                row("ACC as MedMNIST has it (at .5)", number(medmnist.acc), over(sheet.labels.len())),
            ]
        )
    )
}

/// The number of positive images, marked where it is small.
fn support(condition: &ConditionEvaluation) -> String {
    let mark = if condition.support < FEW_POSITIVES { FEW_MARK } else { "" };
    format!("{}{mark}", thousands(condition.support))
}

fn discrimination(sheet: &Sheet) -> String {
    let mut rows: Vec<(&str, &ConditionEvaluation)> = conditions(sheet).collect();
    rows.sort_by(|a, b| b.1.auroc.unwrap_or(-1.0).total_cmp(&a.1.auroc.unwrap_or(-1.0)));
    let cells = rows.iter().map(|(name, c)| {
        vec![
            (*name).to_owned(),
            support(c),
            number(c.prevalence),
            estimate(c.auroc, c.auroc_ci),
            estimate(c.auprc, c.auprc_ci),
        ]
    });
    let heading = ["condition", "positive images", "prevalence", "AUROC", "AUPRC"];
    let mut out = format!("## Ranking, by AUROC\n\n{}", table(&heading, cells));
    let mut defined = rows.iter().filter(|(_, c)| c.auroc.is_some() && c.support >= FEW_POSITIVES);
    if let (Some((best, b)), Some((worst, w))) = (defined.clone().next(), defined.next_back())
        && best != worst
    {
        let _ = writeln!(
            out,
            "\nThe ranking is best for {} ({}) and worst for {} ({}). AUPRC is to be read against the prevalence, \
             which is what a network that guesses reaches.",
            best.to_lowercase(),
            estimate(b.auroc, b.auroc_ci),
            worst.to_lowercase(),
            estimate(w.auroc, w.auroc_ci)
        );
    }
    out
}

fn operating_points(sheet: &Sheet) -> String {
    let rows = conditions(sheet).map(|(name, c)| {
        vec![
            name.to_owned(),
            support(c),
            format!("{}", c.threshold),
            thousands(c.counts.tp),
            thousands(c.counts.fp),
            thousands(c.counts.fn_),
            thousands(c.counts.tn),
            estimate(c.recall, c.recall_ci),
            estimate(c.specificity, c.specificity_ci),
            estimate(c.precision, c.precision_ci),
            number(c.npv),
            estimate(c.f1, c.f1_ci),
            number(c.mcc),
        ]
    });
    let heading = [
        "condition",
        "positive images",
        "threshold",
        "TP",
        "FP",
        "FN",
        "TN",
        "sensitivity",
        "specificity",
        "precision",
        "NPV",
        "F1",
        "MCC",
    ];
    format!("## At the thresholds\n\n{}", table(&heading, rows))
}

fn averages(sheet: &Sheet) -> String {
    let Evaluation { macro_average, weighted, samples, micro_average: micro, n, .. } = sheet.evaluation;
    let row = |name: &str, average: &crate::metrics::Average, over: usize| {
        let v = &average.values;
        let d = &average.defined;
        let cell = |value: Option<f64>, defined: usize| match defined == over {
            true => number(value),
            false => format!("{} [{}]", number(value), thousands(defined as u64)),
        };
        vec![
            name.to_owned(),
            cell(v.auroc, d.auroc),
            cell(v.auprc, d.auprc),
            cell(v.precision, d.precision),
            cell(v.recall, d.recall),
            cell(v.f1, d.f1),
        ]
    };
    let micro_row = vec![
        "micro".to_owned(),
        number(micro.auroc),
        number(micro.auprc),
        number(micro.precision),
        number(micro.recall),
        number(micro.f1),
    ];
    let classes = sheet.labels.len();
    let rows = [
        row("macro", &macro_average.average, classes),
        row("weighted by support", weighted, classes),
        micro_row,
        row("samples (image by image)", samples, *n),
    ];
    format!(
        "## Averages\n\n{}\nA number in brackets says over how many conditions or images a mean was taken, where it is \
         undefined for the others. Micro accuracy is {}, which says little: calling nothing reaches nearly as much \
         where conditions are rare.\n",
        table(&["average", "AUROC", "AUPRC", "precision", "recall", "F1"], rows),
        number(micro.accuracy)
    )
}

fn normal(sheet: &Sheet) -> String {
    let detection = &sheet.evaluation.normal_detection;
    let c = &detection.numbers;
    let [negative, positive] = &detection.classes;
    let counts = [
        vec![format!("actual {negative}"), thousands(c.counts.tn), thousands(c.counts.fp)],
        vec![format!("actual {positive}"), thousands(c.counts.fn_), thousands(c.counts.tp)],
    ];
    let heading = ["", &format!("predicted {negative}"), &format!("predicted {positive}")];
    format!(
        "## Normal against any finding\n\nA image without any label is normal; its score is 1 less the greatest \
         probability. AUROC {}, and at the threshold {}: sensitivity for normal {}, specificity {}, precision {}, F1 \
         {}.\n\n{}",
        estimate(c.auroc, c.auroc_ci),
        c.threshold,
        estimate(c.recall, c.recall_ci),
        estimate(c.specificity, c.specificity_ci),
        estimate(c.precision, c.precision_ci),
        estimate(c.f1, c.f1_ci),
        table(&heading, counts)
    )
}

fn calibration(sheet: &Sheet) -> String {
    let Evaluation { calibration, .. } = sheet.evaluation;
    let mut out = "## Calibration\n\n".to_owned();
    let _ = match (calibration.temperature, calibration.ece_after) {
        (Some(temperature), Some(after)) => writeln!(
            out,
            "Over all image-condition pairs the expected calibration error (15 bins) is {} and becomes {after:.3} when \
             logits are divided by a temperature of {temperature:.3} fitted on the {} images.\n",
            number(calibration.ece_before),
            sheet.thresholds.split
        ),
        _ => writeln!(
            out,
            "Over all image-condition pairs the expected calibration error (15 bins) is {}. No temperature was fitted.\n",
            number(calibration.ece_before)
        ),
    };
    let rows = conditions(sheet)
        .map(|(name, c)| vec![name.to_owned(), number(c.brier), number(c.ece), number(c.prevalence)]);
    out + &table(&["condition", "Brier score", "ECE", "prevalence"], rows)
}

fn figures(sheet: &Sheet) -> String {
    let mut out = "## Figures\n\n".to_owned();
    for figure in FIGURES {
        if let Some(name) = figure.file.strip_suffix(".png") {
            let _ = writeln!(out, "![{}]({}.png)\n", name.replace('_', " "), name);
        }
    }
    let matrices = sheet
        .labels
        .iter()
        .map(|c| format!("[{}](confusion_matrix_{}.png)", c.name, crate::text::file_part(&c.key)));
    let _ = writeln!(out, "Confusion matrices: {}.", matrices.collect::<Vec<_>>().join(", "));
    out
}

fn caveats(sheet: &Sheet) -> String {
    let Evaluation { split, macro_average, .. } = sheet.evaluation;
    let mut says = Vec::new();
    let listed = |test: &dyn Fn(&ConditionEvaluation) -> bool| -> Vec<String> {
        conditions(sheet).filter(|(_, c)| test(c)).map(|(name, _)| name.to_lowercase()).collect()
    };
    let undefined = listed(&|c| c.auroc.is_none());
    if !undefined.is_empty() {
        says.push(format!(
            "AUROC is undefined for {} (no image with it, none without it, or a score that is no number) and left out of \
             the means, which are over {} conditions.",
            undefined.join(", "),
            macro_average.n_conditions
        ));
    }
    if let Some(unknown) = sheet.evaluation.unknown_labels() {
        says.push(format!("Labels are unknown, and left out of every number, for {unknown}."));
    }
    let rare = listed(&|c| c.auroc.is_some() && c.support < FEW_POSITIVES);
    if !rare.is_empty() {
        says.push(format!(
            "† Fewer than {FEW_POSITIVES} positive images: {}. Their numbers move by an image or two, and their intervals are too \
             narrow to trust.",
            rare.join(", ")
        ));
    }
    let by_default: Vec<&str> = sheet
        .labels
        .iter()
        .filter(|c| sheet.thresholds.conditions.get(&c.key).is_some_and(|chosen| chosen.by == Basis::Default))
        .map(|c| c.name.as_str())
        .collect();
    if !by_default.is_empty() {
        says.push(format!(
            "The rule is undefined for {} on the {} images, so the threshold there is .5.",
            by_default.join(", ").to_lowercase(),
            sheet.thresholds.split
        ));
    }
    if sheet.thresholds.split == *split {
        says.push(
            "The thresholds were chosen on the same images that are evaluated: F1, sensitivity and precision are optimistic."
                .to_owned(),
        );
    }
    if sheet.evaluation.resampled_by_image() {
        says.push(
            "Patients aren't known here, so intervals are over images; several images of one patient make them too narrow."
                .to_owned(),
        );
    }
    says.push(
        "ChestX-ray14's labels were mined from reports; about a tenth are wrong. What a network is blamed for may be the \
         label's mistake."
            .to_owned(),
    );
    says.push("Not a medical device: nothing here is fit for decisions about patients.".to_owned());
    let items: Vec<String> = says.iter().map(|text| format!("- {text}")).collect();
    format!("## Read with care\n\n{}\n", items.join("\n"))
}
