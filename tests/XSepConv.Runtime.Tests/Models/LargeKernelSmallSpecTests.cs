using static XSepConv.Activation;
using static XSepConv.BlockKind;
using static XSepConv.PaddingDirection;
using static XSepConv.SqueezeExcite;

namespace XSepConv.Runtime.Tests.Models;

public sealed class LargeKernelSmallSpecTests
{
    [Fact]
    public void The_table_row_by_row()
    {
        var spec = LargeKernelSmallSpec.XSep();
        Assert.Equal("xsep-large-kernel-small", spec.Name);
        Assert.Equal("large-kernel-small-twin", LargeKernelSmallSpec.Twin().Name);
        Assert.Equal((3, 16, 2), (spec.InputChannels, spec.StemChannels, spec.StemStride));
        Assert.Equal(
            [
                new(XSep, 31, 16, 16, 16, ReLU, None, 2),
                new(XSep, 31, 16, 16, 16, ReLU, None, 1),
                new(XSep, 29, 16, 40, 24, ReLU, None, 2),
                new(XSep, 29, 24, 64, 24, ReLU, None, 1),
                new(XSep, 27, 24, 96, 40, HSwish, Expanded, 2),
                new(XSep, 27, 40, 160, 40, HSwish, Expanded, 1),
                new(XSep, 13, 40, 240, 96, HSwish, Expanded, 2),
                new BlockSpec(XSep, 13, 96, 480, 96, HSwish, Expanded, 1),
            ],
            spec.Blocks);
        Assert.Equal((576, 1280, 1000), (spec.LastChannels, spec.HiddenFeatures, spec.NumClasses));
    }

    [Fact]
    public void Its_sizes_are_those_of_RepLKNet_by_stage() =>
        Assert.Equal(LargeKernelSmallSpec.XSep(), LargeKernelSmallSpec.XSep(new() { Kernels = [31, 29, 27, 13] }));

    [Fact]
    public void Its_paddings_cancel_within_each_resolution()
    {
        // One row at 112, two at 56, at 28 and at 14, one at 7, each counted where it comes in.
        PaddingDirection?[] expected =
        [
            Symmetric, RightBottom, LeftTop, RightBottom, LeftTop, RightBottom, LeftTop, Symmetric,
        ];
        Assert.Equal([2, 4, 4, 8, 8, 16, 16, 32], LargeKernelSmallSpec.XSep().InputStrides());
        Assert.Equal(expected, LargeKernelSmallSpec.XSep().Paddings());
        Assert.All(LargeKernelSmallSpec.Twin().Paddings(), padding => Assert.Null(padding));
    }

    [Fact]
    public void Its_parameters_are_those_counted_by_hand()
    {
        // Row by row: expand, 4 + 2K weights a channel, squeeze-excite, project; no row has another number of channels in than out at stride 1.
        long weights = (3 * 16 * 9)
            + (16 * 16) + ((4 + 62) * 16) + (16 * 16)
            + (16 * 16) + ((4 + 62) * 16) + (16 * 16)
            + (16 * 40) + ((4 + 58) * 40) + (40 * 24)
            + (24 * 64) + ((4 + 58) * 64) + (64 * 24)
            + (24 * 96) + ((4 + 54) * 96) + (2 * 96 * 24) + (96 * 40)
            + (40 * 160) + ((4 + 54) * 160) + (2 * 160 * 40) + (160 * 40)
            + (40 * 240) + ((4 + 26) * 240) + (2 * 240 * 60) + (240 * 96)
            + (96 * 480) + ((4 + 26) * 480) + (2 * 480 * 120) + (480 * 96)
            + (96 * 576) + (576 * 1280) + 1280 + (1280 * 1000) + 1000;

        // Batch norms have two numbers a channel: four maps of the expanded width, the output, and two of squeeze-excite.
        long normalised = 16
            + (2 * ((4 * 16) + 16)) + ((4 * 40) + 24) + ((4 * 64) + 24)
            + ((4 * 96) + 40 + 24 + 96) + ((4 * 160) + 40 + 40 + 160)
            + ((4 * 240) + 96 + 60 + 240) + ((4 * 480) + 96 + 120 + 480)
            + 576 + 1280;
        Assert.Equal(weights + (2 * normalised), LargeKernelSmallSpec.XSep().ParameterCount());
    }
}
