using static XSepConv.Activation;
using static XSepConv.BlockKind;
using static XSepConv.SqueezeExcite;

namespace XSepConv.Runtime.Tests.Models;

public sealed class MobileNetV3LargeSpecTests
{
    [Fact]
    public void The_default_network_is_table_1_of_MobileNetV3_with_XSep_in_the_5x5_rows_of_stride_1()
    {
        // Howard et al. 2019, table 1: kernel, expansion, output, nonlinearity and stride are the paper's.
        var spec = MobileNetV3LargeSpec.XSep();
        Assert.Equal("xsep-mobilenet-v3-large", spec.Name);
        Assert.Equal((3, 16, 2), (spec.InputChannels, spec.StemChannels, spec.StemStride));
        Assert.Equal(
            [
                new(Dw, 3, 16, 16, 16, ReLU, None, 1),
                new(Dw, 3, 16, 64, 24, ReLU, None, 2),
                new(Dw, 3, 24, 72, 24, ReLU, None, 1),
                new(Dw, 5, 24, 72, 40, ReLU, Output, 2),
                new(XSep, 5, 40, 120, 40, ReLU, Expanded, 1),
                new(XSep, 5, 40, 120, 40, ReLU, Expanded, 1),
                new(Dw, 3, 40, 240, 80, HSwish, None, 2),
                new(Dw, 3, 80, 200, 80, HSwish, None, 1),
                new(Dw, 3, 80, 184, 80, HSwish, None, 1),
                new(Dw, 3, 80, 184, 80, HSwish, None, 1),
                new(Dw, 3, 80, 480, 112, HSwish, Output, 1),
                new(Dw, 3, 112, 672, 112, HSwish, Output, 1),
                new(Dw, 5, 112, 672, 160, HSwish, Output, 2),
                new(XSep, 5, 160, 960, 160, HSwish, Expanded, 1),
                new BlockSpec(XSep, 5, 160, 960, 160, HSwish, Expanded, 1),
            ],
            spec.Blocks);
        Assert.Equal((960, 1280, 1000), (spec.LastChannels, spec.HiddenFeatures, spec.NumClasses));
    }

    [Fact]
    public void Its_paddings_cancel_within_each_resolution()
    {
        var paddings = MobileNetV3LargeSpec.XSep().Paddings();
        Assert.Equal([PaddingDirection.RightBottom, PaddingDirection.LeftTop], paddings[4..6].OfType<PaddingDirection>());
        Assert.Equal([PaddingDirection.RightBottom, PaddingDirection.LeftTop], paddings[13..].OfType<PaddingDirection>());
        Assert.Equal(4, paddings.Count(padding => padding is not null));
        Assert.All(MobileNetV3LargeSpec.Twin().Paddings(), padding => Assert.Null(padding));
    }

    [Fact]
    public void Its_maps_have_the_strides_of_the_table()
    {
        // 224 / stride is the table's resolution: 112 twice, 56 twice, 28 three times, 14 six times, 7 twice.
        Assert.Equal([2, 2, 4, 4, 8, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32], MobileNetV3LargeSpec.XSep().InputStrides());
        var small = MobileNetV3LargeSpec.XSep(new() { Preset = ImagePreset.Cifar });
        Assert.Equal([1, 1, 1, 1, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 8], small.InputStrides());
        var large = MobileNetV3LargeSpec.XSep();
        Assert.Equal(large, small with { StemStride = 2, Blocks = small.Blocks.SetItem(1, small.Blocks[1] with { Stride = 2 }) });
    }

    [Fact]
    public void Its_parameters_are_those_counted_by_hand()
    {
        // Weights row by row: expand + spatial + squeeze-excite (twice channels · a quarter) + project + shortcut; then two numbers for each channel of each batch norm.
        long weights = (3 * 16 * 9)
            + (16 * 16) + (9 * 16) + (16 * 16)
            + (16 * 64) + (9 * 64) + (64 * 24)
            + (24 * 72) + (9 * 72) + (72 * 24)
            + (24 * 72) + (25 * 72) + (72 * 40) + (2 * 40 * 10)
            + (2 * ((40 * 120) + ((4 + 5 + 5) * 120) + (2 * 120 * 30) + (120 * 40)))
            + (40 * 240) + (9 * 240) + (240 * 80)
            + (80 * 200) + (9 * 200) + (200 * 80)
            + (2 * ((80 * 184) + (9 * 184) + (184 * 80)))
            + (80 * 480) + (9 * 480) + (480 * 112) + (2 * 112 * 28) + (80 * 112)
            + (112 * 672) + (9 * 672) + (672 * 112) + (2 * 112 * 28)
            + (112 * 672) + (25 * 672) + (672 * 160) + (2 * 160 * 40)
            + (2 * ((160 * 960) + ((4 + 5 + 5) * 960) + (2 * 960 * 240) + (960 * 160)))
            + (160 * 960) + (960 * 1280) + 1280 + (1280 * 1000) + 1000;
        long normalised = 16
            + (16 + 16 + 16) + (64 + 64 + 24) + (72 + 72 + 24) + (72 + 72 + 40 + 10 + 40)
            + (2 * ((4 * 120) + 30 + 120 + 40))
            + (240 + 240 + 80) + (200 + 200 + 80) + (2 * (184 + 184 + 80)) + (480 + 480 + 112 + 28 + 112 + 112) + (672 + 672 + 112 + 28 + 112) + (672 + 672 + 160 + 40 + 160)
            + (2 * ((4 * 960) + 240 + 960 + 160))
            + 960 + 1280;
        Assert.Equal(weights + (2 * normalised), MobileNetV3LargeSpec.XSep().ParameterCount());
        Assert.Equal(4_936_268, MobileNetV3LargeSpec.XSep().ParameterCount());

        // The twin has 25 weights a channel for 4 + 5 + 5, and two batch norms less, in two rows of 120 and two of 960 channels.
        Assert.Equal(2 * (120 + 960) * (25 - 14 - 4), MobileNetV3LargeSpec.Twin().ParameterCount() - MobileNetV3LargeSpec.XSep().ParameterCount());
        Assert.Equal(4_951_388, MobileNetV3LargeSpec.Twin().ParameterCount());
    }

    [Fact]
    public void The_twin_differs_in_kind_and_name_only()
    {
        foreach (var options in new MobileNetV3Options[] { new(), new() { Preset = ImagePreset.Cifar, Width = 0.5, NumClasses = 10, Kernels = [7], Dropout = 0.2 } })
        {
            NetworkSpec spec = MobileNetV3LargeSpec.XSep(options), twin = MobileNetV3LargeSpec.Twin(options);
            Assert.Equal("mobilenet-v3-large-twin", twin.Name);
            Assert.All(twin.Blocks, block => Assert.Equal(Dw, block.Kind));
            Assert.Equal(spec, twin with { Name = spec.Name, Blocks = [.. twin.Blocks.Select((block, i) => block with { Kind = spec.Blocks[i].Kind })] });
        }
    }
}
