#!/usr/bin/env python3
"""Writes tests/golden/explain.json: maps of Captum and pytorch-grad-cam on the networks and images of formulas.py.

    pip install torch torchvision captum grad-cam
    python tests/reference/explain_golden.py

A map is kept as every 7th of its values with the largest absolute value and its sum: enough to notice any difference,
small enough to commit. Maps are computed in double precision. In single precision a ReLU or a maximum now and then
decides otherwise, which moves single values by far more than rounding; by how much Captum's own single-precision maps
differ from its double-precision ones is kept beside each case.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
import torchvision
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, Occlusion
from pytorch_grad_cam import GradCAMPlusPlus
from torch import nn

import formulas
from torch_golden import resnet, ChestNetS
from network_golden import densenet121

torch.set_num_threads(2)
IMAGES = 3
CLASSES = [2, 1, 13]
SIZE = 64
BASELINES = {"black": None, "mean": None, "blurred": None}


class WithRelu(nn.Module):
    """torchvision's DenseNet with the last ReLU as a module, so that its output can be looked at."""

    def __init__(self, net):
        super().__init__()
        self.features, self.relu, self.classifier = net.features, nn.ReLU(), net.classifier

    def forward(self, x):
        x = self.relu(self.features(x))
        return self.classifier(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def without_inplace(net):
    for module in net.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return net


def split_mix(seed, n):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + (np.asarray(n, np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def normal(seed, key, count):
    seed = split_mix(seed, key)
    unit = lambda bits: ((bits >> np.uint64(11)).astype(np.float64) + 1) / 2.0**53
    n = np.arange(count, dtype=np.uint64)
    u, v = unit(split_mix(seed, 2 * n)), unit(split_mix(seed, 2 * n + np.uint64(1)))
    return (np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)).astype(np.float32)


def blurred(image):
    deviation = image.shape[-1] / 10
    reach = min(math.ceil(3 * deviation), min(image.shape[-2:]) - 1)
    x = torch.arange(-reach, reach + 1, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (x / deviation) ** 2).float().to(image.dtype)
    kernel = kernel / kernel.sum()
    padded = nn.functional.pad(image, [reach] * 4, mode="replicate")
    across = nn.functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return nn.functional.conv2d(across, kernel.view(1, 1, -1, 1))


def baseline(image, name):
    return {
        "black": lambda: torch.full_like(image, -1.0),
        "mean": lambda: torch.full_like(image, image.mean().item()),
        "blurred": lambda: blurred(image),
    }[name]()


def kept(maps):
    rows = []
    for one in maps.detach().reshape(len(maps), -1).double().numpy():
        rows.append({"probe": [float(f"{v:.7g}") for v in one[::7]], "largest": float(np.abs(one).max()), "sum": float(one.sum())})
    return rows


def case(method, maps, layer=None, **options):
    return {"method": method, "layer": layer, **options, "maps": maps}


def with_rounding(exact, single):
    """The cases of double precision with how far those of single precision are from them."""
    for a, b in zip(exact, single, strict=True):
        far = (b["maps"].double() - a["maps"]).flatten(1).abs().amax(1) / a["maps"].flatten(1).abs().amax(1)
        a["rounding"] = float(f"{far.max().item():.2g}")
        a["maps"] = kept(a["maps"])
    return exact


def of_network(net, layers, images, thorough):
    net = without_inplace(net).eval()
    out = []
    target = torch.tensor(CLASSES[: len(images)])
    steps = 50 if thorough else 16
    for name, module in layers.items():
        cam = LayerGradCam(net, module).attribute(images, target=target, relu_attributions=True)
        out.append(case("grad-cam", LayerAttribution.interpolate(cam, (SIZE, SIZE), "bilinear"), name))
        plus = GradCAMPlusPlus(model=net, target_layers=[module])
        activations, gradients = [], []
        hooks = [module.register_forward_hook(lambda m, i, o: (activations.append(o), o.register_hook(gradients.append))[0] and None)]
        logits = net(images)
        logits.gather(1, target.view(-1, 1)).sum().backward()
        for hook in hooks:
            hook.remove()
        a, g = activations[0].detach().numpy(), gradients[0].detach().numpy()
        weights = plus.get_cam_weights(images, [module], None, a, g)
        cam = torch.relu((torch.from_numpy(weights)[:, :, None, None] * torch.from_numpy(a)).sum(1, keepdim=True))
        cam = nn.functional.interpolate(cam, (SIZE, SIZE), mode="bilinear", align_corners=False)
        out.append(case("grad-cam++", cam, name))
    gradients = IntegratedGradients(net)
    for name in BASELINES if thorough else ["black"]:
        base = torch.cat([baseline(image[None], name) for image in images])
        maps = gradients.attribute(images, base, target=target, method="gausslegendre", n_steps=steps)
        out.append(case("integrated-gradients", maps, baseline=name, steps=steps))
    if thorough:
        samples, noise = 3, 0.1
        total = torch.zeros_like(images)
        base = torch.cat([baseline(image[None], "black") for image in images])
        for sample in range(samples):
            noisy = images.clone()
            for row in range(len(images)):
                drawn = normal(7, row, samples * SIZE * SIZE).reshape(samples, 1, SIZE, SIZE)[sample]
                noisy[row] += 2 * noise * torch.from_numpy(drawn).to(images.dtype)
            total += gradients.attribute(noisy, base, target=target, method="gausslegendre", n_steps=20)
        out.append(case("smoothgrad", total / samples, baseline="black", samples=samples, steps=20, seed=7))
        for name, window, stride in [("black", 8, 4), ("mean", 9, 5)]:
            base = torch.cat([baseline(image[None], name) for image in images])
            maps = Occlusion(net).attribute(images, (1, window, window), target=target, baselines=base, strides=(1, stride, stride))
            out.append(case("occlusion", maps, baseline=name, window=window, stride=stride))
    return out


def main():
    images = formulas.normalised(formulas.images(IMAGES))
    golden = {"versions": {"torch": torch.__version__}, "classes": CLASSES, "networks": {}}
    nets = {
        "chestnet-s": (6.0, lambda: ChestNetS(dropout=0.0)),
        "resnet18.small": (5.0, lambda: resnet(torchvision.models.resnet18, "small")),
        "densenet121.small": (10.0, lambda: densenet121("small")),
    }
    for name, (gain, make) in nets.items():
        net = formulas.fill(make(), gain)
        thorough = name == "chestnet-s"
        if thorough:
            layers = {"features.6": net.features[6], "features.10": net.features[10]}
        elif name == "resnet18.small":
            layers = {"layer2": net.layer2, "layer4": net.layer4}
        else:
            net = WithRelu(net)
            layers = {"features.denseblock3": net.features.denseblock3, "features.norm5": net.relu}
        # The larger networks take a CPU seconds a pass: two images and fewer steps show as much.
        some = images if thorough else images[:2]
        single = of_network(net, layers, some, thorough)
        exact = of_network(net.double(), layers, some.double(), thorough)
        golden["networks"][name] = {"gain": gain, "cases": with_rounding(exact, single)}
    path = Path(__file__).parent.parent / "golden" / "explain.json"
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
