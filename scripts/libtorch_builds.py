"""The builds of libtorch that setup_libtorch.py can fetch: what of PyTorch's wheels each is made of."""

import sys
from typing import NamedTuple, Optional, Tuple

VERSION = "2.13.0"


class Trouble(Exception):
    """What went wrong and what to do, in a sentence for the user."""


class Build(NamedTuple):
    """One variety of libtorch: where it lies in the cache and what of the wheels it is made of."""

    name: str
    pins: str
    folder: str
    root: str  # the part of the folder that LIBTORCH names
    build_version: str  # torch-sys compares it with the version it was written for
    peak: int  # bytes on disk at the worst moment of setting up, measured
    keep: Tuple[Tuple[str, str], ...]  # (pattern of a path in a wheel, prefix taken off it)
    linker_script: Optional[str]  # text of lib/libtorch.so where the wheel's own doesn't fit


CPU = Build(
    name="CPU",
    pins="libtorch-cpu.txt",
    folder="libtorch-%s-cpu" % VERSION,
    root=".",
    build_version="%s+cpu" % VERSION,
    peak=1_150_000_000,
    keep=(
        ("torch/include/*", "torch/"),
        ("torch/lib/libc10.so", "torch/"),
        ("torch/lib/libgomp.so.1", "torch/"),
        ("torch/lib/libtorch_cpu.so", "torch/"),
        # libtorch_cpu.so doesn't start without these two; both are small.
        ("nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/"),
        ("nvidia/cu13/lib/libcupti.so.13", "nvidia/cu13/"),
    ),
    # The wheel's libtorch.so drags in all of CUDA.
    linker_script="INPUT(libtorch_cpu.so libc10.so)\n",
)

CUDA = Build(
    name="CUDA 13.0",
    pins="libtorch-cuda.txt",
    folder="libtorch-%s-cu130" % VERSION,
    # The libraries look for CUDA in ../../nvidia from where they lie, so both keep their places.
    root="torch",
    build_version="%s+cu130" % VERSION,
    peak=3_900_000_000,
    keep=(
        ("torch/include/*", ""),
        ("torch/lib/libc10.so", ""),
        ("torch/lib/libc10_cuda.so", ""),
        ("torch/lib/libcaffe2_nvrtc.so", ""),
        ("torch/lib/libgomp.so.1", ""),
        ("torch/lib/libtorch.so", ""),
        ("torch/lib/libtorch_cpu.so", ""),
        ("torch/lib/libtorch_cuda.so", ""),
        ("torch/lib/libtorch_cuda_linalg.so", ""),
        ("torch/lib/libtorch_nvshmem.so", ""),
        ("nvidia/*/include/*", ""),
        ("nvidia/cu13/lib/libcublas.so.*", ""),
        ("nvidia/cu13/lib/libcublasLt.so.*", ""),
        ("nvidia/cu13/lib/libcudart.so.*", ""),
        ("nvidia/cu13/lib/libcufft.so.*", ""),
        ("nvidia/cu13/lib/libcufile.so.*", ""),
        ("nvidia/cu13/lib/libcupti.so.*", ""),
        ("nvidia/cu13/lib/libcurand.so.*", ""),
        ("nvidia/cu13/lib/libcusolver.so.*", ""),
        ("nvidia/cu13/lib/libcusparse.so.*", ""),
        ("nvidia/cu13/lib/libnvJitLink.so.*", ""),
        ("nvidia/cu13/lib/libnvrtc.so.*", ""),
        ("nvidia/cu13/lib/libnvrtc-builtins.so.*", ""),
        ("nvidia/cudnn/lib/*.so.*", ""),
        ("nvidia/cusparselt/lib/*.so.*", ""),
        ("nvidia/nccl/lib/*.so.*", ""),
        ("nvidia/nvshmem/lib/libnvshmem_host.so.*", ""),
    ),
    linker_script=None,
)


class Pin(NamedTuple):
    requirement: str  # name==version
    sha256: str


def say(text: str) -> None:
    print("setup: " + text, file=sys.stderr, flush=True)
