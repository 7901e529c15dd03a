"""The small archives of tests/corpus/npz that tests/fuzz.rs damages.

python corpus.py ../corpus/npz    (numpy 2)
"""
import pathlib
import sys

import numpy as np

out = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(6)


def arrays(count, side, classes, labels=np.uint8):
    made = {}
    for split, images in zip(("train", "val", "test"), count):
        made[f"{split}_images"] = rng.integers(0, 255, (images, side, side), dtype=np.uint8)
        made[f"{split}_labels"] = rng.integers(0, 2, (images, classes)).astype(labels)
    return made


np.savez(out / "stored.npz", **arrays((5, 2, 2), 8, 14))
np.savez_compressed(out / "deflated.npz", **arrays((6, 1, 2), 6, 14))
named = arrays((4, 2, 2), 4, 3, np.int64)
named["conditions"] = np.array(["mass", "nodule", "covid"])
named["train_patient"] = np.array(["a", "b", "b", "ü"])
named["val_patient"] = np.array([7, 8])
np.savez_compressed(out / "named.npz", **named)
labels = {key: value for key, value in arrays((9, 3, 3), 2, 14, bool).items() if key.endswith("labels")}
np.savez(out / "labels.npz", **labels)
fortran = arrays((4, 1, 1), 4, 2, np.int32)
fortran["train_labels"] = np.asfortranarray(fortran["train_labels"])
np.savez(out / "fortran.npz", **fortran)
