#!/usr/bin/env python3
"""Small safetensors files to fuzz the reader with, written by hand so that odd ones can be made too.

    python3 tests/reference/safetensors_corpus.py     # writes tests/corpus/safetensors/
"""
import json
import pathlib
import struct

OUT = pathlib.Path(__file__).resolve().parents[1] / "corpus" / "safetensors"
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def file(name, tensors, metadata=None, pad=0, rest=b""):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for key, (dtype, shape) in tensors.items():
        count = 1
        for side in shape:
            count *= side
        length = count * WIDTHS[dtype]
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + length]}
        data += bytes((7 * at + 3) % 2 if dtype == "BOOL" else (7 * at + 3) % 120 for at in range(length))
    text = json.dumps(header).encode() + b" " * pad
    (OUT / name).write_bytes(struct.pack("<Q", len(text)) + text + data + rest)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    file("every_dtype", {dtype.lower(): (dtype, [2, 1]) for dtype in WIDTHS})
    file("network", {"conv.weight": ("F32", [2, 1, 3, 3]), "bn.running_var": ("F32", [2]), "bn.num_batches_tracked": ("I64", [])},
         {"format": "pt"})
    file("padded", {"weight": ("F32", [4])}, pad=13)
    file("nothing", {})
    file("empty_tensor", {"a": ("F32", [0, 3]), "b": ("U8", [1])})
    file("wrong_checksum", {"weight": ("F32", [4])}, {"blake3": "0" * 64})
    file("more_behind", {"weight": ("F32", [4])}, rest=b"more")


if __name__ == "__main__":
    main()
