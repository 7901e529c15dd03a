#!/usr/bin/env python3
"""Holds exported files to other programs: onnx's checker, onnxruntime, PyTorch and MLflow, as far as they are installed.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy onnx onnxruntime   # and torch torchvision safetensors, or mlflow
    chestxr-tui export RUN onnx --out model.onnx && chestxr-tui export RUN safetensors --out model.safetensors
    /tmp/venv/bin/python tests/reference/onnx_check.py IMAGES.npz RUN/predictions_test.npz --onnx model.onnx \
        --safetensors model.safetensors --mlflow RUN/model

IMAGES.npz has `test_images` (uint8 N,H,W), the images of the run's predictions (`chestxr-tui data convert`). Prints one
JSON object: the largest difference of any probability to the run's own, by program; null where a program isn't
installed. `tests/export.rs` runs it where CHESTXR_ONNX_PYTHON names a Python, and compares.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile

import numpy as np


def has(module):
    return importlib.util.find_spec(module) is not None


def onnxruntime_says(path, images):
    import onnx
    import onnxruntime

    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batches = [session.run(["probabilities"], {"input": images[:1]})[0]]
    batches += [session.run(["probabilities"], {"input": images[i : i + 32]})[0] for i in range(1, len(images), 32)]
    return np.concatenate(batches)


def chestnet(classes, height, width):
    from torch import nn

    layers, before = [], 1
    for channels in (32, 64, 128):
        layers += [nn.Conv2d(before, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)]
        before = channels
    network = nn.Module()
    network.features = nn.Sequential(*layers)
    flat = 128 * (height // 8) * (width // 8)
    network.classifier = nn.Sequential(
        nn.Dropout(0.5), nn.Linear(flat, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, classes)
    )
    network.forward = lambda x: network.classifier(network.features(x).flatten(1))
    return network


def pytorch_says(path, images):
    import safetensors
    import safetensors.torch
    import torch
    import torchvision

    with safetensors.safe_open(path, "pt") as file:
        about = file.metadata()
    weights = safetensors.torch.load_file(path)
    classes, architecture = len(json.loads(about["conditions"])), about["architecture"]
    if architecture == "chestnet-s":
        network = chestnet(classes, *json.loads(about["image_size"]))
    else:
        network = getattr(torchvision.models, architecture)(num_classes=classes)
        dense = architecture == "densenet121"
        home, conv, pool = (network.features, "conv0", "pool0") if dense else (network, "conv1", "maxpool")
        first = weights["features.conv0.weight" if dense else "conv1.weight"]
        side = first.shape[-1]
        stride = 2 if side == 7 else 1
        setattr(home, conv, torch.nn.Conv2d(1, len(first), side, stride, side // 2, bias=False))
        if side == 3:
            setattr(home, pool, torch.nn.Identity())
    network.load_state_dict(weights, strict=True)
    network.eval()
    shift = torch.tensor(json.loads(about.get("logit_correction", "[0]")))
    with torch.no_grad():
        x = (torch.from_numpy(images) / 255 - 0.5) / 0.5
        return torch.cat([torch.sigmoid(network(batch) - shift) for batch in x.split(32)]).numpy()


def mlflow_says(folder, images):
    import mlflow

    model = mlflow.pyfunc.load_model(folder)
    example = model.input_example
    assert example["input"].shape == images[:1].shape, example["input"].shape
    model.predict(example)
    return model.predict({"input": images})["probabilities"]


def mlflow_predict_says(folder, images):
    """`mlflow models predict`, as typed."""
    with tempfile.TemporaryDirectory() as here:
        request, answer = f"{here}/request.json", f"{here}/answer.json"
        with open(request, "w") as file:
            json.dump({"inputs": {"input": images.tolist()}}, file)
        command = ["-m", "mlflow", "models", "predict", "-m", folder, "-i", request, "-o", answer]
        command += ["-t", "json", "--env-manager", "local"]
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        with open(answer) as file:
            return np.array(json.load(file)["predictions"]["probabilities"], np.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("images")
    parser.add_argument("predictions")
    for what in ("onnx", "safetensors", "mlflow"):
        parser.add_argument(f"--{what}")
    options = parser.parse_args()
    images = np.load(options.images)["test_images"].astype(np.float32)[:, None]
    own = np.load(options.predictions)["probabilities"]
    told = {}

    def held(program, needs, says, path, count=None):
        able = path is not None and all(has(module) for module in needs)
        told[program] = float(np.abs(says(path, images[:count]) - own[:count]).max()) if able else None

    held("onnxruntime", ["onnx", "onnxruntime"], onnxruntime_says, options.onnx)
    held("pytorch", ["torch", "torchvision", "safetensors"], pytorch_says, options.safetensors)
    held("mlflow", ["mlflow", "onnxruntime"], mlflow_says, options.mlflow)
    held("mlflow_predict", ["mlflow", "onnxruntime"], mlflow_predict_says, options.mlflow, 8)
    told["images"], told["spread"] = len(images), float(own.max() - own.min())
    print(json.dumps(told))


if __name__ == "__main__":
    main()
