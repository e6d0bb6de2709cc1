using static XSepConv.BlockKind;
using static XSepConv.PaddingDirection;

namespace XSepConv.Runtime.Tests.Models;

/// <summary>Which row gets which K, and which operator: worked by hand from the tables.</summary>
public sealed class KernelChoiceTests
{
    private static readonly int[] RepLKNet = [31, 29, 27, 13];

    [Fact]
    public void Four_sizes_are_those_of_the_stages_at_56_28_14_and_7()
    {
        // The small table halves at rows 0, 1, 3 and 8, the large one at 1, 3, 6 and 12; what comes before the first belongs to it.
        var small = MobileNetV3SmallSpec.XSep(new() { Kernels = RepLKNet });
        Assert.Equal([31, 29, 29, 27, 27, 27, 27, 27, 13, 13, 13], Kernels(small));
        Assert.All(small.Blocks, block => Assert.Equal(XSep, block.Kind));
        var large = MobileNetV3LargeSpec.XSep(new() { Kernels = RepLKNet });
        Assert.Equal([31, 31, 31, 29, 29, 29, 27, 27, 27, 27, 27, 27, 13, 13, 13], Kernels(large));
        Assert.All(large.Blocks, block => Assert.Equal(XSep, block.Kind));
    }

    [Fact]
    public void One_size_is_that_of_every_row()
    {
        foreach (var entry in NetworkCatalog.All)
        {
            for (var kernel = 3; kernel <= 63; kernel += 2)
            {
                var (one, stages, rows) = (
                    entry.XSep(new() { Kernels = [kernel] }), entry.XSep(new() { Kernels = [kernel, kernel, kernel, kernel] }),
                    entry.XSep(new() { Kernels = [.. Enumerable.Repeat(kernel, entry.Rows)] }));
                Assert.All(one.Blocks, block => Assert.Equal(kernel, block.Kernel));
                Assert.Equal(one, stages);
                Assert.Equal(one, rows);
                Assert.Equal(one, NetworkSpec.FromJson(one.ToJson()));
            }
        }
    }

    [Theory]
    [InlineData(5, "Dw Dw XSep Dw XSep XSep XSep XSep Dw XSep XSep")] // at stride 2, 4 + 5/2 + 5/4 is more than 25/4
    [InlineData(7, "XSep XSep XSep XSep XSep XSep XSep XSep XSep XSep XSep")] // 4 + 7/2 + 7/4 is less than 49/4
    [InlineData(3, "Dw Dw Dw Dw XSep XSep XSep XSep Dw XSep XSep")] // row 2 keeps its 3×3
    public void XSepConv_is_at_stride_1_and_at_stride_2_from_7(int kernel, string kinds) =>
        Assert.Equal(kinds, string.Join(' ', MobileNetV3SmallSpec.XSep(new() { Kernels = [kernel] }).Blocks.Select(block => block.Kind)));

    [Fact]
    public void The_stride_that_counts_is_the_one_that_the_preset_leaves()
    {
        // The first block keeps the size of a small image.
        Assert.Equal(XSep, MobileNetV3SmallSpec.XSep(new() { Kernels = [5], Preset = ImagePreset.Cifar }).Blocks[0].Kind);
        var stages = MobileNetV3SmallSpec.XSep(new() { Kernels = RepLKNet, Preset = ImagePreset.Cifar });
        Assert.Equal([31, 29, 29, 27, 27, 27, 27, 27, 13, 13, 13], Kernels(stages));
    }

    [Fact]
    public void A_row_that_keeps_its_K_keeps_its_operator()
    {
        // So the XSep rows alone can have another K: rows 4, 5, 13 and 14 of the large network.
        var table = MobileNetV3LargeSpec.XSep();
        var spec = MobileNetV3LargeSpec.XSep(new() { Kernels = [3, 3, 3, 5, 9, 9, 3, 3, 3, 3, 3, 3, 5, 9, 9] });
        Assert.Equal(table with { Blocks = [.. table.Blocks.Select(block => block.Kind == XSep ? block with { Kernel = 9 } : block)] }, spec);
        foreach (var entry in NetworkCatalog.All)
        {
            Assert.Equal(entry.XSep(null), entry.XSep(new() { Kernels = [.. entry.XSep(null).Blocks.Select(block => block.Kernel)] }));
        }
    }

    [Fact]
    public void Squeeze_excite_goes_where_an_XSep_row_has_it()
    {
        var (table, spec) = (MobileNetV3SmallSpec.XSep(), MobileNetV3SmallSpec.XSep(new() { Kernels = [9] }));
        Assert.Equal(
            table.Blocks.Select(block => block.SqueezeExcite == SqueezeExcite.None ? SqueezeExcite.None : SqueezeExcite.Expanded),
            spec.Blocks.Select(block => block.SqueezeExcite));

        // Where the row stays depthwise, so does its squeeze-excite.
        Assert.Equal(SqueezeExcite.Output, MobileNetV3SmallSpec.XSep(new() { Kernels = [5] }).Blocks[8].SqueezeExcite);
    }

    [Fact]
    public void The_twin_has_the_same_sizes_and_differs_in_kind_only()
    {
        foreach (var entry in NetworkCatalog.All)
        {
            var options = new MobileNetV3Options { Kernels = RepLKNet, Width = 0.5, Preset = ImagePreset.Cifar, Activation = Activation.SiLU };
            var (spec, twin) = (entry.XSep(options), entry.Twin(options));
            Assert.All(twin.Blocks, block => Assert.Equal(Dw, block.Kind));
            Assert.Equal(spec with { Name = twin.Name, Blocks = twin.Blocks }, twin);
            Assert.Equal(spec.Blocks.Select(block => block with { Kind = Dw }), twin.Blocks);
        }
    }

    [Fact]
    public void Paddings_cancel_within_each_resolution()
    {
        // Rows that down-sample pad at the resolution that they come in at.
        Assert.Equal(
            [Symmetric, /* 56 */ Symmetric, /* 28 */ RightBottom, LeftTop, /* 14 */ RightBottom, LeftTop, LeftBottom, RightTop, Symmetric, /* 7 */ RightBottom, LeftTop],
            MobileNetV3SmallSpec.XSep(new() { Kernels = RepLKNet }).Paddings());

        // From 32×32: rows 0 and 1 at 32, 2 and 3 at 16, 4 to 8 at 8, 9 and 10 at 4.
        Assert.Equal(
            [RightBottom, LeftTop, RightBottom, LeftTop, RightBottom, LeftTop, LeftBottom, RightTop, Symmetric, RightBottom, LeftTop],
            MobileNetV3SmallSpec.XSep(new() { Kernels = RepLKNet, Preset = ImagePreset.Cifar }).Paddings());

        // 112: 0 and 1; 56: 2 and 3; 28: 4 to 6; 14: 7 to 12; 7: 13 and 14.
        Assert.Equal(
            [RightBottom, LeftTop, RightBottom, LeftTop, RightBottom, LeftTop, Symmetric, RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, RightBottom, LeftTop],
            MobileNetV3LargeSpec.XSep(new() { Kernels = RepLKNet }).Paddings());

        // With K = 5, rows 2, 4 to 7, 9 and 10: one at 28, four at 14, two at 7.
        Assert.Equal(
            [null, null, Symmetric, null, RightBottom, LeftTop, LeftBottom, RightTop, null, RightBottom, LeftTop],
            MobileNetV3SmallSpec.XSep(new() { Kernels = [5] }).Paddings());
    }

    [Fact]
    public void Parameters_are_the_papers_4_plus_2K_a_channel_against_K_squared()
    {
        foreach (var entry in NetworkCatalog.All)
        {
            var options = new MobileNetV3Options { Kernels = RepLKNet };
            var (spec, twin) = (entry.XSep(options), entry.Twin(options));

            // And two batch norms more, of two values a channel each.
            Assert.Equal(
                twin.ParameterCount() - spec.ParameterCount(),
                spec.Blocks.Sum(block => (long)block.Expand * ((block.Kernel * block.Kernel) - (4 + (2 * block.Kernel)) - 4)));
        }
    }

    [Theory]
    [InlineData(new[] { 5, 5 }, "there are 2 kernel sizes, it must be none, one for all rows, 4 for the stages, or 11 for the rows")]
    [InlineData(new[] { 5, 5, 5, 5, 3, 3 }, "there are 6 kernel sizes")]
    [InlineData(new[] { 5, 5, 5, 5, 3, 3, 3, 3, 3, 3, 3, 3 }, "there are 12 kernel sizes")]
    [InlineData(new[] { 4 }, "the kernel size is 4, it must be odd, from 3 to 63")]
    [InlineData(new[] { 1 }, "the kernel size is 1,")]
    [InlineData(new[] { -7 }, "the kernel size is -7,")]
    [InlineData(new[] { 65 }, "the kernel size is 65,")]
    [InlineData(new[] { 31, 29, 28, 13 }, "the kernel size of stage 3 is 28, it must be odd, from 3 to 63")]
    [InlineData(new[] { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0 }, "the kernel size of row 10 is 0, it must be odd, from 3 to 63")]
    public void What_does_not_fit_is_refused_by_name(int[] kernels, string expected)
    {
        var options = new MobileNetV3Options { Kernels = kernels, NumClasses = -1 };
        var error = Assert.Throws<ArgumentException>(() => MobileNetV3SmallSpec.Twin(options));
        Assert.Contains("'mobilenet-v3-small-twin'", error.Message);
        Assert.Contains(expected, error.Message);
        Assert.Contains("classes is -1", error.Message);
    }

    [Fact]
    public void A_table_of_ones_own_may_go_on_to_255()
    {
        var table = MobileNetV3SmallSpec.XSep();
        Assert.Equal(255, (table with { Blocks = table.Blocks.SetItem(4, table.Blocks[4] with { Kernel = 255 }) }).Validate().Blocks[4].Kernel);
        Assert.Throws<ArgumentException>(() => (table with { Blocks = table.Blocks.SetItem(4, table.Blocks[4] with { Kernel = 257 }) }).Validate());
    }

    private static IEnumerable<int> Kernels(NetworkSpec spec) => spec.Blocks.Select(block => block.Kernel);
}
