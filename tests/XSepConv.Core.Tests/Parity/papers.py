"""torchvision's blocks in a network of inverted residuals: python3 papers.py FOLDER. Needs torch and torchvision.

FOLDER/network.safetensors   a network of this library with its spec, in float64
FOLDER/input.safetensors     "input", a batch of images
This writes FOLDER/logits.safetensors: "eval" and "train", computed by torchvision's blocks. Stem and head are written here.
"""

import functools
import json
import sys
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision.models import mobilenetv2, mobilenetv3

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Fixtures"))
from generate import xt  # noqa: E402

ACTIVATIONS = {"ReLU": F.relu, "ReLU6": F.relu6, "HSwish": F.hardswish}


def block(row, norm):
    """The block that torchvision has for a row."""
    if row["activation"] == "ReLU6":
        return mobilenetv2.InvertedResidual(row["in"], row["out"], row["stride"], row["expand"] // row["in"], norm)
    squeezed = {"squeeze_channels": row["squeezeChannels"]} if "squeezeChannels" in row else {}
    config = mobilenetv3.InvertedResidualConfig(
        row["in"], row["kernel"], row["expand"], row["out"], bool(squeezed), "HS" if row["activation"] == "HSwish" else "RE",
        row["stride"], 1, 1.0)
    made = mobilenetv3.InvertedResidual(config, norm)
    if squeezed:
        assert [m.fc1.out_channels for m in made.modules() if hasattr(m, "fc1")] == [squeezed["squeeze_channels"]]
    return made


def main():
    folder = Path(sys.argv[1])
    tensors, metadata = xt.load_safetensors(folder / "network.safetensors")
    spec = json.loads(metadata[xt.METADATA_KEY])
    x = xt.load_safetensors(folder / "input.safetensors")[0]["input"]
    epsilon, momentum = spec.get("normEpsilon", 1e-5), spec.get("normMomentum", 0.1)
    act = ACTIVATIONS[spec.get("activation", "HSwish")]
    norm = functools.partial(nn.BatchNorm2d, eps=epsilon, momentum=momentum)
    blocks = []
    for i, row in enumerate(spec["blocks"]):
        made = block(row, norm).double()
        # Both sides list a block's tensors in the order in which its layers run.
        prefix = f"bneck.{i}."
        layers = ("conv1", "bn1", "conv2", "bn2", "se.se.1", "se.se.3", "conv3", "bn3")
        kinds = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        ours = [tensors[f"{prefix}{layer}.{kind}"] for layer in layers for kind in kinds if f"{prefix}{layer}.{kind}" in tensors]
        theirs = made.state_dict()
        assert len(ours) == len(theirs), (i, len(ours), list(theirs))
        made.load_state_dict(dict(zip(theirs, ours)), strict=True)
        blocks.append(made)

    def run(training):
        def batch_norm(y, name):
            mean, variance = tensors[f"{name}.running_mean"].clone(), tensors[f"{name}.running_var"].clone()
            return F.batch_norm(y, mean, variance, tensors[f"{name}.weight"], tensors[f"{name}.bias"], training, momentum, epsilon)

        y = act(batch_norm(F.conv2d(x, tensors["conv1.weight"], stride=spec["stemStride"], padding=1), "bn1"))
        for made in blocks:
            y = made.train(training)(y)
        y = act(batch_norm(F.conv2d(y, tensors["conv2.weight"]), "bn2")).mean(dim=(2, 3))
        y = act(batch_norm(F.linear(y, tensors["linear3.weight"], tensors["linear3.bias"]), "bn3"))
        return F.linear(y, tensors["linear4.weight"], tensors["linear4.bias"])

    torch.set_num_threads(1)
    with torch.no_grad():
        xt.save_safetensors({"eval": run(False), "train": run(True)}, folder / "logits.safetensors")


if __name__ == "__main__":
    main()
