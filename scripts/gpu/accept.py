#!/usr/bin/env python3
"""Acceptance of chestxr-tui on a GPU machine: correctness on CUDA against the CPU, then speed beside plain PyTorch.

    accept.py --bin BIN --device cuda --out OUT --budget 330 [--scale gpu|cpu] [--only NAME,NAME]

Writes OUT/results.json, OUT/report.md, OUT/logs.tar.gz. Needs PyTorch (and torchvision, safetensors, numpy) in the
python that runs it. With --scale cpu everything is small and CUDA's own steps are left out: a rehearsal.
"""
import argparse
import concurrent.futures as futures
import json
import sys
import tarfile
import time
from pathlib import Path

from checks import (augmented, bench, beside, equality, explain, find_lr, images, killed, machine, no_such_device,
                    out_of_memory, repeats, speed)
from kit import Kit, stamp
from torch_side import torch_logits, torch_side


def report(kit):
    ours = {(r["arch"], r["px"], r["prec"], r["batch"]): r for r in kit.figures.get("ours", [])}
    theirs = {}
    for row in kit.figures.get("torch", []):
        theirs.setdefault((row["arch"], row["px"], row["prec"], row["batch"]), {})[row.get("mode", "eager")] = row
    lines = ["# chestxr-tui on a GPU", "", kit.figures.get("gpu", "no GPU"), kit.figures.get("machine", ""), kit.figures.get("doctor", ""), "",
             "| network | px | precision | batch | ours, images/s | PyTorch eager | ratio | graph | compile | ours, GB on the card | PyTorch, GB |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for key in list(ours) + [key for key in theirs if key not in ours]:
        mine, other = ours.get(key, {}), theirs.get(key, {})
        rate, eager = mine.get("images_per_second"), other.get("eager", {}).get("images_per_second")
        show = lambda value, form="{:.0f}": form.format(value) if value else "–"
        lines.append(f"| {key[0]} | {key[1]} | {key[2]} | {key[3]} | {show(rate)} | {show(eager)} | "
                     f"{show(rate and eager and rate / eager, '{:.2f}')} | {show(other.get('graph', {}).get('images_per_second'))} | "
                     f"{show(other.get('compile', {}).get('images_per_second'))} | {show(mine.get('device_gb'), '{:.1f}')} | "
                     f"{show(other.get('eager', {}).get('peak_gb'), '{:.1f}')} |")
    lines += ["", "| check | | |", "|---|---|---|"]
    lines += [f"| {'ok' if c['ok'] else '**FAIL**'} | {c['check']} | {c['detail'].replace('|', '/')} |" for c in kit.checks]
    lines += [""] + [f"- {note}" for note in kit.notes]
    passed = sum(c["ok"] for c in kit.checks)
    lines += ["", f"{passed} passed, {len(kit.checks) - passed} failed, {len(kit.notes)} skipped; {stamp():.0f} s"]
    (kit.out / "report.md").write_text("\n".join(lines) + "\n")
    (kit.out / "results.json").write_text(json.dumps({"checks": kit.checks, "figures": kit.figures, "notes": kit.notes, "seconds": stamp()}, indent=1))
    with tarfile.open(kit.out / "logs.tar.gz", "w:gz") as tar:
        tar.add(kit.work / "logs", arcname="logs")
        for path in kit.work.glob("**/*"):
            if path.name in ("metrics.jsonl", "status.json", "events.jsonl", "system.jsonl", "run.toml"):
                tar.add(path, arcname=str(Path("runs") / path.relative_to(kit.work)))
    print("\n".join(lines[-(len(kit.checks) + 40):])[-9000:], flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", default="out")
    parser.add_argument("--work", default="/tmp/chestxr-accept")
    parser.add_argument("--budget", type=float, default=345)
    parser.add_argument("--scale", choices=["gpu", "cpu"], default="gpu")
    parser.add_argument("--only", default="")
    parser.add_argument("--torch-side")
    parser.add_argument("--torch-logits")
    a = parser.parse_args()
    if a.torch_side:
        return torch_side(a)
    if a.torch_logits:
        return torch_logits(a)
    kit = Kit(a)
    # (step, seconds it needs at least); those in one tuple run side by side.
    # Speed comes before the checks that take long; what shares the card with it would spoil it, so it runs alone.
    together = (explain, find_lr, no_such_device)
    steps = [((machine,), 0), ((images,), 0), ((equality,), 30), ((speed,), 60), ((beside,), 20), (together, 30), ((killed,), 30),
             ((out_of_memory,), 15), ((repeats,), 30), ((augmented,), 20), ((bench,), 20)]
    only = set(filter(None, a.only.split(",")))
    try:
        for group, least in steps:
            group = [step for step in group if not only or step.__name__ in only or step in (machine, images)]
            if kit.left() < least and group:
                kit.notes.append(f"no time for {', '.join(step.__name__ for step in group)}")
                continue

            def safely(step):
                begun = time.monotonic()
                try:
                    step(kit)
                except Exception as error:
                    kit.check(f"{step.__name__} came to its end", False, f"{type(error).__name__}: {error}")
                kit.figure("seconds", {"step": step.__name__, "s": round(time.monotonic() - begun, 1)})

            with futures.ThreadPoolExecutor(max(1, len(group))) as pool:
                list(pool.map(safely, group))
            if kit.cuda and not all(c["ok"] for c in kit.checks if c["check"] in ("doctor", "the loader finds every library")):
                kit.notes.append("everything else: the program doesn't start or sees no GPU, and device time is dear")
                break
    finally:
        report(kit)
    sys.exit(0 if all(c["ok"] for c in kit.checks) else 1)


if __name__ == "__main__":
    main()
