"""torchvision's MobileNets with random weights: python3 pretrained.py FOLDER. Needs torch and torchvision.

For every model of torchvision, and of timm by its published block strings, this writes
FOLDER/SOURCE-MODEL.safetensors   the state dict, in float32, under that library's names
FOLDER/SOURCE-MODEL.answers       "images", "logits", "features" (what the classifier gets), "map/N" at each stride, and after one forward in training mode each "running/NAME"; all in float64
                              "images/N" and "logits/N" of mobilenet_v3_small for N channels, its first convolution as timm's adapt_input_conv has it
FOLDER/SOURCE-MODEL.pth           the state dict as torch.save writes it (torchvision only)
FOLDER/shapes.json                names and shapes of torchvision's models at other widths, in the order of their layers

timm itself is not needed: its networks are torchvision's with other names and other batch norm settings.
"""

import json
import re
import sys
from pathlib import Path

import torch
from torchvision import models

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Fixtures"))
from generate import xt  # noqa: E402

TORCHVISION = {"mobilenet_v3_small": models.mobilenet_v3_small, "mobilenet_v3_large": models.mobilenet_v3_large,
               "mobilenet_v2": models.mobilenet_v2}

# As timm's _gen_mobilenet_v3 and _gen_mobilenet_v2 have them: stem, stages, channels of the convolution before the classifier.
TIMM = {
    "mobilenetv3_small_100": ("mobilenet_v3_small", 16, [
        ["ds_r1_k3_s2_e1_c16_se0.25_nre"],
        ["ir_r1_k3_s2_e4.5_c24_nre", "ir_r1_k3_s1_e3.67_c24_nre"],
        ["ir_r1_k5_s2_e4_c40_se0.25", "ir_r2_k5_s1_e6_c40_se0.25"],
        ["ir_r2_k5_s1_e3_c48_se0.25"],
        ["ir_r3_k5_s2_e6_c96_se0.25"],
        ["cn_r1_k1_s1_c576"]], 1024),
    "mobilenetv3_large_100": ("mobilenet_v3_large", 16, [
        ["ds_r1_k3_s1_e1_c16_nre"],
        ["ir_r1_k3_s2_e4_c24_nre", "ir_r1_k3_s1_e3_c24_nre"],
        ["ir_r3_k5_s2_e3_c40_se0.25_nre"],
        ["ir_r1_k3_s2_e6_c80", "ir_r1_k3_s1_e2.5_c80", "ir_r2_k3_s1_e2.3_c80"],
        ["ir_r2_k3_s1_e6_c112_se0.25"],
        ["ir_r3_k5_s2_e6_c160_se0.25"],
        ["cn_r1_k1_s1_c960"]], 1280),
    "mobilenetv2_100": ("mobilenet_v2", 32, [
        ["ds_r1_k3_s1_c16"], ["ir_r2_k3_s2_e6_c24"], ["ir_r3_k3_s2_e6_c32"], ["ir_r4_k3_s2_e6_c64"], ["ir_r3_k3_s1_e6_c96"],
        ["ir_r3_k3_s2_e6_c160"], ["ir_r1_k3_s1_e6_c320"]], 1280),
}


# Of torchvision's features, those whose maps timm's features_only gives.
MAPS = {"mobilenet_v3_small": [0, 1, 3, 8, 12], "mobilenet_v3_large": [1, 3, 6, 12, 16], "mobilenet_v2": [1, 3, 6, 13, 17]}


def divisible(channels):
    """timm's make_divisible and round_channels by 8."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def timm_tensors(stem, stages, head, v3):
    """timm's names and shapes, layer by layer as they run."""
    tensors = []

    def conv(name, out, inputs, kernel, bias=False):
        tensors.append((f"{name}.weight", [out, inputs, kernel, kernel]))
        if bias:
            tensors.append((f"{name}.bias", [out]))

    def norm(name, channels):
        tensors.extend((f"{name}.{value}", [channels]) for value in ("weight", "bias", "running_mean", "running_var"))
        tensors.append((f"{name}.num_batches_tracked", []))

    def squeeze(at, channels, ratio):
        if ratio:
            squeezed = divisible(channels * ratio)
            conv(f"{at}.se.conv_reduce", squeezed, channels, 1, bias=True)
            conv(f"{at}.se.conv_expand", channels, squeezed, 1, bias=True)

    conv("conv_stem", stem, 3, 3)
    norm("bn1", stem)
    channels = stem
    for s, stage in enumerate(stages):
        i = 0
        for text in stage:
            kind, options = text[:2], dict(re.findall(r"([rkesc]|se)(\d[\d.]*)(?:_|$)", text[3:]))
            kernel, out, ratio = int(options["k"]), int(options["c"]), float(options.get("se", 0))
            for _ in range(int(options["r"])):
                at = f"blocks.{s}.{i}"
                if kind == "ds":
                    conv(f"{at}.conv_dw", channels, 1, kernel)
                    norm(f"{at}.bn1", channels)
                    squeeze(at, channels, ratio)
                    conv(f"{at}.conv_pw", out, channels, 1)
                    norm(f"{at}.bn2", out)
                elif kind == "ir":
                    middle = divisible(channels * float(options["e"]))
                    conv(f"{at}.conv_pw", middle, channels, 1)
                    norm(f"{at}.bn1", middle)
                    conv(f"{at}.conv_dw", middle, 1, kernel)
                    norm(f"{at}.bn2", middle)
                    squeeze(at, middle, ratio)
                    conv(f"{at}.conv_pwl", out, middle, 1)
                    norm(f"{at}.bn3", out)
                else:
                    conv(f"{at}.conv", out, channels, kernel)
                    norm(f"{at}.bn1", out)
                channels, i = out, i + 1
    conv("conv_head", head, channels, 1, bias=v3)
    if not v3:
        norm("bn2", head)
    tensors.extend([("classifier.weight", [1000, head]), ("classifier.bias", [1000])])
    return tensors


def randomise(model, seed):
    """Every weight and statistic its own, as training leaves them; all of them float32 numbers."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() > 1:
            value = noise * (2 / tensor[0].numel()) ** 0.5
        elif name.endswith("running_var"):
            value = 0.5 + noise.abs()
        elif name.endswith("weight"):
            value = 1 + 0.2 * noise
        else:
            value = 0.2 * noise
        tensor.copy_(value)
    return model


def answer(path, model, names, maps, others=None):
    model = model.double().eval()
    images = torch.randn(3, 3, 96, 64, generator=torch.Generator().manual_seed(5)).double()
    answers = {"images": images, "logits": model(images)}
    answers["features"] = model.classifier[:-1](model.features(images).mean(dim=(2, 3)))
    for i, last in enumerate(maps):
        answers[f"map/{i}"] = model.features[:last + 1](images)
    model.train()(images)
    for name, tensor in zip(names, model.state_dict().values()):
        if "running" in name:
            answers[f"running/{name}"] = tensor
    answers.update(others or {})
    xt.save_safetensors(answers, path)


def other_channels(state, channels):
    """The logits of images of other channels, as timm documents it: a sum for one, else repeated and scaled by 3/channels."""
    model = models.mobilenet_v3_small()
    model.load_state_dict(state)
    first = model.features[0][0]
    weight = first.weight.sum(dim=1, keepdim=True) if channels == 1 else (
        first.weight.repeat(1, -(-channels // 3), 1, 1)[:, :channels] * (3 / channels))
    first.weight = torch.nn.Parameter(weight)
    images = torch.randn(2, channels, 64, 48, generator=torch.Generator().manual_seed(channels)).double()
    return {f"images/{channels}": images, f"logits/{channels}": model.double().eval()(images)}


def main():
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for seed, (name, build) in enumerate(TORCHVISION.items()):
        model = randomise(build(), seed)
        state = model.state_dict()
        xt.save_safetensors(state, folder / f"TorchVision-{name}.safetensors")
        torch.save(state, folder / f"TorchVision-{name}.pth")
        others = {}
        for channels in (1, 4, 6) if name == "mobilenet_v3_small" else ():
            others.update(other_channels(state, channels))
        answer(folder / f"TorchVision-{name}.answers", model, list(state), MAPS[name], others)
    for seed, (name, (same, stem, stages, head)) in enumerate(TIMM.items()):
        model = randomise(TORCHVISION[same](), 10 + seed)
        for m in model.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                m.eps, m.momentum = 1e-5, 0.1
        state = model.state_dict()
        tensors = timm_tensors(stem, stages, head, v3="v3" in name)
        assert len(tensors) == len(state), (name, len(tensors), len(state))
        renamed = {}
        for (there, shape), (here, tensor) in zip(tensors, state.items()):
            assert tensor.numel() == torch.Size(shape).numel(), (there, shape, here, tensor.shape)
            renamed[there] = tensor.reshape(shape)
        xt.save_safetensors(renamed, folder / f"Timm-{name}.safetensors")
        answer(folder / f"Timm-{name}.answers", model, list(renamed), MAPS[same])
    shapes = {f"{name} {width}": [[key, list(tensor.shape)] for key, tensor in build(width_mult=width).state_dict().items()]
              for name, build in TORCHVISION.items() for width in (0.35, 0.5, 0.75, 1.0, 1.4)}
    (folder / "shapes.json").write_text(json.dumps(shapes))


if __name__ == "__main__":
    main()
