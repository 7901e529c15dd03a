#!/usr/bin/env python3
"""Writes ../golden/schedules.json: what PyTorch's plateau schedule and Lightning's early stopping do, epoch by epoch.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy torch lightning
    /tmp/venv/bin/python tests/reference/schedule_golden.py

`sequences` holds monitored values, one an epoch; null stands for NaN,
"inf" and "-inf" for the infinities. Each entry of `plateau` drives
`torch.optim.lr_scheduler.ReduceLROnPlateau` over a whole sequence: `lr` is the rate after each epoch's step, `bad`
its count of bad epochs then. Each entry of `early_stopping` feeds Lightning's own `EarlyStopping` until it asks to
stop: `wait_count` and `best` after each epoch, `stopped_epoch` (from 0, null when it never does) and why. The values
go in as float64, so that the traces do not depend on float32 ties at exactly min_delta.
"""

import json
import math
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "schedules.json"
LR = 3e-4


def sequences():
    rng = np.random.default_rng(22)
    epochs = np.arange(45)
    rounded = lambda values: [round(float(v), 6) for v in values]
    falling = 0.17 + 0.06 * np.exp(-epochs / 6)
    rising = 0.77 - 0.2 * np.exp(-epochs / 5)
    crawl = [0.2 - 0.00003 * k for k in range(20)]  # each step is more than 1e-4 of the value, but less than 1e-4
    return {
        "loss, noisy": rounded(falling + rng.normal(0, 0.002, 45)),
        "loss, in steps": rounded(np.repeat([0.5, 0.4, 0.4, 0.3, 0.29999, 0.299], [3, 8, 2, 9, 9, 12])),
        "loss, creeping": rounded(crawl),
        "loss, flat for long": [0.25] * 60,
        "loss, negative": rounded(-1 + 0.5 * np.exp(-epochs / 4) + rng.normal(0, 0.001, 45)),
        "loss, NaN at the end": rounded(falling[:9] + rng.normal(0, 0.001, 9)) + [math.nan],
        "loss, NaN in the middle": [0.3, 0.25, math.nan, 0.24, 0.24, 0.24],
        "loss, infinite at the start": [math.inf, 0.3, 0.29, math.inf, 0.28],
        "auroc, noisy": rounded(rising + rng.normal(0, 0.004, 45)),
        "auroc, peaks early": rounded(0.5 + 0.25 * epochs[:30] / 6 * np.exp(1 - epochs[:30] / 6)),
        "auroc, equal again": [0.7, 0.71, 0.71, 0.71, 0.7101, 0.71, 0.7102, 0.71, 0.71, 0.71, 0.71, 0.71, 0.71, 0.71, 0.71],
    }


def plateau(name, values, **settings):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=LR)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
    lr, bad = [], []
    for value in values:
        schedule.step(value)
        lr.append(optimizer.param_groups[0]["lr"])
        bad.append(schedule.num_bad_epochs)
    return {"sequence": name, "initial_lr": LR, **settings, "lr": lr, "bad": bad}


def early_stopping(name, values, **settings):
    stopper = EarlyStopping(monitor="value", **settings)
    wait_count, best, stopped_epoch = [], [], None
    for epoch, value in enumerate(values):
        # `_run_early_stopping_check` without the trainer around it
        should_stop, _ = stopper._evaluate_stopping_criteria(torch.tensor(value, dtype=torch.float64))
        wait_count.append(stopper.wait_count)
        best.append(float(stopper.best_score))
        if should_stop:
            stopped_epoch = epoch
            break
    return {
        "sequence": name,
        **settings,
        "wait_count": wait_count,
        "best": best,
        "stopped_epoch": stopped_epoch,
        "reason": stopper.stopping_reason.name.lower(),
    }


def plain(value):
    """JSON has no NaN: null; and no infinity: text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def main():
    made = sequences()
    plateaus, stops = [], []
    for name, values in made.items():
        mode = "max" if name.startswith("auroc") else "min"
        common = {"mode": mode, "factor": 0.1, "patience": 5, "threshold": 1e-4, "cooldown": 0, "eps": 1e-8}
        plateaus.append(plateau(name, values, **common, threshold_mode="rel", min_lr=0.0))
        plateaus.append(plateau(name, values, **common, threshold_mode="abs", min_lr=1e-5))
        for min_delta in (0.0, 1e-4):
            stops.append(early_stopping(name, values, mode=mode, patience=7, min_delta=min_delta))
    other = {"factor": 0.5, "patience": 2, "threshold": 0.01, "threshold_mode": "rel", "eps": 1e-8}
    plateaus.append(plateau("loss, noisy", made["loss, noisy"], mode="min", cooldown=3, min_lr=2e-5, **other))
    plateaus.append(plateau("auroc, noisy", made["auroc, noisy"], mode="max", cooldown=3, min_lr=2e-5, **other))
    stops.append(early_stopping("auroc, noisy", made["auroc, noisy"], mode="max", patience=1, min_delta=0.0))

    versions = {"lightning": lightning.__version__, "numpy": np.__version__, "torch": torch.__version__}
    golden = plain({"made_by": "tests/reference/schedule_golden.py", "versions": versions, "sequences": made, "plateau": plateaus, "early_stopping": stops})
    parts = []
    for key, value in golden.items():  # one sequence or trace a line
        if key == "sequences":
            text = "{\n" + ",\n".join(f"{json.dumps(n)}:{json.dumps(v)}" for n, v in value.items()) + "\n}"
        elif isinstance(value, list):
            text = "[\n" + ",\n".join(json.dumps(each, allow_nan=False) for each in value) + "\n]"
        else:
            text = json.dumps(value)
        parts.append(f'"{key}":{text}')
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("{" + ",\n".join(parts) + "}\n")
    print(f"{GOLDEN.name}: {len(plateaus)} + {len(stops)} traces, {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
