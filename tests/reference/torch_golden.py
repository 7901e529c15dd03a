#!/usr/bin/env python3
"""Writes ../golden/torch_parity.json: logits and training losses of PyTorch, to hold ours against.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy torch torchvision
    CHESTXR_SAMPLE_DIR=../shared/data /tmp/venv/bin/python tests/reference/torch_golden.py

Weights, synthetic images and their labels come from the formulas in `formulas.py`, so the file holds results only.
Real images (`nih_sample_64_strat.npz`, found through CHESTXR_SAMPLE_DIR, default ../shared/data from the root of
the repository) are never committed; logits and losses on them are.

Networks, with 1 input channel and 14 outputs, named as their state dicts name them:
    chestnet-s          features.{0,4,8} conv3x3 pad 1, features.{1,5,9} batch norm, ReLU, maxpool 2; flatten;
                        classifier.1 linear 8192 -> 512, ReLU, classifier.4 linear 512 -> 14 (0 and 3 are dropout)
    resnet18.small      torchvision's, conv1 = 3x3, stride 1, padding 1, no bias, and no maxpool
    resnet18.imagenet   torchvision's, conv1 = 7x7, stride 2, padding 3, no bias

What is in the file:
    parameters   gain 6; a few values and the float64 sum of some entries, to check the formula before anything else
    images        the sum of the pixels, image 0's first eight, and the labels' positives, likewise
    logits       gain 6, evaluation mode; `synthetic` for images 0..8, `sample_test` for the 170 test images in file order;
                 row-major N x 14, 7 significant digits
    training     gain 1; 50 steps of torch.optim.Adam(`lr`, weight decay 1e-4, defaults otherwise) on the mean BCE with
                 logits, training mode, dropout p = 0, float32, 2 threads. Step k (from 0) takes the images
                 (32 k + j) mod N for j in 0..32: `synthetic` of N = 128 images, `sample_train` of the 700 training
                 images in file order. `losses` are the losses before each step's update; `drift` is how far each
                 moved when all weights started one float32 step higher (nextafter): what rounding alone can do
                 on another machine. Expect no closer agreement than that. At a rate of 3e-4 PyTorch differs from
                 itself by 1e-2 when it runs on one thread instead of two, so that rate can't be compared.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

import formulas

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden" / "torch_parity.json"
STEPS, BATCH, SYNTHETIC = 50, 32, 128
LOGITS_GAIN, TRAINING_GAIN = 6.0, 1.0
# As high as rounding alone allows to compare: see `drift`.
LEARNING_RATES = {"chestnet-s": 1e-4, "resnet18.imagenet": 2e-5}


class ChestNetS(nn.Module):
    def __init__(self, dropout=0.5):
        super().__init__()
        blocks, channels = [], 1
        for width in (32, 64, 128):
            blocks += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        self.features = nn.Sequential(*blocks)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(128 * 8 * 8, 512), nn.ReLU(), nn.Dropout(dropout), nn.Linear(512, 14)
        )

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def resnet(make, stem):
    network = make(weights=None, num_classes=formulas.CLASSES)
    if stem == "small":
        network.conv1 = nn.Conv2d(1, 64, 3, stride=1, padding=1, bias=False)
        network.maxpool = nn.Identity()
    else:
        network.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    return network


NETWORKS = {
    "chestnet-s": lambda: ChestNetS(dropout=0.0),
    "resnet18.small": lambda: resnet(torchvision.models.resnet18, "small"),
    "resnet18.imagenet": lambda: resnet(torchvision.models.resnet18, "imagenet"),
}
# The small stem keeps 64 px at full size, which takes a CPU sixteen times as long and shows nothing more.
TRAINED = ("chestnet-s", "resnet18.imagenet")


def seven_digits(tensor):
    return [float(f"{v:.7g}") for v in tensor.double().flatten().tolist()]


def logits(network, images):
    network.eval()
    with torch.no_grad():
        return torch.cat([network(formulas.normalised(part)) for part in np.array_split(images, -(-len(images) // 34))])


def losses(name, images, labels, nudged=False):
    network = formulas.fill(NETWORKS[name](), TRAINING_GAIN).train()
    if nudged:
        with torch.no_grad():
            for weight in network.parameters():
                weight.copy_(torch.nextafter(weight, torch.tensor(torch.inf)))
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATES[name], weight_decay=1e-4)
    history = []
    for step in range(STEPS):
        index = (step * BATCH + np.arange(BATCH)) % len(images)
        optimizer.zero_grad()
        logits = network(formulas.normalised(images[index]))
        loss = binary_cross_entropy_with_logits(logits, torch.from_numpy(labels[index]).float())
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return history


def trained(name, source, images, labels):
    plain = losses(name, images, labels)
    drift = [abs(a - b) for a, b in zip(plain, losses(name, images, labels, nudged=True))]
    print(f"{name} on {source}: {plain[0]:.4f} -> {plain[-1]:.4f}, drift up to {max(drift):.1e}", flush=True)
    return {"lr": LEARNING_RATES[name], "losses": [float(f"{v:.9g}") for v in plain], "drift": [float(f"{v:.2g}") for v in drift]}


def parameter_probes():
    probes = {}
    for network, names in {
        "chestnet-s": ("features.0.weight", "features.1.weight", "features.9.running_var", "classifier.1.weight", "classifier.4.bias"),
        "resnet18.small": ("conv1.weight", "bn1.running_mean", "layer4.1.conv2.weight", "layer2.0.downsample.0.weight", "fc.weight"),
        "resnet18.imagenet": ("conv1.weight",),
    }.items():
        state = formulas.fill(NETWORKS[network](), LOGITS_GAIN).state_dict()
        probes[network] = {
            name: {
                "shape": list(state[name].shape),
                "first": [float(str(np.float32(v))) for v in state[name].flatten()[:4].tolist()],
                "sum": state[name].double().sum().item(),
            }
            for name in names
        }
    return probes


def main():
    torch.set_num_threads(2)
    torch.manual_seed(0)

    sample = Path(os.environ.get("CHESTXR_SAMPLE_DIR", ROOT / ".." / "shared" / "data")) / "nih_sample_64_strat.npz"
    if not sample.exists():
        sys.exit("nih_sample_64_strat.npz is not there: set CHESTXR_SAMPLE_DIR to the folder that holds it")
    with np.load(sample) as archive:
        real = {key: archive[key] for key in ("train_images", "train_labels", "test_images")}
    synthetic, synthetic_labels = formulas.images(SYNTHETIC), formulas.labels(SYNTHETIC)

    golden = {
        "made_by": "tests/reference/torch_golden.py",
        "versions": {"numpy": np.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
        "parameters": parameter_probes(),
        "images": {
            "count": SYNTHETIC,
            "pixel_sum": int(synthetic.sum(dtype=np.int64)),
            "image_0_starts": synthetic[0, 0, :8].tolist(),
            "image_127_ends": synthetic[127, 63, -8:].tolist(),
            "positives": synthetic_labels.sum(0, dtype=np.int64).tolist(),
            "label_0": synthetic_labels[0].tolist(),
        },
        "logits": {},
        "training": {},
    }
    for name, make in NETWORKS.items():
        network = formulas.fill(make(), LOGITS_GAIN)
        on_images = logits(network, synthetic[:8])
        on_sample = logits(network, real["test_images"])
        golden["logits"][name] = {"synthetic": seven_digits(on_images), "sample_test": seven_digits(on_sample)}
        print(f"{name}: logits of deviation {on_images.std():.3f} and {on_sample.std():.3f}, within a class {on_sample.std(0).mean():.3f}", flush=True)
    for name in TRAINED:
        golden["training"][name] = {}
        for source, images, labels in (
            ("synthetic", synthetic, synthetic_labels),
            ("sample_train", real["train_images"], real["train_labels"]),
        ):
            golden["training"][name][source] = trained(name, source, images, labels)
            save(golden)  # each takes minutes


def save(golden):
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(golden, separators=(",", ":"), allow_nan=False).replace('],"', '],\n"') + "\n")
    print(f"{GOLDEN.name}: {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
