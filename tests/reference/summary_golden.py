#!/usr/bin/env python3
"""Writes ../golden/summary.json: the modules of the networks as PyTorch and Lightning tell them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy torch torchvision lightning
    /tmp/venv/bin/python tests/reference/summary_golden.py

For each network, with 1 input channel, 14 outputs and one image of 64 x 64: `modules` has a row
[name, class, parameters, output shape of one image] for every module of `named_modules()`, the network first, by
forward hooks; `multiply_adds` is half of what `torch.utils.flop_counter` counts, which are convolutions and matrix
products; `lightning` are the first columns of Lightning's `ModelSummary(max_depth=-1)` of a LightningModule whose
`model` the network is: rows of index, name, type, parameters and mode. It is empty for the two largest networks.
"""

import json

import lightning
import torch
import torchvision
from lightning.pytorch.utilities.model_summary import ModelSummary
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from torch_golden import NETWORKS, ROOT

GOLDEN = ROOT / "tests" / "golden" / "summary.json"


def densenet121():
    network = torchvision.models.densenet121(weights=None, num_classes=14)
    network.features.conv0 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    return network


def resnet50():
    network = torchvision.models.resnet50(weights=None, num_classes=14)
    network.conv1 = nn.Conv2d(1, 64, 3, stride=1, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network


class Module(lightning.LightningModule):
    def __init__(self, network):
        super().__init__()
        self.model = network


def told(network):
    outputs = {}
    for name, module in network.named_modules():
        module.register_forward_hook(lambda _m, _i, out, name=name: outputs.__setitem__(name, list(out.shape[1:])))
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 64, 64))
    rows = [
        [name, type(module).__name__, sum(p.numel() for p in module.parameters()), outputs[name]]
        for name, module in network.named_modules()
    ]
    if len(rows) > 100:
        return {"modules": rows, "multiply_adds": counter.get_total_flops() // 2, "lightning": []}
    network.train()
    lines = str(ModelSummary(Module(network), max_depth=-1)).splitlines()
    rules = [i for i, line in enumerate(lines) if line.startswith("---")]
    table = [[cell.strip() for cell in line.split("|")][:5] for line in lines[rules[0] + 1 : rules[1]]]
    return {"modules": rows, "multiply_adds": counter.get_total_flops() // 2, "lightning": table}


def main():
    networks = {
        "chestnet-s": NETWORKS["chestnet-s"],
        "resnet18.imagenet": NETWORKS["resnet18.imagenet"],
        "resnet50.small": resnet50,
        "densenet121.imagenet": densenet121,
    }
    golden = {
        "made_by": "tests/reference/summary_golden.py",
        "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__, "lightning": lightning.__version__},
        "networks": {name: told(make()) for name, make in networks.items()},
    }
    GOLDEN.write_text(json.dumps(golden, separators=(",", ":")).replace('],["', '],\n["') + "\n")
    print(f"{GOLDEN.name}: {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
