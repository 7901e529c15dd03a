//! Every figure draws whatever it is given, and what it draws is a PNG of the right size.

use super::*;
use crate::metrics::Confusion;

const SUBTITLE: &str = "chestnet-s a1b2, test split, 22,433 images";
const MANY: [usize; 5] = [0, 1, 2, 14, 20];

/// Names with all that might break a drawing; one of 40 characters and one with markup.
fn name(index: usize) -> String {
    match index {
        0 => "Pleural thickening of the upper left lobe".chars().take(40).collect(),
        1 => "a<b> & \"c\"\u{1b}[31m\u{0}".to_owned(),
        _ => format!("Condition {index}"),
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(name).collect()
}

/// Every third one is undefined.
fn estimate(index: usize) -> Estimate {
    match index % 3 {
        0 => Estimate::default(),
        1 => Estimate { value: Some(0.8), interval: Some([0.7, 0.9]) },
        _ => Estimate { value: Some(0.45), interval: None },
    }
}

fn value(index: usize) -> Option<f64> {
    estimate(index).value
}

fn curve(index: usize) -> Curve {
    match index % 3 {
        0 => Curve::default(),
        1 => Curve { x: vec![0.0, 0.1, 1.0], y: vec![0.0, 0.7, 1.0] },
        _ => Curve { x: vec![0.0, f64::NAN, 1.0], y: vec![f64::INFINITY, 0.5] },
    }
}

fn reliability(index: usize) -> Reliability {
    let bin = |count| Bin { mean_predicted: 0.1 * count as f64, observed: 0.05, count };
    let nothing = Bin { mean_predicted: f64::NAN, observed: f64::NAN, count: 0 };
    Reliability { bins: (0..index as u64).map(bin).chain([nothing]).collect(), ece: value(index) }
}

/// Width and height in pixels; the picture is decoded to its last row.
fn size(png: Result<Vec<u8>, FigureError>) -> (u32, u32) {
    let png = png.expect("the figure is drawn");
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("a picture");
    let inked = pixels.chunks_exact(4).filter(|pixel| pixel[..3] != [255; 3]).count();
    assert!(inked > 500, "only {inked} pixels are drawn");
    (frame.width, frame.height)
}

#[test]
fn figures_with_one_row_a_condition() {
    let mut heights = Vec::new();
    for count in MANY {
        let auc: Vec<_> = (0..count)
            .map(|index| AucRow { name: name(index), auroc: estimate(index), support: index as u64 })
            .collect();
        let (width, height) = size(auc_by_condition(&auc, &estimate(count), SUBTITLE));
        assert_eq!(width, 1800);
        heights.push(height);
        let classes: Vec<_> = (0..count)
            .map(|index| ClassRow {
                name: name(index),
                precision: value(index),
                recall: value(index + 1),
                f1: Some(f64::NAN),
                threshold: 0.5,
            })
            .collect();
        size(class_metrics(&classes, SUBTITLE));
        let support: Vec<_> = (0..count)
            .map(|index| SupportRow { name: name(index), positives: index as u64, total: count as u64 - 1 })
            .collect();
        size(condition_support(&support, SUBTITLE));
        let differences: Vec<_> = (0..count)
            .map(|index| DifferenceRow { name: name(index), difference: estimate(index), p: value(index) })
            .collect();
        size(difference_plot(&differences, "a < b", "c & d", SUBTITLE));
    }
    assert!(heights[1..].windows(2).all(|pair| pair[0] < pair[1]), "{heights:?}");
}

#[test]
fn figures_with_one_panel_a_condition() {
    for count in MANY {
        let roc: Vec<_> = (0..count)
            .map(|index| RocPanel {
                name: name(index),
                curve: curve(index),
                auroc: estimate(index),
                operating_point: value(index).map(|value| (0.2, value)),
            })
            .collect();
        let (width, _) = size(roc_curves(&roc, SUBTITLE));
        assert!(count < 14 || (2100..=2200).contains(&width), "{width}");
        let pr: Vec<_> = (0..count)
            .map(|index| PrPanel {
                name: name(index),
                curve: curve(index),
                auprc: estimate(index),
                operating_point: Some((f64::NAN, 0.5)),
                prevalence: 0.1,
            })
            .collect();
        size(pr_curves(&pr, SUBTITLE));
        let overlay: Vec<_> = (0..count)
            .map(|index| OverlayPanel {
                name: name(index),
                curves: (0..6).map(curve).collect(),
                aurocs: (0..6).map(value).collect(),
            })
            .collect();
        size(roc_overlay(&overlay, &names(6), SUBTITLE));
        let thresholds: Vec<_> = (0..count)
            .map(|index| ThresholdPanel {
                name: name(index),
                thresholds: curve(index).x,
                f1: curve(index).y,
                precision: vec![],
                recall: curve(index).y,
                chosen: value(index).unwrap_or(f64::NAN),
            })
            .collect();
        size(threshold_curves(&thresholds, SUBTITLE));
        let calibrated: Vec<_> = (0..count)
            .map(|index| CalibrationPanel { name: name(index), reliability: reliability(index) })
            .collect();
        size(calibration(&reliability(count), &reliability(0), 1.3, &calibrated, SUBTITLE));
    }
}

#[test]
fn matrices() {
    for count in MANY {
        let counts: Vec<Vec<u64>> =
            (0..count).map(|row| (0..count).map(|column| (row * column) as u64).collect()).collect();
        // The second one lacks rows, the third one is as large as numbers get.
        size(cooccurrence(&names(count), &counts, &counts[..count / 2], SUBTITLE));
    }
    let full = Confusion { tn: u64::MAX, fp: u64::MAX, fn_: u64::MAX, tp: u64::MAX };
    for (index, counts) in [Confusion::default(), full].iter().enumerate() {
        let drawn = size(confusion_matrix(&name(index), ["any finding", "normal"], counts, 0.5, SUBTITLE));
        assert!((1200..1400).contains(&drawn.0), "{drawn:?}");
    }
}

#[test]
fn normal_detection_and_learning_curves() {
    for index in 0..3 {
        let scores = vec![index as u64; 10 * index];
        let threshold = [f64::NAN, 0.0, 1.0][index];
        let point = [(f64::NAN, 0.0), (0.0, 1.0), (1.0, 1.0)][index];
        let auroc = estimate(index);
        let drawn = normal_detection(&curve(index), &auroc, point, &scores, &[], threshold, SUBTITLE);
        assert_eq!(size(drawn).0, 2000);
    }
    for count in 0..5 {
        let metric = |index| MetricPanel { title: name(index), curves: (0..count).map(curve).collect() };
        let metrics: Vec<_> = (0..count).map(metric).collect();
        size(learning_curves(&metrics, &names(count), SUBTITLE));
    }
}

#[test]
fn networks_of_any_size() {
    for count in MANY {
        let row = |index: usize| Row {
            text: name(index),
            beside: name(index / 2),
            parameters: Range { low: index as u64, high: u64::MAX },
        };
        let card = |index: usize| Card {
            title: name(index),
            times: index,
            rows: (0..index).map(row).collect(),
            around: (index % 2 == 1).then(|| Around { sign: "+", projection: Some(row(index)) }),
            output: "64 × 8 × 8".to_owned(),
            parameters: u64::MAX,
        };
        let stage = |index| Stage { title: name(index), cards: (0..index % 4).map(card).collect() };
        let stages: Vec<_> = (0..count).map(stage).collect();
        let (width, _) = size(architecture(&stages, &name(1), SUBTITLE));
        assert!(count < 14 || (3700..3800).contains(&width), "{width}");
    }
}

#[test]
fn the_same_numbers_give_the_same_bytes() {
    let draw = || roc_curves(&[], SUBTITLE).expect("the figure is drawn");
    assert_eq!(draw(), draw());
}
