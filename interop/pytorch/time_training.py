"""Times a training step of XSepMobileNetV3-Small and of its depthwise twin in PyTorch, and prints one line of JSON.

The step is that of `ratios --only net-train`: gradients of before let go, forward, cross-entropy, backward; no optimizer. Both networks are
those of xsepconv_torch.py beside this file, on PyTorch's own operators. They take turns, so that whatever slows the machine for a while
slows both; a figure is the median.

    python3 time_training.py --preset Cifar --batch 64
    python3 time_training.py --preset ImageNet --batch 16 --kernel 9 --channels-last
"""

from __future__ import annotations

import argparse
import ctypes
import dataclasses
import json
import statistics
import sys
import time
from typing import Callable, Optional, Sequence

import torch
import torch.nn.functional as F

from xsepconv_torch import BlockKind, MobileNet, NetworkSpec, mobilenet_v3_small_spec

CLASSES = 10
LEAST_STEPS, WARM_UP = 3, 2


def whole(least: int, most: int, odd: bool = False) -> Callable[[str], int]:
    """A type of argument: a whole number of this range; argparse names option and value where it is none."""
    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else least - 1
        if not least <= number <= most or (odd and number % 2 == 0):
            raise argparse.ArgumentTypeError(f"it is {text!r}; it must be {'an odd' if odd else 'a whole'} number from {least} to {most}")
        return number
    return parse


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"it is {text!r}; it must be a number from 0 to 3600")
    return number


def specs(preset: str, kernel: Optional[int]) -> Sequence[NetworkSpec]:
    """XSepConv's network and its twin, with this K in the rows that are XSepConv in the notes' table."""
    xsep = mobilenet_v3_small_spec(CLASSES, preset=preset)
    chosen = [row.kind is BlockKind.XSEP for row in xsep.blocks]
    return [
        dataclasses.replace(spec, blocks=tuple(
            dataclasses.replace(row, kernel=kernel) if kernel and is_chosen else row for row, is_chosen in zip(spec.blocks, chosen)))
        for spec in (xsep, mobilenet_v3_small_spec(CLASSES, preset=preset, depthwise=True))
    ]


def keep_freed_memory() -> bool:
    """Tunes glibc's malloc as the benchmarks do: freed blocks stay, else every large one costs page faults."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        m_mmap_max, m_trim_threshold, m_top_pad = -4, -1, -2
        return all([libc.mallopt(m_mmap_max, 0), libc.mallopt(m_trim_threshold, 2 ** 31 - 1), libc.mallopt(m_top_pad, 64 << 20)])
    except (OSError, AttributeError):
        return False


def step(network: MobileNet, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Milliseconds of one."""
    start = time.perf_counter()
    network.zero_grad(set_to_none=True)
    F.cross_entropy(network(images), labels).backward()
    return 1e3 * (time.perf_counter() - start)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="Times a training step in PyTorch; prints one line of JSON.")
    parser.add_argument("--preset", choices=("Cifar", "ImageNet"), default="Cifar", help="for which size of image; Cifar without")
    parser.add_argument("--batch", type=whole(2, 65_536), default=64, help="images of a step; 64 without")
    parser.add_argument("--image-size", type=whole(1, 4_096), help="rows and columns; 32 without, with --preset ImageNet 224")
    parser.add_argument("--kernel", type=whole(3, 63, odd=True), help="K of the rows that are XSepConv; the table's without")
    parser.add_argument("--channels-last", action="store_true", help="maps and weights as [N, H, W, C] in memory; NCHW without")
    parser.add_argument("--threads", type=whole(1, 1_024), default=1, help="threads of PyTorch; 1 without")
    parser.add_argument("--seconds", type=seconds, default=5.0, help="about how long each network is timed; 5 without")
    options = parser.parse_args(arguments)

    tuned = keep_freed_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    side = options.image_size or (32 if options.preset == "Cifar" else 224)
    images, labels = torch.randn(options.batch, 3, side, side), torch.randint(CLASSES, (options.batch,))
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    images = images.to(memory_format=layout)
    networks = [MobileNet(spec).train().to(memory_format=layout) for spec in specs(options.preset, options.kernel)]
    for _ in range(WARM_UP):
        for network in networks:
            step(network, images, labels)

    times = [[], []]
    while len(times[0]) < LEAST_STEPS or sum(map(sum, times)) < 1e3 * len(networks) * options.seconds:
        for network, taken in zip(networks, times):
            taken.append(step(network, images, labels))

    print(json.dumps({
        "work": "net-train", "torch": torch.__version__, "python": sys.version.split()[0], "threads": torch.get_num_threads(),
        "allocatorTuned": tuned, "shape": f"{options.batch}x3x{side}x{side}", "kernel": options.kernel,
        "layout": "channels-last" if options.channels_last else "nchw", "steps": len(times[0]),
        "parameters": dict(zip(("xsep", "twin"), (sum(p.numel() for p in network.parameters()) for network in networks))),
        "ms": dict(zip(("xsep", "twin"), (round(statistics.median(taken), 3) for taken in times))),
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
