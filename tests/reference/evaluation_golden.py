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
import math
import os
import time
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn
import torch
import torchmetrics
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

try:
    import MLstatkit
except ImportError:
    MLstatkit = None
try:
    import confidenceinterval
    import confidenceinterval.delong
except ImportError:
    confidenceinterval = None
try:
    import statsmodels
    from statsmodels.stats.multitest import multipletests
except ImportError:
    statsmodels = None
try:
    from medmnist import __version__ as medmnist_version
    from medmnist.evaluator import getACC, getAUC
except ImportError:
    medmnist_version = None

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("CHESTXR_SAMPLE_DIR", REPOSITORY.parent / "shared" / "data"))
NAN = float("nan")
Z95 = 1.959963984540054
LEVELS = [2, 3, 5, 8, 12, 16]


# ---------------------------------------------------------------------------------------------------------------
# the generator


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)


assert SplitMix64(1234567).next() == 6457827717110365317  # the published test vector


def make_problem(seed):
    draw = SplitMix64(seed).next
    m = LEVELS[draw() % 6]
    level = 1 << m
    band = draw() % 4
    n = [2, 10, 41, 151][band] + draw() % [8, 31, 110, 250][band]
    c1, c2 = draw() % 14, draw() % 14
    c = 1 + min(c1, c2)
    rates, shifts, thresholds = [], [], []
    for _ in range(c):
        kind, e = draw() % 16, draw() % 1001
        rates.append(0 if kind == 0 else 1000 if kind == 1 else e % 301 if kind < 12 else e)
        shifts.append(draw() % (level // 2 + 1))
        thresholds.append((draw() % 49) / 64)
    labels, ks = np.zeros((n, c), int), np.zeros((n, c), np.int64)
    for image in range(n):
        for i in range(c):
            label = draw() % 1000 < rates[i]
            a, b = draw() % (level + 1), draw() % (level + 1)
            labels[image, i] = label
            ks[image, i] = min(level, ((a * b) >> m) + (shifts[i] if label else 0))
    scores = (ks / level).astype(np.float32)
    return {
        "name": f"seed {seed}: {n} x {c}, 2^{m} levels",
        "inputs": {"seed": seed, "n": n, "c": c, "m": m, "k_sum": int(ks.sum())},
        "scores": scores,
        "labels": labels,
        "thresholds": np.array(thresholds, np.float32),
    }


def make_pair(seed):
    draw = SplitMix64(seed).next
    m = LEVELS[draw() % 6]
    level = 1 << m
    band = draw() % 4
    n = 4 + draw() % [6, 30, 120, 396][band]
    rate = 100 + draw() % 801
    sa, sb = draw() % (level // 2 + 1), draw() % (level // 2 + 1)
    labels, ka, kb = [], [], []
    for _ in range(n):
        label = draw() % 1000 < rate
        a, b, d = draw() % (level + 1), draw() % (level + 1), draw() % (level + 1)
        labels.append(int(label))
        ka.append(min(level, ((a * b) >> m) + (sa if label else 0)))
        kb.append(min(level, ((a * d) >> m) + (sb if label else 0)))
    inputs = {"seed": seed, "n": n, "m": m, "positives": sum(labels), "k_sum_a": sum(ka), "k_sum_b": sum(kb)}
    scores = [(np.array(k) / level).astype(np.float32) for k in (ka, kb)]
    return inputs, np.array(labels), *scores


def make_logits(seed):
    draw = SplitMix64(seed).next
    n = 5 + draw() % 96
    c = 1 + draw() % 5
    rate = 100 + draw() % 601
    spread = [64, 128, 256, 512][draw() % 4]
    shift = 64 + draw() % 385
    labels, ks = np.zeros((n, c), int), np.zeros((n, c), int)
    for image in range(n):
        for i in range(c):
            label = draw() % 1000 < rate
            a, b = draw() % (spread + 1), draw() % (spread + 1)
            labels[image, i] = label
            ks[image, i] = max(-512, min(512, a + b - spread - shift // 2 + (shift if label else 0)))
    inputs = {"seed": seed, "n": n, "c": c, "positives": int(labels.sum()), "k_sum": int(ks.sum())}
    return inputs, labels, ks / 64


def written_out(name, labels, scores, thresholds=None):
    """A problem with its inputs in the file: N x C labels and scores."""
    labels = np.asarray(labels, int)
    n, c = labels.shape
    scores = np.broadcast_to(np.asarray(scores, np.float32), (n, c)).copy()
    thresholds = np.full(c, 0.5, np.float32) if thresholds is None else np.asarray(thresholds, np.float32)
    inputs = {"n": n, "c": c, "labels": digits(labels), "scores": numbers32(scores), "thresholds": numbers32(thresholds)}
    return {"name": name, "inputs": inputs, "scores": scores, "labels": labels, "thresholds": thresholds}


def awkward_problems():
    rng = np.random.default_rng(22)
    column = lambda *values: np.array([values]).T
    some = (rng.random((12, 3)) < 0.4).astype(int)
    some[0], some[1] = [1, 0, 1], [0, 1, 0]
    spread = np.round(rng.random((12, 3)) * 16) / 16
    edges = torch.linspace(0, 1, 16).numpy()
    around = np.unique(np.concatenate([edges, np.nextafter(edges, np.float32(0)), np.nextafter(edges, np.float32(1))]))
    unlabelled = some.copy()
    unlabelled[3:8] = 0
    labelled = some.copy()
    labelled[labelled.sum(axis=1) == 0, 1] = 1
    return [
        written_out("no positives at all", np.zeros((6, 2)), spread[:6, :2]),
        written_out("no negatives at all", np.ones((6, 2)), spread[:6, :2]),
        written_out("one condition without positives, one without negatives", np.c_[some[:, 0], some[:, 0] * 0, some[:, 0] * 0 + 1], spread),
        written_out("all scores equal", some, 0.25, [0.125, 0.25, 0.5]),
        written_out("every score exactly at the threshold", some, 0.5),
        written_out("some scores exactly at the threshold", some, np.round(rng.random((12, 3)) * 4) / 4, [0.25, 0.5, 0.75]),
        written_out("scores of 0 and 1", some, (rng.random((12, 3)) < 0.5).astype(int), [0.0, 0.5, 1.0]),
        written_out("all scores 0, threshold 0", some, 0.0, [0.0] * 3),
        written_out("all scores 1, threshold 1", some, 1.0, [1.0] * 3),
        written_out("one image with both", [[0, 1, 0]], [[0.25, 0.75, 0.5]]),
        written_out("one image, one condition, positive", [[1]], [[0.75]]),
        written_out("one image, one condition, negative", [[0]], [[0.25]]),
        written_out("two images, one condition", [[0], [1]], [[0.25], [0.75]]),
        written_out("a single condition", column(0, 1, 0, 1, 1, 0, 0), column(0.1, 0.7, 0.7, 0.4, 0.9, 0.3, 0.2)),
        written_out("perfect", some, np.where(some, 0.9, 0.1) + spread * 0.05),
        written_out("inverted", some, np.where(some, 0.1, 0.9) + spread * 0.05),
        written_out("probabilities near 1e-7", some, np.float32(1e-7) * (1 + spread), [0.0, 0.015625, 0.5]),
        written_out("probabilities just below 1", some, np.float32(1) - np.float32(2.0**-24) * np.round(spread * 4).astype(np.float32)),
        written_out("subnormal probabilities", some, (np.round(spread * 5) * 1e-45).astype(np.float32), [0.0] * 3),
        written_out("images without any label", unlabelled, spread),
        written_out("every image labelled", labelled, spread),
        written_out("nothing called, nothing positive in two of three", np.c_[some[:, 0], some[:, :2] * 0], spread * 0.4),
        written_out("on ECE's boundaries and next to them", (rng.random((len(around), 1)) < 0.5).astype(int), column(*around)),
        written_out("on ECE's boundaries alone", (rng.random((16, 2)) < 0.5).astype(int), np.c_[edges, edges[::-1]]),
        written_out("the highest score exactly .5", some, np.minimum(spread, 0.5), [0.25] * 3),
    ]


# ---------------------------------------------------------------------------------------------------------------
# numbers


def number(value):
    """A JSON number, or null for what is undefined."""
    value = float(value)
    return None if math.isnan(value) else value


def numbers(array):
    return [number(v) for v in np.asarray(array, np.float64).ravel()]


def numbers32(array):
    """float32 values in the shortest digits that give the same float32 back."""
    return [float(str(np.float32(v))) for v in np.asarray(array, np.float32).ravel()]


def number32(value):
    return float(str(np.float32(value)))


def digits(labels):
    return "".join(str(int(v)) for v in np.asarray(labels).ravel())


def close(a, b, tolerance=1e-12, what=""):
    if a is None or b is None:
        assert a is None and b is None, (what, a, b)
    else:
        assert abs(a - b) <= tolerance, (what, a, b, a - b)


def mean(values):
    """[mean of the defined, how many]"""
    defined = [v for v in values if v is not None]
    return [float(np.mean(defined)) if defined else None, len(defined)]


# ---------------------------------------------------------------------------------------------------------------
# one condition


def auroc(labels, scores):
    if not 0 < labels.sum() < len(labels):
        return None
    value = float(sk.roc_auc_score(labels, scores))
    if len(labels) <= 500:  # the share of (positive, negative) pairs in order, counted
        x, y = scores[labels == 1][:, None], scores[labels == 0][None, :]
        close(value, float((2 * (x > y) + (x == y)).sum()) / (2 * x.size * y.size), what="auroc")
    return value


def auprc(labels, scores):
    return float(sk.average_precision_score(labels, scores)) if labels.sum() else None


def ratios(labels, called):
    tn, fp, fn, tp = (int(v) for v in sk.confusion_matrix(labels, called, labels=[0, 1]).ravel())
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    both = 0 < labels.sum() < len(labels)
    return {
        "tn": tn,
        "fp": fp,
        "fn": fn,
        "tp": tp,
        "precision": number(sk.precision_score(labels, called, zero_division=NAN)),
        "recall": number(sk.recall_score(labels, called, zero_division=NAN)),
        "specificity": number(sk.recall_score(1 - labels, 1 - called, zero_division=NAN)),
        "npv": number(sk.precision_score(1 - labels, 1 - called, zero_division=NAN)),
        "f1": number(sk.f1_score(labels, called, zero_division=NAN)) if tp + fp + fn else None,
        "mcc": float(sk.matthews_corrcoef(labels, called)) if margins else None,
        "balanced_accuracy": float(sk.balanced_accuracy_score(labels, called)) if both else None,
    }


def ece(labels, scores):
    """(torchmetrics' float32 value, float64 sums over the same float32 bins)"""
    scores, labels = np.asarray(scores, np.float32).ravel(), np.asarray(labels, int).ravel()
    theirs = float(tm.binary_calibration_error(torch.tensor(scores), torch.tensor(labels), n_bins=15, norm="l1"))
    edges = torch.linspace(0, 1, 16).numpy()
    bins = np.searchsorted(edges, scores, side="right") - 1
    total = 0.0
    for index in range(16):
        inside = bins == index
        if inside.any():
            total += abs(labels[inside].sum() - scores[inside].astype(np.float64).sum()) / len(scores)
    close(theirs, total, 1e-6, "ece")
    return theirs, float(total)


def best_cuts(labels, scores):
    """The best that a cut can reach: F1, Youden's J, specificity at recall >= .95 and >= .5."""
    positives, negatives = int(labels.sum()), int(len(labels) - labels.sum())
    if not positives:
        return None, None, None, None
    p, r, _ = sk.precision_recall_curve(labels, scores)
    p, r = p[:-1], r[:-1]
    f1 = float(np.max(np.divide(2 * p * r, p + r, out=np.zeros_like(p), where=p + r > 0)))
    if not negatives:
        return f1, None, None, None
    fpr, tpr, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
    at_least = lambda x: float(np.max((1 - fpr)[tpr >= x]))
    return f1, float(np.max(tpr - fpr)), at_least(0.95), at_least(0.5)


def condition(labels, scores, threshold):
    called = (scores > threshold).astype(int)
    wide = scores.astype(np.float64)
    brier = float(np.mean((wide - labels) ** 2))
    close(brier, float(sk.brier_score_loss(labels, wide, pos_label=1)), what="brier")
    theirs, exact = ece(labels, scores)
    best = best_cuts(labels, scores)
    return {
        "support": int(labels.sum()),
        "prevalence": float(labels.mean()),
        "auroc": auroc(labels, scores),
        "auprc": auprc(labels, scores),
        **ratios(labels, called),
        "brier": brier,
        "ece": number32(theirs),
        "ece_f64": exact,
        "best_f1": best[0],
        "best_youden": best[1],
        "best_specificity_95": best[2],
        "best_specificity_50": best[3],
    }


# ---------------------------------------------------------------------------------------------------------------
# several conditions


def weighted(values, support):
    pairs = [(v, s) for v, s in zip(values, support) if v is not None]
    total = sum(s for _, s in pairs)
    return sum(v * s for v, s in pairs) / total if total else None


def per_image(labels, scores, called):
    """Each metric of each image over its conditions, nan where undefined."""
    n, c = labels.shape
    nothing = np.full(n, NAN)
    truth, hits, calls = labels.sum(axis=1), (labels & called).sum(axis=1), called.sum(axis=1)
    divide = lambda a, b: np.divide(a, b, out=nothing.copy(), where=b > 0)
    area, ap = nothing.copy(), nothing.copy()
    for image in np.flatnonzero(truth):
        ap[image] = sk.average_precision_score(labels[image], scores[image])
        if truth[image] < c:
            area[image] = sk.roc_auc_score(labels[image], scores[image])
    return {
        "auroc": area,
        "auprc": ap,
        "precision": divide(hits, calls),
        "recall": divide(hits, truth),
        "f1": divide(2 * hits, calls + truth),
    }


def nanmean(values):
    defined = values[~np.isnan(values)]
    return [float(defined.mean()) if len(defined) else None, len(defined)]


def check_averages(out, labels, scores, called, images):
    """What scikit-learn and torchmetrics call the same averages, wherever they define them."""
    if labels.shape[1] < 2:
        return  # neither takes one column for several labels
    conditions, support = out["conditions"], out["conditions"]["support"]
    made = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
    for key, function in made.items():
        for average in ("macro", "weighted", "micro", "samples"):
            ours = out[average][key]
            ours = ours[0] if isinstance(ours, list) else ours
            theirs = number(function(labels, called, average=average, zero_division=NAN))
            if average == "weighted" and ours is None:
                continue  # no weight at all: scikit-learn averages without weights
            close(ours, theirs, what=f"{average} {key}")
    defined = [i for i, v in enumerate(conditions["auroc"]) if v is not None]
    if len(defined) >= 2:
        y, s = labels[:, defined], scores[:, defined]
        close(out["macro"]["auroc"][0], float(sk.roc_auc_score(y, s, average="macro")), what="macro auroc")
        close(out["weighted"]["auroc"], float(sk.roc_auc_score(y, s, average="weighted")), what="weighted auroc")
        theirs = float(tm.multilabel_auroc(torch.tensor(s), torch.tensor(y), len(defined), average="macro"))
        close(out["macro"]["auroc"][0], theirs, 2e-6, "torchmetrics macro auroc")
    defined = [i for i, v in enumerate(conditions["auprc"]) if v is not None]
    if len(defined) >= 2:
        y, s = labels[:, defined], scores[:, defined]
        close(out["macro"]["auprc"][0], float(sk.average_precision_score(y, s, average="macro")), what="macro auprc")
        close(out["weighted"]["auprc"], float(sk.average_precision_score(y, s, average="weighted")), what="weighted auprc")
        theirs = float(tm.multilabel_average_precision(torch.tensor(s), torch.tensor(y), len(defined), average="macro"))
        close(out["macro"]["auprc"][0], theirs, 2e-6, "torchmetrics macro auprc")
    for key, function in (("auroc", sk.roc_auc_score), ("auprc", sk.average_precision_score)):
        rows = ~np.isnan(images[key])
        if rows.any():
            theirs = float(function(labels[rows], scores[rows], average="samples"))
            close(out["samples"][key][0], theirs, what=f"samples {key}")
    if out["micro"]["auroc"] is not None:
        close(out["micro"]["auroc"], float(sk.roc_auc_score(labels, scores, average="micro")), what="micro auroc")
        close(out["micro"]["auprc"], float(sk.average_precision_score(labels, scores, average="micro")), what="micro auprc")

    y, p = torch.tensor(labels), torch.tensor(called)
    theirs = {"precision": tm.multilabel_precision, "recall": tm.multilabel_recall, "f1": tm.multilabel_f1_score}
    for key, function in theirs.items():
        ask = lambda average: float(function(p, y, labels.shape[1], average=average, zero_division=0))
        close(out["micro"][key] or 0.0, ask("micro"), 2e-6, f"torchmetrics micro {key}")
        filled = [v or 0.0 for v in conditions[key]]  # torchmetrics' mean is over all, 0 where undefined
        close(float(np.mean(filled)), ask("macro"), 2e-6, f"torchmetrics macro {key}")
    close(out["micro"]["accuracy"], float(tm.multilabel_accuracy(p, y, labels.shape[1], average="micro")), 2e-6, "accuracy")


def evaluate(labels, scores, thresholds):
    n, c = labels.shape
    called = (scores > thresholds[None, :]).astype(int)
    each = [condition(labels[:, i], scores[:, i], thresholds[i]) for i in range(c)]
    conditions = {key: [e[key] for e in each] for key in each[0]}
    flat = ratios(labels.ravel(), called.ravel())
    images = per_image(labels, scores, called)
    ranked = ("auroc", "auprc", "precision", "recall", "f1")
    out = {
        "conditions": conditions,
        "macro": {key: mean(conditions[key]) for key in (*ranked, "specificity", "balanced_accuracy", "mcc")},
        "weighted": {key: weighted(conditions[key], conditions["support"]) for key in ranked},
        "micro": {
            "auroc": auroc(labels.ravel(), scores.ravel()),
            "auprc": auprc(labels.ravel(), scores.ravel()),
            **{key: flat[key] for key in ("precision", "recall", "f1")},
            "accuracy": float(sk.accuracy_score(labels.ravel(), called.ravel())),
        },
        "samples": {key: nanmean(images[key]) for key in ranked},
        "subset_accuracy": float(np.mean((labels == called).all(axis=1))),
    }
    if c >= 2:
        close(out["subset_accuracy"], float(sk.accuracy_score(labels, called)), what="subset accuracy")
    check_averages(out, labels, scores, called, images)

    half = scores > np.float32(0.5)
    acc = float(np.mean([sk.accuracy_score(labels[:, i], half[:, i]) for i in range(c)]))
    out["medmnist"] = {"auc": out["macro"]["auroc"][0], "acc": acc}
    if medmnist_version and n >= 2 and c >= 2:
        close(acc, float(getACC(labels, scores, "multi-label, binary-class")), what="medmnist acc")
        if out["macro"]["auroc"][1] == c:
            close(out["medmnist"]["auc"], float(getAUC(labels, scores, "multi-label, binary-class")), what="medmnist auc")

    normal, score = normality(labels, scores)
    predicted = (score > np.float32(0.5)).astype(int)
    no_call = (called.sum(axis=1) == 0).astype(int)
    out["normal"] = {
        "support": int(normal.sum()),
        "auroc": auroc(normal, score),
        "auprc": auprc(normal, score),
        **ratios(normal, predicted),
        "accuracy": float(sk.accuracy_score(normal, predicted)),
        "no_call": [int(v) for v in sk.confusion_matrix(normal, no_call, labels=[0, 1]).ravel()],
    }
    return out


def normality(labels, scores):
    """(1 where the image has no label, 1 - its highest score in float32)"""
    score = np.float32(1) - scores.max(axis=1)
    assert score.dtype == np.float32
    return (labels.sum(axis=1) == 0).astype(int), score


def problem_case(problem):
    inputs = dict(problem["inputs"])
    inputs.setdefault("thresholds", numbers32(problem["thresholds"]))
    return {"name": problem["name"], **inputs, **evaluate(problem["labels"], problem["scores"], problem["thresholds"])}


# ---------------------------------------------------------------------------------------------------------------
# the other sections


def curve_case(problem):
    labels, scores = problem["labels"], problem["scores"]
    conditions = []
    for i in range(labels.shape[1]):
        y, s = labels[:, i], scores[:, i]
        entry = {"fpr": None, "tpr": None, "precision": None, "recall": None, "pr_thresholds": None}
        if 0 < y.sum() < len(y):
            fpr, tpr, _ = sk.roc_curve(y, s, drop_intermediate=False)
            entry["fpr"], entry["tpr"] = numbers(fpr), numbers(tpr)
        if y.sum():
            p, r, t = sk.precision_recall_curve(y, s)
            entry["precision"], entry["recall"], entry["pr_thresholds"] = numbers(p), numbers(r), numbers32(t)
        conditions.append(entry)
    return {"name": problem["name"], "conditions": conditions}


def curve_problems(problems):
    """The first two of each number of levels with images enough for a shape and points few enough for the file."""
    chosen = []
    for m in LEVELS:
        few = []
        for problem in problems:
            labels, scores = problem["labels"], problem["scores"]
            points = sum(len(np.unique(scores[:, i])) for i in range(labels.shape[1]))
            whole = any(0 < labels[:, i].sum() < len(labels) for i in range(labels.shape[1]))
            if problem["inputs"].get("m") == m and len(labels) >= 8 and 2 < points <= 150 and whole:
                few.append(problem)
        assert len(few) >= 2, m
        chosen += few[:2]
    return chosen


def resampled(problem, rows_of):
    labels, scores, thresholds = problem["labels"], problem["scores"], problem["thresholds"]
    columns = range(labels.shape[1])
    made = {"auroc": [], "auprc": [], "f1": [], "macro_auroc": [], "normal_auroc": []}
    for rows in rows_of:
        y, s = labels[rows], scores[rows]
        areas = [auroc(y[:, i], s[:, i]) for i in columns]
        made["auroc"].append(areas)
        made["auprc"].append([auprc(y[:, i], s[:, i]) for i in columns])
        made["f1"].append([ratios(y[:, i], (s[:, i] > thresholds[i]).astype(int))["f1"] for i in columns])
        made["macro_auroc"].append(mean(areas)[0])
        made["normal_auroc"].append(auroc(*normality(y, s)))

    def interval(values):
        defined = [v for v in values if v is not None]
        return [*(float(v) for v in np.percentile(defined, [2.5, 97.5])), len(defined)] if defined else None

    made["interval"] = {
        key: [interval([row[i] for row in made[key]]) for i in columns] if key in ("auroc", "auprc", "f1") else interval(made[key])
        for key in list(made)
    }
    return made


def bootstrap_case(problem, seed):
    rng = np.random.default_rng(seed)
    n = len(problem["labels"])
    indices = [rng.integers(0, n, n) for _ in range(20)]
    count = max(2, n // 3)
    patients = np.concatenate([np.arange(count), rng.integers(0, count, n - count)])
    rng.shuffle(patients)  # a patient's images needn't be next to each other
    drawn = [rng.integers(0, count, count) for _ in range(20)]
    images_of = [np.flatnonzero(patients == patient) for patient in range(count)]
    return {
        "name": problem["name"],
        "indices": [[int(i) for i in rows] for rows in indices],
        "images": resampled(problem, indices),
        "patients": [int(p) for p in patients],
        "patient_indices": [[int(i) for i in rows] for rows in drawn],
        "by_patient": resampled(problem, [np.concatenate([images_of[p] for p in rows]) for rows in drawn]),
    }


def bootstrap_problems(problems):
    fits = lambda p: (
        12 <= len(p["labels"]) <= 60
        and 2 <= p["labels"].shape[1] <= 3
        and 0 < (p["labels"].sum(axis=1) == 0).sum() < len(p["labels"])
        and "seed" in p["inputs"]
    )
    return [p for p in problems if fits(p)][:3]


def components(labels, *scores):
    """DeLong's AUCs and covariances over all pairs, exact: ([auc], [[cov]] or None)."""
    x, y = [[s[labels == value] for s in scores] for value in (1, 0)]
    m, n = len(x[0]), len(y[0])
    if not m or not n:
        return None, None
    psi = [2 * (a[:, None] > b[None, :]).astype(np.int64) + (a[:, None] == b[None, :]) for a, b in zip(x, y)]
    aucs = [Fraction(int(p.sum()), 2 * m * n) for p in psi]
    if m < 2 or n < 2:
        return aucs, None

    def scatter(axis, scale, a, b):  # the sample covariance of the components, each an integer / (2 scale)
        u, v = psi[a].sum(axis=axis), psi[b].sum(axis=axis)
        top = Fraction(int((u * v).sum())) - Fraction(int(u.sum()) * int(v.sum()), len(u))
        return top / (len(u) - 1) / (4 * scale * scale)

    size = range(len(scores))
    cov = [[scatter(1, n, a, b) / m + scatter(0, m, a, b) / n for b in size] for a in size]
    return aucs, cov


def wald(auc, variance):
    if variance is None:
        return None
    sd = math.sqrt(variance)
    return [max(0.0, auc - Z95 * sd), min(1.0, auc + Z95 * sd)]


DELONG_PEERS = {"MLstatkit": 0, "confidenceinterval": 0}


def delong_case(name, inputs, labels, a, b):
    aucs, cov = components(labels, a, b)
    out = {"name": name, **inputs}
    if aucs is None:
        return {**out, **dict.fromkeys(("auc_a", "auc_b", "var_a", "var_b", "cov", "ci_a", "ci_b", "var_diff", "z", "p"))}
    auc_a, auc_b = (float(v) for v in aucs)
    close(auc_a, auroc(labels, a), what="delong auc")
    close(auc_b, auroc(labels, b), what="delong auc")
    out |= {"auc_a": auc_a, "auc_b": auc_b}
    if cov is None:
        return {**out, **dict.fromkeys(("var_a", "var_b", "cov", "ci_a", "ci_b", "var_diff", "z", "p"))}
    difference, variance = aucs[1] - aucs[0], cov[0][0] + cov[1][1] - 2 * cov[0][1]
    if variance:
        z = float(difference) / math.sqrt(variance)
        p = float(2 * scipy.stats.norm.sf(abs(z)))
    else:
        z, p = (None, None) if difference else (0.0, 1.0)
    out |= {"var_a": float(cov[0][0]), "var_b": float(cov[1][1]), "cov": float(cov[0][1])}
    out |= {"ci_a": wald(auc_a, cov[0][0]), "ci_b": wald(auc_b, cov[1][1])}
    out |= {"var_diff": float(variance), "z": z, "p": p}

    ours, cross = midrank_delong(labels, [a, b])
    for got, want in zip(ours, (auc_a, auc_b)):
        close(got, want, what="midranks")
    for got, want in ((cross[0, 0], out["var_a"]), (cross[1, 1], out["var_b"]), (cross[0, 1], out["cov"])):
        close(float(got), want, what="midranks")
    if MLstatkit and variance:
        got = MLstatkit.Delong_test(labels, a, b, return_ci=True, return_auc=True, n_boot=2)
        assert got[6]["method"] == "delong", name
        close(got[6]["var_diff"], out["var_diff"], what="MLstatkit var")
        close(got[0], z, 1e-9, "MLstatkit z")
        close(got[1], p, 1e-9, "MLstatkit p")
        for theirs, mine in ((got[2], out["ci_a"]), (got[3], out["ci_b"])):
            close(theirs[0], mine[0], 1e-9, "MLstatkit ci")
            close(theirs[1], mine[1], 1e-9, "MLstatkit ci")
        DELONG_PEERS["MLstatkit"] += 1
    if confidenceinterval:
        for s, auc, var in ((a, auc_a, out["var_a"]), (b, auc_b, out["var_b"])):
            got = confidenceinterval.delong.delong_roc_variance(labels, s)
            close(float(got[0]), auc, 1e-5, "confidenceinterval auc")  # it computes in float32
            close(float(got[1]), var, 1e-5 * max(var, 1e-2), "confidenceinterval var")
        DELONG_PEERS["confidenceinterval"] += 1
    return out


def midrank_delong(labels, scores):
    """The same from midranks (Sun & Xu 2014), in float64."""
    labels = np.asarray(labels) == 1
    m, n = int(labels.sum()), int((~labels).sum())
    v10, v01, aucs = [], [], []
    for s in scores:
        together = scipy.stats.rankdata(s)
        x, y = scipy.stats.rankdata(s[labels]), scipy.stats.rankdata(s[~labels])
        v10.append((together[labels] - x) / n)
        v01.append(1 - (together[~labels] - y) / m)
        aucs.append(float(v10[-1].mean()))
    return aucs, np.atleast_2d(np.cov(v10)) / m + np.atleast_2d(np.cov(v01)) / n


def delong_cases():
    def given(name, labels, a, b):
        labels, a, b = np.array(labels), np.array(a, np.float32), np.array(b, np.float32)
        inputs = {"n": len(labels), "labels": digits(labels), "scores_a": numbers32(a), "scores_b": numbers32(b)}
        return delong_case(name, inputs, labels, a, b)

    y8 = [0, 0, 0, 1, 0, 1, 1, 1]
    s8 = [0.1, 0.2, 0.4, 0.3, 0.5, 0.6, 0.5, 0.9]
    worse = [0.1, 0.6, 0.4, 0.3, 0.5, 0.2, 0.5, 0.9]
    cases = [
        given("identical vectors", y8, s8, s8),
        given("identical order, other values", y8, s8, [v / 2 for v in s8]),
        given("equal AUROCs, other order", [0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], [0.6, 0.1, 0.9, 0.5]),
        given("one perfect", y8, [v / 2 + y / 2 for v, y in zip(s8, y8)], worse),
        given("both perfect", y8, [v / 2 + y / 2 for v, y in zip(s8, y8)], [0.5 * y for y in y8]),
        given("one perfect, one inverted", y8, y8, [1 - y for y in y8]),
        given("one perfect, one all tied", y8, y8, [0.5] * 8),
        given("all tied", y8, [0.5] * 8, s8),
        given("two images", [0, 1], [0.2, 0.7], [0.7, 0.2]),
        given("one positive", [0, 0, 0, 1], [0.1, 0.2, 0.3, 0.25], [0.3, 0.2, 0.1, 0.25]),
        given("one negative", [1, 1, 1, 0], [0.1, 0.2, 0.3, 0.25], [0.3, 0.2, 0.1, 0.25]),
        given("no positives", [0, 0, 0], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]),
        given("two and two", [0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], [0.1, 0.2, 0.2, 0.9]),
    ]
    for seed in range(5000, 5000 + 40 - len(cases)):
        inputs, labels, a, b = make_pair(seed)
        cases.append(delong_case(f"seed {seed}: {len(labels)} images", inputs, labels, a, b))
    return cases


def holm(p):
    """Holm's step-down: the running maximum of (count left) x (p, lowest first), at most 1."""
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    adjusted, highest = np.empty(len(p)), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = highest
    return adjusted


def holm_cases():
    rng = np.random.default_rng(23)
    vectors = [
        [0.03],
        [1.0],
        [0.0, 1.0],
        [0.01, 0.04, 0.03, 0.005],
        [0.05, 0.05, 0.05],
        [0.02, 0.02, 0.03, 0.02],
        [0.9, 0.8, 0.7],
        [1e-300, 0.5, 1e-12, 1.0],
        [0.0, 0.0, 0.04, 0.06],
        [0.04, 0.03, 0.02, 0.01],
    ]
    vectors += [list(rng.random(n) ** 3) for n in (5, 10, 14, 14, 30)]
    cases = []
    for p in vectors:
        adjusted = holm(p)
        if statsmodels:
            np.testing.assert_allclose(multipletests(p, method="holm")[1], adjusted, rtol=1e-14, atol=0)
        cases.append({"p": numbers(p), "adjusted": numbers(adjusted)})
    return cases


def cross_entropy(z, y):
    return float(np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))))


def temperature_case(name, inputs, labels, logits):
    """The case, or None if this problem would make a poor one: an optimum at a bound, a boundary too near."""
    y, z = labels.ravel().astype(float), logits.ravel().astype(float)
    low, high = math.log(0.05), math.log(20)
    loss = lambda log_t: cross_entropy(z / math.exp(log_t), y)
    slope = lambda log_t: float(np.mean((y - scipy.special.expit(z / math.exp(log_t))) * z))  # d loss / d log t, times t
    found = scipy.optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    at_bound = None
    if slope(low) >= 0:
        t, at_bound = 0.05, "low"
    elif slope(high) <= 0:
        t, at_bound = 20.0, "high"
    else:  # where the slope is 0: good to the last digits, which a minimum's flat bottom is not
        t = math.exp(scipy.optimize.brentq(slope, low, high, xtol=1e-15, rtol=1e-14))
    close(t / math.exp(found.x), 1.0, 1e-5, "temperature")
    assert loss(math.log(t)) <= found.fun + 1e-12
    edges = torch.linspace(0, 1, 16).numpy().astype(float)
    made = {}
    for key, scale in (("before", 1.0), ("after", t)):
        p = scipy.special.expit(z / scale)
        if np.abs(p[:, None] - edges[None, 1:15]).min() < 2e-7:
            assert "labels" not in inputs, name
            return None
        made[f"bce_{key}"] = cross_entropy(z / scale, y)
        theirs, exact = ece(labels, p.astype(np.float32))
        made[f"ece_{key}"], made[f"ece_{key}_f64"] = number32(theirs), exact
    check = torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor(z / t), torch.tensor(y))
    close(made["bce_after"], float(check), what="bce")
    if at_bound and "labels" not in inputs:
        return None
    return {"name": name, **inputs, "t": t, "at_bound": at_bound, **made}


def temperature_cases():
    cases, seed = [], 7000
    while len(cases) < 10:
        inputs, labels, logits = make_logits(seed)
        case = temperature_case(f"seed {seed}: {labels.shape[0]} x {labels.shape[1]}", inputs, labels, logits)
        cases += [case] if case else []
        seed += 1
    labels = np.array([[0, 1], [1, 0], [0, 0], [1, 1]])
    for name, sign in (("separable: the lowest t", 1), ("inverted: the highest t", -1)):
        logits = sign * (2 * labels - 1) * np.array([[1.5, 2.0], [0.25, 1.0], [3.0, 0.5], [1.0, 4.0]])
        inputs = {"n": 4, "c": 2, "labels": digits(labels), "logits": numbers(logits)}
        cases.append(temperature_case(name, inputs, labels, logits))
    assert {case["at_bound"] for case in cases[10:]} == {"low", "high"}
    return cases


def cooccurrence_case(problem):
    labels = problem["labels"]
    called = (problem["scores"] > problem["thresholds"][None, :]).astype(int)
    together = lambda x: [[int(v) for v in row] for row in x.T @ x]
    return {"name": problem["name"], "labelled": together(labels), "called": together(called)}


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
