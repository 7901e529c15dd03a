#!/usr/bin/env python3
"""Puts libtorch where the build looks for it: the link `.libtorch` in this checkout.

    scripts/setup_libtorch.py           set up what is missing, then say what is used
    scripts/setup_libtorch.py --print   the same, and print the folder on stdout

tch needs one exact libtorch. It ships inside PyTorch's wheels, so pip fetches those (from whatever
index the user's pip is set up for), pinned to a SHA-256 each in libtorch-cpu.txt or libtorch-cuda.txt
beside this file. What the build needs of them goes into a per-user cache that all checkouts share:

    $XDG_CACHE_HOME/chestxr-tui/libtorch-2.13.0-cpu/{include,lib,build-version,manifest}
    $XDG_CACHE_HOME/chestxr-tui/libtorch-2.13.0-cu130/{torch/{include,lib,build-version},nvidia,manifest}

A folder there is whole or absent: it is made under another name and renamed as the last step.

Environment: LIBTORCH or LIBTORCH_USE_PYTORCH=1, the user's own libtorch, wins; CUDA=1 takes the CUDA
build, CUDA=0 refuses it, otherwise a machine on which nvidia-smi answers gets it.
Standard library only; Python 3.8 or newer.
"""

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterator, List, Mapping, Optional, Tuple

# The checkout stays as it is: no __pycache__ beside the scripts.
sys.dont_write_bytecode = True

from libtorch_builds import CPU, CUDA, VERSION, Build, Trouble, say
from libtorch_wheels import check_pip, fill, parse_pins

CHECKOUT = Path(__file__).resolve().parent.parent
PINS = Path(__file__).resolve().parent

# The first driver that runs CUDA 13.
OLDEST_DRIVER = 580
# The wheels are built against this glibc (their tag is manylinux_2_28).
OLDEST_GLIBC = (2, 28)


# --- what the user brought -------------------------------------------------------------------------


def own_libtorch(environ: Mapping[str, str]) -> Optional[str]:
    """The folder of the user's own libtorch if the environment names one; set, it wins over ours."""
    # As torch-sys does: being set counts, whatever the value.
    if "LIBTORCH_USE_PYTORCH" in environ:
        return pytorch_of_python(environ)
    if "LIBTORCH" not in environ:
        return None
    text = environ["LIBTORCH"]
    if not text:
        raise Trouble("LIBTORCH is set but empty; unset it, or set it to the folder of libtorch %s." % VERSION)
    folder = Path(text)
    if not folder.is_absolute():
        raise Trouble("LIBTORCH=%s is a relative path, which the build can't follow; give the whole path." % text)
    libraries = Path(environ.get("LIBTORCH_LIB", text)) / "lib"
    if not any((libraries / name).exists() for name in ("libtorch.so", "libtorch_cpu.so", "libtorch.dylib")):
        raise Trouble(
            "LIBTORCH=%s holds no lib/libtorch.so; set it to the folder that has include and lib of libtorch %s, "
            "or unset it." % (text, VERSION)
        )
    version = read_or_none(folder / "build-version")
    check_version("libtorch in LIBTORCH=%s" % text, version, environ)
    say("using the libtorch in LIBTORCH=%s" % text)
    return text


def pytorch_of_python(environ: Mapping[str, str]) -> str:
    # torch-sys asks the same interpreter: `python` in a virtual environment, else `python3`.
    python = "python" if "VIRTUAL_ENV" in environ else "python3"
    # Found without importing it, which takes seconds.
    question = (
        "import importlib.metadata as m, importlib.util as u; "
        "print(m.version('torch')); print(u.find_spec('torch').submodule_search_locations[0])"
    )
    try:
        answer = subprocess.run(
            [python, "-c", question], env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
    except OSError as error:
        raise Trouble("LIBTORCH_USE_PYTORCH is set but %s doesn't run (%s); install it." % (python, error.strerror))
    lines = answer.stdout.splitlines()
    if answer.returncode != 0 or len(lines) != 2:
        raise Trouble(
            "LIBTORCH_USE_PYTORCH is set but %s has no PyTorch; run `%s -m pip install torch==%s` "
            "(in a virtual environment), or unset it." % (python, python, VERSION)
        )
    version, folder = lines
    check_version("PyTorch of %s" % python, version, environ)
    say("using the PyTorch of %s, %s" % (python, folder))
    return folder


def check_version(what: str, version: Optional[str], environ: Mapping[str, str]) -> None:
    if version is None or "LIBTORCH_BYPASS_VERSION_CHECK" in environ:
        return
    if version.strip().split("+")[0] != VERSION:
        raise Trouble("The %s is version %s, but tch needs %s; install that one." % (what, version.strip(), VERSION))


# --- which build ----------------------------------------------------------------------------------


def check_platform(system: str, machine: str, glibc: Optional[Tuple[int, int]]) -> None:
    advice = (
        "run `python3 -m pip install torch==%s` (in a virtual environment) and then this again with "
        "LIBTORCH_USE_PYTORCH=1." % VERSION
    )
    if system != "Linux" or machine not in ("x86_64", "AMD64"):
        raise Trouble("libtorch is fetched for Linux on x86-64 only, and this is %s on %s; %s" % (system, machine, advice))
    if glibc is None:
        raise Trouble("PyTorch's wheels need glibc, which this Linux doesn't use; set LIBTORCH to a libtorch built for it.")
    if glibc < OLDEST_GLIBC:
        raise Trouble(
            "libtorch %s needs glibc %d.%d, and this machine has %d.%d; use a newer Linux or container."
            % ((VERSION,) + OLDEST_GLIBC + glibc)
        )


def glibc_here() -> Optional[Tuple[int, int]]:
    try:
        match = re.match(r"glibc (\d+)\.(\d+)", os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (AttributeError, ValueError, OSError):
        return None
    return (int(match.group(1)), int(match.group(2))) if match else None


def choose_build(environ: Mapping[str, str], linked_to: Optional[Path]) -> Build:
    """CPU or CUDA, by the variable CUDA or else by what the machine has."""
    choice = environ.get("CUDA", "")
    if choice == "0":
        return CPU
    if choice not in ("", "1"):
        raise Trouble("CUDA=%s isn't understood; CUDA=1 takes the CUDA build, CUDA=0 the CPU one." % choice)
    driver = nvidia_driver(environ)
    if driver is not None and driver < OLDEST_DRIVER:
        say(
            "this machine's NVIDIA driver is %d, CUDA 13 needs %d or newer: update it to train on the GPU; "
            "CUDA=0 takes the smaller CPU build" % (driver, OLDEST_DRIVER)
        )
    if choice == "1" or driver is not None:
        return CUDA
    # A driver that doesn't answer today (or a login node that has none) is no reason to build everything
    # anew for the CPU: the CUDA build runs there too.
    if linked_to is not None and CUDA.folder in linked_to.parts:
        say("no GPU answers, but this checkout is set up for CUDA and stays so; CUDA=0 takes the CPU build")
        return CUDA
    return CPU


def nvidia_driver(environ: Mapping[str, str]) -> Optional[int]:
    """The major version of the driver if nvidia-smi answers and names a GPU."""
    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if program is None:
        return None
    question = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        # With a broken driver it can hang for good.
        answer = subprocess.run(
            question, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"(\d+)\.", answer.stdout)
    return int(match.group(1)) if answer.returncode == 0 and match else None


# --- the cache ------------------------------------------------------------------------------------


def cache_folder(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    if os.path.isabs(base):
        return Path(base) / "chestxr-tui"
    home = environ.get("HOME", "")
    if not os.path.isabs(home):
        raise Trouble("Neither XDG_CACHE_HOME nor HOME names a folder to keep libtorch in; set one of them.")
    return Path(home) / ".cache" / "chestxr-tui"


@contextlib.contextmanager
def locked(cache: Path) -> Iterator[None]:
    """One set-up at a time works on the cache; the system lets go of the lock even if this one is killed."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work in %s; waiting for it" % cache)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fault(folder: Path, pins: bytes) -> Optional[str]:
    """What is wrong with a folder of the cache; None if it is as it was made."""
    listing = read_or_none(folder / "manifest")
    if listing is None:
        return "it has no manifest"
    head, *lines = listing.splitlines()
    if head != manifest_head(pins):
        return "it was made from other wheels"
    for line in lines:
        size, _, name = line.partition(" ")
        try:
            found = (folder / name).stat().st_size
        except OSError:
            return "%s is missing" % name
        if found != int(size):
            return "%s has %d bytes instead of %s" % (name, found, size)
    return None


def manifest_head(pins: bytes) -> str:
    return "libtorch " + hashlib.sha256(pins).hexdigest()


def write_manifest(folder: Path, pins: bytes) -> None:
    lines = [manifest_head(pins)]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        lines.append("%d %s" % (path.stat().st_size, path.relative_to(folder)))
    (folder / "manifest").write_text("\n".join(lines) + "\n")


def ensure(
    build: Build,
    cache: Path,
    environ: Mapping[str, str],
    pins_folder: Path = PINS,
    free_bytes: Optional[Callable[[Path], int]] = None,
) -> Path:
    """The folder of `build` in the cache, made first if it isn't there or is damaged."""
    place = cache / build.folder
    pins = (pins_folder / build.pins).read_bytes()
    with locked(cache):
        # Left by a set-up that was killed: it held the lock, so nobody works on these any more.
        for left in cache.glob(".new-*"):
            shutil.rmtree(left)
        wrong = fault(place, pins) if os.path.lexists(place) else "absent"
        if wrong is None:
            return place / build.root
        if wrong != "absent":
            say("making %s anew: %s" % (place, wrong))
        check_pip(environ)
        check_disk(build, cache, free_bytes or (lambda path: shutil.disk_usage(path).free))
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
        try:
            tree = staging / build.folder
            fill(tree, build, parse_pins(pins.decode()), staging, environ)
            write_manifest(tree, pins)
            put_in_place(tree, place)
        finally:
            # On success this holds what was replaced.
            shutil.rmtree(staging, ignore_errors=True)
    return place / build.root


def check_disk(build: Build, cache: Path, free_bytes: Callable[[Path], int]) -> None:
    free = free_bytes(cache)
    if free < build.peak:
        raise Trouble(
            "Setting up libtorch for %s takes %.1f GB, and %s has %.1f GB free; free some, or set XDG_CACHE_HOME to a "
            "folder on a larger disk." % (build.name, build.peak / 1e9, cache, free / 1e9)
        )


def put_in_place(new: Path, place: Path) -> None:
    """`new` becomes `place` in one step; what was there (if anything) goes beside `new`."""
    if not os.path.lexists(place):
        os.rename(new, place)
    elif not exchange(new, place):
        # A file system without the exchange: for an instant there is no folder, never a partial one.
        os.rename(place, new.with_name("replaced"))
        os.rename(new, place)


def exchange(one: Path, other: Path) -> bool:
    """Swaps two paths atomically, where the system can."""
    at_cwd, rename_exchange = -100, 2
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return False
    return renameat2(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), rename_exchange) == 0


# --- the checkout ---------------------------------------------------------------------------------


def link_target(checkout: Path) -> Optional[Path]:
    try:
        return Path(os.readlink(checkout / ".libtorch"))
    except OSError:
        return None


def link(checkout: Path, folder: Path, environ: Mapping[str, str]) -> None:
    """Points the checkout's `.libtorch` (see .cargo/config.toml) to `folder`."""
    here = checkout / ".libtorch"
    if link_target(checkout) == folder:
        return
    if here.is_dir() and not here.is_symlink():
        raise Trouble("%s is a folder, and the set-up keeps a link there; move it away." % here)
    # First, so that a set-up stopped in between leaves a build that is merely done again.
    forget_torch_sys(checkout, environ)
    fresh = checkout / (".libtorch.%d" % os.getpid())
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    fresh.symlink_to(folder)
    os.replace(fresh, here)


def forget_torch_sys(checkout: Path, environ: Mapping[str, str]) -> None:
    """Has cargo build torch-sys, and so all that links it, anew.

    Its build script looks at LIBTORCH, which stays the same text when the link changes: without this a
    checkout that goes from CUDA to the CPU would still be linked to CUDA's libraries.
    """
    target = Path(environ.get("CARGO_TARGET_DIR") or checkout / "target")
    if not (checkout / target).is_dir():
        return
    for profile in ("dev", "release"):
        command = ["cargo", "clean", "--quiet", "--package", "torch-sys", "--profile", profile]
        try:
            answer = subprocess.run(command, cwd=checkout, env=dict(environ), stderr=subprocess.PIPE, text=True)
            failure = answer.stderr.strip().splitlines()[:1] if answer.returncode != 0 else []
        except OSError as error:
            failure = [str(error.strerror)]
        if failure:
            raise Trouble(
                "What was built with another libtorch can't be discarded (%s); remove %s and run this again."
                % (failure[0], checkout / target)
            )


def read_or_none(path: Path) -> Optional[str]:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


def set_up(
    environ: Mapping[str, str],
    checkout: Path = CHECKOUT,
    pins_folder: Path = PINS,
    free_bytes: Optional[Callable[[Path], int]] = None,
) -> str:
    """Does what is missing and gives the folder of libtorch that the build will use."""
    own = own_libtorch(environ)
    if own is not None:
        return own
    check_platform(platform.system(), platform.machine(), glibc_here())
    build = choose_build(environ, link_target(checkout))
    folder = ensure(build, cache_folder(environ), environ, pins_folder, free_bytes)
    link(checkout, folder, environ)
    say("libtorch %s for %s, %s" % (VERSION, build.name, folder))
    return str(folder)


def disk_trouble(error: OSError, environ: Mapping[str, str]) -> str:
    place = error.filename or cache_folder(environ)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "The disk filled up at %s; free some space, or set XDG_CACHE_HOME to a folder on a larger disk, and run this "
            "again." % place
        )
    return "%s: %s; put that right, or set XDG_CACHE_HOME to another folder, and run this again." % (place, error.strerror)


def main(arguments: List[str], environ: Mapping[str, str]) -> int:
    if arguments not in ([], ["--print"]):
        print(__doc__, file=sys.stdout if arguments in (["--help"], ["-h"]) else sys.stderr)
        return 0 if arguments in (["--help"], ["-h"]) else 2
    # Ends like Ctrl-C does, so that what is half done is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        folder = set_up(environ)
    except Trouble as trouble:
        print("setup: %s" % trouble, file=sys.stderr)
        return 1
    except OSError as error:
        print("setup: " + disk_trouble(error, environ), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; nothing partial was kept, run this again to go on.", file=sys.stderr)
        return 130
    if arguments == ["--print"]:
        print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
