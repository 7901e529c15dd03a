"""Curves, bootstrap, DeLong, Holm, temperature and co-occurrence, for evaluation_golden.py."""

import math
from fractions import Fraction

import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats
import torch
from sklearn import metrics as sk

from evaluation_peers import MLstatkit, confidenceinterval, statsmodels, multipletests
from evaluation_problems import make_pair, make_logits, numbers, numbers32, number32, digits, close, mean, LEVELS
from evaluation_metrics import auroc, auprc, ratios, ece, normality

Z95 = 1.959963984540054


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
