"""PyTorch's losses and their gradients, a part of ../golden/training.json."""
import numpy as np
import torch
import torchvision
from torch.nn.functional import binary_cross_entropy_with_logits

import formulas
from golden_digits import digits

DEFAULTS = {"kind": "bce", "gamma": 2.0, "gamma_pos": 1.0, "gamma_neg": 4.0, "clip": 0.05, "smoothing": 0.0, "pos_weight": None}
CASES = {
    "bce": {},
    "bce, weighted": {"pos_weight": [1 + 0.75 * c for c in range(formulas.CLASSES)]},
    "bce, smoothed": {"smoothing": 0.1},
    "focal 2": {"kind": "focal", "gamma": 2.0},
    "focal 1.5": {"kind": "focal", "gamma": 1.5},
    "asymmetric 1 4 0.05": {"kind": "asymmetric", "gamma_pos": 1.0, "gamma_neg": 4.0, "clip": 0.05},
    "asymmetric 0 2 0": {"kind": "asymmetric", "gamma_pos": 0.0, "gamma_neg": 2.0, "clip": 0.0},
}


def loss_of(x, y, kind, gamma, gamma_pos, gamma_neg, clip, smoothing, pos_weight):
    y = y * (1 - smoothing) + smoothing / 2
    if kind == "bce":
        return binary_cross_entropy_with_logits(x, y, pos_weight=None if pos_weight is None else torch.tensor(pos_weight))
    assert pos_weight is None
    if kind == "focal":
        return torchvision.ops.sigmoid_focal_loss(x, y, alpha=-1, gamma=gamma, reduction="mean")
    p = torch.sigmoid(x)
    q = torch.clamp(1 - p + clip, max=1)
    cost = -(y * torch.log(p.clamp(min=1e-8)) + (1 - y) * torch.log(q.clamp(min=1e-8)))
    return (cost * (1 - (p * y + q * (1 - y))) ** (gamma_pos * y + gamma_neg * (1 - y))).mean()


def loss_golden():
    i = np.arange(6 * formulas.CLASSES)
    u = formulas.mix(i, formulas.name_hash("loss.logit")).astype(np.float64) / 2147483648.0 - 1.0
    logits = torch.from_numpy((6 * u).astype(np.float32)).reshape(6, -1)
    labels = (formulas.mix(i, formulas.name_hash("loss.label")) % np.uint32(100) < 40).astype(np.uint8)
    targets = torch.from_numpy(labels).float().reshape(6, -1)
    cases = {}
    for name, changed in CASES.items():
        settings = DEFAULTS | changed
        x = logits.clone().requires_grad_()
        loss = loss_of(x, targets, **settings)
        loss.backward()
        assert torch.isfinite(x.grad).all()
        # The same in float64, as a check of float32
        exact = logits.double().requires_grad_()
        loss_of(exact, targets.double(), **settings).backward()
        off = (x.grad - exact.grad).abs().max().item()
        print(f"{name}: {loss.item():.6f}, gradient up to {x.grad.abs().max():.1e}, {off:.1e} from float64's", flush=True)
        cases[name] = {**settings, "value": float(f"{loss.item():.9g}"), "gradient": digits(x.grad.flatten().tolist())}
    return {"logits": digits(logits.flatten().tolist()), "labels": labels.tolist(), "cases": cases}
