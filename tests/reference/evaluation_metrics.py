"""Metrics of one condition and of several, for evaluation_golden.py: scikit-learn and torchmetrics side by side."""

import numpy as np
import torch
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

from evaluation_peers import medmnist_version, getACC, getAUC
from evaluation_problems import number, numbers32, number32, close, mean

NAN = float("nan")


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
