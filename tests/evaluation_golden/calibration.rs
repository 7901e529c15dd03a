//! Temperature, calibration bins, co-occurrence, and a published network.

use super::problems::assert_optima;
use super::*;

#[test]
fn a_temperature_costs_least() {
    for case in golden().temperature {
        let what = &case.name;
        let (labels, logits) = match case.seed {
            Some(seed) => {
                let made = splitmix::logits(seed);
                assert_eq!((made.n, made.c, Some(made.k_sum)), (case.n, case.c, case.k_sum), "{what}");
                (made.labels, made.logits)
            }
            None => {
                let written = "it is written out";
                (self::labels(&case.labels.expect(written)), case.logits.expect(written))
            }
        };
        let ours = temperature(&logits, &labels);
        assert_same(&format!("{what}: T"), ours, Some(case.t), SINGLE);
        let ours = ours.expect("it is defined");
        assert_eq!(ours == 0.05 || ours == 20.0, case.at_bound.is_some(), "{what}: an end of the range");
        for (when, t, bce, ece, ece_f64) in [
            ("before", 1.0, case.bce_before, case.ece_before, case.ece_before_f64),
            ("after", ours, case.bce_after, case.ece_after, case.ece_after_f64),
        ] {
            let cost = bce_at_temperature(&logits, &labels, t);
            assert_same(&format!("{what}: cost {when}"), cost, Some(bce), CLOSE);
            let probabilities = at_temperature(&logits, t);
            let pairs = probabilities.iter().zip(&labels).map(|(p, label)| (*p, *label != 0));
            let ours = Calibration::new(pairs).and_then(|bins| bins.ece());
            assert_same(&format!("{what}: ece {when}, torchmetrics"), ours, Some(ece), SINGLE);
            assert_same(&format!("{what}: ece {when}"), ours, Some(ece_f64), SINGLE);
        }
    }
}

#[test]
fn a_bin_starts_at_torchs_boundary() {
    let boundaries = golden().ece_boundaries;
    let bin = |probability: f32| {
        let bins = Calibration::new([(probability, true)]).expect("a probability").bins;
        bins.iter().position(|bin| bin.count == 1).expect("it is in one of them")
    };
    for (index, boundary) in boundaries.iter().enumerate() {
        assert_eq!(bin(*boundary), index, "{boundary}");
        if index > 0 {
            assert_eq!(bin(boundary.next_down()), index - 1, "just below {boundary}");
        }
    }
}

#[test]
fn conditions_come_together_as_often_as_counted() {
    let golden = golden();
    for case in &golden.cooccurrence {
        let images = Images::named(&golden.problems, &case.name);
        let ours = Cooccurrence::new(&images.table(), &images.thresholds);
        assert_eq!(ours.labelled, case.labelled, "{}", case.name);
        assert_eq!(ours.called, case.called, "{}", case.name);
    }
}

#[test]
fn a_published_networks_predictions_come_to_its_published_numbers() {
    let Some(folder) = support::real_images() else { return };
    let file = include_str!("../golden/evaluation_chexnet.json");
    let golden =
        serde_json::from_str::<ChexnetFile>(file).expect("the golden file has the shape above").chexnet;
    let archive =
        Archive::open(&folder.join("chexnet_predictions.npz"), Limits::default()).expect("it opens");
    let scores = archive.read_f32("probs").expect("probabilities").values;
    let labels = archive.read_u8("labels_chestmnist").expect("labels").values;
    let published = archive.read_f64("auc_chestmnist_labels").expect("AUROCs").values;
    let images = Images { c: golden.c, scores, labels, thresholds: golden.thresholds };
    assert_eq!(images.scores.len(), golden.n * golden.c);
    assert_evaluated("chexnet", &images, &golden.expected);
    assert_optima("chexnet", &images, &golden.expected.conditions);
    let ours = images.evaluate(NO_INTERVALS);
    assert_same("macro AUROC", ours.macro_average.average.values.auroc, Some(0.83792), 5e-6);
    for (class, (_, numbers)) in ours.iter().enumerate() {
        let what = format!("condition {class}");
        assert_same(&what, numbers.auroc, Some(published[class]), 1e-9);
        let (scores, labels): (Vec<f32>, Vec<u8>) =
            images.table().column(class).map(|(score, label)| (score, u8::from(label))).unzip();
        let delong = delong(&scores, &labels).expect("both classes are there");
        let [low, high] = delong.interval();
        assert_same(&what, Some(delong.auroc), Some(golden.delong.auc[class]), EXACT);
        assert_same_share(&what, Some(delong.variance), Some(golden.delong.var[class]), CLOSE);
        assert_same(&what, Some(low), Some(golden.delong.low[class]), CLOSE);
        assert_same(&what, Some(high), Some(golden.delong.high[class]), CLOSE);
    }
}
