"""What every check uses: running the program with its output logged, recording results, reading runs."""
import hashlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

T0 = time.monotonic()
ARCHS = ["chestnet-s", "resnet18", "densenet121"]


def stamp():
    """Seconds since the start."""
    return time.monotonic() - T0


class Gpu(threading.Thread):
    """The peak memory in use on the device between two marks."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak = 0.0
        self.handle = None
        try:
            import pynvml
            pynvml.nvmlInit()
            self.nvml, self.handle = pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)
            self.start()
        except Exception:
            pass

    def run(self):
        while True:
            try:
                self.peak = max(self.peak, self.nvml.nvmlDeviceGetMemoryInfo(self.handle).used / 1e9)
            except Exception:
                return
            time.sleep(0.05)

    def mark(self):
        self.peak = 0.0


class Done:
    def __init__(self, rc, out, err, wall, timed_out):
        self.rc, self.out, self.err, self.wall, self.timed_out = rc, out, err, wall, timed_out

    def json_lines(self):
        lines = []
        for line in self.out.splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                pass
        return lines

    def libtorch_warnings(self):
        return [line for line in self.err.splitlines() if re.search(r"^\[W|Warning:", line)]


class Kit:
    def __init__(self, a):
        self.a = a
        self.out = Path(a.out).resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.work = Path(a.work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        (self.work / "logs").mkdir(parents=True)
        self.big = a.scale == "gpu"
        self.cuda = a.device.startswith("cuda")
        self.gpu = Gpu() if self.cuda else None
        self.checks, self.figures, self.notes = [], {}, []
        self.lock = threading.Lock()
        self.env = dict(os.environ, XDG_CACHE_HOME=str(self.work / "cache"), XDG_CONFIG_HOME=str(self.work / "config"),
                        XDG_DATA_HOME=str(self.work / "data"), NO_COLOR="1")
        self.env.pop("CHESTXR_RUNS_DIR", None)
        self.number = 0

    def left(self):
        return self.a.budget - stamp()

    def check(self, name, good, detail=""):
        with self.lock:
            self.checks.append({"check": name, "ok": bool(good), "detail": str(detail)[:600], "at_s": round(stamp(), 1)})
            print(f"{stamp():6.1f}s {'ok  ' if good else 'FAIL'} {name}: {str(detail)[:300]}", flush=True)

    def figure(self, key, value):
        with self.lock:
            self.figures.setdefault(key, []).append(value) if not isinstance(value, (list, str)) else self.figures.__setitem__(key, value)
            print(f"{stamp():6.1f}s      {key}: {json.dumps(value)[:300]}", flush=True)

    def go(self, name, *args, timeout=60, env=None, runs=None, kill_when=None):
        """Runs the program; its output into logs/."""
        command = [self.a.bin, *args]
        if runs:
            command += ["--runs-dir", str(runs)]
        with self.lock:
            self.number += 1
            stem = self.work / "logs" / f"{self.number:03}-{re.sub(r'[^A-Za-z0-9_.-]', '_', name)[:60]}"
        begun, timed_out = time.monotonic(), False
        limit = max(5.0, min(timeout if self.big else 5 * timeout, self.left() + 20))
        with open(f"{stem}.out", "wb") as out, open(f"{stem}.err", "wb") as err:
            process = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=dict(self.env, **(env or {})),
                                       cwd=self.work, start_new_session=True)
            while process.poll() is None:
                if kill_when is not None and kill_when():
                    process.send_signal(signal.SIGKILL)
                    kill_when = None
                if time.monotonic() - begun > limit:
                    timed_out = True
                    process.kill()
                time.sleep(0.02)
        text = [Path(f"{stem}.{end}").read_text(errors="replace") for end in ("out", "err")]
        done = Done(process.returncode, *text, time.monotonic() - begun, timed_out)
        Path(f"{stem}.cmd").write_text(" ".join(command) + f"\nrc={done.rc} wall={done.wall:.2f}s timed_out={timed_out}\n")
        return done

    def train(self, name, arch, device, *sets, runs, timeout=90, env=None, kill_when=None, extra=()):
        flags = []
        for item in (f"model.arch={arch}", f"run.device={device}", *sets):
            flags += ["--set", item]
        return self.go(name, "--no-ui", "--json", "train", *extra, *flags, runs=runs, timeout=timeout, env=env, kill_when=kill_when)


def only_run(runs):
    found = sorted(path.parent for path in Path(runs).glob("*/status.json"))
    return found[-1] if found else None


def epochs_of(run):
    path = Path(run) / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")] if path.exists() else []


def lines_in(runs):
    return sum(path.read_bytes().count(b"\n") for path in Path(runs).glob("*/metrics.jsonl"))


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16] if Path(path).exists() else "absent"


def last_reason(done):
    ended = [line for line in done.json_lines() if line.get("event") == "ended"]
    return (ended[-1].get("reason") or "") if ended else done.err.strip().splitlines()[-1] if done.err.strip() else ""


def finite(epochs):
    keys = ("train_loss", "val_loss")
    return bool(epochs) and all(isinstance(e.get(k), (int, float)) and math.isfinite(e[k]) for e in epochs for k in keys)
