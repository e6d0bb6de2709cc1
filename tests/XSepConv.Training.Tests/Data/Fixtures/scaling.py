"""Pictures of random sizes, and what torchvision's Resize and CenterCrop make of them.

    python3 scaling.py FOLDER SEED

For each NAME.png there is NAME.case with the numbers "image size, shorter side" and the interpolation, and NAME.expected, [size, size, 3].
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

folder, random = Path(sys.argv[1]), np.random.default_rng(int(sys.argv[2]))
folder.mkdir()


def picture(width, height):
    """Waves with noise on them, or hard edges."""
    if random.random() < 0.3:
        return random.choice([0, 255], (height, width, 3)).astype(np.uint8)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x * random.uniform(0.01, 2) + y * random.uniform(0.01, 2)) for _ in range(3)]
    return np.clip(128 + 120 * np.stack(waves, -1) + random.normal(0, 20, (height, width, 3)), 0, 255).astype(np.uint8)


sizes = [(500, 375), (375, 500), (224, 224), (256, 256), (257, 256), (61, 47), (1, 1), (3, 400), (640, 33)]
sizes += [tuple(int(side) for side in random.integers(1, 700, 2)) for _ in range(12)]
for number, (width, height) in enumerate(sizes):
    for mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        size, shorter = [(224, 256), (224, 232), (224, 235), (64, 64), (33, 71)][random.integers(5)]
        image = Image.fromarray(picture(width, height))
        seen = np.asarray(Compose([Resize(shorter, mode), CenterCrop(size)])(image))
        name = folder / f"{number}-{mode.value}"
        image.save(f"{name}.png")
        Path(f"{name}.case").write_text(f"{size} {shorter} {mode.value}")
        Path(f"{name}.expected").write_bytes(seen.tobytes())
