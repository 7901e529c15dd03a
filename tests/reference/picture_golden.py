#!/usr/bin/env python3
"""What Pillow makes of pictures: small files in grey, and a picture reduced to images.

    pip install pillow==12.3.0 numpy
    python tests/reference/picture_golden.py > tests/golden/picture.json

The picture is a formula in integers, so that the Rust side can compute it: 97 x 131 pixels of 16 bits,

    v(x, y) = (421 x + 253 y + 523 (x y mod 61) + 20000 ((x / 8 + y / 8) mod 2)) mod 65536

with integer divisions: slopes, grain, a chessboard, and the hard edges where the sum wraps. With 8 bits it is
v / 256, with 12 bits v / 16. An image of 16 bits is Pillow's resized `I;16`, then v / 257 rounded; of 12 bits,
255 v / 4095 rounded and at most 255.

Pillow reduced columns before rows until version 13, which does the rows first when these shrink by more than twice as
many pixels. Both round to 8 bits between, so that images of much taller pictures differ; ours are the former.

The files are 12 x 9 pixels of all kinds that are read, with what `convert("L")` gives after transparent pixels are
laid over black and EXIF's orientation is applied. Those of 16 bits keep them. Pillow reads no colour of 16 bits:
that one's grey is its own file's, with three equal channels, written by hand.
"""
import io
import json
import struct
import sys
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

WIDTH, HEIGHT = 97, 131
FILTERS = {"box": Image.BOX, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
FITS = {
    "stretch": lambda image, size, method: image.resize(size, method),
    "pad": lambda image, size, method: ImageOps.pad(image, size, method, color=0),
    "crop": lambda image, size, method: ImageOps.fit(image, size, method),
}
# bits, filter, fit, width, height of the image
CASES = (
    [(8, name, "stretch", 64, 64) for name in FILTERS]
    + [(16, name, "stretch", 40, 40) for name in FILTERS]
    + [(12, "lanczos", "stretch", 40, 40)]
    + [(bits, "bicubic", fit, w, h) for bits in (8, 16) for fit in ("pad", "crop") for w, h in ((30, 30), (48, 21))]
    + [(8, "bicubic", "pad", 25, 47), (8, "bilinear", "stretch", 150, 60), (8, "box", "crop", 97, 131)]
)


def values(width=WIDTH, height=HEIGHT):
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    return (421 * x + 253 * y + 523 * (x * y % 61) + 20000 * ((x // 8 + y // 8) % 2)) % 65536


def image(bits, name, fit, width, height):
    v = values() >> (16 - bits)
    image = Image.fromarray(v.astype(np.uint8 if bits == 8 else np.uint16))
    reduced = np.asarray(FITS[fit](image, (width, height), FILTERS[name])).astype(np.float64)
    if bits > 8:
        reduced = np.minimum(np.rint(reduced * 255 / (2**bits - 1)), 255)
    return reduced.astype(np.uint8)


def saved(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def rgb16(v):
    """A PNG of three equal channels of 16 bits."""
    rows = b"".join(b"\0" + np.repeat(row, 3).astype(">u2").tobytes() for row in v)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", v.shape[1], v.shape[0], 16, 2, 0, 0, 0)),
              (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def files():
    v = values(12, 9)
    grey = Image.fromarray((v >> 8).astype(np.uint8))
    colour = Image.merge("RGB", [Image.fromarray((np.roll(v, k, k % 2) >> 8).astype(np.uint8)) for k in range(3)])
    alpha = Image.fromarray((np.roll(v, 5, 1) >> 8).astype(np.uint8))
    see_through = colour.copy()
    see_through.putalpha(alpha)
    palette = colour.quantize(23)
    pictures = {
        "grey 8": (grey, "PNG", {}, 0),
        "grey 1": (grey.convert("1"), "PNG", {}, 0),
        "colour": (colour, "PNG", {}, 0),
        "colour, transparent": (see_through, "PNG", {}, 0),
        "grey, transparent": (Image.merge("LA", [grey, alpha]), "PNG", {}, 0),
        "palette": (palette, "PNG", {}, 0),
        "palette, one transparent": (palette, "PNG", {"transparency": 3}, 0),
        "JPEG grey": (grey, "JPEG", {"quality": 95}, 2),
        "JPEG colour": (colour, "JPEG", {"quality": 95, "subsampling": 0}, 3),
        "JPEG progressive": (grey, "JPEG", {"quality": 95, "progressive": True}, 2),
    }
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        pictures[f"JPEG turned {orientation}"] = (grey, "JPEG", {"quality": 95, "exif": exif.tobytes()}, 2)
    for name, (image, form, options, tolerance) in pictures.items():
        data = saved(image, form, **options)
        read = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        if "transparent" in name:
            rgba = read.convert("RGBA")
            read = Image.new("RGB", rgba.size)
            read.paste(rgba, mask=rgba.getchannel("A"))
        read = read.convert("L")
        yield {"name": name, "bits": 8, "width": read.width, "height": read.height, "tolerance": tolerance,
               "file": data.hex(), "grey": np.asarray(read).tobytes().hex()}
    deep = {"grey 16": saved(Image.fromarray(v.astype(np.uint16)), "PNG"), "colour 16": rgb16(v)}
    for name, data in deep.items():
        yield {"name": name, "bits": 16, "width": 12, "height": 9, "tolerance": 0,
               "file": data.hex(), "grey": v.astype(">u2").tobytes().hex()}


def main():
    if int(PIL.__version__.split(".")[0]) > 12:
        sys.exit("Pillow 12 or older is needed: version 13 reduces rows first at times")
    images = [
        {"bits": bits, "filter": name, "fit": fit, "width": w, "height": h, "image": image(bits, name, fit, w, h).tobytes().hex()}
        for bits, name, fit, w, h in CASES
    ]
    out = {"versions": {"pillow": PIL.__version__, "numpy": np.__version__}, "images": images, "files": list(files())}
    json.dump(out, sys.stdout, indent=0)
    print()


if __name__ == "__main__":
    main()
