"""Pillow's own 64 px reductions of the 16 NIH images, as 128 probe greys each (no pictures of people in the repo).

python nih_folder_golden.py ../shared/data/nih_folder > tests/golden/nih_folder_64.json    (Pillow 12)
"""
import json
import pathlib
import sys

import numpy as np
import PIL
from PIL import Image

images = {}
for path in sorted(pathlib.Path(sys.argv[1], "images").glob("*.png")):
    image = np.asarray(Image.open(path).convert("L").resize((64, 64), Image.Resampling.BICUBIC)).ravel()
    images[path.name] = [int(image[place * image.size // 128]) for place in range(128)]
json.dump({"pillow": PIL.__version__, "filter": "bicubic", "images": images}, sys.stdout, separators=(",", ":"))
