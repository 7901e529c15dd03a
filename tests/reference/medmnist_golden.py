"""What the package medmnist says of ChestMNIST: addresses, checksums, counts, labels.

python medmnist_golden.py > ../golden/medmnist.json    (medmnist 3.0.2, installed with --no-deps)
"""
import importlib.util
import json
import pathlib
import sys

# Its __init__ imports PyTorch; the table alone needs nothing.
package = pathlib.Path(importlib.util.find_spec("medmnist").origin).parent
scope = {"__file__": str(package / "info.py")}
exec((package / "info.py").read_text(), scope)
info = scope["INFO"]["chestmnist"]
files = [[28, info["url"], info["MD5"]]]
files += [[size, info[f"url_{size}"], info[f"MD5_{size}"]] for size in (64, 128, 224)]
labels = list(info["label"].values())
images = [info["n_samples"][split] for split in ("train", "val", "test")]
json.dump({"license": info["license"], "images": images, "labels": labels, "files": files}, sys.stdout, indent=1)
