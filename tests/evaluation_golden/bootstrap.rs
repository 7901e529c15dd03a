//! Resamples, intervals, undefined scores.

use super::*;

/// A number of a resample, `None` where it is NaN.
fn defined(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

#[track_caller]
fn assert_interval(what: &str, values: &[f64], theirs: Percentiles) {
    let ours = interval(values.iter().copied());
    let count = values.iter().filter(|value| !value.is_nan()).count();
    assert_eq!(count, theirs.map_or(0, |theirs| theirs.2), "{what}: resamples that define it");
    assert_same(&format!("{what}: low"), ours.map(|ours| ours[0]), theirs.map(|theirs| theirs.0), EXACT);
    assert_same(&format!("{what}: high"), ours.map(|ours| ours[1]), theirs.map(|theirs| theirs.1), EXACT);
}

#[track_caller]
fn assert_series(what: &str, ours: &[f64], theirs: &[Option<f64>], percentiles: Percentiles) {
    assert_eq!(ours.len(), theirs.len(), "{what}: resamples");
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_same(&format!("{what}, resample {index}"), defined(*ours), *theirs, EXACT);
    }
    assert_interval(what, ours, percentiles);
}

#[track_caller]
fn assert_resampled(what: &str, bootstrap: &Bootstrap, weights: &[Vec<Weight>], theirs: &ResampledCase) {
    let draws: Vec<Draw> = weights.iter().map(|weights| bootstrap.resample(weights)).collect();
    let over = |number: &dyn Fn(&Draw) -> f64| draws.iter().map(number).collect::<Vec<f64>>();
    type Number = fn(&Resampled) -> f64;
    let each: [(&str, Number, &[Numbers], &[Percentiles]); 3] = [
        ("auroc", |numbers| numbers.auroc, &theirs.auroc, &theirs.interval.auroc),
        ("auprc", |numbers| numbers.auprc, &theirs.auprc, &theirs.interval.auprc),
        ("f1", |numbers| numbers.f1, &theirs.f1, &theirs.interval.f1),
    ];
    for (key, number, values, intervals) in each {
        for (class, percentiles) in intervals.iter().enumerate() {
            let expected: Numbers = values.iter().map(|row| row[class]).collect();
            let ours = over(&|draw| number(&draw.conditions[class]));
            assert_series(&format!("{what}: {key} of condition {class}"), &ours, &expected, *percentiles);
        }
    }
    let ours = over(&|draw| draw.macro_of(|numbers| numbers.auroc));
    assert_series(&format!("{what}: macro"), &ours, &theirs.macro_auroc, theirs.interval.macro_auroc);
    let ours = over(&|draw| draw.normal.auroc);
    assert_series(&format!("{what}: normal"), &ours, &theirs.normal_auroc, theirs.interval.normal_auroc);
}

#[test]
fn a_resample_of_images_comes_to_what_its_images_do() {
    let golden = golden();
    for case in &golden.bootstrap {
        let images = Images::named(&golden.problems, &case.name);
        let bootstrap = images.bootstrap(None);
        let weights: Vec<Vec<Weight>> =
            case.indices.iter().map(|drawn| bootstrap.units().weights(drawn.iter().copied())).collect();
        assert_resampled(&case.name, &bootstrap, &weights, &case.images);
    }
}

#[test]
fn a_resample_of_patients_takes_all_of_their_images() {
    let golden = golden();
    for case in &golden.bootstrap {
        let images = Images::named(&golden.problems, &case.name);
        let bootstrap = images.bootstrap(Some(&case.patients));
        // Units are numbered as their patients first appear, the reference's draws are patients.
        let mut units = HashMap::new();
        for patient in &case.patients {
            let next = units.len();
            units.entry(*patient).or_insert(next);
        }
        assert_eq!(bootstrap.units().len(), units.len(), "{}", case.name);
        let of_images = Units::new(case.patients.len(), None);
        let weights: Vec<Vec<Weight>> = case
            .patient_indices
            .iter()
            .map(|drawn| {
                let weights = bootstrap.units().weights(drawn.iter().map(|patient| units[patient]));
                let images_of = |wanted: &u32| {
                    let wanted = *wanted;
                    let images = case.patients.iter().enumerate();
                    images.filter(move |(_, patient)| **patient == wanted).map(|(image, _)| image)
                };
                assert_eq!(weights, of_images.weights(drawn.iter().flat_map(images_of)), "{}", case.name);
                weights
            })
            .collect();
        assert_resampled(&format!("{}, by patient", case.name), &bootstrap, &weights, &case.by_patient);
    }
}

/// A problem whose images are enough for intervals that mean something.
fn some_images() -> Images {
    let made = splitmix::problem(1000);
    Images { c: made.c, scores: made.scores, labels: made.labels, thresholds: made.thresholds }
}

#[test]
fn a_seed_gives_the_same_intervals_on_any_number_of_threads() {
    let images = some_images();
    let on = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| images.evaluate(Resampling { count: 50, seed, patients: None }))
    };
    let one = on(1, 7);
    assert!(
        one.iter().any(|(_, numbers)| numbers.auroc_ci.is_some()) && one.macro_average.auroc_ci.is_some()
    );
    assert_eq!(one, on(2, 7));
    assert_ne!(one, on(1, 8), "another seed draws other images");
}

#[test]
fn patients_with_several_images_are_drawn_as_one() {
    let images = some_images();
    let n = images.table().rows();
    let resampled = |patients: Option<&[u32]>| images.evaluate(Resampling { count: 50, seed: 7, patients });
    let by_image = resampled(None);
    let each_its_own: Vec<u32> = (0..n as u32).collect();
    let thirds: Vec<u32> = (0..n as u32).map(|image| image / 3).collect();
    let by_patient = resampled(Some(&thirds));
    assert_ne!(by_patient.macro_average.auroc_ci, by_image.macro_average.auroc_ci);
    let drawn = by_patient.bootstrap.expect("it is said what was drawn");
    assert_eq!((drawn.unit.as_str(), drawn.units, drawn.resamples), ("patients", n.div_ceil(3), 50));
    assert_eq!(resampled(Some(&each_its_own)).per_condition, by_image.per_condition);
}

#[test]
fn without_resamples_there_are_no_intervals() {
    let ours = some_images().evaluate(NO_INTERVALS);
    assert_eq!(ours.bootstrap, None);
    let means = &ours.macro_average;
    assert_eq!([means.auroc_ci, means.auprc_ci, means.f1_ci], [None; 3]);
    for numbers in ours.per_condition.values().chain([&ours.normal_detection.numbers]) {
        let ranked = [numbers.auroc_ci, numbers.auprc_ci];
        let counted = [numbers.precision_ci, numbers.recall_ci, numbers.specificity_ci, numbers.f1_ci];
        assert_eq!((ranked, counted), ([None; 2], [None; 4]));
    }
}

#[test]
fn a_nan_score_leaves_only_its_condition_and_normal_detection_undefined() {
    let images = some_images();
    let mut sick = some_images();
    sick.scores[5 * sick.c + 1] = f32::NAN;
    let resampling = Resampling { count: 20, seed: 7, patients: None };
    let (whole, ours) = (images.evaluate(resampling), sick.evaluate(resampling));
    assert!(
        whole.per_condition["c01"].auroc.is_some(),
        "the test needs a condition that is defined without it"
    );
    for (name, numbers) in ours.iter().filter(|(name, _)| *name != "c01") {
        assert_eq!(numbers, &whole.per_condition[name], "{name}");
    }
    for numbers in [&ours.per_condition["c01"], &ours.normal_detection.numbers] {
        assert_eq!([numbers.auroc, numbers.auprc, numbers.brier, numbers.ece], [None; 4]);
        assert_eq!([numbers.auroc_ci, numbers.auprc_ci], [None; 2]);
    }
    let defined = |evaluation: &Evaluation| evaluation.macro_average.n_conditions;
    assert_eq!(defined(&ours), defined(&whole) - 1);
    assert!(ours.macro_average.average.values.auroc.is_some());
}
