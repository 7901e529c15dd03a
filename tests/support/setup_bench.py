"""A machine in a folder, in which tests set up libtorch."""

import contextlib
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(PROJECT / "scripts"))

import libtorch_builds as builds
import setup_libtorch as setup

HAS_PIP = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0
ON_LINUX_X86_64 = sys.platform == "linux" and os.uname().machine == "x86_64"
fetches = unittest.skipUnless(HAS_PIP and ON_LINUX_X86_64, "needs pip, on Linux x86-64")

CPU_FILES = {
    "torch/include/ATen/ATen.h": b"// header",
    "torch/include/torch/csrc/api/include/torch/torch.h": b"// another",
    "torch/lib/libc10.so": b"c10",
    "torch/lib/libgomp.so.1": b"gomp",
    "torch/lib/libtorch.so": b"the wheel's own, which needs CUDA",
    "torch/lib/libtorch_cpu.so": b"torch_cpu",
    "torch/lib/libtorch_cuda.so": b"not for the CPU",
    "torch/__init__.py": b"not for us",
}
CUPTI_FILES = {"nvidia/cu13/lib/libcupti.so.13": b"cupti", "nvidia/cu13/lib/libcheckpoint.so": b"no"}
CUDART_FILES = {"nvidia/cu13/lib/libcudart.so.13": b"cudart", "nvidia/cu13/include/cuda.h": b"no"}
ALL_FILES = dict(CPU_FILES, **CUPTI_FILES, **CUDART_FILES)


def enough(_):
    return 10**12


class Bench(unittest.TestCase):
    """A machine in a folder: a home, a checkout, an index of wheels, programs."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="chestxr-setup-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        for name in ("home", "checkout", "index", "pins", "bin", "tmp"):
            (self.root / name).mkdir()
        self.cache = self.root / "home" / ".cache" / "chestxr-tui"
        self.cpu = self.cache / "libtorch-2.13.0-cpu"
        self.said = ""
        # Nothing of the caller's: cargo itself sets LIBTORCH for the tests it runs.
        self.environ = {
            "HOME": str(self.root / "home"),
            "PATH": str(self.root / "bin"),
            "TMPDIR": str(self.root / "tmp"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.root / "index"),
            "PIP_CONFIG_FILE": os.devnull,
        }

    def wheel(self, name, version, files, tag="py3-none-manylinux_2_17_x86_64"):
        """Puts a wheel into the index and gives its pin."""
        stem = "%s-%s" % (name.replace("-", "_"), version)
        path = self.root / "index" / ("%s-%s.whl" % (stem, tag))
        info = stem + ".dist-info/"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("torch/", b"")
            for inside, content in files.items():
                archive.writestr(inside, content)
            archive.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name, version))
            archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: %s\n" % tag)
            archive.writestr(info + "RECORD", "")
        return "%s==%s --hash=sha256:%s\n" % (name, version, hashlib.sha256(path.read_bytes()).hexdigest())

    def pin(self, text, file="libtorch-cpu.txt"):
        (self.root / "pins" / file).write_text(text)

    def one_wheel(self, files=None):
        self.pin(self.wheel("torch", "2.13.0", ALL_FILES if files is None else files))

    def program(self, name, text):
        path = self.root / "bin" / name
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o755)

    def set_up(self, checkout="checkout", free_bytes=enough, **environ):
        heard = io.StringIO()
        # pip gets stderr's descriptor only on a terminal, which this never is.
        with contextlib.redirect_stderr(heard):
            try:
                return setup.set_up(
                    dict(self.environ, **environ), self.root / checkout, self.root / "pins", free_bytes
                )
            finally:
                self.said = heard.getvalue()

    def trouble(self, **arguments):
        with self.assertRaises(builds.Trouble) as caught:
            self.set_up(**arguments)
        sentence = str(caught.exception)
        self.assertNotIn("\n", sentence)
        self.assertTrue(sentence.endswith("."), sentence)
        return sentence

    def assert_nothing_left(self, *names):
        self.assertEqual(sorted(path.name for path in self.cache.iterdir()), sorted([".lock", *names]))
        self.assertEqual(list((self.root / "tmp").iterdir()), [])
