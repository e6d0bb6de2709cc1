"""Makes the golden files beside it with PyTorch: python3 generate.py [--out FOLDER]. Needs torch, on the CPU, in float64.

blocks.safetensors    one block or operator a case: outputs, gradients, running statistics, in full
networks.safetensors  small networks: outputs and running statistics in full, a fingerprint of each gradient
state-dict-keys.txt   names and shapes of the default network's state dict, in order

Weights and inputs are not stored. Both sides derive them from their names: element i of the tensor "name" is
lo + (hi - lo) * u, rounded to float32, where u is the i-th number of SplitMix64 seeded with FNV-1a 64 of the name, top 53
bits taken as a fraction. So one module can be filled alike in float32 and float64 and in both languages.

A case's tensors, where "case" is its name and "param" a key of the state dict:
  case/eval                output in eval mode
  case/train               output in training mode
  case/input-gradient      gradient of sum(output * weighting) with respect to the input, in training mode
  case/gradient/param      the same for a parameter; in networks its fingerprint
                           [norm, sum, 4 projections on vectors uniform in [-1, 1], named "projection/0" to "projection/3"]
  case/buffer/param        running statistics after that training step
The metadata's "cases" is a JSON list with each case's description and its float32 errors: the largest difference over
max |float64|, for both outputs, gradients (blocks only: a network this deep has some activation at a kink) and statistics, that
PyTorch's own float32 run shows, or that a float64 run shows whose weights and input are off by up to two roundings to float32,
eight times at random: a case is as exact in float32 as it is well-conditioned. A weight in front of a BN has nearly no gradient
along itself, so a gradient is measured against at least a hundredth of the case's largest.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "interop" / "pytorch"))
import xsepconv_torch as xt  # noqa: E402

FRACTION = 2.0 ** -53
GAMMA, MIX1, MIX2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def signed(value):
    """The int64 with the bits of a 64-bit unsigned number: torch has no uint64 arithmetic."""
    value &= 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >> 63 else value


def shift_right(z, bits):
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def derive(name, shape, lo, hi):
    """The tensor of a name, float64, each element exact in float32."""
    seed = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        seed = ((seed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    z = torch.arange(1, math.prod(shape) + 1, dtype=torch.int64) * signed(GAMMA) + signed(seed)
    z = (z ^ shift_right(z, 30)) * signed(MIX1)
    z = (z ^ shift_right(z, 27)) * signed(MIX2)
    u = shift_right(z ^ shift_right(z, 31), 11).double() * FRACTION
    return (lo + (hi - lo) * u).float().double().reshape(shape)


def fill(module, prefix):
    """Gives every parameter and buffer the tensor of its name."""
    norms = {name for name, m in module.named_modules() if isinstance(m, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d))}
    with torch.no_grad():
        for key, tensor in module.state_dict().items():
            owner, kind = key.rsplit(".", 1)
            if kind == "num_batches_tracked":
                tensor.fill_(3)
                continue
            if kind == "running_var" or (kind == "weight" and owner in norms):
                lo, hi = 0.5, 1.5
            elif kind == "weight":
                hi = math.sqrt(3.0 / tensor[0].numel())
                lo = -hi
            else:
                lo, hi = -0.5, 0.5
            tensor.copy_(derive(f"{prefix}/{key}", tuple(tensor.shape), lo, hi))
    return module


def blur(tensor, seed):
    """Off by up to two float32 roundings, 2 ** -23, in relation to each element."""
    noise = torch.rand(tensor.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return tensor * (1 + (2 * noise - 1) * 2.0 ** -23)


def run(build, prefix, shape, dtype, blurred=None):
    """Eval output, training output, gradients and statistics of a freshly filled module; blurred is a seed for blur."""
    module = fill(build().double(), prefix)
    x = derive(f"{prefix}/input", shape, -2, 2)
    if blurred is not None:
        x = blur(x, blurred)
        with torch.no_grad():
            for i, p in enumerate(module.parameters()):
                p.copy_(blur(p, 1000 * blurred + i))
    module = module.to(dtype)
    x = x.to(dtype).requires_grad_()
    result = {"eval": module.eval()(x).detach()}
    y = module.train()(x)
    result["train"] = y.detach()
    (y * derive(f"{prefix}/weighting", tuple(y.shape), -1, 1).to(dtype)).sum().backward()
    result["input-gradient"] = x.grad
    result.update({f"gradient/{name}": p.grad for name, p in module.named_parameters()})
    result.update({f"buffer/{name}": b.detach() for name, b in module.named_buffers()})
    return result


def margin(build, prefix, shape):
    """The smallest distance of an activation's input from a kink: near one, float32 may take the other side's gradient."""
    module = fill(build().double(), prefix)
    smallest = math.inf

    def hook(m, inputs, _):
        nonlocal smallest
        distance = inputs[0].abs() if isinstance(m, torch.nn.ReLU) else (inputs[0].abs() - 3).abs()
        smallest = min(smallest, distance.min().item())

    for m in module.modules():
        if isinstance(m, (torch.nn.ReLU, xt.HSwish, xt.HSigmoid)):
            m.register_forward_hook(hook)
    x = derive(f"{prefix}/input", shape, -2, 2)
    module.eval()(x)
    module.train()(x)
    return smallest


def errors(inexact, double, gradients):
    """The largest errors of the inexact runs by group."""
    groups = {"eval": ("eval",), "train": ("train",), "statistics": ("buffer/",)}
    if gradients:
        groups["gradient"] = ("input-gradient", "gradient/")
    largest = max(v.abs().max().item() for k, v in double.items() if "gradient" in k)

    def relative(key):
        expected = double[key]
        scale = max(expected.abs().max().item(), largest / 100 if "gradient" in key else 0.0)
        return max((run[key].double() - expected).abs().max().item() for run in inexact) / scale

    return {group: max(relative(k) for k, v in double.items() if k.startswith(prefixes) and v.is_floating_point())
            for group, prefixes in groups.items()}


def fingerprint(gradient):
    flat = gradient.reshape(-1)
    projections = [(flat * derive(f"projection/{j}", (flat.numel(),), -1, 1)).sum() for j in range(4)]
    return torch.stack([flat.norm(), flat.sum(), *projections])


def block_cases():
    """Every padding with both placements and strides; every place of squeeze-excite with both strides and activations."""
    acts, kernels = ("HSwish", "ReLU"), (3, 5, 7)
    # In, expand, out: expanded channels of every remainder modulo 4, one below 4; in equal to out and not.
    sizes = ((4, 6, 4), (3, 9, 5), (5, 7, 5), (4, 8, 6), (6, 11, 6), (5, 3, 4), (4, 5, 4), (6, 10, 3))
    n = 0
    for padding in xt.PaddingDirection:
        for placement in xt.PaddingPlacement:
            for stride in (1, 2):
                channels = sizes[n % len(sizes)]
                squeeze = "Expanded" if n % 3 and channels[1] >= 4 else "None"
                spec = dict(kind="XSep", kernel=kernels[n % 3], activation=acts[n // 2 % 2], squeezeExcite=squeeze,
                            stride=stride, **dict(zip(("in", "expand", "out"), channels)))
                yield {"name": f"xsep-{n}", "block": spec, "padding": padding.value, "placement": placement.value,
                       "input": [3, channels[0], 5 + n % 3, 6]}
                n += 1
    n = 0
    for squeeze in xt.SqueezeExcite:
        for stride in (1, 2):
            for act in acts:
                channels = sizes[(0, 1, 3, 6)[n % 4]]
                spec = dict(kind="Dw", kernel=kernels[n % 3], activation=act, squeezeExcite=squeeze.value, stride=stride,
                            **dict(zip(("in", "expand", "out"), channels)))
                yield {"name": f"dw-{n}", "block": spec, "input": [3, channels[0], 6, 5 + n % 2]}
                n += 1
    n = 0
    for padding in xt.PaddingDirection:
        for stride in (1, 2):
            operator = dict(channels=(5, 6, 7, 8, 3)[n % 5], kernel=(1, 3, 5, 7)[n % 4], stride=stride,
                            activation=acts[n // 2 % 2], padding=padding.value)
            yield {"name": f"operator-{n}", "operator": operator, "input": [3, operator["channels"], 6, 5 + n % 2]}
            n += 1


def network_cases():
    for preset, size in (("ImageNet", (48, 40)), ("Cifar", (24, 20))):
        for name, options in (("after", {}), ("before", {"padding_placement": "BeforeExpand"}), ("twin", {"depthwise": True})):
            spec = xt.mobilenet_v3_small_spec(10, preset=preset, width=0.125, **options)
            yield {"name": f"{preset.lower()}-{name}", "network": json.loads(spec.to_json()), "input": [4, 3, *size]}


def builder(case):
    """A function that makes the case's module."""
    if "network" in case:
        return lambda: xt.MobileNet.from_json(json.dumps(case["network"]))
    if "operator" in case:
        o = case["operator"]
        return lambda: xt.XSepConv2d(o["channels"], o["kernel"], o["stride"], o["padding"], o["activation"])
    spec = xt.BlockSpec.from_dict(case["block"])
    padding = xt.PaddingDirection(case["padding"]) if "padding" in case else None
    return lambda: spec.build(padding, xt.PaddingPlacement(case.get("placement", "AfterExpand")))


def write(path, cases, compact):
    tensors, described = {}, []
    for case in cases:
        build, shape = builder(case), tuple(case["input"])
        salt = 0
        while not compact and margin(build, f"{case['name']}#{salt}", shape) < 5e-5:
            salt += 1
        prefix = f"{case['name']}#{salt}"
        double = run(build, prefix, shape, torch.float64)
        inexact = [run(build, prefix, shape, torch.float32), *(run(build, prefix, shape, torch.float64, i) for i in range(1, 9))]
        described.append({**case, "prefix": prefix, "float32Errors": errors(inexact, double, not compact)})
        for key, value in double.items():
            small = fingerprint(value) if compact and "gradient" in key else value
            tensors[f"{case['name']}/{key}"] = small
    xt.save_safetensors(tensors, path, {"cases": json.dumps(described), "torch": torch.__version__})
    print(f"{path}: {len(described)} cases, {path.stat().st_size:,} bytes")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    out = arguments.parse_args().out
    torch.set_num_threads(1)
    write(out / "blocks.safetensors", block_cases(), compact=False)
    write(out / "networks.safetensors", network_cases(), compact=True)
    network = xt.XSepMobileNetV3Small()
    lines = [f"{name} {list(tensor.shape)}\n" for name, tensor in network.state_dict().items()]
    (out / "state-dict-keys.txt").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
