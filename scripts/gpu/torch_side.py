"""PyTorch's side of the comparison: the networks, a plain training loop, logits. Run in a process of its own."""
import json
import time
from pathlib import Path


def network(arch, px, small, classes=14):
    import torch
    from torch import nn

    if arch == "chestnet-s":
        layers, before = [], 1
        for after in (32, 64, 128):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(True), nn.MaxPool2d(2)]
            before = after

        class ChestNetS(nn.Module):
            def __init__(self):
                super().__init__()
                self.features = nn.Sequential(*layers)
                self.classifier = nn.Sequential(
                    nn.Dropout(0.5), nn.Linear(128 * (px // 8) ** 2, 512), nn.ReLU(True), nn.Dropout(0.5),
                    nn.Linear(512, classes))

            def forward(self, x):
                return self.classifier(torch.flatten(self.features(x).contiguous(), 1))

        return ChestNetS()
    import torchvision

    if arch.startswith("resnet"):
        net = getattr(torchvision.models, arch)(num_classes=classes)
        net.conv1 = nn.Conv2d(1, 64, 3 if small else 7, stride=1 if small else 2, padding=1 if small else 3, bias=False)
        if small:
            net.maxpool = nn.Identity()
        return net
    net = torchvision.models.densenet121(num_classes=classes)
    net.features.conv0 = nn.Conv2d(1, 64, 3 if small else 7, stride=1 if small else 2, padding=1 if small else 3, bias=False)
    if small:
        net.features.pool0 = nn.Identity()
    return net


def plain_loop(spec, images, labels, device, seconds):
    """Images a second of a plain loop: images uint8 on the device, channels last, fused Adam, autocast."""
    import torch

    cuda = device == "cuda"
    torch.manual_seed(0)
    arch, px, prec, batch, mode = spec["arch"], spec["px"], spec["prec"], spec["batch"], spec.get("mode", "eager")
    small = spec.get("small", px < 128)
    net = network(arch, px, small).to(device).to(memory_format=torch.channels_last).train()
    graph = mode == "graph"
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4, weight_decay=1e-4, fused=True, **({"capturable": True} if graph else {}))
    forward = torch.compile(net) if mode == "compile" else net
    amp = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(prec)
    scaler = torch.amp.GradScaler(device, enabled=prec == "fp16" and cuda)
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    count = images.shape[0]
    batch = min(batch, count)
    total = torch.zeros((), device=device, dtype=torch.float64)
    seen = []
    if cuda:
        torch.cuda.reset_peak_memory_stats()

    def step(index, x=None, y=None):
        if x is None:
            x, y = images[index], labels[index]
        x = x.unsqueeze(1).to(memory_format=torch.channels_last).float().div(127.5).sub(1)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=amp, enabled=amp is not None, cache_enabled=not graph):
            logits = forward(x)
            loss = loss_of(logits.float(), y)
        if prec == "fp16" and cuda:
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        else:
            loss.backward()
            optimizer.step()
        return loss.detach(), logits.detach()

    def sync():
        if cuda:
            torch.cuda.synchronize()

    def order():
        while True:
            shuffled = torch.randperm(count, device=device)
            for at in range(0, count - batch + 1, batch):
                yield shuffled[at:at + batch]

    indices = order()
    begun = time.monotonic()
    if graph:
        fixed = torch.zeros(batch, dtype=torch.long, device=device)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step(fixed)
        torch.cuda.current_stream().wait_stream(side)
        optimizer.zero_grad(set_to_none=True)
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            kept = step(fixed)

        def one(index):
            fixed.copy_(index)
            captured.replay()
            return kept[0], kept[1].clone()
    else:
        one = step
    for _ in range(8 if cuda else 1):
        one(next(indices))
    sync()
    warm = time.monotonic() - begun
    started, done = time.monotonic(), 0
    while time.monotonic() - started < seconds:
        loss, logits = one(next(indices))
        total += loss.double() * batch
        seen.append(logits)
        done += batch
        if len(seen) % 64 == 0:
            sync()  # the clock must not run ahead of the device
            seen.clear()
    sync()
    rate = done / (time.monotonic() - started)
    result = dict(spec, images_per_second=rate, warm_up_s=round(warm, 2), loss=float(total) / done)
    if cuda:
        result["peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
    return result


def torch_side(arguments):
    """One process for all combinations: JSON lines on stdout."""
    import numpy as np
    import torch

    job = json.loads(Path(arguments.torch_side).read_text())
    device = arguments.device
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    loaded = {}
    for spec in job["specs"]:
        if time.time() > job["deadline"]:
            print(json.dumps(dict(spec, skipped="no time left")), flush=True)
            continue
        try:
            if spec["px"] not in loaded:
                with np.load(job["images"][str(spec["px"])]) as archive:
                    loaded[spec["px"]] = (torch.from_numpy(archive["train_images"]).to(device),
                                          torch.from_numpy(archive["train_labels"].astype("float32")).to(device))
            print(json.dumps(plain_loop(spec, *loaded[spec["px"]], device, job["seconds"])), flush=True)
        except Exception as error:  # one combination that fails is a result too
            print(json.dumps(dict(spec, error=f"{type(error).__name__}: {str(error)[:300]}")), flush=True)
        if device == "cuda":
            torch.cuda.empty_cache()


def torch_logits(arguments):
    """Logits of a run's weights by torchvision on the device: written as npy."""
    import numpy as np
    import torch
    from safetensors.torch import load_file

    job = json.loads(Path(arguments.torch_logits).read_text())
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    with np.load(job["images"]) as archive:
        images = torch.from_numpy(archive["test_images"])
    answers = {}
    for arch, run in job["runs"].items():
        net = network(arch, images.shape[-1], job["small"])
        net.load_state_dict(load_file(f"{run}/checkpoints/best.safetensors"))
        net.eval().to(arguments.device)
        with torch.no_grad():
            x = ((images.float() / 255 - 0.5) / 0.5).unsqueeze(1)
            answers[arch] = torch.cat([net(part.to(arguments.device)).cpu() for part in x.split(64)]).numpy()
    np.savez(job["out"], **answers)
