"""torchvision's networks in grey, with weights by formula: the part `networks` of training_golden.py."""

import torch
import torchvision
from torch import nn

import formulas
from golden_digits import digits
from torch_golden import resnet


def densenet121(stem):
    network = torchvision.models.densenet121(weights=None, num_classes=formulas.CLASSES)
    if stem == "small":
        network.features.conv0 = nn.Conv2d(1, 64, 3, stride=1, padding=1, bias=False)
        network.features.pool0 = nn.Identity()
    else:
        network.features.conv0 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    return network


# Gains at which images' logits differ by about 1 within a class.
NETWORKS = {
    "resnet34.small": (5.0, lambda: resnet(torchvision.models.resnet34, "small")),
    "resnet50.imagenet": (5.0, lambda: resnet(torchvision.models.resnet50, "imagenet")),
    "densenet121.imagenet": (10.0, lambda: densenet121("imagenet")),
    "densenet121.small": (10.0, lambda: densenet121("small")),
}


def network_golden(images):
    """By network: the logits of the first four images (`f32[N, 1, S, S]`), and how far from float64's they are."""
    made = {}
    for name, (gain, make) in NETWORKS.items():
        network = formulas.fill(make(), gain).eval()
        with torch.no_grad():
            logits = network(images[:4])
            double = (network.double()(images[:4].double()) - logits).abs().max().item()
        print(f"{name}: logits of deviation {logits.std():.3f}, within a class {logits.std(0).mean():.3f}, {double:.1e} from float64's", flush=True)
        if not 0.3 < logits.std() < 50:
            raise SystemExit(f"{name}: choose another gain")
        made[name] = {
            "gain": gain,
            "parameters": sum(p.numel() for p in network.parameters()),
            "double": float(f"{double:.2g}"),
            "logits": digits(logits.flatten().tolist()),
        }
    return made
