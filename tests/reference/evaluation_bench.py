#!/usr/bin/env python3
"""Prints as JSON the seconds that scikit-learn and torchmetrics need for what the evaluation does, on real
predictions (chexnet_predictions.npz in $CHESTXR_SAMPLE_DIR, default ../shared/data beside the repository).

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scikit-learn torch torchmetrics
    /tmp/venv/bin/python tests/reference/evaluation_bench.py [--resamples 5] [--threads N]

- `epoch_end`: AUROC of each of 14 conditions on the first 11,219 images, five runs.
- `bootstrap`: AUROC, AUPRC and F1 (score > .5) of each of 14 conditions on each of `--resamples` resamples of 22,433
  images (drawing the rows included); `of_1000` is a thousand times the median, `of_1000_fastest` of the fastest.

One run before each isn't measured. torch's threads suffer far more than scikit-learn from other work on the same
cores, so `load` (os.getloadavg, before and after) belongs to the numbers: compare only where it is about 0 before.

Both get labels and scores as they like them best: scikit-learn one column at a time, torchmetrics the whole table.
"""

import argparse
import json
import os
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch
import torchmetrics
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

SAMPLES = Path(os.environ.get("CHESTXR_SAMPLE_DIR", Path(__file__).resolve().parents[3] / "shared" / "data"))


def by_sklearn(labels, scores, everything):
    for i in range(labels.shape[1]):
        y, s = labels[:, i], scores[:, i]
        sk.roc_auc_score(y, s)
        if everything:
            sk.average_precision_score(y, s)
            sk.f1_score(y, s > np.float32(0.5), zero_division=0)


def by_torchmetrics(labels, scores, everything):
    y, s, count = torch.from_numpy(labels), torch.from_numpy(scores), labels.shape[1]
    tm.multilabel_auroc(s, y, count, average="none")
    if everything:
        tm.multilabel_average_precision(s, y, count, average="none")
        tm.multilabel_f1_score(s, y, count, average="none")


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def summary(times):
    return {"median": round(statistics.median(times), 4), "fastest": round(min(times), 4), "slowest": round(max(times), 4)}


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--resamples", type=int, default=5)
    parser.add_argument("--threads", type=int, help="threads of torch (default: its own choice)")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    load = os.getloadavg()[0]
    data = np.load(SAMPLES / "chexnet_predictions.npz", allow_pickle=True)
    scores, labels = data["probs"].astype(np.float32), data["labels_chestmnist"].astype(np.int64)

    out = {
        "versions": {"scikit-learn": sklearn.__version__, "torch": torch.__version__, "torchmetrics": torchmetrics.__version__},
        "torch_threads": torch.get_num_threads(),
        "epoch_end": {"images": 11219, "conditions": labels.shape[1]},
        "bootstrap": {"images": len(labels), "conditions": labels.shape[1], "resamples": arguments.resamples},
    }
    for name, work in (("scikit-learn", by_sklearn), ("torchmetrics", by_torchmetrics)):
        y, s = np.ascontiguousarray(labels[:11219]), np.ascontiguousarray(scores[:11219])
        work(y, s, False)
        out["epoch_end"][name] = summary([seconds(lambda: work(y, s, False)) for _ in range(5)])

        rng = np.random.default_rng(25)

        def resample():
            rows = rng.integers(0, len(labels), len(labels))
            work(labels[rows], scores[rows], True)

        work(labels, scores, True)
        each = summary([seconds(resample) for _ in range(arguments.resamples)])
        thousand = {"of_1000": round(1000 * each["median"], 1), "of_1000_fastest": round(1000 * each["fastest"], 1)}
        out["bootstrap"][name] = {**each, **thousand}
    out["load"] = [round(load, 2), round(os.getloadavg()[0], 2)]
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
