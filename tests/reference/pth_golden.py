#!/usr/bin/env python3
"""Writes ../golden/pth/: small checkpoints by PyTorch, and expected.json, to hold our reader against.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy torch torchvision
    /tmp/venv/bin/python tests/reference/pth_golden.py

expected.json has for each file that can be read its tensors in order: name, shape, dtype and all bytes
(row-major, little-endian) in hexadecimal. Files that must be refused have `null`; the tests know what must be
said of them. `evil*.pth` would make the file `pth_reader_was_here` if anyone unpickled them: don't.
"""

import argparse
import json
import os
import sys
import zipfile
from pathlib import Path

import torch
from torch import nn

GOLDEN = Path(__file__).parent.parent / "golden" / "pth"
EXPECTED = {}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.head = nn.Linear(2, 3)


class Callbacks(dict):
    """Pickled by reference, and no reader has this class."""


class Evil:
    def __reduce__(self):
        return os.system, ("touch pth_reader_was_here",)


def put(name, saved, tensors=None, **options):
    torch.save(saved, GOLDEN / f"{name}.pth", **options)
    expect(name, tensors)


def expect(name, tensors):
    EXPECTED[name] = tensors and [
        {
            "name": key,
            "shape": list(value.shape),
            "dtype": str(value.dtype).removeprefix("torch."),
            "bytes": raw(value),
        }
        for key, value in tensors.items()
    ]


def raw(tensor):
    flat = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes().hex() if flat.numel() else ""


def repack(source, name, method):
    """The same parts in a zip archive as Python writes it."""
    old, new = (GOLDEN / f"{stem}.pth" for stem in (source, name))
    with zipfile.ZipFile(old) as old, zipfile.ZipFile(new, "w") as new:
        for path in old.namelist():
            new.writestr(zipfile.ZipInfo(path), old.read(path), method)


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)

    plain = {
        "a": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 7,
        "scalar": torch.tensor(-1.5),
        "empty": torch.zeros(0, 3),
        "epoch": 3,
        "note": "no tensor",
    }
    tensors = {key: plain[key] for key in ("a", "scalar", "empty")}
    put("plain", plain, tensors)
    put("protocol4", plain, tensors, pickle_protocol=4)
    put("protocol5", {"model": plain}, tensors, pickle_protocol=5)

    net = Net()
    net.norm.running_mean += torch.randn(2)
    net.norm.num_batches_tracked += 5_000_000_000
    weights = net.state_dict()
    put("module", weights, weights)
    put("parameters", dict(net.head.named_parameters()), dict(net.head.named_parameters()))
    tagged = nn.Parameter(torch.randn(3))
    tagged.tag = "state beside the values"
    put("tagged", {"w": tagged}, {"w": tagged})

    optimizer = torch.optim.Adam(net.parameters())
    net.head(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    weights = net.state_dict()
    nested = {
        "epoch": 12,
        "optimizer": optimizer.state_dict(),
        "hyper_parameters": argparse.Namespace(lr=1e-3, images=Path("x"), big=2**80, sizes={1, 2}, raw=b"\0\1"),
        "callbacks": Callbacks(best=0.8),
        "dtype": torch.float32,
        "device": torch.device("cpu"),
        "storage": torch.ones(2).untyped_storage(),
        "complex": 1j,
        "model": {"decoy": weights["head.bias"]},
        "state_dict": {f"model.module.{key}": value for key, value in weights.items()},
    }
    put("nested", nested, nested["state_dict"])
    prefixed = {f"module.{key}": value for key, value in tensors.items()}
    put("prefixed", prefixed, prefixed)
    partly = {"model.w": torch.ones(2), "loss.weight": torch.ones(1)}
    put("partly_prefixed", partly, partly)

    base = torch.arange(48, dtype=torch.float32)
    views = {
        "transposed": base[:12].reshape(3, 4).t(),
        "offset": base[5:9],
        "every_third": base[1::3],
        "block": base.reshape(4, 4, 3)[1:3, ::2, 1:],
        "tied": base[5:9],
        "channels_last": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
        "one": base.reshape(6, 8)[:1, 2:3],
    }
    put("views", views, views)

    values = torch.tensor([0.1, -2.0, 300.0, 7.5])
    floats = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    whole = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
    kinds = {str(dtype): values.to(dtype) for dtype in floats}
    kinds |= {str(dtype): torch.tensor([0, 1, 100, 7]).to(dtype) for dtype in whole}
    put("dtypes", kinds, kinds)

    zipfile.ZIP64_LIMIT = 1
    repack("plain", "zip64", zipfile.ZIP_STORED)
    expect("zip64", tensors)
    zipfile.ZIP64_LIMIT = (1 << 31) - 1

    # The format from before PyTorch 1.6.
    put("legacy", plain, tensors, _use_new_zipfile_serialization=False)
    put("legacy_protocol4", plain, tensors, _use_new_zipfile_serialization=False, pickle_protocol=4)

    # Those that must be refused.
    put("whole_module", nn.ReLU())
    put("module_nested", {"model": nn.ReLU(), "epoch": 1})
    put("no_tensors", {"epoch": 1, "notes": {"a": 2}})
    put("evil", Evil())
    put("evil_beside", {"state_dict": tensors | {"evil": Evil()}, "evil": Evil()}, tensors)
    put("expanded", {"w": torch.ones(1).expand(1000)})
    put("complex", {"w": torch.ones(1, dtype=torch.complex64)})
    put("conjugated", {"w": torch.ones(1, dtype=torch.complex64).conj().imag})
    put("float8", {"w": torch.ones(2).to(torch.float8_e4m3fn)})
    repack("plain", "deflated", zipfile.ZIP_DEFLATED)
    EXPECTED["deflated"] = EXPECTED["torchscript"] = None
    torch.jit.save(torch.jit.script(nn.Identity()), GOLDEN / "torchscript.pth")

    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(tensors)}" for name, tensors in EXPECTED.items())
    (GOLDEN / "expected.json").write_text("{\n" + lines + "\n}\n")
    size = sum(path.stat().st_size for path in GOLDEN.iterdir())
    print(f"torch {torch.__version__}: {size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
