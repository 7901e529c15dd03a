"""Makes npz_stored.npz and npz_deflated.npz beside this file: small arrays as numpy itself writes them.

numpy puts zip64 fields into every local header, which no archive of ours has; tests/npz_reader.rs reads both files.
Run: python tests/reference/npz_cases.py   (made with numpy 2.4)
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
ARRAYS = {
    "bytes": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "column_major": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3) / 4),
    "floats": np.array([[0.1, -np.inf], [np.nan, 1e-45]], dtype=np.float32),
    "whole": np.array([-(2**63), 2**63 - 1, 0], dtype=np.int64),
    "bools": np.array([True, False]),
    "single": np.array(7, dtype=np.int32),
    "empty": np.zeros((0, 14), dtype=np.uint8),
    "files": np.array(["00000001_000.png", "é\x1b[31m"]),
    "objects": np.array([{"a": 1}], dtype=object),
    "swapped": np.array([1, 2], dtype=">i4"),
    "records": np.zeros(2, dtype=[("a", "<f4"), ("b", "<i8")]),
    "half": np.ones(2, dtype=np.float16),
}

np.savez(HERE / "npz_stored.npz", allow_pickle=True, **ARRAYS)
np.savez_compressed(HERE / "npz_deflated.npz", allow_pickle=True, **ARRAYS)
