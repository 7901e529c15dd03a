#!/usr/bin/env python3
"""Writes ../golden/evaluation.json and ../golden/evaluation_chexnet.json: what scikit-learn, torchmetrics, scipy,
statsmodels and two published DeLong programs say about seeded problems, awkward ones and real predictions.

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install numpy scipy scikit-learn torch torchmetrics statsmodels MLstatkit
    /tmp/venv/bin/pip install --no-deps confidenceinterval medmnist   # the first wants an old setuptools
    /tmp/venv/bin/python tests/reference/evaluation_golden.py

MLstatkit, confidenceinterval, statsmodels and medmnist only confirm what is computed here anyway; each is left out
where it isn't installed, and "checked_with" names those that were there. chexnet_predictions.npz is looked for in
$CHESTXR_SAMPLE_DIR (default ../shared/data beside the repository); without it the second file isn't written. About
two minutes on two cores.

Every float64 is written so that it reads back exactly (serde_json needs its feature `float_roundtrip` for that), a
float32 in the shortest digits that give it back. null is what is undefined. Labels written out are a string of 0
and 1, row-major, as are written-out scores.

# The generator

SplitMix64, all arithmetic in wrapping u64:

    next():  state += 0x9E3779B97F4A7C15;  z = state
             z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
             z = (z ^ (z >> 27)) * 0x94D049BB133111EB
             return z ^ (z >> 31)

`state` starts as the seed. `%` and `/` below are of unsigned integers; every line that says next() draws once, in
the order written. "level" is 2^m, a score is k / 2^m with an integer k of 0..=2^m, so it is exact in float32.

A problem (seed -> n, c, thresholds, labels, scores):

    m     = [2, 3, 5, 8, 12, 16][next() % 6]
    band  = next() % 4
    n     = [2, 10, 41, 151][band] + next() % [8, 31, 110, 250][band]         # 2..=400
    c1    = next() % 14;  c2 = next() % 14;  c = 1 + min(c1, c2)              # 1..=14
    for each condition 0..c:
        kind = next() % 16;  e = next() % 1001
        rate = 0 if kind == 0, 1000 if kind == 1, e % 301 if kind < 12, else e
        shift = next() % (2^m / 2 + 1)
        threshold = (next() % 49) / 64
    for each image 0..n, for each condition 0..c (row-major):
        label = (next() % 1000) < rate
        a = next() % (2^m + 1);  b = next() % (2^m + 1)
        k = min(2^m, ((a * b) >> m) + (shift if label else 0))
        score = k / 2^m

A pair of networks on the same images (`delong`; seed -> n, labels, scores_a, scores_b):

    m     = [2, 3, 5, 8, 12, 16][next() % 6]
    band  = next() % 4
    n     = 4 + next() % [6, 30, 120, 396][band]                              # 4..=399
    rate  = 100 + next() % 801
    sa    = next() % (2^m / 2 + 1);  sb = next() % (2^m / 2 + 1)
    for each image 0..n:
        label = (next() % 1000) < rate
        a = next() % (2^m + 1);  b = next() % (2^m + 1);  d = next() % (2^m + 1)
        score_a = min(2^m, ((a * b) >> m) + (sa if label else 0)) / 2^m
        score_b = min(2^m, ((a * d) >> m) + (sb if label else 0)) / 2^m

Logits (`temperature`; seed -> n, c, labels, logits; here k and the subtractions are signed):

    n      = 5 + next() % 96
    c      = 1 + next() % 5
    rate   = 100 + next() % 601
    spread = [64, 128, 256, 512][next() % 4]
    shift  = 64 + next() % 385
    for each image 0..n, for each condition 0..c (row-major):
        label = (next() % 1000) < rate
        a = next() % (spread + 1);  b = next() % (spread + 1)
        k = clamp(a + b - spread - shift / 2 + (shift if label else 0), -512, 512)
        logit = k / 64

`k_sum` (for a pair `k_sum_a`, `k_sum_b`) is the sum of all k, to see that a generator agrees before its numbers do.

# evaluation.json

A positive call is score > threshold, strictly, in float32. A condition's values stand in parallel arrays, one entry
a condition.

- `problems`: 200 seeded ones and the awkward ones, whose `scores`, `labels` and `thresholds` are written out.
  - `conditions`: `support` (positives), `prevalence`, `auroc` (null without positives or without negatives),
    `auprc` (average precision; null without positives), `tn`, `fp`, `fn`, `tp` at the threshold, `precision`,
    `recall`, `specificity`, `npv`, `f1` (null where the denominator is 0, f1 only if tp + fp + fn == 0), `mcc` (null
    where a margin is 0; scikit-learn gives 0.0), `balanced_accuracy` (null where a class is absent), `brier`
    (float64), `ece` and `ece_f64` (below), and the best that any cut can reach: `best_f1` over all cuts of
    precision_recall_curve, calling nothing excluded, `best_youden` over those of roc_curve (calling nothing and
    calling everything included, so never below 0), `best_specificity_95` and `best_specificity_50`: the largest
    specificity among cuts with recall >= .95, >= .5. These cuts are "score >= a score that occurs", the lowest
    calls every image, which no threshold of 0 or more does with a strict > where a score is 0. best_f1 is null
    without positives, the other three also without negatives.
  - `macro`: [mean over the conditions where it is defined, how many]; `weighted`: mean over those weighted by
    support (null where the weights add up to 0); `micro`: all N x C cells as one condition, each called at its own
    condition's threshold; `samples`: [mean over the images where it is defined, how many], each image over its C
    conditions. `subset_accuracy`: the share of images with every condition called rightly.
  - `medmnist`: `auc` mean of the defined AUROCs, `acc` mean over conditions of the accuracy at score > .5
    (medmnist 3.0.2, evaluator.py, getAUC and getACC for "multi-label, binary-class").
  - `normal`: positive is an image without any label, its score 1 - max over conditions, in float32. At .5 the image
    is called normal if that score > .5, so max < .5: an image whose highest score is exactly .5 is neither called
    normal nor to have a finding. `no_call`: [tn, fp, fn, tp] where the image is called normal if no condition is
    called at its own threshold.
- `curves`: of 12 problems, one entry a condition: roc_curve(drop_intermediate=False) as `fpr` and `tpr` (both null
  if either is undefined; calling nothing comes first) and precision_recall_curve as `precision`, `recall`,
  `pr_thresholds` (null without positives; ascending thresholds, one fewer than points: the last point is 1, 0).
- `bootstrap`: of 3 problems: `indices` (20 resamples of N images) with `images`, and `patients` (an id an image),
  `patient_indices` (20 resamples of the P patients by id, each time all images of the drawn patient, in the order
  of the draw) with `by_patient`. Both hold for each resample `auroc`, `auprc`, `f1` (a list over conditions each, at
  the problem's thresholds), `macro_auroc` over the defined, `normal_auroc`; and `interval`: numpy.percentile at 2.5
  and 97.5 (linear) over the resamples where it is defined as [low, high, how many], null where none is.
- `delong`: `auc_a`, `auc_b`, `var_a`, `var_b`, `cov` by structural components (DeLong, DeLong & Clarke-Pearson 1988)
  over all pairs in exact rational arithmetic; null variances with fewer than two positives or negatives, whose
  denominators are 0. `ci_a`, `ci_b`: value -+ 1.959963984540054 sd clipped to 0..1. `var_diff` = var_a + var_b - 2
  cov, exact before it is rounded, so a 0 is a 0. `z` = (auc_b - auc_a) / sqrt(var_diff), `p` two-sided; z 0 and p 1
  where var_diff and the difference are 0, null where only var_diff is.
- `holm`: `p` and Holm's `adjusted`, in the order given.
- `temperature`: the `t` in .05..=20 with the lowest mean binary cross-entropy of logit / t over all N x C,
  `bce_before` (t = 1), `bce_after`, and the ECE of all N x C as one, `ece_before`, `ece_after` with their `_f64`. The
  probabilities are the sigmoid in float64 rounded to float32; none lies within 2e-7 of a bin's boundary. Two
  written-out problems have their best t at an end of the range (`at_bound`).
- `cooccurrence`: of 5 problems: C x C counts of images `labelled` with both and `called` with both.

# ECE: how torchmetrics bins (BinaryCalibrationError(n_bins=15, norm="l1"); version 1.9.0)

Confidence is the probability of the positive class, "accuracy" the label. Boundaries are torch.linspace(0, 1, 16) in
the dtype of the probabilities, so float32 here: `ece_boundaries`, written out. They are not i / 15 rounded: with the
float32 s = 1 / 15, boundary i is i * s (rounded once) for i < 8 and fused 1 - (15 - i) * s (one rounding) for the
others. The bin is bucketize(p, boundaries, right=True) - 1, the number of boundaries <= p less one: a bin
holds its lower boundary and not its upper, and a probability of exactly 1.0 falls in a 16th bin of its own. Per bin
the mean probability and the share of positives are float32 sums divided in float32; the result is the sum over bins
of |share - mean| * count / N. `ece` is torchmetrics' float32 result; `ece_f64` has the same float32 bins with sums
in float64 (within 1e-6 of `ece` in every problem; asserted).

# evaluation_chexnet.json

The same of a published DenseNet-121 on the 22,433 images of ChestMNIST's test part (`probs`, `labels_chestmnist`),
thresholds max(1, round(64 quantile(p_c, 1 - prevalence_c))) / 64. `delong`: `auc`, `var`, `low`, `high` from float64
midranks, checked against all pairs on the first 1,500 images and against confidenceinterval on all.
"""

import json
import os
import time
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
import torch
import torchmetrics
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

from evaluation_peers import MLstatkit, confidenceinterval, statsmodels, medmnist_version
from evaluation_problems import make_problem, awkward_problems, numbers32, close
from evaluation_metrics import evaluate, problem_case
from evaluation_statistics import curve_case, curve_problems, bootstrap_case, bootstrap_problems, components, wald, midrank_delong, delong_cases, holm_cases, temperature_cases, cooccurrence_case, DELONG_PEERS

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("CHESTXR_SAMPLE_DIR", REPOSITORY.parent / "shared" / "data"))


# ---------------------------------------------------------------------------------------------------------------
# real predictions


def chexnet():
    data = np.load(SAMPLES / "chexnet_predictions.npz", allow_pickle=True)
    scores, labels = data["probs"].astype(np.float32), data["labels_chestmnist"].astype(int)
    n, c = labels.shape
    quantiles = [np.quantile(scores[:, i].astype(np.float64), 1 - labels[:, i].mean()) for i in range(c)]
    thresholds = np.array([max(1, round(64 * q)) / 64 for q in quantiles], np.float32)
    out = {"n": n, "c": c, "thresholds": numbers32(thresholds), **evaluate(labels, scores, thresholds)}
    np.testing.assert_allclose(out["conditions"]["auroc"], data["auc_chestmnist_labels"], rtol=0, atol=1e-9)
    assert round(out["macro"]["auroc"][0], 5) == 0.83792, out["macro"]["auroc"]

    delong = {"auc": [], "var": [], "low": [], "high": []}
    for i in range(c):
        y, s = labels[:, i], scores[:, i]
        exact, cov = components(y[:1500], s[:1500])
        fast, variance = midrank_delong(y[:1500], [s[:1500]])
        if cov is not None:
            close(float(exact[0]), fast[0], what="naive")
            close(float(cov[0][0]), float(variance[0, 0]), what="naive")
        (auc,), variance = midrank_delong(y, [s])
        variance = float(variance[0, 0])
        close(auc, out["conditions"]["auroc"][i], what="delong auc")
        if confidenceinterval:
            theirs = confidenceinterval.delong.delong_roc_variance(y, s)
            close(float(theirs[0]), auc, 1e-4, "confidenceinterval")
            close(float(theirs[1]) / variance, 1.0, 1e-3, "confidenceinterval")
        low, high = wald(auc, variance)
        for key, value in (("auc", auc), ("var", variance), ("low", low), ("high", high)):
            delong[key].append(value)
    out["delong"] = delong
    return out, labels, scores


def time_peers(labels, scores):
    """What (i) an epoch's end and (ii) one bootstrap resample cost scikit-learn and torchmetrics."""
    columns = range(labels.shape[1])
    rows = np.random.default_rng(24).integers(0, len(labels), len(labels))

    def seconds(work):
        started = time.perf_counter()
        work()
        return round(time.perf_counter() - started, 3)

    for name, y, s, ap in (("AUROC, 11,219 x 14", labels[:11219], scores[:11219], False), ("AUROC + AUPRC, one resample of 22,433 x 14", labels[rows], scores[rows], True)):
        ty, ts = torch.tensor(y), torch.tensor(s)

        def by_sklearn():
            for i in columns:
                sk.roc_auc_score(y[:, i], s[:, i])
                if ap:
                    sk.average_precision_score(y[:, i], s[:, i])

        def by_torchmetrics():
            tm.multilabel_auroc(ts, ty, len(columns), average="none")
            if ap:
                tm.multilabel_average_precision(ts, ty, len(columns), average="none")

        for work in (by_sklearn, by_torchmetrics):
            work()  # unmeasured
        fastest = [min(seconds(work) for _ in range(3)) for work in (by_sklearn, by_torchmetrics)]
        print(f"{name}: scikit-learn {fastest[0]} s, torchmetrics {fastest[1]} s (fastest of 3, load {os.getloadavg()[0]:.1f})")


def versions():
    modules = {"numpy": np, "scipy": scipy, "scikit-learn": sklearn, "torch": torch, "torchmetrics": torchmetrics}
    return {name: module.__version__ for name, module in modules.items()}


def checked_with():
    from importlib.metadata import version

    made = {"MLstatkit": MLstatkit, "confidenceinterval": confidenceinterval, "statsmodels": statsmodels}
    return {name: version(name) for name, module in {**made, "medmnist": medmnist_version}.items() if module}


def write(name, head, sections):
    """One case a line, so that a change reads well in a diff."""
    compact = lambda value: json.dumps(value, separators=(",", ":"), allow_nan=False)
    parts = [f'"{key}":{compact(value)}' for key, value in head.items()]
    for key, cases in sections.items():
        lines = [compact(case) for case in cases] if isinstance(cases, list) else [f"{compact(k)}:{compact(v)}" for k, v in cases.items()]
        ends = "[]" if isinstance(cases, list) else "{}"
        parts.append(f'"{key}":{ends[0]}\n' + ",\n".join(lines) + f"\n{ends[1]}")
    path = GOLDEN / name
    path.write_text("{" + ",\n".join(parts) + "}\n")
    print(f"{name}: {', '.join(f'{len(v)} {k}' for k, v in sections.items())}, {path.stat().st_size} bytes")


def main():
    warnings.simplefilter("ignore")  # scikit-learn warns of what we write as null
    head = {"made_by": "tests/reference/evaluation_golden.py", "versions": versions(), "checked_with": checked_with()}
    problems = [make_problem(1000 + index) for index in range(200)] + awkward_problems()
    together = [p for p in problems if 3 <= p["labels"].shape[1] <= 8 and len(p["labels"]) >= 20][:4]
    together.append(next(p for p in problems if p["labels"].shape[1] == 1))
    sections = {
        "problems": [problem_case(p) for p in problems],
        "curves": [curve_case(p) for p in curve_problems(problems)],
        "bootstrap": [bootstrap_case(p, 30 + index) for index, p in enumerate(bootstrap_problems(problems))],
        "delong": delong_cases(),
        "holm": holm_cases(),
        "temperature": temperature_cases(),
        "cooccurrence": [cooccurrence_case(p) for p in together],
    }
    edges = numbers32(torch.linspace(0, 1, 16).numpy())
    write("evaluation.json", {**head, "ece_boundaries": edges}, sections)
    print(f"DeLong cases confirmed: {DELONG_PEERS}")
    if not (SAMPLES / "chexnet_predictions.npz").exists():
        print(f"no chexnet_predictions.npz in {SAMPLES}: evaluation_chexnet.json not written")
        return
    evaluated, labels, scores = chexnet()
    write("evaluation_chexnet.json", head, {"chexnet": evaluated})
    time_peers(labels, scores)


if __name__ == "__main__":
    main()
