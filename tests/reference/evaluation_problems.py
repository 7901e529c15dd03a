"""The problems of evaluation_golden.py, drawn from seeds as its description says, and how numbers are written."""

import math

import numpy as np
import torch

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
