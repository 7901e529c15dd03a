"""The checks, a function each; they run in the order of accept.py."""
import concurrent.futures as futures
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from kit import ARCHS, digest, epochs_of, finite, last_reason, lines_in, only_run

# The comparison with PyTorch runs in a process of its own.
ACCEPT = str(Path(__file__).with_name("accept.py"))


def machine(kit):
    def said(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.strip()
        except Exception as error:
            return f"({error})"
    if kit.cuda:
        kit.figure("nvidia-smi", said("nvidia-smi"))
        kit.figure("gpu", said("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"))
    kit.figure("machine", f"{os.cpu_count()} cores, {said('uname', '-sr')}, {said('getconf', 'GNU_LIBC_VERSION')}")
    missing = [line.strip() for line in said("ldd", kit.a.bin).splitlines() if "not found" in line]
    kit.check("the loader finds every library", not missing, "; ".join(missing) or "ldd")
    doctor = kit.go("doctor", "doctor", "--json", timeout=120)
    found = {line["check"]: line["found"] for line in doctor.json_lines()}
    kit.figure("doctor", json.dumps({key: found.get(key) for key in ("libtorch", "CUDA", "threads")}))
    kit.check("doctor", doctor.rc == 0 and (not kit.cuda or "device(s), cuDNN yes" in found.get("CUDA", "")),
              f"{found.get('libtorch')}; {found.get('CUDA')}; {doctor.wall:.1f}s")


def images(kit):
    sizes = {"eq": (500, 64), "64": (20000, 64), "224": (5000, 224)} if kit.big else {"eq": (150, 64), "64": (300, 64)}
    def make(item):
        name, (count, px) = item
        path = kit.work / f"{name}.npz"
        done = kit.go(f"convert {name}", "--no-ui", "data", "convert", f"phantom:{count}", str(path), "--size", str(px), timeout=120)
        kit.check(f"phantom:{count} at {px} px", done.rc == 0 and path.exists(), f"{done.wall:.1f}s")
        return name, str(path)
    with futures.ThreadPoolExecutor(3) as pool:
        kit.images = dict(pool.map(make, sizes.items()))
    kit.px = [64, 224] if kit.big else [64]


def equality(kit):
    """Weights trained on the CPU say the same on the device."""
    import numpy as np
    threads = max(1, (os.cpu_count() or 1) // 3)
    archs = ARCHS if kit.big else ["chestnet-s", "resnet18"]
    runs = {}

    def one(arch):
        folder = kit.work / "eq" / arch
        done = kit.train(f"eq {arch}", arch, "cpu", f"data.source=npz:{kit.images['eq']}", "optimizer.epochs=1", "model.stem=imagenet",
                         f"run.threads={threads}", runs=folder, timeout=120)
        run = only_run(folder)
        if done.rc != 0 or run is None:
            kit.check(f"train {arch} on the CPU", False, last_reason(done))
            return
        logits = {}
        for which, device in (("cpu", "cpu"), ("device", kit.a.device)):
            copy = kit.work / "eq" / f"{arch}-evaluated-{which}"
            shutil.copytree(folder, copy)
            inside = only_run(copy)
            for path in inside.glob("predictions_*.npz"):
                path.unlink()
            evaluated = kit.go(f"evaluate {arch} {device}", "--no-ui", "--json", "evaluate", inside.name, "--bootstrap", "0", "--device", device,
                            runs=copy, timeout=60)
            if evaluated.rc != 0:
                kit.check(f"evaluate {arch} on {device}", False, last_reason(evaluated))
                return
            with np.load(inside / "predictions_test.npz") as archive:
                logits[which] = archive["logits"]
        apart = float(np.abs(logits["cpu"] - logits["device"]).max())
        kit.check(f"{arch}: logits on {kit.a.device} are the CPU's", apart < 2e-2 and np.isfinite(logits["device"]).all(),
                  f"largest difference {apart:.2e} of logits up to {np.abs(logits['cpu']).max():.2f} (TF32 convolutions allow about 1e-3)")
        runs[arch] = (str(run), logits["cpu"])
        said = {}
        for which, device in (("cpu", "cpu"), ("device", kit.a.device)):
            shown = kit.go(f"predict {arch} {device}", "--no-ui", "--json", "predict", run.name, kit.images["eq"], "--device", device,
                           runs=folder, timeout=60)
            said[which] = [line["probabilities"] for line in shown.json_lines() if "probabilities" in line]
        pairs = list(zip(said["cpu"], said["device"]))
        worst = max((abs(a[key] - b[key]) for a, b in pairs for key in a), default=float("nan"))
        kit.check(f"{arch}: predict agrees", pairs and worst < 5e-3, f"{len(pairs)} images, largest difference {worst:.2e}")

    with futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(one, archs))
    if runs:
        job = kit.work / "logits.json"
        job.write_text(json.dumps({"images": kit.images["eq"], "small": False, "out": str(kit.work / "torch.npz"),
                                   "runs": {arch: run for arch, (run, _) in runs.items()}}))
        done = subprocess.run([sys.executable, ACCEPT, "--torch-logits", str(job), "--device", kit.a.device], capture_output=True, text=True,
                              env=kit.env)
        if done.returncode != 0:
            kit.check("PyTorch loads the weights", False, done.stderr[-400:])
            return
        with np.load(kit.work / "torch.npz") as archive:
            for arch, (_, ours) in runs.items():
                apart = float(np.abs(archive[arch] - ours).max())
                kit.check(f"{arch}: PyTorch on {kit.a.device} agrees for our weights", apart < 2e-3, f"largest difference {apart:.2e}")


def explain(kit):
    runs = kit.work / "eq" / ("resnet18" if kit.big else "chestnet-s")
    run = only_run(runs)
    if run is None:
        return kit.check("explain", False, "no run to explain")
    said = {}
    for which, device in (("cpu", "cpu"), ("device", kit.a.device)):
        said[which] = kit.go(f"explain {device}", "--no-ui", "--json", "explain", run.name, "--index", "0", "--method", "all", "--device", device,
                             "--graphics", "off", "--out", str(kit.work / f"maps-{which}"), runs=runs, timeout=150)
    a, b = (said[which].json_lines() for which in ("cpu", "device"))
    worst = max((abs(x["logit"] - y["logit"]) for x, y in zip(a, b)), default=float("nan"))
    gaps = [line["completeness"] for line in b if line.get("completeness")]
    kit.check(f"explain on {kit.a.device}", said["device"].rc == 0 and a and len(a) == len(b) and worst < 2e-2,
              f"{len(b)} maps, logits apart {worst:.1e}, {said['device'].wall:.1f}s; completeness {json.dumps(gaps[:1])}"
              f" {last_reason(said['device']) if said['device'].rc else ''}")


def find_lr(kit):
    for precision in (("fp32", "bf16", "fp16") if kit.cuda else ("fp32",)):
        done = kit.train(f"find-lr {precision}", "resnet18" if kit.big else "chestnet-s", kit.a.device, f"data.source=npz:{kit.images['eq']}", f"run.precision={precision}",
                         runs=kit.work / "lr", extra=["--find-lr"], timeout=60)
        found = [line for line in done.json_lines() if "suggestion" in json.dumps(line)]
        kit.check(f"find-lr {precision} on {kit.a.device}", done.rc == 0 and found, f"{done.wall:.1f}s {json.dumps(found[-1:])[-160:]}")


def no_such_device(kit):
    done = kit.go("cuda:7", "--no-ui", "--json", "train", "--data", "phantom:200", "--device", "cuda:7", runs=kit.work / "none", timeout=40)
    reason = last_reason(done)
    kit.check("cuda:7 is refused in a sentence", done.rc == 1 and "there is no CUDA device 7 here" in reason, f"rc {done.rc}: {reason}")


def repeats(kit):
    """run.deterministic gives the same bits; without it, whether it happens to."""
    for arch, env in (("chestnet-s", {}), ("resnet18", {}), ("resnet18", {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}), ("densenet121", {})):
        if not kit.big and arch != "chestnet-s":
            continue
        for deterministic in (("true", "false") if arch == "resnet18" and not env else ("true",)):
            prints, losses, warned = [], [], []
            for turn in range(2):
                runs = kit.work / "repeat" / f"{arch}-{deterministic}-{len(env)}-{turn}"
                done = kit.train(f"repeat {arch} {deterministic} {turn}", arch, kit.a.device, f"data.source=npz:{kit.images['eq']}",
                                 "optimizer.epochs=2", f"run.deterministic={deterministic}", runs=runs, env=env)
                run = only_run(runs)
                prints.append(digest(run / "checkpoints/last.safetensors") if run else "absent")
                losses.append([e["train_loss"] for e in epochs_of(run)] if run else [])
                warned = sorted({re.sub(r"^\[W\S* ", "", line)[:140] for line in done.libtorch_warnings()})
            same = prints[0] == prints[1] != "absent"
            label = f"{arch}, run.deterministic={deterministic}{', CUBLAS_WORKSPACE_CONFIG set' if env else ''}: twice the same bits"
            if deterministic == "true":
                kit.check(label, same, f"{prints}, losses {losses}; libtorch warned: {warned}")
            else:
                kit.figure("without run.deterministic", f"{label}: {same} (for the record) {losses}")


def killed(kit):
    """kill -9 in the middle, then on: the same bits as a run that was not killed, on the device and then on the CPU."""
    source, batch, epochs = (kit.images["64"], 256, 5) if kit.big else (kit.images["eq"], 16, 3)
    sets = (f"data.source=npz:{source}", f"optimizer.batch_size={batch}", f"optimizer.epochs={epochs}", "run.deterministic=true",
            f"checkpoint.every_n_steps={20 if kit.big else 3}", "early_stopping.enabled=false")
    whole, cut = kit.work / "whole", kit.work / "cut"
    arch = "resnet18" if kit.big else "chestnet-s"
    kit.train("whole", arch, kit.a.device, *sets, runs=whole, timeout=120)
    at = 2 if kit.big else 1
    killed_once = kit.train("to be killed", arch, kit.a.device, *sets, runs=cut, timeout=120, kill_when=lambda: lines_in(cut) >= at and any(cut.glob("*/checkpoints/last.state")))
    run = only_run(cut)
    before = len(epochs_of(run)) if run else 0
    kit.check("a run is killed in the middle", killed_once.rc == -9 and 0 < before < epochs, f"rc {killed_once.rc} after {before} of {epochs} epochs")
    if run is None:
        return
    again = kit.go("resume", "--no-ui", "--json", "train", "--resume", "last", runs=cut, timeout=120)
    ours, theirs = epochs_of(run), epochs_of(only_run(whole))
    apart = max((abs(a["train_loss"] - b["train_loss"]) / b["train_loss"] for a, b in zip(ours, theirs)), default=float("nan"))
    same = digest(run / "checkpoints/last.safetensors") == digest(only_run(whole) / "checkpoints/last.safetensors")
    kit.check("it is resumed to the end", again.rc == 0 and len(ours) == len(theirs) == epochs and apart < 5e-3,
              f"{len(ours)} epochs, losses apart by {apart:.1e}, {last_reason(again)}")
    kit.check("and ends with the bits of a run that was not killed", same, f"{same}")
    moved = kit.go("resume on the CPU", "--no-ui", "--json", "train", "--resume", "last", "--set", f"optimizer.epochs={epochs + 1}", "--set",
                   "run.device=cpu", runs=whole, timeout=90)
    kit.check("a run of the device is resumed on the CPU", moved.rc == 0 and finite(epochs_of(only_run(whole))[-1:]), f"{moved.wall:.1f}s {last_reason(moved)}")


def out_of_memory(kit):
    """A batch that no card holds ends in a sentence."""
    if not kit.cuda:
        return
    runs = kit.work / "oom"
    done = kit.train("oom", "densenet121", kit.a.device, f"data.source=npz:{kit.images['224']}", "optimizer.batch_size=4096", "optimizer.epochs=1",
                     runs=runs, timeout=90)
    reason = last_reason(done)
    run = only_run(runs)
    state = json.loads((run / "status.json").read_text())["state"] if run else "no folder"
    kit.check("out of memory is reported in a sentence", done.rc == 1 and "out of memory" in reason.lower() and "frame #" not in done.err,
              f"rc {done.rc}, run {state}: {reason}")
    after = kit.train("after oom", "chestnet-s", kit.a.device, f"data.source=npz:{kit.images['eq']}", "optimizer.epochs=1", runs=kit.work / "after")
    kit.check("the device works afterwards", after.rc == 0, last_reason(after))


def combinations(kit):
    if not kit.big:
        return [("chestnet-s", 64, "fp32", 32), ("chestnet-s", 64, "bf16", 32), ("resnet18", 64, "fp32", 32)]
    batches = {("chestnet-s", 64): 256, ("resnet18", 64): 256, ("densenet121", 64): 128,
               ("chestnet-s", 224): 128, ("resnet18", 224): 128, ("densenet121", 224): 64}
    # The default batch first, where launches cost more than arithmetic; what time may not reach comes last.
    return [("resnet18", 64, "fp32", 32), ("chestnet-s", 64, "fp32", 32)] + [
        (arch, px, precision, batches[arch, px])
        for px, precisions in ((64, ("fp32", "bf16")), (224, ("bf16", "fp32")), (64, ("fp16",)), (224, ("fp16",)))
        for arch in ("resnet18", "densenet121", "chestnet-s") for precision in precisions]


def speed(kit):
    """The whole loop without augmentation, beside the plain loop of PyTorch."""
    combos = combinations(kit)
    reserve = 70 if kit.big else 30
    for arch, px, precision, batch in combos:
        if kit.left() < reserve:
            kit.notes.append(f"no time for {arch} {px} {precision}")
            continue
        runs = kit.work / "speed" / f"{arch}-{px}-{precision}-{batch}"
        if kit.gpu:
            kit.gpu.mark()
        epochs = 3 if px == 64 else 2
        done = kit.train(f"speed {arch} {px} {precision} {batch}", arch, kit.a.device, f"data.source=npz:{kit.images[str(px)]}",
                         f"optimizer.epochs={epochs}", f"optimizer.batch_size={batch}", f"run.precision={precision}", "augment.preset=none", runs=runs)
        run = only_run(runs)
        rows = epochs_of(run) if run else []
        rates = [round(e["images_per_second"], 1) for e in rows]
        kit.check(f"train {arch} {px} px {precision} batch {batch}", done.rc == 0 and len(rows) == epochs and finite(rows),
                  f"images/s by epoch {rates}; losses {[round(e['train_loss'], 4) for e in rows]}; warnings {len(done.libtorch_warnings())}; "
                  f"{done.wall:.1f}s in all {last_reason(done) if done.rc else ''}")
        kit.figure("ours", {"arch": arch, "px": px, "prec": precision, "batch": batch, "images_per_second": max(rates[1:] or rates or [0]),
                            "device_gb": round(kit.gpu.peak, 2) if kit.gpu else None, "wall_s": round(done.wall, 1)})


def augmented(kit):
    """What augmentation costs: on the device, and by threads from pinned memory; images on disk."""
    px, batch = 64, 256 if kit.big else 32
    arch = "resnet18" if kit.big else "chestnet-s"
    for name, sets, extra in (("none on the device", ("augment.preset=none",), ()), ("chest on the device", (), ()),
                              ("chest on the device, uploaded by batch", ("data.on_gpu=streamed",), ()),
                              ("chest by threads", ("augment.on=cpu",), ()), ("chest by threads, images on disk", ("augment.on=cpu",), ("--memory", "20MB"))):
        runs = kit.work / "augment" / re.sub(r"\W+", "-", name)
        done = kit.train(f"augment {name}", arch, kit.a.device, f"data.source=npz:{kit.images[str(px)]}", "optimizer.epochs=3",
                         f"optimizer.batch_size={batch}", "run.precision=bf16", *sets, runs=runs, extra=extra)
        run = only_run(runs)
        rates = [round(e["images_per_second"]) for e in epochs_of(run)] if run else []
        warned = done.libtorch_warnings()
        kit.figure("augmentation", {"how": name, "images_per_second": rates})
        kit.check(f"{arch} bf16, {name}", done.rc == 0 and not warned,
                  f"images/s {rates}; libtorch's warnings on stderr: {len(warned)} {warned[:1]} {last_reason(done) if done.rc else ''}")


def bench(kit):
    nets = "chestnet-s:256,resnet18:256,densenet121:128" if kit.big else "chestnet-s:32"
    for precision in ("fp32", "bf16"):
        done = kit.go(f"bench {precision}", "bench", "--json", "--only", "training", "--nets", nets, "--repeats", "1", "--seconds",
                      "1.5" if kit.big else "1", "--data", f"npz:{kit.images['64']}", "--device", kit.a.device, "--set", f"run.precision={precision}",
                      "--set", "augment.preset=none", timeout=90)
        rows = (done.json_lines() or [{}])[-1].get("training", [])
        for row in rows:
            kit.figure("bench", {"prec": precision, "arch": row["arch"], "batch": row["batch"], "loop": round(row["train_throughput"]["median"]),
                                 "ceiling": round(row["compute_ceiling"]["median"]), "ratio": round(row["ratio"]["median"], 3), "shares": row["shares"]})
        kit.check(f"bench {precision}", done.rc == 0 and rows, f"{done.wall:.1f}s")


def beside(kit):
    """The plain loop, in one process."""
    specs = [{"arch": a, "px": p, "prec": q, "batch": b} for a, p, q, b in combinations(kit)]
    if kit.cuda:
        specs += [dict(arch=a, px=64, prec="bf16", batch=256, mode="graph") for a in ("chestnet-s", "resnet18")]
        specs += [dict(arch="resnet18", px=64, prec="fp32", batch=32, mode="graph")]
        specs += [dict(arch="resnet18", px=64, prec="bf16", batch=256, mode="compile")]
    job = kit.work / "torch.json"
    job.write_text(json.dumps({"specs": specs, "images": {"64": kit.images["64"], "224": kit.images.get("224")}, "seconds": 1.5 if kit.big else 1.0,
                               "deadline": time.time() + max(15, kit.left() - 25)}))
    try:
        done = subprocess.run([sys.executable, ACCEPT, "--torch-side", str(job), "--device", "cuda" if kit.cuda else "cpu"], capture_output=True,
                              text=True, env=kit.env, timeout=max(40, kit.left()))
        out, err = done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        out, err = (late.stdout or b"").decode(errors="replace"), "timed out"
    (kit.work / "logs" / "torch.out").write_text(out)
    (kit.work / "logs" / "torch.err").write_text(err)
    rows = []
    for line in out.splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            pass
    for row in rows:
        kit.figure("torch", row)
    kit.check("the plain loop ran", any("images_per_second" in row for row in rows), f"{len(rows)} of {len(specs)} {err[-200:] if not rows else ''}")
