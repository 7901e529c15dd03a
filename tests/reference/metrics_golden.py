#!/usr/bin/env python3
"""Writes ../golden/metrics.json: what scikit-learn and torchmetrics say about small seeded inputs.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scikit-learn torch torchmetrics
    /tmp/venv/bin/python tests/reference/metrics_golden.py

`tests/metrics_golden.rs` reads the file and compares. Undefined values are null: scikit-learn's NaN, and
also its 0.0 for average precision without positives. Scores and logits are float32 numbers written so that
any reader gets the same float32 back; labels are a string of 0 and 1, row-major.

The file has two parts.
- `binary`: one condition; counts and ratios at thresholds, AUROC, average precision (scikit-learn).
- `multilabel`: N x C; micro averages at .5 (torchmetrics, and scikit-learn for its exact ratios), AUROC and
  average precision of each condition with their means over the defined ones, and for cases made of logits the
  sigmoid and the unweighted cross-entropy (torch). Their logits lie on a grid of 1/64, so that no last-bit
  difference between two libraries' exp can reorder or tie their sigmoids.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch
import torchmetrics
from sklearn import metrics as sk
from torchmetrics.classification import (
    MultilabelAccuracy,
    MultilabelF1Score,
    MultilabelPrecision,
    MultilabelRecall,
)

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "metrics.json"
NAN = float("nan")


def number(value):
    """A JSON number, or null for what is undefined."""
    value = float(value)
    return None if math.isnan(value) else value


def numbers32(array):
    """float32 values in the shortest digits that give the same float32 back."""
    return [float(str(np.float32(v))) for v in np.asarray(array, np.float32).ravel()]


def digits(labels):
    return "".join(str(int(v)) for v in np.asarray(labels).ravel())


def auroc(labels, scores):
    return number(sk.roc_auc_score(labels, scores)) if 0 < labels.sum() < len(labels) else None


def average_precision(labels, scores):
    return number(sk.average_precision_score(labels, scores)) if labels.sum() else None


def at_threshold(labels, scores, threshold):
    called = (scores > np.float32(threshold)).astype(int)
    tn, fp, fn, tp = (int(v) for v in sk.confusion_matrix(labels, called, labels=[0, 1]).ravel())
    return {
        "threshold": float(str(np.float32(threshold))),
        "counts": {"tn": tn, "fp": fp, "fn": fn, "tp": tp},
        "accuracy": number(sk.accuracy_score(labels, called)),
        "precision": number(sk.precision_score(labels, called, zero_division=NAN)),
        "recall": number(sk.recall_score(labels, called, zero_division=NAN)),
        "specificity": number(sk.recall_score(1 - labels, 1 - called, zero_division=NAN)),
        "f1": number(sk.f1_score(labels, called, zero_division=NAN)),
    }


def binary_case(name, scores, labels, thresholds=(0.5,)):
    scores, labels = np.asarray(scores, np.float32), np.asarray(labels, int)
    return {
        "name": name,
        "scores": numbers32(scores),
        "labels": digits(labels),
        "at": [at_threshold(labels, scores, t) for t in thresholds],
        "auroc": auroc(labels, scores),
        "average_precision": average_precision(labels, scores),
    }


def binary_cases():
    rng = np.random.default_rng(20)
    cases = [
        binary_case("perfect order", [0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),
        binary_case("order upside down", [0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]),
        binary_case("all tied", [0.3] * 7, [0, 1, 0, 0, 1, 0, 0]),
        binary_case("all exactly at the threshold", [0.5] * 6, [0, 1, 0, 1, 1, 0]),
        binary_case("some exactly at the threshold", [0.25, 0.5, 0.5, 0.75, 0.5], [0, 1, 0, 1, 1]),
        binary_case("at a threshold float32 cannot hold", [0.1, 0.1, 0.3, 0.3, 0.7], [1, 0, 1, 0, 1], (0.1, 0.3, 0.7)),
        binary_case("only zeros and ones", [0, 1, 1, 0, 1, 0, 0], [0, 1, 0, 1, 1, 0, 0], (0.0, 0.5, 1.0)),
        binary_case("no positives", [0.1, 0.9, 0.4, 0.6], [0, 0, 0, 0]),
        binary_case("no positives and none called", [0.1, 0.2, 0.4], [0, 0, 0]),
        binary_case("only positives", [0.1, 0.9, 0.4, 0.6], [1, 1, 1, 1]),
        binary_case("one positive image", [0.7], [1]),
        binary_case("one negative image", [0.7], [0]),
        binary_case("one negative image below", [0.2], [0]),
        binary_case("positive last in a tie", [0.9, 0.5, 0.5, 0.5, 0.1], [0, 0, 0, 1, 1]),
        binary_case("minus zero is zero", [-0.0, 0.0, 0.5, -0.0, 0.0], [1, 0, 1, 0, 1], (0.0,)),
        binary_case("logits as scores", [-100, 100, -3.5, 0, 2.25, 100, -100], [0, 1, 1, 0, 1, 0, 0], (0.0, 2.25)),
        binary_case("smallest and largest", [1e-45, 0, 3.4028235e38, 1e-38, -3.4028235e38], [1, 0, 1, 0, 0], (0.0,)),
    ]
    for index in range(12):
        n = int(rng.integers(5, 200))
        prevalence = (0.02, 0.1, 0.3, 0.5)[index % 4]
        levels = (4, 16, 256, 65536)[index // 3]  # few levels: many ties
        labels = (rng.random(n) < prevalence).astype(int)
        scores = np.round(np.clip(rng.beta(2, 5, n) + 0.2 * labels, 0, 1) * levels) / levels
        cases.append(binary_case(f"random {index}: {n} images, {levels} levels", scores, labels, (0.1, 0.5)))
    return cases


def micro(probabilities, labels):
    """torchmetrics 1.9; its MultilabelX(average="micro") at its default threshold .5."""
    classes = labels.shape[1]
    p, y = torch.tensor(probabilities), torch.tensor(labels)
    made = {
        "accuracy": MultilabelAccuracy,
        "precision": MultilabelPrecision,
        "recall": MultilabelRecall,
        "f1": MultilabelF1Score,
    }
    if classes == 1:
        return None  # torchmetrics refuses fewer than two labels
    return {key: float(metric(num_labels=classes, average="micro")(p, y)) for key, metric in made.items()}


def micro_exact(probabilities, labels):
    called, y = (probabilities > np.float32(0.5)).astype(int).ravel(), labels.ravel()
    return {
        "accuracy": float(sk.accuracy_score(y, called)),
        "precision": float(sk.precision_score(y, called, zero_division=0)),
        "recall": float(sk.recall_score(y, called, zero_division=0)),
        "f1": float(sk.f1_score(y, called, zero_division=0)),
    }


def mean_of_defined(values):
    defined = [v for v in values if v is not None]
    return {"value": float(np.mean(defined)) if defined else None, "defined": len(defined), "of": len(values)}


def multilabel_case(name, labels, probabilities=None, logits=None):
    labels = np.asarray(labels, int)
    case = {"name": name, "rows": labels.shape[0], "classes": labels.shape[1], "labels": digits(labels)}
    if logits is not None:
        z, y = torch.tensor(np.asarray(logits, np.float32)), torch.tensor(labels)
        probabilities = torch.sigmoid(z).numpy()
        case["logits"] = numbers32(z.numpy())
        case["sigmoid_first_row"] = numbers32(probabilities[0])
        case["bce"] = float(torch.nn.functional.binary_cross_entropy_with_logits(z.double(), y.double()))
    else:
        probabilities = np.asarray(probabilities, np.float32)
        case["probabilities"] = numbers32(probabilities)
    columns = range(labels.shape[1])
    case["auroc"] = [auroc(labels[:, c], probabilities[:, c]) for c in columns]
    case["auprc"] = [average_precision(labels[:, c], probabilities[:, c]) for c in columns]
    case["auroc_macro"] = mean_of_defined(case["auroc"])
    case["auprc_macro"] = mean_of_defined(case["auprc"])
    case["micro"] = micro_exact(probabilities, labels)
    case["micro_torchmetrics"] = micro(probabilities, labels)
    return case


def multilabel_cases():
    rng = np.random.default_rng(21)
    grid = lambda x: np.round(x * 64) / 64
    cases = [
        multilabel_case("one image", [[0, 1, 0]], probabilities=[[0.5, 0.5, 0.75]]),
        multilabel_case("one image, one class", [[1]], probabilities=[[0.75]]),
        multilabel_case("nothing positive, nothing called", np.zeros((4, 3)), probabilities=np.full((4, 3), 0.25)),
        multilabel_case("all positive, all called", np.ones((4, 3)), probabilities=np.full((4, 3), 0.75)),
        multilabel_case("everything at exactly .5", [[0, 1], [1, 0], [1, 1]], probabilities=np.full((3, 2), 0.5)),
        multilabel_case("logits of 100", [[0, 1], [1, 0], [1, 1], [0, 0]], logits=[[-100, 100], [-100, 100], [100, 0], [0, -100]]),
        multilabel_case(
            "a class without positives and one with nothing else",
            [[0, 1, 0], [0, 1, 1], [0, 1, 0], [0, 1, 1]],
            probabilities=[[0.1, 0.9, 0.4], [0.6, 0.2, 0.3], [0.3, 0.7, 0.6], [0.2, 0.5, 0.8]],
        ),
    ]
    for index in range(14):
        n, c = int(rng.integers(5, 60)), int(rng.integers(2, 15))
        rates = rng.uniform(0.0, 0.4, c)
        labels = (rng.random((n, c)) < rates).astype(int)
        if index % 2:
            logits = grid(np.clip(rng.normal(-1.0, 2.0, (n, c)) + 1.5 * labels, -8, 8))
            cases.append(multilabel_case(f"random logits {index}: {n} x {c}", labels, logits=logits))
        else:
            levels = (8, 128, 4096)[index % 3]
            p = np.round(np.clip(rng.beta(1, 3, (n, c)) + 0.25 * labels, 0, 1) * levels) / levels
            cases.append(multilabel_case(f"random {index}: {n} x {c}, {levels} levels", labels, probabilities=p))
    labels = (rng.random((200, 14)) < np.linspace(0.002, 0.25, 14)).astype(int)
    logits = grid(np.clip(rng.normal(-2.0, 1.0, labels.shape) + 1.0 * labels, -8, 8))
    cases.append(multilabel_case("fourteen conditions, 200 images", labels, logits=logits))
    return cases


def main():
    warnings.simplefilter("ignore")  # scikit-learn warns of what we write as null
    golden = {
        "made_by": "tests/reference/metrics_golden.py",
        "versions": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "torch": torch.__version__,
            "torchmetrics": torchmetrics.__version__,
        },
        "binary": binary_cases(),
        "multilabel": multilabel_cases(),
    }
    parts = [f'"made_by":{json.dumps(golden["made_by"])}', f'"versions":{json.dumps(golden["versions"])}']
    for key in ("binary", "multilabel"):  # one case a line, so that a change reads well in a diff
        lines = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in golden[key])
        parts.append(f'"{key}":[\n{lines}\n]')
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("{" + ",\n".join(parts) + "}\n")
    print(f"{GOLDEN.name}: {len(golden['binary'])} + {len(golden['multilabel'])} cases, {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
