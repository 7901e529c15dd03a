"""What importing images costs Pillow on all cores: decode to grey and reduce to 64 px, bicubic.

python import_bench.py FOLDER [SIZE]    (Pillow 12; beside `chestxr-tui data info csv:…` on the same files)
"""
import multiprocessing
import pathlib
import sys
import time

import numpy as np
from PIL import Image

SIZE = int(sys.argv[2]) if len(sys.argv) > 2 else 64


def image(path):
    return np.asarray(Image.open(path).convert("L").resize((SIZE, SIZE), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    paths = sorted(pathlib.Path(sys.argv[1]).rglob("*.png"))
    start = time.perf_counter()
    with multiprocessing.Pool() as pool:
        images = np.stack(pool.map(image, paths, chunksize=8))
    seconds = time.perf_counter() - start
    print(f"{len(images)} images in {seconds:.2f} s: {len(images) / seconds:.1f} images/s")
