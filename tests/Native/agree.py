"""agree.py NATIVE CLASSIFY LOGITS CHECKPOINT PREDICTED PICTURE...

Compares what C and Python get from the library in the folder NATIVE: the classes and probabilities of PICTUREs with those of
`xsepconv predict --top 100000 --json`, which are in the file PREDICTED, and logits with PyTorch's. CLASSIFY and LOGITS are C programs.
"""
import json
import math
import os
import subprocess
import sys
from array import array

import torch

native, classify, logits_program, checkpoint, predicted, *pictures = sys.argv[1:]
sys.path[:0] = [native, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../interop/pytorch")]
import xsepconv  # noqa: E402
import xsepconv_torch  # noqa: E402

# Of the largest logit, as docs/runtime.md has it: float32 in another order of adding.
TOLERANCE = 1e-4


def float32(value):
    return array("f", [value])[0]


def softmax(logits):
    """To float32, in float64 and in the order in which CompiledModel's users get it."""
    highest, total = max(logits), 0.0
    for logit in logits:
        total += math.exp(logit - highest)
    return [float32(math.exp(logit - highest) / total) for logit in logits]


def require(holds, what):
    if not holds:
        sys.exit(f"It does not hold: {what}")


with open(predicted, encoding="utf-8") as file:
    images = json.load(file)["images"]
require([image["file"] for image in images] == pictures, f"{predicted} is about {pictures}")

with xsepconv.Network(checkpoint) as network:
    # Python: names, order, and the same float32 probabilities.
    for image in images:
        expected = [(one["name"], float32(one["probability"])) for one in image["top"]]
        require(len(expected) == network.num_classes, "all classes are compared")
        require(network.classify(image["file"], top=len(expected)) == expected, f"{image['file']}: {expected}")
        with open(image["file"], "rb") as file:
            require(network.classify(file.read(), top=len(expected)) == expected, f"{image['file']} in memory: {expected}")

        channels, height, width = network.input_shape
        pixels = memoryview(network.decode(image["file"])).cast("B", (height, width, channels))
        require(network.classify(pixels, top=len(expected)) == expected, f"{image['file']} as an array: {expected}")
        for wrong in (pixels.cast("B").cast("B", (width * height, channels)), pixels.cast("B").cast("B", (1, height, width, channels))):
            try:
                network.classify(wrong)
                sys.exit(f"An array of shape {wrong.shape} was classified")
            except ValueError as error:
                require(str(wrong.shape) in str(error), f"the shape in {error}")

        # From the logits to the same bits.
        probabilities = softmax(network.run_bytes(network.decode(image["file"])))
        expected = [float32(one["probability"]) for one in sorted(image["top"], key=lambda one: one["class"])]
        require(probabilities == expected, f"{image['file']}: logits give {probabilities}, not {expected}")

# C: names and order.
printed = subprocess.run([classify, checkpoint, *pictures], stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout.splitlines()
require([line for line in printed if not line.startswith("  ")] == pictures, "the C program names every picture")
names = [line.split("%  ", 1)[1] for line in printed if line.startswith("  ")]
require(names == [one["name"] for image in images for one in image["top"][:5]], f"the C program's classes: {names}")

# Floats: Python and C to the bit, one image and a batch, one thread and two; PyTorch up to rounding.
torch.manual_seed(1)
reference = xsepconv_torch.MobileNet.from_safetensors(checkpoint).eval()
BATCH = 5
with xsepconv.Network(checkpoint, max_batch=BATCH, threads=2) as network:
    batch = torch.randn(BATCH, *network.input_shape)
    logits = network.run(array("f", batch.flatten().tolist()))
    one_by_one = [logit for image in batch for logit in network.run(array("f", image.flatten().tolist()))]
require(list(logits) == one_by_one, "a batch has the logits of its images")
from_c = subprocess.run([logits_program, checkpoint, str(BATCH)], input=array("f", batch.flatten().tolist()).tobytes(),
                        stdout=subprocess.PIPE, check=True).stdout
require(from_c == logits.tobytes(), "C and Python get the same bits")
with torch.no_grad():
    expected = reference.double()(batch.double()).flatten().tolist()
largest = max(map(abs, expected))
error = max(abs(a - b) for a, b in zip(logits, expected))
require(error <= TOLERANCE * largest, f"logits differ from PyTorch's by {error}, the largest is {largest}")
print(f"{len(pictures)} pictures, {BATCH} images of floats: C and Python agree with predict, "
      f"and with PyTorch in float64 within {error / largest:.1e} of the largest logit")
