//! DeLong and Holm.

use super::*;

#[test]
fn delongs_variances_are_those_of_exact_arithmetic() {
    for case in golden().delong {
        let what = &case.name;
        let (labels, a, b) = match case.seed {
            Some(seed) => {
                let made = splitmix::pair(seed);
                assert_eq!(
                    [Some(made.k_sums[0]), Some(made.k_sums[1])],
                    [case.k_sum_a, case.k_sum_b],
                    "{what}"
                );
                (made.labels, made.a, made.b)
            }
            None => {
                let written = "it is written out";
                let labels = labels(&case.labels.expect(written));
                (labels, case.scores_a.expect(written), case.scores_b.expect(written))
            }
        };
        assert_eq!((labels.len(), a.len(), b.len()), (case.n, case.n, case.n), "{what}");
        for (network, scores, auc, var, ci) in
            [("a", &a, case.auc_a, case.var_a, case.ci_a), ("b", &b, case.auc_b, case.var_b, case.ci_b)]
        {
            let what = format!("{what}, {network}");
            assert_same(&what, auroc(scores, &labels), auc, EXACT);
            let ours = delong(scores, &labels);
            assert_same(&what, ours.map(|ours| ours.auroc), auc.filter(|_| var.is_some()), EXACT);
            assert_same_share(&format!("{what}: variance"), ours.map(|ours| ours.variance), var, CLOSE);
            for end in [0, 1] {
                let bound = ours.map(|ours| ours.interval()[end]);
                assert_same(&format!("{what}: interval"), bound, ci.map(|ci| ci[end]), CLOSE);
            }
        }
        let ours = paired_delong(&a, &b, &labels);
        assert_same(&format!("{what}: covariance"), ours.map(|ours| ours.covariance), case.cov, EXACT);
        let variance = ours.map(|ours| ours.a.variance + ours.b.variance - 2.0 * ours.covariance);
        assert_same(&format!("{what}: variance of the difference"), variance, case.var_diff, EXACT);
        let difference = case.auc_b.zip(case.auc_a).map(|(b, a)| b - a).filter(|_| case.var_a.is_some());
        assert_same(&format!("{what}: difference"), ours.map(|ours| ours.difference), difference, EXACT);
        assert_same(&format!("{what}: z"), ours.and_then(|ours| ours.z), case.z, CLOSE);
        assert_same_share(&format!("{what}: p"), ours.and_then(|ours| ours.p), case.p, CLOSE);
        for (end, side) in [-1.0, 1.0].into_iter().enumerate() {
            let theirs = difference.zip(case.var_diff);
            let theirs =
                theirs.map(|(difference, var)| difference + side * 1.959_963_984_540_054 * var.sqrt());
            let bound = ours.map(|ours| ours.difference_ci[end]);
            assert_same(&format!("{what}: interval of the difference"), bound, theirs, CLOSE);
        }
    }
}

#[test]
fn holms_adjusted_values_are_statsmodels() {
    for case in golden().holm {
        let given: Numbers = case.p.iter().copied().map(Some).collect();
        let ours = holm(&given);
        assert_eq!(ours.len(), case.adjusted.len());
        for (ours, theirs) in ours.into_iter().zip(&case.adjusted) {
            assert_same(&format!("{:?}", case.p), ours, Some(*theirs), EXACT);
        }
        // What is undefined keeps its place and changes nothing.
        let with_a_gap: Numbers = std::iter::once(None).chain(given).collect();
        let ours = holm(&with_a_gap);
        assert_eq!(ours[0], None);
        assert_eq!(ours.into_iter().flatten().count(), case.adjusted.len());
    }
}
