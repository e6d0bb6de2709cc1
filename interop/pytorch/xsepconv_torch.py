"""XSepConv in PyTorch: the operator, its blocks and its small networks, in one file to copy into a project.

XSepConv (Chen, Lu, Xue, Liao; arXiv 2002.12046) replaces one K x K depthwise convolution by a 2 x 2, a 1 x K and a K x 1
depthwise convolution. This file is the PyTorch side of XSepConv for .NET: same names, same options, same state-dict keys, so
that weights move both ways as safetensors. It needs Python 3.8 and torch 1.13 or newer, nothing else.

    from xsepconv_torch import MobileNet, XSepMobileNetV3Small

    network = XSepMobileNetV3Small(num_classes=10, preset="Cifar")
    ...                                                    # train it
    network.save_safetensors("network.safetensors")        # XSepConv for .NET reads this file
    again = MobileNet.from_safetensors("network.safetensors")

One block in a network of your own, with the padding worked out for all of its 2 x 2 layers:

    plan = padding_for_stages(4, 2)                        # four such layers at one resolution, two at the next
    blocks = [XSepBlock(5, 40, 240, 40, padding) for padding in plan[:4]]

Tensors are [N, C, H, W]. Enumerations are accepted as members or as the strings they stand for ("HSwish", "LeftTop").
"""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import json
import math
import numbers
import os
import struct
import sys
import uuid
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import torch
import torch.nn as nn
import torch.nn.functional as F

__all__ = [
    "Activation", "BlockKind", "BlockSpec", "DwBlock", "HSigmoid", "HSwish", "InvertedResidualBlock", "MobileNet", "NetworkSpec",
    "PaddingDirection", "PaddingPlacement", "PaddingStrategy", "SeModule", "SepBlock", "SqueezeExcite", "XSepBlock",
    "XSepConv2d", "XSepInvertedResidualBlock", "XSepMobileNetV3Small", "apply_norm_settings", "convert", "large_kernel_small_spec", "load_safetensors",
    "mobilenet_v3_small_spec", "norm_settings", "pad_one_sided", "padding_for_layer", "padding_for_network",
    "padding_for_stages", "residual_shift", "save_safetensors", "symmetric_groups",
]


# ---- Choices -------------------------------------------------------------------------------------------------------

class BlockKind(enum.Enum):
    """The spatial operator of a block."""

    DW = "Dw"      # one K x K depthwise convolution
    XSEP = "XSep"  # 2 x 2, 1 x K, K x 1
    SEP = "Sep"    # 1 x K, K x 1: XSepConv without its 2 x 2, to be compared with
    INVERTED_RESIDUAL = "InvertedResidual"  # K x K as MobileNetV2 and MobileNetV3 have it
    XSEP_INVERTED_RESIDUAL = "XSepInvertedResidual"  # the same with XSepConv for the K x K


class Activation(enum.Enum):
    """The nonlinearity of a block."""

    RELU = "ReLU"
    HSWISH = "HSwish"
    RELU6 = "ReLU6"
    SILU = "SiLU"

    def module(self) -> nn.Module:
        return {"ReLU": nn.ReLU, "HSwish": HSwish, "ReLU6": nn.ReLU6, "SiLU": nn.SiLU}[self.value]()


class SqueezeExcite(enum.Enum):
    """Whether a block has squeeze-excite, and on which map."""

    NONE = "None"
    EXPANDED = "Expanded"  # between the spatial operator and the projection
    OUTPUT = "Output"      # after the projection; depthwise blocks only


class PaddingDirection(enum.Enum):
    """Where the one row and the one column of zeros go before a 2 x 2 convolution."""

    RIGHT_BOTTOM = "RightBottom"
    LEFT_TOP = "LeftTop"
    LEFT_BOTTOM = "LeftBottom"
    RIGHT_TOP = "RightTop"
    SYMMETRIC = "Symmetric"  # four groups of channels, each padded another way


class PaddingStrategy(enum.Enum):
    """How a network chooses where its 2 x 2 layers pad."""

    IMPROVED = "Improved"          # the paper's: one-sided, in turn, so that the shifts cancel
    SYMMETRIC = "Symmetric"        # every layer SYMMETRIC
    RIGHT_BOTTOM = "RightBottom"   # every layer RIGHT_BOTTOM: the shifts add up


class PaddingPlacement(enum.Enum):
    """Where an XSepBlock pads."""

    AFTER_EXPAND = "AfterExpand"    # the expanded map, with zeros: the paper's operator
    BEFORE_EXPAND = "BeforeExpand"  # the input of the block; the border is then act(BN(0))


# ---- Padding -------------------------------------------------------------------------------------------------------

_F_PAD = {  # (left, right, top, bottom)
    PaddingDirection.RIGHT_BOTTOM: (0, 1, 0, 1),
    PaddingDirection.LEFT_TOP: (1, 0, 1, 0),
    PaddingDirection.LEFT_BOTTOM: (1, 0, 0, 1),
    PaddingDirection.RIGHT_TOP: (0, 1, 1, 0),
}

_CYCLE = (PaddingDirection.RIGHT_BOTTOM, PaddingDirection.LEFT_TOP, PaddingDirection.LEFT_BOTTOM, PaddingDirection.RIGHT_TOP)

_SYMMETRIC_ORDER = (
    PaddingDirection.LEFT_TOP, PaddingDirection.LEFT_BOTTOM, PaddingDirection.RIGHT_TOP, PaddingDirection.RIGHT_BOTTOM)


def padding_for_layer(layer: int) -> PaddingDirection:
    """The padding of a 2 x 2 layer, counted from 1, in the cycle right-bottom, left-top, left-bottom, right-top."""
    if layer < 1:
        raise ValueError(f"layer is {layer}; layers are counted from 1")
    return _CYCLE[(layer - 1) % 4]


def padding_for_network(layers: int) -> List[PaddingDirection]:
    """The paper's rule for N layers: the cycle, and where N is odd the traditional symmetric padding for the last."""
    if layers < 0:
        raise ValueError(f"layers is {layers}; it can't be negative")
    plan = [padding_for_layer(i) for i in range(1, layers + 1)]
    if layers % 2 == 1:
        plan[-1] = PaddingDirection.SYMMETRIC
    return plan


def padding_for_stages(*counts: int) -> List[PaddingDirection]:
    """The rule stage by stage: counts[i] layers run at the i-th resolution. Shifts cancel before a pixel grows."""
    return [direction for count in counts for direction in padding_for_network(count)]


def residual_shift(plan: Sequence[PaddingDirection], strides: Optional[Sequence[int]] = None) -> Tuple[float, float]:
    """How far the content has moved after all layers, in input pixels: (to the right, to the bottom).

    strides[i] is how many input pixels one pixel of layer i's map spans; 1 for all if left out.
    """
    strides = [1] * len(plan) if strides is None else strides
    if len(strides) != len(plan):
        raise ValueError(f"there are {len(strides)} strides for {len(plan)} layers")
    x = y = 0.0
    for direction, stride in zip(plan, strides):
        if direction is not PaddingDirection.SYMMETRIC:
            left, right, top, bottom = _F_PAD[direction]
            x += (left - right) / 2 * stride
            y += (top - bottom) / 2 * stride
    return x, y


def symmetric_groups(channels: int) -> List[int]:
    """The sizes of the four consecutive channel groups of the symmetric padding: they differ by at most one, larger first."""
    return [(channels + 3 - i) // 4 for i in range(4)]


def pad_one_sided(x: torch.Tensor, direction: PaddingDirection) -> torch.Tensor:
    """Zero padding by one row and one column: [N, C, H, W] to [N, C, H + 1, W + 1]."""
    if direction is not PaddingDirection.SYMMETRIC:
        return F.pad(x, _F_PAD[direction])
    sizes = symmetric_groups(x.shape[1])
    parts = [F.pad(part, _F_PAD[way]) for part, way in zip(x.split(sizes, dim=1), _SYMMETRIC_ORDER) if part.shape[1] > 0]
    return torch.cat(parts, dim=1)


# ---- Modules -------------------------------------------------------------------------------------------------------

class HSwish(nn.Module):
    """x * relu6(x + 3) / 6."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * F.relu6(x + 3) / 6


class HSigmoid(nn.Module):
    """relu6(x + 3) / 6."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu6(x + 3) / 6


class SeModule(nn.Module):
    """Squeeze-excite: pool -> 1 x 1 (C to C / reduction) -> BN -> ReLU -> 1 x 1 (back to C) -> BN -> hsigmoid, multiplied in."""

    def __init__(self, channels: int, reduction: int = 4, squeezed: Optional[int] = None) -> None:
        super().__init__()
        if squeezed is None and (reduction < 1 or channels < reduction):
            raise ValueError(f"channels is {channels}, reduction {reduction}: at least one channel must be left")
        squeezed = channels // reduction if squeezed is None else squeezed
        self.se = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1, bias=False),
            nn.BatchNorm2d(squeezed),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            HSigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.se(x)


def _depthwise(channels: int, kernel: Tuple[int, int], stride: Tuple[int, int] = (1, 1), pad: bool = True) -> nn.Conv2d:
    padding = (kernel[0] // 2, kernel[1] // 2) if pad else (0, 0)
    return nn.Conv2d(channels, channels, kernel, stride, padding, groups=channels, bias=False)


def _pointwise(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 1, bias=False)


def _check(kernel_size: int, stride: int, **channels: int) -> None:
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size is {kernel_size}; it must be odd and positive")
    if stride not in (1, 2):
        raise ValueError(f"stride is {stride}; it must be 1 or 2")
    for name, value in channels.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")


class XSepConv2d(nn.Module):
    """The operator alone, in place of a K x K depthwise convolution and its batch normalisation.

    one-sided pad -> 2 x 2 (conv1) -> bn1 -> act -> 1 x K (conv2) -> bn2 -> act -> K x 1 (conv3) -> bn3. The 1 x K strides in
    width, the K x 1 in height. Fewer multiply-accumulates than K x K from K = 5 at stride 1, from K = 7 at stride 2.
    """

    def __init__(self, channels: int, kernel_size: int, stride: int = 1,
                 padding: Union[PaddingDirection, str] = "RightBottom",
                 activation: Union[Activation, str] = "HSwish") -> None:
        super().__init__()
        _check(kernel_size, stride, channels=channels)
        self.padding = PaddingDirection(padding)
        self.conv1 = _depthwise(channels, (2, 2), pad=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = _depthwise(channels, (1, kernel_size), (1, stride))
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = _depthwise(channels, (kernel_size, 1), (stride, 1))
        self.bn3 = nn.BatchNorm2d(channels)
        self.act = Activation(activation).module()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(self.bn1(self.conv1(pad_one_sided(x, self.padding))))
        y = self.act(self.bn2(self.conv2(y)))
        return self.bn3(self.conv3(y))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    if stride == 1 and in_channels != out_channels:
        return nn.Sequential(_pointwise(in_channels, out_channels), nn.BatchNorm2d(out_channels))
    return nn.Sequential()


class DwBlock(nn.Module):
    """The inverted bottleneck with one K x K depthwise convolution.

    expand (conv1) -> bn1 -> act -> K x K (conv2) -> bn2 -> [squeeze-excite if EXPANDED] -> act -> project (conv3) -> bn3
    -> [squeeze-excite if OUTPUT], plus the shortcut at stride 1.
    """

    def __init__(self, kernel_size: int, in_channels: int, expand_channels: int, out_channels: int,
                 activation: Union[Activation, str] = "HSwish", squeeze_excite: Union[SqueezeExcite, str] = "Output",
                 stride: int = 1) -> None:
        super().__init__()
        _check(kernel_size, stride, in_channels=in_channels, expand_channels=expand_channels, out_channels=out_channels)
        self.stride = stride
        self.squeeze_excite = SqueezeExcite(squeeze_excite)
        self.conv1 = _pointwise(in_channels, expand_channels)
        self.bn1 = nn.BatchNorm2d(expand_channels)
        self.conv2 = _depthwise(expand_channels, (kernel_size, kernel_size), (stride, stride))
        self.bn2 = nn.BatchNorm2d(expand_channels)
        self.se = {
            SqueezeExcite.NONE: lambda: None,
            SqueezeExcite.EXPANDED: lambda: SeModule(expand_channels),
            SqueezeExcite.OUTPUT: lambda: SeModule(out_channels),
        }[self.squeeze_excite]()
        self.conv3 = _pointwise(expand_channels, out_channels)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.shortcut = _shortcut(in_channels, out_channels, stride)
        self.act = Activation(activation).module()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.squeeze_excite is SqueezeExcite.EXPANDED:
            y = self.se(y)
        y = self.bn3(self.conv3(self.act(y)))
        if self.squeeze_excite is SqueezeExcite.OUTPUT:
            y = self.se(y)
        return y + self.shortcut(x) if self.stride == 1 else y


class XSepBlock(nn.Module):
    """The inverted bottleneck with XSepConv.

    expand (conv1) -> bn1 -> act -> 2 x 2 (conv2) -> bn2 -> act -> 1 x K (conv3) -> bn3 -> act -> K x 1 (conv4) -> bn4
    -> [squeeze-excite on the expanded map] -> act -> project (conv5) -> bn5, plus the shortcut at stride 1.
    """

    def __init__(self, kernel_size: int, in_channels: int, expand_channels: int, out_channels: int,
                 padding: Union[PaddingDirection, str], activation: Union[Activation, str] = "HSwish",
                 squeeze_excite: bool = True, stride: int = 1,
                 placement: Union[PaddingPlacement, str] = "AfterExpand") -> None:
        super().__init__()
        _check(kernel_size, stride, in_channels=in_channels, expand_channels=expand_channels, out_channels=out_channels)
        self.stride = stride
        self.padding = PaddingDirection(padding)
        self.placement = PaddingPlacement(placement)
        self.conv1 = _pointwise(in_channels, expand_channels)
        self.bn1 = nn.BatchNorm2d(expand_channels)
        self.conv2 = _depthwise(expand_channels, (2, 2), pad=False)
        self.bn2 = nn.BatchNorm2d(expand_channels)
        self.conv3 = _depthwise(expand_channels, (1, kernel_size), (1, stride))
        self.bn3 = nn.BatchNorm2d(expand_channels)
        self.conv4 = _depthwise(expand_channels, (kernel_size, 1), (stride, 1))
        self.bn4 = nn.BatchNorm2d(expand_channels)
        self.se = SeModule(expand_channels) if squeeze_excite else None
        self.conv5 = _pointwise(expand_channels, out_channels)
        self.bn5 = nn.BatchNorm2d(out_channels)
        self.shortcut = _shortcut(in_channels, out_channels, stride)
        self.act = Activation(activation).module()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = self.placement is PaddingPlacement.BEFORE_EXPAND
        y = pad_one_sided(x, self.padding) if before else x
        y = self.act(self.bn1(self.conv1(y)))
        y = y if before else pad_one_sided(y, self.padding)
        y = self.act(self.bn2(self.conv2(y)))
        y = self.act(self.bn3(self.conv3(y)))
        y = self.bn4(self.conv4(y))
        if self.se is not None:
            y = self.se(y)
        y = self.bn5(self.conv5(self.act(y)))
        return y + self.shortcut(x) if self.stride == 1 else y


class SepBlock(nn.Module):
    """An XSepBlock without the 2 x 2, to be compared with.

    expand (conv1) -> bn1 -> act -> 1 x K (conv2) -> bn2 -> act -> K x 1 (conv3) -> bn3 -> [squeeze-excite on the expanded map]
    -> act -> project (conv4) -> bn4, plus the shortcut at stride 1.
    """

    def __init__(self, kernel_size: int, in_channels: int, expand_channels: int, out_channels: int,
                 activation: Union[Activation, str] = "HSwish", squeeze_excite: bool = True, stride: int = 1) -> None:
        super().__init__()
        _check(kernel_size, stride, in_channels=in_channels, expand_channels=expand_channels, out_channels=out_channels)
        self.stride = stride
        self.conv1 = _pointwise(in_channels, expand_channels)
        self.bn1 = nn.BatchNorm2d(expand_channels)
        self.conv2 = _depthwise(expand_channels, (1, kernel_size), (1, stride))
        self.bn2 = nn.BatchNorm2d(expand_channels)
        self.conv3 = _depthwise(expand_channels, (kernel_size, 1), (stride, 1))
        self.bn3 = nn.BatchNorm2d(expand_channels)
        self.se = SeModule(expand_channels) if squeeze_excite else None
        self.conv4 = _pointwise(expand_channels, out_channels)
        self.bn4 = nn.BatchNorm2d(out_channels)
        self.shortcut = _shortcut(in_channels, out_channels, stride)
        self.act = Activation(activation).module()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(self.bn1(self.conv1(x)))
        y = self.act(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.se is not None:
            y = self.se(y)
        y = self.bn4(self.conv4(self.act(y)))
        return y + self.shortcut(x) if self.stride == 1 else y


class _BiasedSe(nn.Module):
    """Squeeze-excite whose convolutions have biases and no BN."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.se = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), nn.ReLU(), nn.Conv2d(squeezed, channels, 1), HSigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.se(x)


class InvertedResidualBlock(nn.Module):
    """The block of MobileNetV2 (arXiv 1801.04381) and MobileNetV3 (arXiv 1905.02244).

    expand (conv1, left out where it would not change the number of channels) -> bn1 -> act -> K x K (conv2) -> bn2 -> act
    -> [squeeze-excite] -> project (conv3) -> bn3, plus the input where stride and channels let it be added.
    """

    def __init__(self, kernel_size: int, in_channels: int, expand_channels: int, out_channels: int,
                 activation: Union[Activation, str] = "HSwish", squeeze_channels: int = 0, stride: int = 1) -> None:
        super().__init__()
        _check(kernel_size, stride, in_channels=in_channels, expand_channels=expand_channels, out_channels=out_channels)
        self.added = stride == 1 and in_channels == out_channels
        self.expands = expand_channels != in_channels
        if self.expands:
            self.conv1 = _pointwise(in_channels, expand_channels)
            self.bn1 = nn.BatchNorm2d(expand_channels)
        self.conv2 = _depthwise(expand_channels, (kernel_size, kernel_size), (stride, stride))
        self.bn2 = nn.BatchNorm2d(expand_channels)
        self.se = _BiasedSe(expand_channels, squeeze_channels) if squeeze_channels else None
        self.conv3 = _pointwise(expand_channels, out_channels)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.act = Activation(activation).module()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(self.bn1(self.conv1(x))) if self.expands else x
        y = self.act(self.bn2(self.conv2(y)))
        if self.se is not None:
            y = self.se(y)
        y = self.bn3(self.conv3(y))
        return y + x if self.added else y


class XSepInvertedResidualBlock(nn.Module):
    """An InvertedResidualBlock with XSepConv for its K x K.

    expand (conv1, left out where it would not change the number of channels) -> bn1 -> act -> 2 x 2 (conv2) -> bn2 -> act
    -> 1 x K (conv3) -> bn3 -> act -> K x 1 (conv4) -> bn4 -> act -> [squeeze-excite] -> project (conv5) -> bn5, plus the input
    where stride and channels let it be added.
    """

    def __init__(self, kernel_size: int, in_channels: int, expand_channels: int, out_channels: int, padding: PaddingDirection,
                 activation: Union[Activation, str] = "HSwish", squeeze_channels: int = 0, stride: int = 1,
                 placement: PaddingPlacement = PaddingPlacement.AFTER_EXPAND) -> None:
        super().__init__()
        _check(kernel_size, stride, in_channels=in_channels, expand_channels=expand_channels, out_channels=out_channels)
        self.added = stride == 1 and in_channels == out_channels
        self.expands = expand_channels != in_channels
        self.padding = PaddingDirection(padding)
        self.placement = PaddingPlacement(placement)
        if self.expands:
            self.conv1 = _pointwise(in_channels, expand_channels)
            self.bn1 = nn.BatchNorm2d(expand_channels)
        self.conv2 = nn.Conv2d(expand_channels, expand_channels, 2, groups=expand_channels, bias=False)
        self.bn2 = nn.BatchNorm2d(expand_channels)
        self.conv3 = _depthwise(expand_channels, (1, kernel_size), (1, stride))
        self.bn3 = nn.BatchNorm2d(expand_channels)
        self.conv4 = _depthwise(expand_channels, (kernel_size, 1), (stride, 1))
        self.bn4 = nn.BatchNorm2d(expand_channels)
        self.se = _BiasedSe(expand_channels, squeeze_channels) if squeeze_channels else None
        self.conv5 = _pointwise(expand_channels, out_channels)
        self.bn5 = nn.BatchNorm2d(out_channels)
        self.act = Activation(activation).module()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = self.placement is PaddingPlacement.BEFORE_EXPAND
        y = pad_one_sided(x, self.padding) if before else x
        y = self.act(self.bn1(self.conv1(y))) if self.expands else y
        y = y if before else pad_one_sided(y, self.padding)
        y = self.act(self.bn2(self.conv2(y)))
        y = self.act(self.bn3(self.conv3(y)))
        y = self.act(self.bn4(self.conv4(y)))
        if self.se is not None:
            y = self.se(y)
        y = self.bn5(self.conv5(y))
        return y + x if self.added else y


def init_parameters(module: nn.Module) -> None:
    """As in the notes: convolutions Kaiming normal by fan-out, BN 1 and 0, linear layers normal with sigma 0.001 and bias 0."""
    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out")
        elif isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.ones_(m.weight)
            nn.init.zeros_(m.bias)
        elif isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=0.001)
            nn.init.zeros_(m.bias)


# ---- Networks as tables --------------------------------------------------------------------------------------------

# As in XSepConv for .NET.
_LARGEST_KERNEL, _MOST_CHANNELS, _MOST_BLOCKS, _MOST_CLASSES, _MOST_HALVINGS, _LONGEST_JSON = 255, 65_536, 1_024, 1_000_000, 24, 1 << 20
_SMALL_NETWORK = 1_000_000  # parameters; half of such a network may be missing in a file and is then listed by name


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _wrong_integer(name: str, value: Any, least: int, most: int) -> Iterator[str]:
    if not _is_integer(value) or not least <= value <= most:
        yield f"{name} is {value!r}, it must be a whole number from {least} to {most}"


def _strict_json(text: str) -> Any:
    """JSON without what Python alone takes: NaN, Infinity, and names that come twice. ValueError for anything else."""
    def once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} comes twice")
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


@dataclasses.dataclass(frozen=True)
class BlockSpec:
    """One row of a network's table."""

    kind: BlockKind
    kernel: int
    in_channels: int
    expand_channels: int
    out_channels: int
    activation: Activation
    squeeze_excite: SqueezeExcite
    stride: int
    squeeze_channels: Optional[int] = None  # inside of squeeze-excite; a quarter of those that it scales

    @property
    def pads(self) -> bool:
        """Whether the row begins with a 2 x 2."""
        return self.kind in (BlockKind.XSEP, BlockKind.XSEP_INVERTED_RESIDUAL)

    def build(self, padding: Optional[PaddingDirection] = None,
              placement: PaddingPlacement = PaddingPlacement.AFTER_EXPAND) -> nn.Module:
        """The block of this row. A row with XSepConv needs its padding."""
        sizes = (self.kernel, self.in_channels, self.expand_channels, self.out_channels)
        if self.kind is BlockKind.DW:
            return self._squeezed(DwBlock(*sizes, self.activation, self.squeeze_excite, self.stride))
        if self.pads and padding is None:
            raise ValueError("padding is None; an XSep row needs one, see padding_for_stages")
        if self.squeeze_excite is SqueezeExcite.OUTPUT:
            raise ValueError(f"a row of kind {self.kind.value} has squeeze-excite on the expanded map (Expanded), not on the output")
        squeeze_excite = self.squeeze_excite is SqueezeExcite.EXPANDED
        squeezed = (self.squeeze_channels or self.expand_channels // 4) if squeeze_excite else 0
        if self.kind is BlockKind.XSEP_INVERTED_RESIDUAL:
            return XSepInvertedResidualBlock(*sizes, padding, self.activation, squeezed, self.stride, placement)
        if self.kind is BlockKind.INVERTED_RESIDUAL:
            return InvertedResidualBlock(*sizes, self.activation, squeezed, self.stride)
        if self.kind is BlockKind.SEP:
            return self._squeezed(SepBlock(*sizes, self.activation, squeeze_excite, self.stride))
        return self._squeezed(XSepBlock(*sizes, padding, self.activation, squeeze_excite, self.stride, placement))

    def _squeezed(self, block: nn.Module) -> nn.Module:
        if self.squeeze_channels is not None and block.se is not None:
            channels = self.out_channels if self.squeeze_excite is SqueezeExcite.OUTPUT else self.expand_channels
            block.se = SeModule(channels, squeezed=self.squeeze_channels)
        return block

    def parameter_count(self) -> int:
        """How many parameters the block has."""
        published = self.kind in (BlockKind.INVERTED_RESIDUAL, BlockKind.XSEP_INVERTED_RESIDUAL)
        inside, expand, out = self.in_channels, self.expand_channels, self.out_channels
        taps = [self.kernel ** 2] if self.kind in (BlockKind.DW, BlockKind.INVERTED_RESIDUAL) else [self.kernel] * 2 + [4] * self.pads
        count = sum((n + 2) * expand for n in taps) + (expand + 2) * out
        if not published or inside != expand:
            count += (inside + 2) * expand
        if not published and self.stride == 1 and inside != out:
            count += (inside + 2) * out
        if self.squeeze_excite is not SqueezeExcite.NONE:
            scaled = out if self.squeeze_excite is SqueezeExcite.OUTPUT else expand
            squeezed = self.squeeze_channels or scaled // 4
            count += 2 * scaled * squeezed + (1 if published else 2) * (scaled + squeezed)
        return count

    def problems(self) -> Iterator[str]:
        """What is wrong with the row, field by field."""
        yield from _wrong_integer("kernel", self.kernel, 1, _LARGEST_KERNEL)
        if self.kernel % 2 == 0:
            yield f"kernel is {self.kernel}, it must be odd"
        yield from _wrong_integer("stride", self.stride, 1, 2)
        for name, channels in ("in", self.in_channels), ("expand", self.expand_channels), ("out", self.out_channels):
            yield from _wrong_integer(name, channels, 1, _MOST_CHANNELS)
        if self.squeeze_excite is SqueezeExcite.OUTPUT and self.kind is not BlockKind.DW:
            yield f"squeezeExcite is Output, a row of kind {self.kind.value} has it on the expanded map (Expanded)"
        if self.squeeze_channels is not None:
            yield from _wrong_integer("squeezeChannels", self.squeeze_channels, 1, _MOST_CHANNELS)
            if self.squeeze_excite is SqueezeExcite.NONE:
                yield f"squeezeChannels is {self.squeeze_channels}, but there is no squeeze-excite"
        elif self.squeeze_excite is not SqueezeExcite.NONE:
            scaled = self.out_channels if self.squeeze_excite is SqueezeExcite.OUTPUT else self.expand_channels
            if scaled < 4:
                yield f"squeezeExcite needs at least 4 channels, it has {scaled}"

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> "BlockSpec":
        """From the object that a network's JSON description has for a row."""
        known = {"kind", "kernel", "in", "expand", "out", "activation", "squeezeExcite", "stride", "squeezeChannels"}
        if not isinstance(row, dict):
            raise ValueError(f"a row of the network's description is {row!r}; it must be an object")
        if not set(row) <= known:
            raise ValueError(f"unknown fields in a row of the network's description: {sorted(set(row) - known)}")
        for name in known & set(row) - {"kind", "activation", "squeezeExcite"}:
            if not _is_integer(row[name]) and (name, row[name]) != ("squeezeChannels", None):
                raise ValueError(f"{name} of a row is {row[name]!r}; it must be a whole number")
        return cls(BlockKind(row["kind"]), row["kernel"], row["in"], row["expand"], row["out"],
                   Activation(row["activation"]), SqueezeExcite(row["squeezeExcite"]), row["stride"], row.get("squeezeChannels"))

    def to_dict(self) -> Dict[str, Any]:
        row = {"kind": self.kind.value, "kernel": self.kernel, "in": self.in_channels, "expand": self.expand_channels,
               "out": self.out_channels, "activation": self.activation.value,
               "squeezeExcite": self.squeeze_excite.value, "stride": self.stride}
        return row if self.squeeze_channels is None else {**row, "squeezeChannels": self.squeeze_channels}


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """A whole network as numbers; its JSON form is the one that XSepConv for .NET writes into checkpoints."""

    name: str
    stem_channels: int
    blocks: Tuple[BlockSpec, ...]
    last_channels: int
    hidden_features: int
    input_channels: int = 3
    num_classes: int = 1000
    stem_stride: int = 2
    dropout: float = 0.0
    padding_placement: PaddingPlacement = PaddingPlacement.AFTER_EXPAND
    padding_strategy: PaddingStrategy = PaddingStrategy.IMPROVED
    activation: Activation = Activation.HSWISH  # outside of the blocks: stem, last convolution, hidden layer
    norm_epsilon: float = 1e-5
    norm_momentum: float = 0.1
    hidden_norm: bool = True

    @property
    def num_features(self) -> int:
        """How many features the classifier gets."""
        return self.hidden_features or self.last_channels

    def parameter_count(self) -> int:
        """How many parameters the network has, without building it."""
        hidden, features = self.hidden_features, self.num_features
        return ((9 * self.input_channels + 2) * self.stem_channels + sum(block.parameter_count() for block in self.blocks)
                + (self.blocks[-1].out_channels + 2) * self.last_channels
                + (self.last_channels + 1 + 2 * self.hidden_norm) * hidden + (features + 1) * self.num_classes)

    def validate(self) -> "NetworkSpec":
        """This spec; ValueError, which names the fields, if it can't be built."""
        problems = list(self._problems())
        if problems:
            raise ValueError(f"the network {self.name!r} can't be built: {'; '.join(problems[:10])}")
        return self

    def _problems(self) -> Iterator[str]:
        if not isinstance(self.name, str) or not self.name.strip():
            yield f"name is {self.name!r}, it must be a text that is not empty"
        for name, value, least, most in (
                ("inputChannels", self.input_channels, 1, _MOST_CHANNELS), ("numClasses", self.num_classes, 0, _MOST_CLASSES),
                ("stemChannels", self.stem_channels, 1, _MOST_CHANNELS), ("lastChannels", self.last_channels, 1, _MOST_CHANNELS),
                ("hiddenFeatures", self.hidden_features, 0, _MOST_CHANNELS), ("stemStride", self.stem_stride, 1, 2)):
            yield from _wrong_integer(name, value, least, most)
        for name, value, rule, holds in (
                ("dropout", self.dropout, "at least 0 and below 1", lambda x: 0 <= x < 1),
                ("normEpsilon", self.norm_epsilon, "from 0 to 1", lambda x: 0 <= x <= 1),
                ("normMomentum", self.norm_momentum, "from 0 to 1", lambda x: 0 <= x <= 1)):
            if not isinstance(value, numbers.Real) or isinstance(value, bool) or not holds(value):
                yield f"{name} is {value!r}, it must be a number {rule}"
        if not isinstance(self.hidden_norm, bool):
            yield f"hiddenNorm is {self.hidden_norm!r}, it must be true or false"
        if not 1 <= len(self.blocks) <= _MOST_BLOCKS:
            yield f"blocks has {len(self.blocks)} rows, it must have 1 to {_MOST_BLOCKS}"
        halvings = sum(block.stride == 2 for block in self.blocks)
        if halvings > _MOST_HALVINGS:
            yield f"blocks has {halvings} rows of stride 2, at most {_MOST_HALVINGS} may be there"
        channels = self.stem_channels
        for i, block in enumerate(self.blocks):
            yield from (f"blocks[{i}].{problem}" for problem in block.problems())
            if block.in_channels != channels:
                yield f"blocks[{i}].in is {block.in_channels}, but gets {channels} channels"
            channels = block.out_channels

    def input_strides(self) -> List[int]:
        """For each block, how many input pixels one pixel of its input map spans."""
        strides, stride = [], self.stem_stride
        for block in self.blocks:
            strides.append(stride)
            stride *= block.stride
        return strides

    def paddings(self) -> List[Optional[PaddingDirection]]:
        """The padding of each block's 2 x 2, resolution by resolution; None in a row without one."""
        if self.padding_strategy is not PaddingStrategy.IMPROVED:
            every = PaddingDirection(self.padding_strategy.value)
            return [every if block.pads else None for block in self.blocks]
        counts: Dict[int, int] = {}
        for block, stride in zip(self.blocks, self.input_strides()):
            counts[stride] = counts.get(stride, 0) + block.pads
        plan = iter(padding_for_stages(*counts.values()))
        return [next(plan) if block.pads else None for block in self.blocks]

    def to_json(self) -> str:
        # As in .NET: only where they are not the paper's.
        others = {} if self.padding_strategy is PaddingStrategy.IMPROVED else {"paddingStrategy": self.padding_strategy.value}
        if self.activation is not Activation.HSWISH:
            others["activation"] = self.activation.value
        if self.norm_epsilon != 1e-5:
            others["normEpsilon"] = self.norm_epsilon
        if self.norm_momentum != 0.1:
            others["normMomentum"] = self.norm_momentum
        if not self.hidden_norm:
            others["hiddenNorm"] = False
        return json.dumps({
            "name": self.name, "inputChannels": self.input_channels, "numClasses": self.num_classes,
            "stemChannels": self.stem_channels, "stemStride": self.stem_stride,
            "blocks": [block.to_dict() for block in self.blocks], "lastChannels": self.last_channels,
            "hiddenFeatures": self.hidden_features, "dropout": self.dropout,
            "paddingPlacement": self.padding_placement.value, **others}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "NetworkSpec":
        """Reads the JSON form. ValueError if a field is missing, unknown or there twice, or a value is none of those allowed."""
        if len(text) > _LONGEST_JSON:
            raise ValueError(f"the network's description has {len(text)} characters, at most {_LONGEST_JSON} are read")
        data = _strict_json(text)
        known = {"name", "inputChannels", "numClasses", "stemChannels", "stemStride", "blocks", "lastChannels",
                 "hiddenFeatures", "dropout", "paddingPlacement", "paddingStrategy", "activation",
                 "normEpsilon", "normMomentum", "hiddenNorm"}
        if not isinstance(data, dict):
            raise ValueError(f"the network's description is {data!r}; it must be an object")
        if not set(data) <= known:
            raise ValueError(f"unknown fields in the network's description: {sorted(set(data) - known)}")
        if not isinstance(data.get("blocks", []), list):
            raise ValueError(f"blocks is {data['blocks']!r}; it must be an array")
        # null is the default of these, as in .NET.
        for name in "activation", "normEpsilon", "normMomentum", "hiddenNorm":
            if data.get(name, "") is None:
                del data[name]
        try:
            return cls(
                data["name"], data["stemChannels"], tuple(BlockSpec.from_dict(row) for row in data["blocks"]),
                data["lastChannels"], data["hiddenFeatures"], data["inputChannels"], data.get("numClasses", 0),
                data["stemStride"], data.get("dropout", 0.0),
                PaddingPlacement(data.get("paddingPlacement", "AfterExpand")),
                PaddingStrategy(data.get("paddingStrategy", "Improved")),
                Activation(data.get("activation", "HSwish")), data.get("normEpsilon", 1e-5), data.get("normMomentum", 0.1),
                data.get("hiddenNorm", True)).validate()
        except KeyError as missing:
            raise ValueError(f"the network's description lacks {missing}") from None


def _small_rows() -> Tuple[BlockSpec, ...]:
    dw, xsep, relu, hswish = BlockKind.DW, BlockKind.XSEP, Activation.RELU, Activation.HSWISH
    none, expanded, output = SqueezeExcite.NONE, SqueezeExcite.EXPANDED, SqueezeExcite.OUTPUT
    return tuple(BlockSpec(*row) for row in (
        # kind  K   in  expand out  activation SE      stride    a 224 x 224 image comes in at
        (dw,    3,  16,  16,   16,  relu,      output,   2),   # 112 x 112
        (dw,    3,  16,  72,   24,  relu,      none,     2),   #  56 x 56
        (dw,    3,  24,  88,   24,  relu,      none,     1),   #  28 x 28
        (dw,    5,  24,  96,   40,  hswish,    output,   2),   #  28 x 28
        (xsep,  5,  40, 240,   40,  hswish,    expanded, 1),   #  14 x 14
        (xsep,  5,  40, 240,   40,  hswish,    expanded, 1),   #  14 x 14
        (xsep,  5,  40, 120,   48,  hswish,    expanded, 1),   #  14 x 14
        (xsep,  5,  48, 144,   48,  hswish,    expanded, 1),   #  14 x 14
        (dw,    5,  48, 288,   96,  hswish,    output,   2),   #  14 x 14
        (xsep,  3,  96, 576,   96,  hswish,    expanded, 1),   #   7 x 7
        (xsep,  3,  96, 576,   96,  hswish,    expanded, 1),   #   7 x 7
    ))


def _large_kernel_rows() -> Tuple[BlockSpec, ...]:
    relu, hswish, none, expanded = Activation.RELU, Activation.HSWISH, SqueezeExcite.NONE, SqueezeExcite.EXPANDED
    return tuple(BlockSpec(BlockKind.XSEP, *row) for row in (
        # K   in  expand out  activation SE      stride    a 224 x 224 image comes in at
        (31,  16,  16,   16,  relu,      none,     2),   # 112 x 112
        (31,  16,  16,   16,  relu,      none,     1),   #  56 x 56
        (29,  16,  40,   24,  relu,      none,     2),   #  56 x 56
        (29,  24,  64,   24,  relu,      none,     1),   #  28 x 28
        (27,  24,  96,   40,  hswish,    expanded, 2),   #  28 x 28
        (27,  40, 160,   40,  hswish,    expanded, 1),   #  14 x 14
        (13,  40, 240,   96,  hswish,    expanded, 2),   #  14 x 14
        (13,  96, 480,   96,  hswish,    expanded, 1),   #   7 x 7
    ))


def _scale(channels: int, width: float) -> int:
    """To the nearest multiple of 8, at least 8, and never down by more than 10 %."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def _kernels_of_rows(rows: Sequence[BlockSpec], kernels: Sequence[int]) -> List[int]:
    """K of each row: the table's, one for all, one for each of the four stages, or one for each row."""
    if len(kernels) not in (0, 1, 4, len(rows)):
        raise ValueError(f"there are {len(kernels)} kernels; give none, one for all rows, 4 for the stages, or {len(rows)} for the rows")
    for kernel in kernels:
        if not 3 <= kernel <= 63 or kernel % 2 == 0:
            raise ValueError(f"a kernel is {kernel}; it must be odd, from 3 to 63")
    if len(kernels) == 0:
        return [row.kernel for row in rows]
    if len(kernels) == 1:
        return [kernels[0]] * len(rows)
    if len(kernels) == len(rows):
        return list(kernels)
    halvings = [sum(row.stride - 1 for row in rows[:i + 1]) for i in range(len(rows))]
    return [kernels[max(0, n - 1)] for n in halvings]


def _give(row: BlockSpec, kernel: int) -> BlockSpec:
    """The row with another K, and the operator that suits it: XSepConv at stride 1, and at stride 2 from K = 7."""
    if kernel == row.kernel:
        return row
    if row.stride == 2 and kernel < 7:
        return dataclasses.replace(row, kernel=kernel, kind=BlockKind.DW)
    squeeze_excite = SqueezeExcite.EXPANDED if row.squeeze_excite is SqueezeExcite.OUTPUT else row.squeeze_excite
    return dataclasses.replace(row, kernel=kernel, kind=BlockKind.XSEP, squeeze_excite=squeeze_excite)


def _table_spec(rows: Sequence[BlockSpec], name: str, twin_name: str, num_classes: int = 1000, *, depthwise: bool = False,
                preset: str = "ImageNet", input_channels: int = 3, width: float = 1.0, dropout: float = 0.0,
                kernels: Sequence[int] = (), padding_placement: Union[PaddingPlacement, str] = "AfterExpand",
                activation: Optional[Union[Activation, str]] = None) -> NetworkSpec:
    if preset not in ("ImageNet", "Cifar"):
        raise ValueError(f"preset is {preset!r}; known are 'ImageNet' and 'Cifar'")
    if not 0 < width <= 64:
        raise ValueError(f"width is {width}; it must be above 0 and at most 64")
    sizes = _kernels_of_rows(rows, kernels)
    act = None if activation is None else Activation(activation)
    rows = [dataclasses.replace(row, in_channels=_scale(row.in_channels, width), out_channels=_scale(row.out_channels, width),
                                expand_channels=_scale(row.expand_channels, width), activation=act or row.activation) for row in rows]
    if preset == "Cifar":
        first = next(i for i, row in enumerate(rows) if row.stride == 2)
        rows[first] = dataclasses.replace(rows[first], stride=1)
    rows = [_give(row, kernel) for row, kernel in zip(rows, sizes)]
    if depthwise:
        rows = [dataclasses.replace(row, kind=BlockKind.DW) for row in rows]
    return NetworkSpec(
        name=twin_name if depthwise else name, stem_channels=_scale(16, width),
        blocks=tuple(rows), last_channels=_scale(576, width), hidden_features=_scale(1280, width),
        input_channels=input_channels, num_classes=num_classes, stem_stride=1 if preset == "Cifar" else 2, dropout=dropout,
        padding_placement=PaddingPlacement(padding_placement), activation=act or Activation.HSWISH)


def mobilenet_v3_small_spec(num_classes: int = 1000, **options: Any) -> NetworkSpec:
    """XSepMobileNetV3-Small, or its depthwise twin, in which only the spatial operator differs.

    depthwise: False, or True for the twin.
    preset: "ImageNet", or "Cifar" for images of 28 to 64 pixels (stem and first block at stride 1).
    input_channels: 3. width: 1.0, multiplies all channels. dropout: 0.0, before the classifier.
    kernels: (), the table's; odd, 3 to 63: one for all rows, 4 for the stages (56 x 56, 28 x 28, 14 x 14 and 7 x 7 of a
        224 x 224 image), or one for each row. A row that keeps its K stays as it is, every other one has XSepConv at stride 1, and
        at stride 2 from K = 7.
    padding_placement: "AfterExpand". activation: None, the table's, or one for everything.
    """
    return _table_spec(_small_rows(), "xsep-mobilenet-v3-small", "mobilenet-v3-small-twin", num_classes, **options)


def large_kernel_small_spec(num_classes: int = 1000, **options: Any) -> NetworkSpec:
    """A small network of kernels of 31, 29, 27 and 13 with XSepConv in every row, or its depthwise twin.

    The options are those of mobilenet_v3_small_spec.
    """
    return _table_spec(_large_kernel_rows(), "xsep-large-kernel-small", "large-kernel-small-twin", num_classes, **options)


# What computes the same: torch's own activations, and norms of features or over processes.
_ALIKE = {nn.Hardswish: HSwish, nn.Hardsigmoid: HSigmoid, nn.BatchNorm1d: nn.BatchNorm2d, nn.SyncBatchNorm: nn.BatchNorm2d}
_KEPT_APART = {"training", "inplace", "eps", "momentum", "p", "spec", "linear4"}
_SHAPE = "shape of "


def _kind(m: nn.Module) -> type:
    return _ALIKE.get(type(m), type(m))


def _short(value: Any) -> str:
    text = value.__name__ if isinstance(value, type) else repr(value)
    return text if len(text) < 100 else f"{text[:100]}..."


def _facts(m: nn.Module) -> Dict[str, Any]:
    """What decides the output of a module besides the values of its tensors, and what another network's state dict has otherwise."""
    facts: Dict[str, Any] = {"type": _kind(m), "forward": vars(m).get("forward")}
    facts.update((name, value) for name, value in vars(m).items() if not name.startswith("_") and name not in _KEPT_APART)
    if isinstance(m, nn.Sequential):
        facts["layers"] = list(m._modules)
    if isinstance(m, MobileNet):
        apart = {"name", "num_classes", "dropout"}
        facts.update((f"spec's {f.name}", getattr(m.spec, f.name)) for f in dataclasses.fields(NetworkSpec) if f.name not in apart)
    tensors = {**m._parameters, **{name: b for name, b in m._buffers.items() if name not in m._non_persistent_buffers_set}}
    facts.update((f"{_SHAPE}{name}", tuple(tensor.shape)) for name, tensor in tensors.items() if tensor is not None)
    return facts


class MobileNet(nn.Module):
    """The network of a NetworkSpec: [N, input_channels, H, W] to logits [N, num_classes], for any H and W.

    stem 3 x 3 (conv1) -> bn1 -> act -> blocks (bneck) -> 1 x 1 (conv2) -> bn2 -> act -> global average pool -> linear3
    -> bn3 -> act -> dropout -> linear4. Without hidden_features linear3, bn3 and act are left out, without num_classes linear4.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec.validate()
        self.conv1 = nn.Conv2d(spec.input_channels, spec.stem_channels, 3, spec.stem_stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(spec.stem_channels)
        self.bneck = nn.Sequential(*(
            block.build(padding, spec.padding_placement) for block, padding in zip(spec.blocks, spec.paddings())))
        self.conv2 = _pointwise(spec.blocks[-1].out_channels, spec.last_channels)
        self.bn2 = nn.BatchNorm2d(spec.last_channels)
        self.linear3 = nn.Linear(spec.last_channels, spec.hidden_features) if spec.hidden_features else None
        self.bn3 = nn.BatchNorm1d(spec.hidden_features) if spec.hidden_features and spec.hidden_norm else None
        self.dropout = nn.Dropout(spec.dropout)
        self.linear4 = nn.Linear(spec.num_features, spec.num_classes) if spec.num_classes else None
        self.act = spec.activation.module()
        for m in self.modules():
            if isinstance(m, nn.modules.batchnorm._NormBase):
                m.eps, m.momentum = spec.norm_epsilon, spec.norm_momentum
        init_parameters(self)
        self._built = {path: _facts(m) for path, m in self._fixed_modules()}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bneck(self.act(self.bn1(self.conv1(x))))
        y = self.act(self.bn2(self.conv2(y))).mean(dim=(2, 3))
        if self.linear3 is not None:
            y = self.linear3(y)
            y = self.act(y if self.bn3 is None else self.bn3(y))
        return y if self.linear4 is None else self.linear4(self.dropout(y))

    @classmethod
    def from_json(cls, text: str) -> "MobileNet":
        """The network that a NetworkSpec's JSON form describes."""
        return MobileNet(NetworkSpec.from_json(text))

    def described(self) -> NetworkSpec:
        """The spec of the network as it is: classes and dropout's rate are those of its layers. ValueError if it has no spec any more.

        linear4 may be replaced, by another Linear of as many inputs, or by None for features; any other change is one.
        """
        problem = self._change()
        last = self.linear4
        if problem is None and last is not None:
            expected = {"weight": (getattr(last, "out_features", 0), self.spec.num_features), "bias": (getattr(last, "out_features", 0),)}
            if type(last) is not nn.Linear or {name: tuple(t.shape) for name, t in last.state_dict().items()} != expected:
                problem = f"'linear4' is {last}; a Linear of {self.spec.num_features} inputs with a bias can be, or None"
        if problem is not None:
            raise ValueError(
                f"the network is no longer that of its spec: {problem}. Build another spec's, or write the weights alone: "
                "save_safetensors(network.state_dict(), path, {SETTINGS_KEY: norm_settings(network)})")
        classes = 0 if last is None else last.out_features
        return dataclasses.replace(self.spec, num_classes=classes, dropout=float(self.dropout.p)).validate()

    def _change(self) -> Optional[str]:
        """The first thing that is not as it was built, or None: weights, modes, eps and momentum, dropout's rate and linear4 apart."""
        if type(self).forward is not MobileNet.forward:
            return f"{type(self).__name__} has a forward of its own"
        modules = dict(self._fixed_modules())

        # A whole network that an earlier version pickled does not have it.
        was = self.__dict__.get("_built")
        if was is None:
            was = MobileNet(self.spec)._built
        for path, built in was.items():
            if path not in modules:
                return f"{path!r} is gone"
            m = modules[path]
            now = _facts(m)
            for name in [*built, *(name for name in now if name.startswith(_SHAPE))]:
                here, then = now[name] if name in now else getattr(m, name, None), built.get(name)
                if here != then:
                    place = f" of {path!r}" if path else ""
                    return f"the {name}{place} is {_short(here)}, it was built with {_short(then)}"
        # One that nothing calls and that has no tensors is no change.
        added = (path for path, m in modules.items() if path not in was and any(name.startswith(_SHAPE) for name in _facts(m)))
        return next((f"{path!r} was not there when it was built" for path in added), None)

    def _fixed_modules(self) -> Iterator[Tuple[str, nn.Module]]:
        return ((path, m) for path, m in self.named_modules(remove_duplicate=False) if path.split(".")[0] != "linear4")

    def save_safetensors(self, path: Union[str, os.PathLike]) -> None:
        """Writes the state dict, and spec and norms' settings as metadata, so that the file alone says which network it holds.

        ValueError, and nothing written, if no spec describes the network any more: see described.
        """
        save_safetensors(self.state_dict(), path, {
            "format": "pt", METADATA_KEY: self.described().to_json(), SETTINGS_KEY: norm_settings(self)})

    @classmethod
    def from_safetensors(cls, path: Union[str, os.PathLike]) -> "MobileNet":
        """The network in a file of save_safetensors, or of XSepConv for .NET. Every tensor must be there, none besides."""
        tensors, metadata = load_safetensors(path)
        if METADATA_KEY not in metadata:
            raise ValueError(f"{os.fspath(path)} does not say which network it holds (no {METADATA_KEY!r} in its metadata)")
        spec = NetworkSpec.from_json(metadata[METADATA_KEY])
        # As in .NET: a few bytes must not ask for a giant.
        held, described = sum(tensor.numel() for tensor in tensors.values()), spec.parameter_count()
        if described > _SMALL_NETWORK + 2 * held:
            raise ValueError(f"{os.fspath(path)} describes a network of {described:,} parameters but holds only {held:,} values")
        network = MobileNet(spec)
        # A file without the entry, such as an import of published weights, has the norms of its description.
        if SETTINGS_KEY in metadata:
            apply_norm_settings(network, metadata[SETTINGS_KEY])
        # A trainer's own tensors, such as momenta, are not the network's.
        state = {k: v for k, v in tensors.items() if not k.startswith("training/")}
        own = network.state_dict()
        for name in state:
            if name in own:
                _require_values(name, state[name], own[name])
        network.load_state_dict(state, strict=True)
        return network


class XSepMobileNetV3Small(MobileNet):
    """XSepMobileNetV3-Small; the options are those of mobilenet_v3_small_spec (depthwise=True gives the twin)."""

    def __init__(self, num_classes: int = 1000, **options: Any) -> None:
        super().__init__(mobilenet_v3_small_spec(num_classes, **options))


# ---- Conversion ----------------------------------------------------------------------------------------------------

def convert(model: nn.Module, report: Union[str, Mapping[str, Any]]) -> nn.Module:
    """Repeats in PyTorch, in place, a conversion that XSepConverter of XSepConv for .NET made of the same network.

    report: the JSON of ConversionReport.ToJson(), or what it holds. Each replaced convolution becomes an XSepConv2d with the report's
    padding, activation, eps and momentum, and its batch norm an Identity. The new weights are random: load those of the converted
    network, model.load_state_dict(load_safetensors(path)[0]). Returns the model; ValueError, and nothing changed, if it does not fit.
    """
    layers = (json.loads(report) if isinstance(report, str) else report)["replaced"]
    wanted = ("path", "batchNormPath", "kernelSize", "channels", "stride", "padding", "activation", "epsilon", "momentum")
    for layer in layers:
        if missing := [name for name in wanted if name not in layer]:
            raise ValueError(f"a replaced layer of the report has no {', '.join(missing)}: give what ConversionReport.ToJson() wrote")
    modules = dict(model.named_modules())
    new: Dict[nn.Module, nn.Module] = {}
    for layer in layers:
        path, norm_path, kernel, channels = layer["path"], layer["batchNormPath"], layer["kernelSize"], layer["channels"]
        old = modules.get(path)
        expected = dict(kernel_size=(kernel,) * 2, stride=(layer["stride"],) * 2, padding=(kernel // 2,) * 2, padding_mode="zeros",
                        dilation=(1, 1), groups=channels, in_channels=channels, out_channels=channels)
        # Of an odd kernel "same" is half of it on each side.
        if not isinstance(old, nn.Conv2d) or any(
                getattr(old, name) != value and (name, getattr(old, name)) != ("padding", "same") for name, value in expected.items()):
            raise ValueError(f"{path!r} is {old}, not the depthwise convolution of the report: {expected}")
        norm = None if norm_path is None else modules.get(norm_path)
        if norm_path is not None and (not isinstance(norm, nn.BatchNorm2d) or norm.num_features != channels):
            raise ValueError(f"{norm_path!r} is {norm}, not the batch norm of {channels} channels of the report")
        module = XSepConv2d(channels, kernel, layer["stride"], layer["padding"], layer["activation"])
        for part in (module.bn1, module.bn2, module.bn3):
            part.eps, part.momentum = layer["epsilon"], layer["momentum"]
        # The last batch norm stands for the old one, all before it for the convolution.
        for parameter in module.parameters():
            parameter.requires_grad_(old.weight.requires_grad)
        if norm is not None and norm.affine:
            module.bn3.weight.requires_grad_(norm.weight.requires_grad)
            module.bn3.bias.requires_grad_(norm.bias.requires_grad)
        new[old] = module.to(old.weight).train((old if norm is None else norm).training)
        if norm is not None:
            new[norm] = nn.Identity().train(norm.training)
    for parent in modules.values():
        for name, child in parent._modules.items():
            if child in new:
                parent._modules[name] = new[child]
    return model


# ---- Safetensors ---------------------------------------------------------------------------------------------------

METADATA_KEY = "xsepconv.network"
SETTINGS_KEY = "xsepconv.settings"
INT8_KEY, _INT8_MEANING = "xsepconv.int8", "NAME * NAME_scale"

_EPS, _MOMENTUM = 1e-5, 0.1


def norm_settings(module: nn.Module) -> str:
    """What a module has besides tensors, as JSON for the metadata entry SETTINGS_KEY, as XSepConv for .NET writes it.

    Of normalisations eps and momentum where they are not the defaults, of blocks what they were built with; of a network without what
    its description says. ValueError where eps or momentum is a number that no reader takes.
    """
    settings: Dict[str, Dict[str, Optional[str]]] = {}
    is_described = isinstance(module, MobileNet) and module._change() is None
    described = {"", *(f"bneck.{i}" for i in range(len(module.spec.blocks)))} if is_described else set()
    for path, m in module.named_modules():
        values: Dict[str, Optional[str]] = {}
        if isinstance(getattr(m, "eps", None), numbers.Real) and m.eps != _EPS:
            values["eps"] = repr(_norm_number(path, "eps", m.eps))
        if isinstance(m, nn.modules.batchnorm._NormBase) and m.momentum != _MOMENTUM:
            values["momentum"] = None if m.momentum is None else repr(_norm_number(path, "momentum", m.momentum))
        if path not in described:
            values.update(_block_settings(m))
        if values:
            settings[path] = values
    return json.dumps(settings, separators=(",", ":"))


def _norm_number(path: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value) or (name == "eps" and value < 0):
        least = " of at least 0" if name == "eps" else ""
        raise ValueError(f"the {name} of {path!r} is {value!r}; it must be a finite number{least}")
    return float(value)


def _block_settings(m: nn.Module) -> Dict[str, str]:
    """What decides a block's output and does not show in its tensors' shapes, by the names that XSepConv for .NET writes."""
    if not isinstance(m, (MobileNet, XSepConv2d, DwBlock, XSepBlock, SepBlock, InvertedResidualBlock, XSepInvertedResidualBlock)):
        return {}
    stride = str(max((s for c in m.children() if isinstance(c, nn.Conv2d) for s in nn.modules.utils._pair(c.stride)), default=1))
    # Another activation by what torch calls it: a module that was changed in the same way has it, too.
    activation = next((a.value for a in Activation if type(a.module()) is _kind(m.act)), repr(m.act))
    if isinstance(m, MobileNet):
        return {"stemStride": stride, "activation": activation}
    settings = {"stride": stride, "activation": activation}
    for name, attribute in (("padding", "padding"), ("placement", "placement"), ("squeezeExcite", "squeeze_excite")):
        if hasattr(m, attribute):
            settings[name] = getattr(m, attribute).value
    return settings


def apply_norm_settings(module: nn.Module, text: str) -> None:
    """Gives a module's normalisations what norm_settings, or XSepConv for .NET, wrote; those that it does not name get the defaults.

    ValueError if something is unknown, or a block was built otherwise.
    """
    settings = _strict_json(text)
    if not isinstance(settings, dict):
        raise ValueError(f"{SETTINGS_KEY} in the metadata is no object")
    modules = dict(module.named_modules())
    norms = {path: m for path, m in modules.items() if isinstance(getattr(m, "eps", None), numbers.Real)}

    def number(path: str, name: str, text: Any) -> float:
        try:
            value = float(text) if isinstance(text, str) else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (name == "eps" and value < 0):
            least = " of at least 0" if name == "eps" else ""
            raise ValueError(f"the {name} of {path!r} is {text!r}; it must be the text of a finite number{least}")
        return value

    for path, values in settings.items():
        if not isinstance(values, dict):
            raise ValueError(f"the settings of {path!r} are {values!r}; they must be an object")
        here = _block_settings(modules[path]) if path in modules else {}
        unknown = set(values) - set(here) - ({"eps", "momentum"} if path in norms else set())
        if unknown:
            raise ValueError(f"{path!r} has settings that are not known there: {sorted(unknown)}")
        for name, value in here.items():
            if values.get(name, value) != value:
                raise ValueError(f"{path!r} was built with {name} {values[name]}, here it has {value}")
    for path, m in norms.items():
        values = settings.get(path, {})
        m.eps = number(path, "eps", values["eps"]) if "eps" in values else _EPS
        if isinstance(m, nn.modules.batchnorm._NormBase):
            momentum = values.get("momentum", repr(_MOMENTUM))
            m.momentum = None if momentum is None else number(path, "momentum", momentum)


_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}
_DTYPE_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_MOST_HEADER, _MOST_DIMENSIONS = 100_000_000, 64
_PIECE = 1 << 26  # bytes; the size that ctypes.string_at takes is a C int


def _bytes_per_element(dtype: torch.dtype) -> int:
    return torch.empty((), dtype=dtype).element_size()


def _require_text(what: str, value: Any) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{what} is {value!r}; it must be a str")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{what} is {value!r}; it must be text that UTF-8 can hold") from None


def _require_writable(name: Any, tensor: Any) -> None:
    _require_text("the name of a tensor", name)
    if name == "__metadata__":
        raise ValueError(f"a tensor is called {name!r}, which is what safetensors calls the metadata; give it another name")
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"tensor {name!r} is a {type(tensor).__name__}; it must be a torch.Tensor")
    if tensor.layout != torch.strided or tensor.is_meta:
        raise ValueError(f"tensor {name!r} is {tensor.layout} on {tensor.device}; it must be dense and have values")
    if tensor.dtype not in _DTYPE_NAMES:
        raise ValueError(f"tensor {name!r} has dtype {tensor.dtype}; known are {', '.join(_DTYPES)}")
    if tensor.dim() > _MOST_DIMENSIONS:
        raise ValueError(f"tensor {name!r} has {tensor.dim()} dimensions; at most {_MOST_DIMENSIONS} are read")


def save_safetensors(tensors: Mapping[str, torch.Tensor], path: Union[str, os.PathLike],
                     metadata: Optional[Mapping[str, str]] = None) -> None:
    """Writes tensors (any device; stored contiguously) to a safetensors file, whole: the old file stays until the new one is done.

    ValueError, and nothing written, if no reader would take the file: a name or an entry of the metadata that is no text, a tensor of
    another type.
    """
    if sys.byteorder != "little":
        raise RuntimeError("safetensors is little-endian; this machine is not")
    metadata = dict(metadata or {})
    for key, value in metadata.items():
        _require_text("a key of metadata", key)
        _require_text(f"metadata[{key!r}]", value)
    for name, tensor in tensors.items():
        _require_writable(name, tensor)
    header: Dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    # Wide types first, so that every tensor's data is aligned.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    offset = 0
    for name in names:
        tensor = tensors[name]
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPE_NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    if len(text) > _MOST_HEADER:
        raise ValueError(f"names, shapes and metadata would take {len(text):,} bytes; at most {_MOST_HEADER:,} are read")

    path = os.fsdecode(path)
    temporary = f"{path}.{uuid.uuid4().hex[:12]}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(struct.pack("<Q", len(text)))
            file.write(text)
            for name in names:
                data = tensors[name].detach().cpu().resolve_neg().contiguous()
                size = data.numel() * data.element_size()
                for begin in range(0, size, _PIECE):
                    file.write(ctypes.string_at(data.data_ptr() + begin, min(_PIECE, size - begin)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _read_header(text: str) -> Tuple[List[Tuple[str, str, List[int], int, int]], Dict[str, str]]:
    """Names, types, shapes and places of a file's tensors, in the order of their data, and its metadata. Believes nothing."""
    header = _strict_json(text)
    if not isinstance(header, dict):
        raise ValueError("it is no object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("__metadata__ is no object of texts")

    def sizes(name: str, entry: Dict[str, Any], member: str) -> List[int]:
        values = entry.get(member)
        if not isinstance(values, list) or not all(_is_integer(n) and 0 <= n < 1 << 63 for n in values):
            raise ValueError(f"the {member} of {name!r} is no array of whole numbers from 0 to {(1 << 63) - 1}")
        return values

    entries = []
    for name, entry in header.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str):
            raise ValueError(f"the entry of {name!r} is no object with a dtype")
        shape, offsets = sizes(name, entry, "shape"), sizes(name, entry, "data_offsets")
        if len(shape) > _MOST_DIMENSIONS or len(offsets) != 2:
            raise ValueError(f"{name!r} has {len(shape)} dimensions and {len(offsets)} offsets; up to {_MOST_DIMENSIONS} and 2 are right")
        if math.prod(n for n in shape if n) >= 1 << 63:
            raise ValueError(f"{name!r} has a shape that no memory can hold: {shape}")
        entries.append((name, entry["dtype"], shape, offsets[0], offsets[1]))
    return sorted(entries, key=lambda entry: entry[3:]), metadata


def load_safetensors(path: Union[str, os.PathLike]) -> Tuple[Dict[str, torch.Tensor], Dict[str, str]]:
    """Reads a safetensors file: its tensors by name, on the CPU, and its metadata. ValueError if the file is not one.

    INT8 weights of `xsepconv export --dtype int8` come as the float32 that they stand for, without their scales.
    """
    if sys.byteorder != "little":
        raise RuntimeError("safetensors is little-endian; this machine is not")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else -1
        if not 0 <= length <= min(_MOST_HEADER, size - 8):
            raise ValueError(f"{os.fspath(path)} is not a safetensors file: its header does not fit ({size} bytes in all)")
        try:
            entries, metadata = _read_header(file.read(length).decode("utf-8"))
        except ValueError as e:
            raise ValueError(f"{os.fspath(path)} is not a safetensors file: its header can't be read ({e})") from None

        tensors: Dict[str, torch.Tensor] = {}
        expected = 0
        for name, dtype_name, shape, begin, end in entries:
            if dtype_name not in _DTYPES:
                raise ValueError(f"tensor {name!r} has dtype {dtype_name!r}; known are {', '.join(_DTYPES)}")
            dtype = _DTYPES[dtype_name]
            if begin != expected or end - begin != math.prod(shape) * _bytes_per_element(dtype):
                raise ValueError(f"tensor {name!r}: shape {shape} of {dtype_name} does not fit its data at {begin} to {end}")
            if 8 + length + end > size:
                raise ValueError(f"{os.fspath(path)} is cut short: tensor {name!r} ends beyond it")
            data = bytearray(file.read(end - begin))
            if dtype is torch.bool and data.translate(None, b"\0\1"):
                raise ValueError(f"tensor {name!r} has bytes that are no BOOL: those are 0 and 1")
            tensors[name] = (torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)).reshape(shape)
            expected = end
        if 8 + length + expected != size:
            raise ValueError(f"{os.fspath(path)} has {size - 8 - length - expected} bytes that belong to no tensor")
    meaning = metadata.pop(INT8_KEY, None)
    if meaning is not None:
        if meaning != _INT8_MEANING:
            raise ValueError(f"{INT8_KEY!r} in the metadata is {meaning!r}, known is {_INT8_MEANING!r}")
        _multiply_scales(tensors)
    return tensors, metadata


def _require_values(name: str, tensor: torch.Tensor, own: torch.Tensor) -> None:
    """ValueError where a file's tensor can't be what the network's own is: PyTorch takes integers for weights, and any number."""
    dtype = _DTYPE_NAMES[tensor.dtype]
    if own.is_floating_point() and tensor.dtype == torch.int8:
        raise ValueError(f"{name!r} has type I8, and the metadata lacks {INT8_KEY!r}, which says that it has scales")
    if own.is_floating_point() and not tensor.is_floating_point():
        raise ValueError(f"{name!r} has type {dtype}, weights are F64, F32, F16 or BF16")

    def refuse(wrong: torch.Tensor, rule: str) -> None:
        if bool(wrong.any()):
            at = int(wrong.flatten().int().argmax())
            raise ValueError(f"{name!r} has {float(tensor.flatten()[at]):g} at {at}; {rule}")

    if not own.is_floating_point():
        refuse(tensor != tensor.to(own.dtype), f"the network's type {own.dtype} can't hold that")
        return
    held = tensor.to(own.dtype)
    refuse(~tensor.isfinite(), "weights are finite numbers")
    refuse(~held.isfinite(), f"the network's type {own.dtype} can't hold that")
    if name.split(".")[-1] == "running_var":
        refuse(held < 0, "a variance is not negative")


def _multiply_scales(tensors: Dict[str, torch.Tensor]) -> None:
    stored = dict(tensors)
    for name in [name for name, tensor in stored.items() if tensor.dtype == torch.int8]:
        shape = stored[name].shape[:1] + (1,) * (stored[name].dim() - 1)
        scale = stored.get(f"{name}_scale")
        if scale is None or not shape or scale.dtype != torch.float32 or scale.shape != shape:
            raise ValueError(f"{f'{name}_scale'!r}, the scales of {name!r}, must be F32 of shape {list(shape)}")
        if not bool(((scale > 0) & scale.isfinite()).all()):
            raise ValueError(f"{f'{name}_scale'!r} has scales that are no finite numbers above 0")
        tensors[name] = stored[name] * scale
        del tensors[f"{name}_scale"]
