#!/usr/bin/env python3
"""What albumentations makes of an image by given numbers: matrices, pictures, tables.

    pip install albumentations==2.0.8 torch torchvision
    python tests/reference/augment_golden.py      # writes tests/golden/augment.json

The image is a formula, so that the Rust side can compute it: 40 x 40 pixels,
grey(x, y) = round(127 + 60 sin(.31 x + .5) + 60 cos(.23 y + .07 x)).
"""
import json
import pathlib
import warnings

import numpy as np
import torch
from torchvision.transforms.functional import resized_crop

warnings.filterwarnings("ignore")
import albumentations as A
from albumentations.augmentations.geometric import functional as F

SIDE = 40
CASES = [
    # angle, scale x, scale y, shear x, shear y (degrees), shift x, shift y (pixels)
    (7.3, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0),
    (-12.0, 1.08, 1.08, 0.0, 0.0, 2.5, -3.25),
    (0.0, 0.92, 1.06, 0.0, 0.0, -1.5, 4.0),
    (15.0, 0.95, 0.95, 6.0, -4.0, 3.0, 1.0),
    (-3.0, 1.1, 1.0, 0.0, 5.0, 0.25, 0.75),
]
# Left, top, width, height in pixels.
CROPS = [(3, 5, 30, 24), (0, 0, 20, 40), (11, 7, 29, 33)]
TONES = [(0.2, 0.1), (-0.15, -0.2), (0.0, 0.13), (0.17, 0.0)]


def wavy_image():
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    return np.round(127 + 60 * np.sin(0.31 * x + 0.5) + 60 * np.cos(0.23 * y + 0.07 * x)).astype(np.uint8)


def hexed(picture):
    return np.ascontiguousarray(picture).astype(np.uint8).tobytes().hex()


def main():
    image = wavy_image()
    out = {"versions": {"albumentations": A.__version__, "numpy": np.__version__}, "affine": [], "tones": []}
    transform = A.ShiftScaleRotate(p=1)
    for angle, sx, sy, hx, hy, dx, dy in CASES:
        centre = F.center((SIDE, SIDE))
        matrix = F.create_affine_transformation_matrix(
            {"x": dx, "y": dy}, {"x": hx, "y": hy}, {"x": sx, "y": sy}, angle, centre
        )
        pictures = {}
        for name, border in (("constant", 0), ("reflect", 4)):
            transform.border_mode = border
            moved = F.warp_affine(image[..., None], matrix, 1, 0, border, (SIDE, SIDE))
            pictures[name] = hexed(moved)
        out["affine"].append(
            {"angle": angle, "scale": [sx, sy], "shear": [hx, hy], "shift": [dx, dy],
             "matrix": matrix[:2].tolist(), **pictures}
        )
    out["turns"] = [hexed(A.RandomRotate90(p=1).apply(image[..., None], factor=k)) for k in (1, 2, 3)]
    out["upside_down"] = hexed(A.VerticalFlip(p=1).apply(image[..., None]))
    out["mirrored"] = hexed(A.HorizontalFlip(p=1).apply(image[..., None]))
    picture = torch.from_numpy(image)[None]
    out["crops"] = [
        {"crop": list(crop), "picture": hexed(resized_crop(picture, crop[1], crop[0], crop[3], crop[2], [SIDE, SIDE], antialias=False))}
        for crop in CROPS
    ]
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    for contrast, brightness in TONES:
        table = A.RandomBrightnessContrast(p=1).apply(ramp, alpha=1 + contrast, beta=255 * brightness)
        out["tones"].append({"contrast": contrast, "brightness": brightness, "table": hexed(table)})
    path = pathlib.Path(__file__).parent.parent / "golden" / "augment.json"
    path.write_text(json.dumps(out, indent=1) + "\n")
    print(path, path.stat().st_size, "bytes")


main()
