#!/usr/bin/env python3
"""Writes ../golden/unknown.json: metrics, losses and gradients where some labels are unknown (-1).

    /tmp/venv/peer/bin/python tests/reference/unknown_golden.py     # with torch, torchmetrics, torchvision, scikit-learn

The reference is torchmetrics with `ignore_index=-1` where it has the metric, and scikit-learn or PyTorch on the elements
that are left when the unknown ones are masked by hand; where both exist they are compared here first. Image 7 has no known
label, condition 3 has none at all, and scores have ties.
"""

import json
from pathlib import Path

import numpy as np
import torch
from sklearn import metrics as sk
from torch.nn.functional import binary_cross_entropy_with_logits
from torchmetrics.functional import classification as tm

from evaluation_problems import close
from evaluation_statistics import components
from golden_digits import digits
from loss_golden import loss_of

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "unknown.json"
N, C = 160, 4


def problem():
    rng = np.random.default_rng(20261127)
    labels = (rng.random((N, C)) < [0.3, 0.1, 0.5, 0.2]).astype(int)
    logits = np.round(rng.normal(size=(N, C)) + 1.2 * labels - 0.8, 1).astype(np.float32)
    other = np.round(rng.normal(size=(N, C)) + 0.9 * labels - 0.8, 1).astype(np.float32)
    labels[rng.random((N, C)) < [0.25, 0.1, 0.0, 0.0]] = -1
    labels[7, :] = -1
    labels[:, 3] = -1
    return labels, logits, other


def probabilities(logits):
    return torch.sigmoid(torch.tensor(logits)).numpy()


def of_condition(labels, scores, weights):
    known = labels >= 0
    labels, scores, weights = labels[known], scores[known], weights[known]
    if not known.any():
        return {"known": 0}
    tn, fp, fn, tp = (int(v) for v in sk.confusion_matrix(labels, scores > 0.5, labels=[0, 1]).ravel())
    return {
        "known": int(known.sum()), "tn": tn, "fp": fp, "fn": fn, "tp": tp,
        "auroc": float(sk.roc_auc_score(labels, scores)),
        "auprc": float(sk.average_precision_score(labels, scores)),
        "brier": float(np.mean((scores.astype(float) - labels) ** 2)),
        "ece": float(tm.binary_calibration_error(torch.tensor(scores), torch.tensor(labels), n_bins=15)),
        "weighted_auroc": float(sk.roc_auc_score(labels, scores, sample_weight=weights)),
        "weighted_auprc": float(sk.average_precision_score(labels, scores, sample_weight=weights)),
    }


def by_torchmetrics(labels, scores, conditions):
    """Checks the values by masking against torchmetrics' own way, and gives its micro averages."""
    # torchmetrics raises an IndexError for a condition without any known label.
    target, preds = torch.tensor(labels[:, :3]), torch.tensor(scores[:, :3])
    common = {"num_labels": 3, "ignore_index": -1}
    auroc = tm.multilabel_auroc(preds, target, average=None, **common)
    auprc = tm.multilabel_average_precision(preds, target, average=None, **common)
    counts = tm.multilabel_stat_scores(preds, target, average=None, **common)
    for index, condition in enumerate(conditions[:3]):
        close(float(auroc[index]), condition["auroc"], 1e-6, "auroc")
        close(float(auprc[index]), condition["auprc"], 1e-6, "auprc")
        assert counts[index].tolist()[:4] == [condition[name] for name in ("tp", "fp", "tn", "fn")]
    known = labels.ravel() >= 0
    micro = {
        name: float(getattr(tm, f"multilabel_{which}")(preds, target, average="micro", **common))
        for name, which in [("accuracy", "accuracy"), ("precision", "precision"), ("recall", "recall"), ("f1", "f1_score")]
    }
    micro["auroc"] = float(sk.roc_auc_score(labels.ravel()[known], scores.ravel()[known]))
    micro["auprc"] = float(sk.average_precision_score(labels.ravel()[known], scores.ravel()[known]))
    close(float(tm.multilabel_auroc(preds, target, average="micro", **common)), micro["auroc"], 1e-6, "micro auroc")
    rows = [(row >= 0) for row in labels]
    right = [bool(np.all((score[row] > 0.5) == (label[row] == 1))) for score, label, row in zip(scores, labels, rows)]
    micro["subset_accuracy"] = float(np.mean([hit for hit, row in zip(right, rows) if row.any()]))
    return micro


def normal(labels, scores):
    """Of the first three conditions: with one that is unknown everywhere, no image is known to be normal."""
    labels, scores = labels[:, :3], scores[:, :3]
    present, unknown = (labels == 1).any(1), (labels == -1).any(1)
    known = present | ~unknown
    return {"known": int(known.sum()), "auroc": float(sk.roc_auc_score(~present[known], (1 - scores.max(1))[known]))}


def losses(labels, logits):
    known = torch.tensor(labels) >= 0
    counts = [(int((labels[:, c] == 1).sum()), int((labels[:, c] == 0).sum())) for c in range(C)]
    full = [negatives / positives if positives and negatives else 1.0 for positives, negatives in counts]
    plain = {"gamma": 2.0, "gamma_pos": 0.0, "gamma_neg": 4.0, "clip": 0.05, "smoothing": 0.0, "pos_weight": None}
    cases = {
        "bce": {**plain, "kind": "bce"},
        "bce weighted and smoothed": {**plain, "kind": "bce", "smoothing": 0.1, "pos_weight": full},
        "focal": {**plain, "kind": "focal"},
        "asymmetric": {**plain, "kind": "asymmetric"},
    }
    out = {}
    for name, case in cases.items():
        x = torch.tensor(logits, requires_grad=True)
        y = torch.tensor(labels, dtype=torch.float32)
        # The known elements alone: each is a batch of one, and the mean is over them.
        weight = case["pos_weight"] and torch.tensor(case["pos_weight"]).expand(N, C)[known]
        value = loss_of(x[known], y[known], **{**case, "pos_weight": weight})
        value.backward()
        out[name] = {**case, "value": float(value), "gradient": digits(x.grad.ravel().tolist())}
    return out


def main():
    labels, logits, other = problem()
    scores, others = probabilities(logits), probabilities(other)
    weights = np.random.default_rng(3).integers(0, 3, N)
    conditions = [of_condition(labels[:, c], scores[:, c], weights) for c in range(C)]
    known = labels >= 0
    z, y = torch.tensor(logits[known]).double(), torch.tensor(labels[known]).double()
    first = labels[:, 0] >= 0
    delong = components(labels[first, 0], scores[first, 0], others[first, 0])
    golden = {
        "n": N, "c": C, "labels": labels.ravel().tolist(),
        "logits": digits(logits.ravel().tolist()), "other_logits": digits(other.ravel().tolist()),
        "weights": weights.tolist(), "conditions": conditions,
        "micro": by_torchmetrics(labels, scores, conditions), "normal": normal(labels, scores),
        "bce": float(binary_cross_entropy_with_logits(z, y)), "losses": losses(labels, logits),
        "delong": delong,
    }
    GOLDEN.write_text(json.dumps(golden, default=float, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
