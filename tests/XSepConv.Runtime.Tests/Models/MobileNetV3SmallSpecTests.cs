using XSepConv.Layers;
using static XSepConv.Activation;
using static XSepConv.BlockKind;
using static XSepConv.SqueezeExcite;

namespace XSepConv.Runtime.Tests.Models;

public sealed class MobileNetV3SmallSpecTests
{
    [Fact]
    public void The_default_network_is_the_notes_table_row_by_row()
    {
        var spec = MobileNetV3SmallSpec.XSep();
        Assert.Equal("xsep-mobilenet-v3-small", spec.Name);
        Assert.Equal((3, 16, 2), (spec.InputChannels, spec.StemChannels, spec.StemStride));
        Assert.Equal(
            [
                new(Dw, 3, 16, 16, 16, ReLU, Output, 2),
                new(Dw, 3, 16, 72, 24, ReLU, None, 2),
                new(Dw, 3, 24, 88, 24, ReLU, None, 1),
                new(Dw, 5, 24, 96, 40, HSwish, Output, 2),
                new(XSep, 5, 40, 240, 40, HSwish, Expanded, 1),
                new(XSep, 5, 40, 240, 40, HSwish, Expanded, 1),
                new(XSep, 5, 40, 120, 48, HSwish, Expanded, 1),
                new(XSep, 5, 48, 144, 48, HSwish, Expanded, 1),
                new(Dw, 5, 48, 288, 96, HSwish, Output, 2),
                new(XSep, 3, 96, 576, 96, HSwish, Expanded, 1),
                new BlockSpec(XSep, 3, 96, 576, 96, HSwish, Expanded, 1),
            ],
            spec.Blocks);
        Assert.Equal((576, 1280, 1000), (spec.LastChannels, spec.HiddenFeatures, spec.NumClasses));
        Assert.Equal(0, spec.Dropout);
        Assert.Equal(PaddingPlacement.AfterExpand, spec.PaddingPlacement);
    }

    [Fact]
    public void Its_paddings_are_those_of_the_listing()
    {
        PaddingDirection?[] expected =
        [
            null, null, null, null, PaddingDirection.RightBottom, PaddingDirection.LeftTop, PaddingDirection.LeftBottom, PaddingDirection.RightTop,
            null, PaddingDirection.RightBottom, PaddingDirection.LeftTop,
        ];
        Assert.Equal(expected, MobileNetV3SmallSpec.XSep().Paddings());
        Assert.All(MobileNetV3SmallSpec.Twin().Paddings(), padding => Assert.Null(padding));
    }

    [Fact]
    public void Its_maps_have_the_strides_of_the_table()
    {
        // 224 / stride is the table's resolution: 112, 56, 28, 28, 14 five times, 7 twice.
        Assert.Equal([2, 4, 8, 8, 16, 16, 16, 16, 16, 32, 32], MobileNetV3SmallSpec.XSep().InputStrides());
        Assert.Equal([1, 1, 2, 2, 4, 4, 4, 4, 4, 8, 8], MobileNetV3SmallSpec.XSep(new() { Preset = ImagePreset.Cifar }).InputStrides());
    }

    [Fact]
    public void Its_parameters_are_counted_without_building_it()
    {
        var spec = MobileNetV3SmallSpec.XSep();
        Assert.Equal(2_889_512, spec.ParameterCount());

        // Block 4: expand and project 40·240, 2×2, 1×5 and 5×1 of 240, squeeze-excite 240·60 twice, five batch norms of the block and two of that.
        Assert.Equal((2 * 40 * 240) + ((4 + 10) * 240) + (2 * 240 * 60) + (2 * ((4 * 240) + 40 + 60 + 240)), Parameters(spec.Blocks[4]));
        Assert.Equal(53_960, Parameters(spec.Blocks[4]));

        // Block 2, Dw without squeeze-excite: 24·88 twice, 9·88, three batch norms. Block 6 has a shortcut of 40·48 and its batch norm.
        Assert.Equal((2 * 24 * 88) + (9 * 88) + (2 * (88 + 88 + 24)), Parameters(spec.Blocks[2]));
        Assert.Equal((40 * 48) + (2 * 48), Parameters(spec.Blocks[6]) - Parameters(spec.Blocks[6] with { Stride = 2 }));

        // The twin trades 4 + 2K for K² weights a channel, and two batch norms more for none.
        var difference = spec.Blocks.Where(block => block.Kind == XSep).Sum(block => block.Expand * ((block.Kernel * block.Kernel) - (4 + (2 * block.Kernel)) - 4));
        Assert.Equal(difference, MobileNetV3SmallSpec.Twin().ParameterCount() - spec.ParameterCount());
    }

    [Fact]
    public void The_twin_differs_in_kind_and_name_only()
    {
        foreach (var options in new MobileNetV3Options[] { new(), new() { Preset = ImagePreset.Cifar, Width = 0.5, NumClasses = 10, Kernels = [7], Dropout = 0.2 } })
        {
            NetworkSpec spec = MobileNetV3SmallSpec.XSep(options), twin = MobileNetV3SmallSpec.Twin(options);
            Assert.Equal("mobilenet-v3-small-twin", twin.Name);
            Assert.All(twin.Blocks, block => Assert.Equal(Dw, block.Kind));
            Assert.Equal(options.Kernels is [7] ? 11 : 6, spec.Blocks.Zip(twin.Blocks).Count(pair => pair.First.Kind != pair.Second.Kind));
            Assert.Equal(spec, twin with { Name = spec.Name, Blocks = [.. twin.Blocks.Select((block, i) => block with { Kind = spec.Blocks[i].Kind })] });
        }
    }

    [Fact]
    public void The_small_preset_keeps_the_stem_and_the_first_block_at_full_resolution_and_changes_nothing_else()
    {
        NetworkSpec large = MobileNetV3SmallSpec.XSep(), small = MobileNetV3SmallSpec.XSep(new() { Preset = ImagePreset.Cifar });
        Assert.Equal(1, small.StemStride);
        Assert.Equal([1, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1], small.Blocks.Select(block => block.Stride));
        Assert.Equal(large, small with { StemStride = 2, Blocks = small.Blocks.SetItem(0, small.Blocks[0] with { Stride = 2 }) });
    }

    [Fact]
    public void Options_reach_the_spec()
    {
        var spec = MobileNetV3SmallSpec.XSep(new() { NumClasses = 7, InputChannels = 1, Dropout = 0.3, PaddingPlacement = PaddingPlacement.BeforeExpand });
        Assert.Equal((7, 1, 0.3, PaddingPlacement.BeforeExpand), (spec.NumClasses, spec.InputChannels, spec.Dropout, spec.PaddingPlacement));
    }

    // channels · width, to the nearest multiple of 8 (halves up), at least 8, and 8 more where that is below 90 %; worked by hand.
    [Theory]
    [InlineData(16, 1, 16)]
    [InlineData(16, 0.5, 8)]
    [InlineData(24, 0.5, 16)] // 12: half way, up
    [InlineData(40, 0.5, 24)] // 20: half way, up
    [InlineData(88, 0.5, 48)] // 44: half way, up
    [InlineData(1280, 0.5, 640)]
    [InlineData(16, 0.75, 16)] // 12: half way, up
    [InlineData(24, 0.75, 24)] // 18 → 16, but 16 is 89 % of 18
    [InlineData(72, 0.75, 56)] // 54
    [InlineData(40, 0.75, 32)] // 30
    [InlineData(16, 0.35, 8)] // 5.6, at least 8
    [InlineData(24, 0.35, 8)] // 8.4, 8 is 95 % of it
    [InlineData(40, 0.35, 16)] // 14
    [InlineData(48, 0.35, 16)] // 16.8, 16 is 95 % of it
    [InlineData(72, 0.35, 24)] // 25.2, 24 is 95 % of it
    [InlineData(88, 0.35, 32)] // 30.8
    [InlineData(24, 0.4, 16)] // 9.6 → 8, but 8 is 83 % of 9.6
    [InlineData(16, 0.001, 8)]
    [InlineData(16, 2, 32)]
    [InlineData(24, 1.1, 24)] // 26.4 → 24, 91 % of it
    [InlineData(16, 1.2, 24)] // 19.2 → 16, but 16 is 83 % of 19.2
    public void Widths_round_to_multiples_of_8_and_never_down_by_more_than_a_tenth(int channels, double width, int expected) =>
        Assert.Equal(expected, MobileNetV3Layout.ScaleChannels(channels, width));

    [Fact]
    public void No_width_loses_more_than_a_tenth_or_leaves_the_multiples_of_8()
    {
        for (var permille = 1; permille <= 4000; permille++)
        {
            foreach (var channels in new[] { 16, 24, 40, 48, 72, 88, 96, 120, 144, 240, 288, 576, 1280 })
            {
                // In whole numbers: wanted thousandths of a channel.
                var wanted = channels * permille;
                var scaled = MobileNetV3Layout.ScaleChannels(channels, permille / 1000.0);
                Assert.Equal(0, scaled % 8);
                Assert.True(scaled * 1000 * 10 >= wanted * 9, $"{channels} × {permille}‰ became {scaled}");
                Assert.True(scaled * 1000 <= Math.Max(8000, wanted + 8000), $"{channels} × {permille}‰ became {scaled}");
            }
        }
    }

    [Fact]
    public void Half_width_by_hand()
    {
        var spec = MobileNetV3SmallSpec.XSep(new() { Width = 0.5 });
        Assert.Equal((8, 288, 640), (spec.StemChannels, spec.LastChannels, spec.HiddenFeatures));
        (int In, int Expand, int Out)[] expected =
        [
            (8, 8, 8), (8, 40, 16), (16, 48, 16), (16, 48, 24), (24, 120, 24), (24, 120, 24), (24, 64, 24), (24, 72, 24), (24, 144, 48), (48, 288, 48), (48, 288, 48),
        ];
        Assert.Equal(expected, spec.Blocks.Select(block => (block.In, block.Expand, block.Out)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(64.001)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Impossible_widths_are_refused(double width) =>
        Assert.Contains("width multiplier is", Assert.Throws<ArgumentException>(() => MobileNetV3SmallSpec.XSep(new() { Width = width })).Message);

    [Fact]
    public void Widths_beyond_the_most_channels_are_refused()
    {
        // 1280 · 52 = 66,560.
        Assert.Contains("hidden features is 66560", Assert.Throws<ArgumentException>(() => MobileNetV3SmallSpec.XSep(new() { Width = 52 })).Message);
    }

    [Fact]
    public void All_problems_of_the_options_are_listed()
    {
        var e = Assert.Throws<ArgumentException>(() => MobileNetV3SmallSpec.Twin(new()
        {
            NumClasses = -1,
            InputChannels = -3,
            Width = 0,
            Dropout = 1,
            Preset = (ImagePreset)4,
            Kernels = [3, 5],
            PaddingPlacement = (PaddingPlacement)2,
        }));
        foreach (var part in new[]
        {
            "'mobilenet-v3-small-twin'", "classes is -1", "input channels is -3", "width multiplier is 0", "dropout is 1", "preset is 4", "2 kernel sizes", "padding placement is 2",
        })
        {
            Assert.Contains(part, e.Message);
        }

        Assert.Contains("0 kernel sizes", Assert.Throws<ArgumentException>(() => MobileNetV3SmallSpec.XSep(new() { Kernels = null! })).Message);
    }

    private static long Parameters(BlockSpec block) => BlockLayers.Of(block, PaddingDirection.RightBottom).All.Sum(layer => layer.Parameters);
}
