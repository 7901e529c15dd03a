"""PyTorch's wheels: fetched by pip, compared with their pins, unpacked into a build of libtorch."""

import fnmatch
import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import List, Mapping, Optional

from libtorch_builds import Build, Pin, Trouble, say

# pip takes each tag literally, a newer one doesn't stand for the older ones.
PLATFORMS = ["manylinux_2_%d_x86_64" % minor for minor in range(28, 16, -1)] + [
    "manylinux2014_x86_64",
    "manylinux_2_12_x86_64",
    "manylinux2010_x86_64",
]


def parse_pins(text: str) -> List[Pin]:
    pins = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            match = re.fullmatch(r"(\S+==\S+) --hash=sha256:([0-9a-f]{64})", line.strip())
            if match is None:
                raise Trouble("A pin isn't `name==version --hash=sha256:…`: %s; restore the file from git." % line)
            pins.append(Pin(match.group(1), match.group(2)))
    return pins


def fill(tree: Path, build: Build, pins: List[Pin], staging: Path, environ: Mapping[str, str]) -> None:
    """Fetches wheel after wheel into `tree`; one at a time, since all at once take twice the disk."""
    for number, pin in enumerate(pins, 1):
        say("libtorch for %s, %d of %d: fetching %s" % (build.name, number, len(pins), pin.requirement))
        wheel = fetch(pin, staging, environ)
        check_sha256(wheel, pin)
        unzip(wheel, build, tree)
        wheel.unlink()
    for pattern, prefix in build.keep:
        wanted = pattern[len(prefix) :]
        if not any(tree.glob(wanted)):
            raise Trouble("The wheels in %s hold no %s; that file doesn't fit this script." % (build.pins, pattern))
    if build.linker_script is not None:
        (tree / build.root / "lib" / "libtorch.so").write_text(build.linker_script)
    (tree / build.root / "build-version").write_text(build.build_version + "\n")


def check_pip(environ: Mapping[str, str]) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "--version"],
        env=dict(environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if answer.returncode != 0:
        raise Trouble(
            "%s has no pip, which fetches libtorch; install it (Debian: apt install python3-pip), then run this again."
            % sys.executable
        )


def fetch(pin: Pin, staging: Path, environ: Mapping[str, str]) -> Path:
    """The wheel of `pin`, downloaded by pip, which compares its SHA-256."""
    downloads = staging / "downloads"
    scratch = staging / "tmp"
    for folder in (downloads, scratch):
        folder.mkdir(exist_ok=True)
    requirements = staging / "requirements.txt"
    requirements.write_text("%s --hash=sha256:%s\n" % pin)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    # pip's cache would hold every wheel a second time, for nobody.
    command += ["--no-cache-dir", "--disable-pip-version-check", "--implementation", "cp", "--python-version", "311"]
    for tag in PLATFORMS:
        command += ["--platform", tag]
    command += ["--requirement", str(requirements), "--dest", str(downloads)]
    watched = sys.stderr.isatty()
    if not watched:
        command.append("--quiet")
    # pip downloads into the temporary folder, and /tmp is too small for this on many machines.
    settings = dict(environ, TMPDIR=str(scratch), PIP_REQUIRE_VIRTUALENV="0", LC_ALL="C.UTF-8")
    answer = subprocess.run(
        command,
        env=settings,
        stdin=subprocess.DEVNULL,
        # The progress bar; stdout itself is kept for --print.
        stdout=sys.stderr if watched else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    if answer.returncode != 0:
        raise Trouble(pip_trouble(pin, answer.stderr, staging.parent))
    wheels = list(downloads.glob("*.whl"))
    if len(wheels) != 1:
        raise Trouble("pip said it fetched %s but left %d wheels; run this again." % (pin.requirement, len(wheels)))
    return wheels[0]


# What pip says, to what the user can do. The first that fits counts: a lost connection, for one, ends
# in pip's "No matching distribution" too.
PIP_TROUBLES = (
    (
        r"No space left|Errno 28|Disk quota|Errno 122",
        "The disk of {cache} filled up while fetching {what}; free some space, or set XDG_CACHE_HOME to a folder on a "
        "larger disk, and run this again.",
    ),
    (
        r"DO NOT MATCH THE HASHES|hash mismatch",
        "The {what} that arrived isn't the one pinned by SHA-256 and was thrown away; run this again, and if it stays so "
        "the package index or a proxy serves another file.",
    ),
    (
        r"Permission denied|Errno 13|Read-only file system",
        "pip can't write to {cache}; make it writable, or set XDG_CACHE_HOME to a folder that is.",
    ),
    (
        r"Retrying|Connection|ProxyError|SSLError|timed out|Max retries|name resolution|IncompleteRead|HTTP error|"
        r"BadZipFile|has an invalid wheel|Broken pipe",
        "Fetching {what} failed on the network{reason}; check the connection (behind a proxy set HTTPS_PROXY, with a "
        "mirror PIP_INDEX_URL) and run this again.",
    ),
    (
        r"No matching distribution|Could not find a version",
        "The package index that pip asks has no {what} for Linux on x86-64 (it may be a mirror that lacks it, or "
        "unreachable); check PIP_INDEX_URL and pip's configuration, and run this again.",
    ),
)


def pip_trouble(pin: Pin, errors: str, cache: Path) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "it gave no reason")
    last = last[:300]
    # pip's own line for it is a nest of class names.
    short = re.search(
        r"Connection refused|Connection reset|Network is unreachable|No route to host|Name or service not known|"
        r"name resolution|[Tt]imed out|Cannot connect to proxy|certificate verify failed|HTTP error \d+",
        errors,
    )
    reason = " (%s)" % short.group(0) if short else ""
    for pattern, sentence in PIP_TROUBLES:
        if re.search(pattern, errors):
            return sentence.format(what=pin.requirement, cache=cache, reason=reason)
    return "pip couldn't fetch %s (%s); put that right and run this again." % (pin.requirement, last)


def check_sha256(wheel: Path, pin: Pin) -> None:
    """Once more, on the file as it lies on the disk."""
    digest = hashlib.sha256()
    with open(wheel, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != pin.sha256:
        raise Trouble(
            "%s has SHA-256 %s instead of the pinned %s and was thrown away; run this again."
            % (wheel.name, digest.hexdigest(), pin.sha256)
        )


def unzip(wheel: Path, build: Build, tree: Path) -> None:
    """Takes what `build` keeps out of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            wanted = kept_as(entry.filename, build)
            if entry.is_dir() or wanted is None:
                continue
            target = tree / wanted
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)


def kept_as(name: str, build: Build) -> Optional[str]:
    """Where a file of a wheel goes, relative to the build's folder; None if it isn't needed."""
    for pattern, prefix in build.keep:
        if fnmatch.fnmatchcase(name, pattern) and ".." not in name.split("/"):
            return name[len(prefix) :]
    return None
