"""Weights, images and labels that both sides compute, so that nothing large is committed.

Everything below is 32-bit unsigned integer arithmetic (wrapping) up to the last line, which is float64 and
rounded once to float32; another language reproduces it bit for bit.

    hash(name):  FNV-1a over the UTF-8 bytes: h = 2166136261; for each byte b: h = (h ^ b) * 16777619
    mix(i, h):   x = i * 2654435761 + h
                 x ^= x >> 16;  x *= 0x85ebca6b;  x ^= x >> 13;  x *= 0xc2b2ae35;  x ^= x >> 16
    u(i, name):  mix(i, hash(name)) / 2147483648.0 - 1.0          float64, uniform in [-1, 1)

Parameters and buffers. `name` is the state-dict key, `i` the element's index in C order (row-major), `fan_in`
the product of all dimensions but the first. The first rule that fits gives the element:

    ...running_mean         0.05 * u
    ...running_var          1 + 0.1 * |u|
    ...num_batches_tracked  0 (int64)
    two dimensions or more  u * sqrt(gain / fan_in)
    ...weight               1 + 0.1 * u                           (batch norm: one dimension)
    ...bias                 0.1 * u                               (one dimension)

`gain` is 6 where logits are compared: they come out of order 1 and differ between images. It is 1 (PyTorch's own
bound for a new layer) where training is: with 6, fifty steps of ChestNetS in float32 end further from float64's.

Images. `image(n)` is 64 x 64 uint8: coarse 8 x 8 patches with grain on them,

    patch = mix(n * 64 + (y / 8) * 8 + x / 8, hash("film.patch")) >> 24
    grain = mix(n * 4096 + y * 64 + x,        hash("film.grain")) >> 24
    pixel[y][x] = (3 * patch + grain) / 4                         integer divisions

and its label of class c (0..13) is 1 when

    mix(n * 14 + c, hash("film.label")) % 100  <  10 + 20 * c / 13     (10 % positives for class 0, 30 % for 13)
"""

import math

import numpy as np
import torch

CLASSES = 14
SIDE = 64


def name_hash(name):
    h = 2166136261
    for byte in name.encode():
        h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
    return h


def mix(i, h):
    """`i`: integer array; gives uint32."""
    x = np.asarray(i).astype(np.uint32) * np.uint32(2654435761) + np.uint32(h)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x


def parameter(name, shape, gain):
    """The float32 tensor of a state-dict entry."""
    count = math.prod(shape)
    u = mix(np.arange(count), name_hash(name)).astype(np.float64) / 2147483648.0 - 1.0
    if name.endswith("running_mean"):
        value = 0.05 * u
    elif name.endswith("running_var"):
        value = 1.0 + 0.1 * np.abs(u)
    elif len(shape) >= 2:
        value = u * math.sqrt(gain / math.prod(shape[1:]))
    elif name.endswith("weight"):
        value = 1.0 + 0.1 * u
    elif name.endswith("bias"):
        value = 0.1 * u
    else:
        raise ValueError(f"no rule for {name} of shape {tuple(shape)}")
    return torch.from_numpy(value.astype(np.float32).reshape(tuple(shape)))


def fill(network, gain):
    """Gives every parameter and buffer of a network its value."""
    state = network.state_dict()
    filled = {
        name: torch.zeros_like(tensor) if name.endswith("num_batches_tracked") else parameter(name, tensor.shape, gain)
        for name, tensor in state.items()
    }
    network.load_state_dict(filled, strict=True)
    return network


def images(count):
    """uint8 N x 64 x 64."""
    n, y, x = np.meshgrid(np.arange(count), np.arange(SIDE), np.arange(SIDE), indexing="ij")
    patch = mix(n * 64 + (y // 8) * 8 + x // 8, name_hash("film.patch")) >> np.uint32(24)
    grain = mix(n * 4096 + y * 64 + x, name_hash("film.grain")) >> np.uint32(24)
    return ((3 * patch + grain) // 4).astype(np.uint8)


def labels(count):
    """uint8 N x 14."""
    n, c = np.meshgrid(np.arange(count), np.arange(CLASSES), indexing="ij")
    drawn = mix(n * CLASSES + c, name_hash("film.label")) % np.uint32(100)
    return (drawn < 10 + 20 * c // 13).astype(np.uint8)


def normalised(images):
    """uint8 N x 64 x 64 to float32 N x 1 x 64 x 64: (x / 255 - .5) / .5, each step in float32."""
    return (torch.from_numpy(np.ascontiguousarray(images)).float().unsqueeze(1) / 255 - 0.5) / 0.5
