//! Metrics, thresholds and curves of every problem.

use super::*;

#[test]
fn the_generator_is_the_published_one() {
    assert_eq!(chestxr_tui::random::SplitMix64::new(1_234_567).next_u64(), 6_457_827_717_110_365_317);
}

#[test]
fn every_problem_comes_to_the_references_numbers() {
    let problems = golden().problems;
    assert_eq!(problems.len(), 225);
    for problem in &problems {
        assert_evaluated(&problem.name, &Images::of(problem), &problem.expected);
    }
}

/// What a rule makes the most of.
struct Aim {
    rule: ThresholdRule,
    value: fn(&Confusion) -> Option<f64>,
    /// The share of positives that has to be found for a cut to count.
    recall: f64,
    /// What calling nothing comes to, where the reference counts that as a cut.
    nothing: Option<f64>,
}

fn youden(counts: &Confusion) -> Option<f64> {
    Some(counts.recall()? + counts.specificity()? - 1.0)
}

/// The best over all cuts is the reference's, and the rule's threshold reaches the best over those cuts that a
/// threshold of at least 0 can make: all but the one that lets scores of 0 through.
#[track_caller]
fn assert_best(what: &str, cuts: &CutPoints, aim: &Aim, theirs: Option<f64>) {
    let value = |cut: &CutPoint| {
        let enough = cut.counts.recall().is_some_and(|recall| recall >= aim.recall);
        (aim.value)(&cut.counts).filter(|_| enough)
    };
    let most = |values: &mut dyn Iterator<Item = f64>| values.reduce(f64::max);
    let best = most(&mut cuts.iter().filter_map(|cut| value(&cut)));
    let with_nothing = most(&mut best.into_iter().chain(best.and(aim.nothing)));
    assert_same(what, with_nothing, theirs, EXACT);

    let reachable = most(&mut cuts.iter().filter(|cut| cut.score > 0.0).filter_map(|cut| value(&cut)));
    let chosen = cuts.choose(aim.rule);
    let reached = chosen.and_then(|threshold| {
        let counts = cuts.counts(threshold);
        assert!(threshold >= 0.0 && counts.recall().is_some_and(|recall| recall >= aim.recall), "{what}");
        (aim.value)(&counts)
    });
    assert_same(&format!("{what}, reached at {chosen:?}"), reached, reachable, EXACT);
    let Some(best) = best.filter(|best| reached.is_none_or(|reached| reached < best - EXACT)) else { return };
    // Only calling every image is that good, and images that score exactly 0 can't be called.
    let good: Vec<CutPoint> =
        cuts.iter().filter(|cut| value(cut).is_some_and(|value| value > best - EXACT)).collect();
    let everything = |cut: &CutPoint| cut.score == 0.0 && (cut.counts.tn, cut.counts.fn_) == (0, 0);
    assert!(good.len() == 1 && everything(&good[0]), "{what}: {good:?} was in reach, {chosen:?} was chosen");
}

#[track_caller]
pub fn assert_optima(name: &str, images: &Images, expected: &Conditions) {
    for class in 0..images.c {
        let cuts = CutPoints::of_class(&images.table(), class).expect("no score is NaN");
        let f1 = Aim { rule: ThresholdRule::MaxF1, value: Confusion::f1, recall: 0.0, nothing: None };
        let j = Aim { rule: ThresholdRule::Youden, value: youden, recall: 0.0, nothing: Some(0.0) };
        let finds = |recall: f64| Aim {
            rule: ThresholdRule::Sensitivity(recall),
            value: Confusion::specificity,
            recall,
            nothing: None,
        };
        for (key, aim, theirs) in [
            ("F1", f1, &expected.best_f1),
            ("Youden's J", j, &expected.best_youden),
            ("specificity at .95", finds(0.95), &expected.best_specificity_95),
            ("specificity at .5", finds(0.5), &expected.best_specificity_50),
        ] {
            if cuts.positives() == 0 {
                assert_eq!((cuts.choose(aim.rule), theirs[class]), (None, None), "{name}, {class}: {key}");
            } else {
                assert_best(&format!("{name}, condition {class}: {key}"), &cuts, &aim, theirs[class]);
            }
        }
    }
}

#[test]
fn a_rule_reaches_the_best_that_any_cut_can() {
    for problem in &golden().problems {
        assert_optima(&problem.name, &Images::of(problem), &problem.expected.conditions);
    }
}

#[test]
fn curves_have_scikit_learns_points() {
    let golden = golden();
    for case in &golden.curves {
        let images = Images::named(&golden.problems, &case.name);
        assert_eq!(case.conditions.len(), images.c, "{}", case.name);
        for (class, theirs) in case.conditions.iter().enumerate() {
            let what = format!("{}, condition {class}", case.name);
            let cuts = CutPoints::of_class(&images.table(), class).expect("no score is NaN");
            let (fpr, tpr): (Vec<f64>, Vec<f64>) = cuts.roc().into_iter().unzip();
            assert_same_points(&format!("{what}: fpr"), &fpr, theirs.fpr.as_deref().unwrap_or(&[]));
            assert_same_points(&format!("{what}: tpr"), &tpr, theirs.tpr.as_deref().unwrap_or(&[]));

            // scikit-learn goes from the lowest score up and ends at a made-up (recall 0, precision 1).
            let (mut recall, mut precision): (Vec<f64>, Vec<f64>) =
                cuts.precision_recall().into_iter().unzip();
            recall.reverse();
            precision.reverse();
            let Some(scores) = &theirs.pr_thresholds else {
                assert!(recall.is_empty() && theirs.recall.is_none(), "{what}");
                continue;
            };
            recall.push(0.0);
            precision.push(1.0);
            assert_same_points(&format!("{what}: recall"), &recall, theirs.recall.as_deref().unwrap_or(&[]));
            let expected = theirs.precision.as_deref().unwrap_or(&[]);
            assert_same_points(&format!("{what}: precision"), &precision, expected);
            let mut ours: Vec<f32> = cuts.iter().map(|cut| cut.score).collect();
            ours.reverse();
            assert_eq!(&ours, scores, "{what}");
        }
    }
}
