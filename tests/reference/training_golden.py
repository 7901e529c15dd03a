#!/usr/bin/env python3
"""Writes ../golden/training.json: PyTorch's losses, optimizers, schedules and networks, to hold ours against.

    python3 -m venv /tmp/venv/peer && /tmp/venv/peer/bin/pip install numpy torch torchvision
    /tmp/venv/peer/bin/python tests/reference/training_golden.py          # ten minutes or more on two cores

Weights, images and their labels come from the formulas in `formulas.py`, ChestNetS from `torch_golden.py`; no real
image is needed. Everything is float32 on the CPU with 2 threads, 9 significant digits; learning rates and the sums of
weights are float64.

Where something is trained it is ChestNetS, gain 1, dropout p = 0, in training mode, on the mean BCE with logits.
Batch k (from 0) is the synthetic images (16 k + j) mod 128 for j in 0..16; there is one batch a step unless said
otherwise. `losses` are the losses before each step's update. `drift` is how far each moved when all parameters
started one float32 step higher (nextafter), as in torch_parity.json. One such nudge is one draw: now and then a
ReLU or a maximum flips and losses jump by some 1e-4, at any rate of Adam down to 3e-5, so that a small `drift` can be
luck. `spread` is the largest distance of any loss over three nudges (all up, all down, up and down mixed by
mix(i, hash("nudge")) >> 31): hold losses to `spread` and some, and never closer than a few float32 steps.

What is in the file:
    losses        `logits` is 6 x 14, row-major, float32(6 u(i, "loss.logit")); `labels` is 1 where
                  mix(i, hash("loss.label")) % 100 < 40 (both are in the file, too). Each of `cases` has the settings
                  by our names (those its kind does not use are at our defaults), the mean loss as `value` and
                  `gradient`, its gradient by the logits. `focal` is torchvision.ops.sigmoid_focal_loss with
                  alpha = -1; `asymmetric` is the formula of Ridnik et al. 2021 with the gradient through the
                  focusing factor.
    trajectories  50 steps for each of `optimizers` x `schedules`. In `runs`, `lr` is the rate each step was done with.
                  `cosine_warmup` is LinearLR(1/10, total_iters=9), then CosineAnnealingLR(T_max=40) from step 10 on.
                  `plateau` is fed one value of `monitor` after each 8 steps, so that the rate can change with
                  steps 8, 16, ... (from 0). Weight decay shows in Adam's losses only: without it they move by
                  1e-3 (`none`), those of the others by less than their `spread`.
    variations    of Adam at its rate and weight decay above, without a schedule:
        plain       nothing is varied, 50 steps: `norms` are the gradients' norms. To see that the others differ.
        clip        clip_grad_norm_ to `max_norm`, which is below every norm, 50 steps. `norms` is what it returns:
                    the norms before clipping.
        accumulate  12 steps, each on 4 batches in a row whose mean losses are divided by 4. `losses` are the 48
                    means before that division; `norms` are the 12 norms of the summed gradients, which Adam hardly
                    notices the scale of: without the division losses change by 4e-4 at most, norms fourfold.
        ema         AveragedModel(get_ema_multi_avg_fn(0.9), use_buffers=True), updated after each of 20 steps. Its
                    first update copies the parameters as they are after step 1, with no part of the start; each later
                    one is lerp(mean, parameter, 1 - 0.9). Running statistics of batch norm are averaged likewise.
                    `averaged` and `learning` hold the float64 sum and the first four values of some tensors at the
                    end; `drift` in them is that of the sum, upwards.
        head        two parameter groups, 20 steps; classifier.4.* learns at `head_lr_factor` times the rate.
        frozen      10 steps in which only classifier.4.* learns: all else is in evaluation mode (batch norm
                    neither uses nor changes batch statistics) and has no gradients. Then 10 steps in training mode
                    in which everything learns. One Adam throughout, which skips what has no gradient: the
                    backbone's count of steps begins at the 11th.
        layers      AdamW with `optimizer`; each block learns at `layer_decay` times the rate of the block after it, and only
                    kernels and matrices decay, 20 steps.
        bf16        the forward pass under torch.autocast("cpu", torch.bfloat16), the loss outside of it from
                    logits.float(), 20 steps. The weights stay float32. One rounding to bfloat16 is 4e-3.
    networks      logits of images 0..4 in evaluation mode, row-major 4 x 14, at this `gain` (with
                  6 resnets' logits are in the hundreds and densenets' hardly differ); `parameters` is their number
                  without buffers, `double` how far the logits of the same network in float64 are, at most.
                  torchvision's, 1 input channel, 14 outputs; the `imagenet` stem is a 7x7 convolution, stride 2, and
                  its maxpool, the `small` one a 3x3 convolution, stride 1, padding 1, no bias, and no maxpool.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import formulas
from golden_digits import digits
from loss_golden import loss_golden
from network_golden import network_golden
from torch_golden import ChestNetS

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "training.json"
STEPS, BATCH, SYNTHETIC, GAIN = 50, 16, 128, 1.0
MOST_DRIFT = 3e-4
HEAD = "classifier.4."

# Rates are as high as rounding alone allows to compare: see `drift`.
OPTIMIZERS = {
    "adam": {"kind": "adam", "lr": 5e-5, "weight_decay": 1e-4},
    "adamw": {"kind": "adamw", "lr": 5e-5, "weight_decay": 1e-2},
    "sgd_momentum": {"kind": "sgd", "lr": 1e-3, "weight_decay": 1e-4, "momentum": 0.9, "nesterov": False},
    "sgd_nesterov": {"kind": "sgd", "lr": 1e-3, "weight_decay": 1e-4, "momentum": 0.9, "nesterov": True},
    "sgd_plain": {"kind": "sgd", "lr": 3e-3, "weight_decay": 1e-4, "momentum": 0.0, "nesterov": False},
}
EPOCH = 8
SCHEDULES = {
    "none": {"kind": "none"},
    "cosine": {"kind": "cosine", "min_lr": 1e-6, "warmup_steps": 0},
    "cosine_warmup": {"kind": "cosine", "min_lr": 1e-6, "warmup_steps": 10},
    "onecycle": {"kind": "onecycle"},
    "plateau": {
        "kind": "plateau",
        "mode": "min",
        "factor": 0.5,
        "patience": 1,
        "threshold": 1e-4,
        "threshold_mode": "abs",
        "min_lr": 0.0,
        "steps_per_epoch": EPOCH,
        # Best; a tie; a rise: cut; better by less than the threshold; a rise: cut; best.
        "monitor": [0.7, 0.7, 0.71, 0.69995, 0.705, 0.69],
    },
}


# Training


IMAGES = formulas.normalised(formulas.images(SYNTHETIC))
LABELS = torch.from_numpy(formulas.labels(SYNTHETIC)).float()


NUDGES = ("up", "down", "mixed")


def start(nudge=None):
    network = formulas.fill(ChestNetS(dropout=0.0), GAIN).train()
    if nudge is not None:
        with torch.no_grad():
            for weight in network.parameters():
                up = {"up": True, "down": False}.get(nudge)
                if up is None:
                    bits = formulas.mix(np.arange(weight.numel()), formulas.name_hash("nudge")) >> np.uint32(31)
                    up = torch.from_numpy(bits.astype(bool)).reshape(weight.shape)
                weight.copy_(torch.nextafter(weight, torch.where(torch.as_tensor(up), torch.inf, -torch.inf)))
    return network


def batch_loss(network, k, autocast=False):
    index = (k * BATCH + torch.arange(BATCH)) % SYNTHETIC
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = network(IMAGES[index])
    return binary_cross_entropy_with_logits(logits.float(), LABELS[index])


def make_optimizer(parameters, kind, **settings):
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[kind](parameters, **settings)


def make_schedule(optimizer, kind, lr, min_lr=0.0, warmup_steps=0, **settings):
    """The scheduler to step after each optimizer step, or, for the plateau, after each epoch."""
    if kind == "cosine":
        cosine = lambda: lr_scheduler.CosineAnnealingLR(optimizer, STEPS - warmup_steps, eta_min=min_lr)
        if not warmup_steps:
            return cosine()
        rise = lr_scheduler.LinearLR(optimizer, start_factor=1 / warmup_steps, total_iters=warmup_steps - 1)
        return lr_scheduler.SequentialLR(optimizer, [rise, cosine()], milestones=[warmup_steps])
    if kind == "onecycle":
        return lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=STEPS, cycle_momentum=False)
    if kind == "plateau":
        wanted = {key: settings[key] for key in ("mode", "factor", "patience", "threshold", "threshold_mode")}
        return lr_scheduler.ReduceLROnPlateau(optimizer, min_lr=min_lr, **wanted)
    return None


def trajectory(optimizer, schedule, nudge=None):
    network = start(nudge)
    optimizer = make_optimizer(network.parameters(), **optimizer)
    base = optimizer.param_groups[0]["lr"]
    scheduler = make_schedule(optimizer, lr=base, **schedule)
    losses, lr = [], []
    for step in range(STEPS):
        lr.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.zero_grad()
        loss = batch_loss(network, step)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if schedule["kind"] == "plateau":
            if (step + 1) % EPOCH == 0:
                scheduler.step(schedule["monitor"][step // EPOCH])
        elif scheduler is not None and step + 1 < STEPS:
            scheduler.step()
    if schedule["kind"] == "cosine":  # PyTorch computes each rate from the last
        rise, least = schedule["warmup_steps"], schedule["min_lr"]
        for k, rate in enumerate(lr):
            done = (k - rise) / (STEPS - rise)
            closed = base * (k + 1) / rise if k < rise else least + (base - least) * (1 + math.cos(math.pi * done)) / 2
            assert math.isclose(rate, closed, rel_tol=1e-9), (k, rate, closed)
    return losses, lr


def drift_of(plain, nudged):
    return digits((abs(a - b) for a, b in zip(plain, nudged, strict=True)), 2)


def moved(name, losses, nudged):
    """Losses with what NUDGES do to them."""
    drifts = [drift_of(losses, each) for each in nudged]
    spread = max(map(max, drifts))
    print(f"{name}: {losses[0]:.4f} -> {losses[-1]:.4f}, drift up to {max(drifts[0]):.1e}, spread {spread:.1e}", flush=True)
    return {"losses": digits(losses), "drift": drifts[0], "spread": spread}


def trajectory_golden():
    runs = []
    for by, optimizer in OPTIMIZERS.items():
        most = 0.0
        for along, schedule in SCHEDULES.items():
            losses, lr = trajectory(optimizer, schedule)
            made = moved(f"{by}, {along}", losses, [trajectory(optimizer, schedule, nudge)[0] for nudge in NUDGES])
            runs.append({"optimizer": by, "schedule": along, "lr": digits(lr), **made})
            most = max(most, *made["drift"])
        print(f"{by}: most drift {most:.1e}", flush=True)
        if most > MOST_DRIFT:
            raise SystemExit(f"{by} drifts by {most:.1e}: lower its rate")
    return {"steps": STEPS, "batch": BATCH, "optimizers": OPTIMIZERS, "schedules": SCHEDULES, "runs": runs}


# Variations


MAX_NORM, DECAY, HEAD_FACTOR = 0.4, 0.9, 10.0
PROBED = ("features.0.weight", "features.1.running_mean", "features.1.running_var", "classifier.4.weight", "classifier.4.bias")


def adam(parameters):
    return make_optimizer(parameters, **OPTIMIZERS["adam"])


def norm_of(network):
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters()]).item()


def plain(nudge=None):
    return clipped(nudge, math.inf)


def clipped(nudge=None, max_norm=MAX_NORM):
    network = start(nudge)
    optimizer = adam(network.parameters())
    losses, norms = [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = batch_loss(network, step)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(network.parameters(), max_norm).item())
        optimizer.step()
        losses.append(loss.item())
    return losses, norms


def accumulated(nudge=None):
    network = start(nudge)
    optimizer = adam(network.parameters())
    losses, norms = [], []
    for step in range(12):
        optimizer.zero_grad()
        for part in range(4):
            loss = batch_loss(network, 4 * step + part)
            (loss / 4).backward()
            losses.append(loss.item())
        norms.append(norm_of(network))
        optimizer.step()
    return losses, norms


def averaged(nudge=None):
    network = start(nudge)
    optimizer = adam(network.parameters())
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(DECAY), use_buffers=True)
    losses = []
    for step in range(20):
        optimizer.zero_grad()
        loss = batch_loss(network, step)
        loss.backward()
        optimizer.step()
        mean.update_parameters(network)
        losses.append(loss.item())
        if step == 0:
            assert all(torch.equal(a, b) for a, b in zip(mean.module.parameters(), network.parameters(), strict=True))
    return losses, probes(mean.module), probes(network)


def probes(network, names=PROBED):
    state = network.state_dict()
    return {
        name: {"sum": state[name].double().sum().item(), "first": digits(state[name].flatten()[:4].tolist())}
        for name in names
    }


def with_drift_of_sums(plain, nudged):
    return {
        name: {"sum": float(f"{probe['sum']:.9g}"), "first": probe["first"], "drift": drift_of([probe["sum"]], [nudged[name]["sum"]])[0]}
        for name, probe in plain.items()
    }


def two_rates(nudge=None):
    network = start(nudge)
    settings = OPTIMIZERS["adam"]
    named = list(network.named_parameters())
    backbone = [p for name, p in named if not name.startswith(HEAD)]
    head = [p for name, p in named if name.startswith(HEAD)]
    assert len(head) == 2
    optimizer = adam([{"params": backbone}, {"params": head, "lr": HEAD_FACTOR * settings["lr"]}])
    return simple_steps(network, optimizer, range(20))


def simple_steps(network, optimizer, steps, autocast=False):
    losses = []
    for step in steps:
        optimizer.zero_grad(set_to_none=True)
        loss = batch_loss(network, step, autocast)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def frozen(nudge=None):
    network = start(nudge)
    optimizer = adam(network.parameters())
    backbone = [p for name, p in network.named_parameters() if not name.startswith(HEAD)]
    before = [tensor.clone() for name, tensor in network.state_dict().items() if not name.startswith(HEAD)]
    network.eval()
    network.classifier[4].train()
    for parameter in backbone:
        parameter.requires_grad_(False)
    losses = simple_steps(network, optimizer, range(10))
    after = [tensor for name, tensor in network.state_dict().items() if not name.startswith(HEAD)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    network.train()
    for parameter in backbone:
        parameter.requires_grad_(True)
    losses += simple_steps(network, optimizer, range(10, 20))
    assert {int(optimizer.state[p]["step"]) for p in backbone} == {10}
    return losses


LAYERS = {"kind": "adamw", "lr": 5e-5, "weight_decay": 1.0}
LAYER_DECAY = 0.5


def stage_of(name):
    """The block of ChestNetS from the input on: three of convolutions, the hidden layer, the last layer."""
    part, number = name.split(".")[:2]
    return int(number) // 4 if part == "features" else 3 + int(number) // 4


def layered(nudge=None):
    """A rate for each block, and decay of matrices and kernels alone."""
    network = start(nudge)
    groups = [
        {
            "params": [parameter],
            "lr": LAYERS["lr"] * LAYER_DECAY ** (4 - stage_of(name)),
            "weight_decay": LAYERS["weight_decay"] if parameter.ndim > 1 else 0.0,
        }
        for name, parameter in network.named_parameters()
    ]
    assert sorted({stage_of(name) for name, _ in network.named_parameters()}) == [0, 1, 2, 3, 4]
    losses = simple_steps(network, make_optimizer(groups, **LAYERS), range(20))
    return losses, probes(network, ("features.0.weight", "features.1.weight", "classifier.1.weight", "classifier.1.bias"))


def layered_golden():
    (losses, learning), *nudged = layered(), *map(layered, NUDGES)
    made = {"optimizer": LAYERS, "layer_decay": LAYER_DECAY, "decay_norms": False}
    made |= moved("layers", losses, [each[0] for each in nudged])
    return made | {"learning": with_drift_of_sums(learning, nudged[0][1])}


def half(nudge=None):
    network = start(nudge)
    return simple_steps(network, adam(network.parameters()), range(20), autocast=True)


def variation_golden():
    made = {}
    for name, settings, vary in (
        ("plain", {}, plain),
        ("clip", {"max_norm": MAX_NORM}, clipped),
        ("accumulate", {"accumulate": 4}, accumulated),
    ):
        (losses, norms), *nudged = vary(), *map(vary, NUDGES)
        print(f"norms of {name}: {min(norms):.4f} to {max(norms):.4f}, median {np.median(norms):.4f}", flush=True)
        assert name != "clip" or min(norms) > MAX_NORM
        made[name] = {**settings, **moved(name, losses, [each[0] for each in nudged])}
        made[name] |= {"norms": digits(norms), "norms_drift": drift_of(norms, nudged[0][1])}
    (losses, mean, learning), *nudged = averaged(), *map(averaged, NUDGES)
    made["ema"] = {"decay": DECAY, **moved("ema", losses, [each[0] for each in nudged])}
    made["ema"] |= {"averaged": with_drift_of_sums(mean, nudged[0][1]), "learning": with_drift_of_sums(learning, nudged[0][2])}
    for name, settings, vary in (
        ("head", {"head_lr_factor": HEAD_FACTOR}, two_rates),
        ("frozen", {"frozen_steps": 10}, frozen),
        ("bf16", {}, half),
    ):
        made[name] = {**settings, **moved(name, vary(), list(map(vary, NUDGES)))}
    made["layers"] = layered_golden()
    return made


# Networks


def main():
    torch.set_num_threads(2)
    torch.manual_seed(0)
    golden = {
        "made_by": "tests/reference/training_golden.py",
        "versions": {"numpy": np.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
        "losses": loss_golden(),
        "networks": network_golden(IMAGES),
        "variations": variation_golden(),
        "trajectories": trajectory_golden(),
    }
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(golden, separators=(",", ":"), allow_nan=False).replace('],"', '],\n"') + "\n")
    print(f"{GOLDEN.name}: {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
