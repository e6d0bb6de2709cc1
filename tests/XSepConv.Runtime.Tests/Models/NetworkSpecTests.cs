using System.Collections.Immutable;
using static XSepConv.PaddingDirection;

namespace XSepConv.Runtime.Tests.Models;

public sealed class NetworkSpecTests
{
    private static readonly BlockSpec Row = new(BlockKind.XSep, 3, 8, 16, 8, Activation.ReLU, SqueezeExcite.None, 1);

    private static NetworkSpec Spec(params ImmutableArray<BlockSpec> blocks) =>
        new() { Name = "test", StemChannels = 8, Blocks = blocks, LastChannels = 8, HiddenFeatures = 8 };

    [Fact]
    public void Shifts_cancel_within_each_resolution_of_any_network()
    {
        var random = new Random(12046);
        for (var i = 0; i < 500; i++)
        {
            var spec = Spec([.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => Row with
            {
                Kind = (BlockKind)random.Next(2), Stride = random.Next(5) == 0 ? 2 : 1,
            })]);
            var strides = spec.InputStrides();
            var paddings = spec.Paddings();
            Assert.Equal(spec.Blocks.Select(block => block.Kind == BlockKind.XSep), paddings.Select(padding => padding is not null));
            foreach (var stage in Enumerable.Range(0, strides.Length).GroupBy(block => strides[block]))
            {
                PaddingDirection[] plan = [.. stage.Where(block => paddings[block] is not null).Select(block => paddings[block]!.Value)];
                Assert.Equal((0, 0), PaddingPlan.ResidualShift(plan));
            }
        }
    }

    [Fact]
    public void The_2x2_of_a_row_that_down_samples_counts_at_the_resolution_it_comes_in_at()
    {
        var spec = Spec(Row, Row with { Stride = 2 }, Row, Row with { Kind = BlockKind.Dw }, Row, Row);
        Assert.Equal([2, 2, 4, 4, 4, 4], spec.InputStrides());
        Assert.Equal([RightBottom, LeftTop, RightBottom, null, LeftTop, Symmetric], spec.Paddings());
    }

    [Fact]
    public void A_strategy_pads_every_layer_alike_and_rows_without_a_2x2_not_at_all()
    {
        var spec = Spec(Row, Row with { Kind = BlockKind.Dw }, Row with { Stride = 2 }, Row with { Kind = BlockKind.Sep }, Row);
        Assert.Equal([RightBottom, null, LeftTop, null, Symmetric], spec.Paddings());
        Assert.Equal([Symmetric, null, Symmetric, null, Symmetric], (spec with { PaddingStrategy = PaddingStrategy.Symmetric }).Paddings());
        Assert.Equal([RightBottom, null, RightBottom, null, RightBottom], (spec with { PaddingStrategy = PaddingStrategy.RightBottom }).Paddings());
    }

    [Fact]
    public void Without_its_2x2_a_network_keeps_all_else()
    {
        var spec = Spec(Row, Row with { Kind = BlockKind.Dw }, Row with { Stride = 2 });
        var without = spec.WithoutTwoByTwo();
        Assert.Equal(
            Spec(Row with { Kind = BlockKind.Sep }, Row with { Kind = BlockKind.Dw }, Row with { Kind = BlockKind.Sep, Stride = 2 }) with
            {
                Name = $"{spec.Name}-without-2x2",
            },
            without);
        Assert.Equal([null, null, null], without.Paddings());
        Assert.Same(without, without.WithoutTwoByTwo());

        // Another block than XSep's: without its 2×2 it would be no Sep.
        Assert.Throws<InvalidOperationException>(() => Spec(Row with { Kind = BlockKind.XSepInvertedResidual }).WithoutTwoByTwo());

        // What can't be built is said where it is built.
        Assert.Throws<ArgumentException>(() => (spec with { Blocks = default }).WithoutTwoByTwo().Validate());
        Assert.Throws<ArgumentException>(() => (spec with { Blocks = [Row, null!] }).WithoutTwoByTwo().Validate());
    }

    [Fact]
    public void Equal_specs_have_equal_hashes_and_every_member_counts()
    {
        NetworkSpec one = Spec(Row, Row), other = Spec(Row, Row with { });
        Assert.Equal(one, other);
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
        NetworkSpec[] different =
        [
            one with { Name = "other" }, one with { InputChannels = 1 }, one with { NumClasses = 10 }, one with { StemChannels = 9 }, one with { StemStride = 1 },
            one with { LastChannels = 9 }, one with { HiddenFeatures = 9 }, one with { Dropout = 0.5 }, one with { PaddingPlacement = PaddingPlacement.BeforeExpand },
            one with { PaddingStrategy = PaddingStrategy.Symmetric },
            Spec(Row), Spec(Row, Row with { Kernel = 5 }),
        ];
        Assert.All(different, spec => Assert.NotEqual(one, spec));
        Assert.Equal(one with { Blocks = default }, one with { Blocks = default });
        Assert.Equal((one with { Blocks = default }).GetHashCode(), (one with { Blocks = [] }).GetHashCode());
    }

    [Fact]
    public void Validation_lists_the_problems()
    {
        var bad = new NetworkSpec
        {
            Name = " ",
            InputChannels = 0,
            NumClasses = 1_000_001,
            StemChannels = 65_537,
            StemStride = 3,
            LastChannels = -1,
            HiddenFeatures = -1,
            Dropout = double.NaN,
            PaddingPlacement = (PaddingPlacement)7,
            PaddingStrategy = (PaddingStrategy)9,
            Blocks = [new((BlockKind)99, 4, 0, 70_000, 16, (Activation)99, (SqueezeExcite)9, 3)],
        };
        Lists(
            bad, "name is empty", "input channels is 0", "classes is 1000001", "stem channels is 65537", "stem stride is 3", "last channels is -1", "hidden features is -1",
            "dropout is NaN", "padding placement is 7", "padding strategy is 9", "and 8 more");
        Lists(
            Spec(Row) with { Blocks = bad.Blocks },
            "block 0: kind is 99", "block 0: kernel is 4, it must be odd, from 1 to 255", "block 0: in is 0", "block 0: expand is 70000",
            "block 0: activation is 99", "block 0: squeeze-excite is 9", "block 0: stride is 3", "block 0: in is 0, but the stem gives");
        Lists(
            Spec(Row, new(BlockKind.XSep, 257, Row.Out + 8, 16, 3, Activation.ReLU, SqueezeExcite.Output, 1)),
            "block 1: kernel is 257", $"block 1: in is {Row.Out + 8}, but block 0 gives {Row.Out} channels", "block 1: an XSep row has squeeze-excite on the expanded map",
            "block 1: squeeze-excite needs at least 4 channels, it has 3");

        static void Lists(NetworkSpec spec, params string[] parts)
        {
            var message = Assert.Throws<ArgumentException>(() => spec.Validate()).Message;
            Assert.All(parts, part => Assert.Contains(part, message));
        }
    }

    [Fact]
    public void Missing_and_too_many_blocks_are_named()
    {
        Assert.Contains("there are 0 blocks", Assert.Throws<ArgumentException>(() => Spec(default(ImmutableArray<BlockSpec>)).Validate()).Message);
        Assert.Contains("there are 0 blocks", Assert.Throws<ArgumentException>(() => Spec([]).Validate()).Message);
        Assert.Contains("there are 1025 blocks", Assert.Throws<ArgumentException>(() => Spec([.. Enumerable.Repeat(Row, 1025)]).Validate()).Message);
        Assert.Contains("block 1 is missing", Assert.Throws<ArgumentException>(() => Spec(Row, null!, Row).Validate()).Message);
        Assert.Contains("25 blocks have stride 2", Assert.Throws<ArgumentException>(() => Spec([.. Enumerable.Repeat(Row with { Stride = 2 }, 25)]).Validate()).Message);
        Assert.Equal(1 << 25, 2 * Spec([.. Enumerable.Repeat(Row with { Stride = 2 }, 24)]).InputStrides()[^1]);
    }

    [Fact]
    public void A_spec_that_is_not_valid_has_no_paddings()
    {
        Assert.Throws<ArgumentException>(() => Spec(default(ImmutableArray<BlockSpec>)).Paddings());
        Assert.Throws<ArgumentException>(() => Spec(Row with { Stride = 0 }).InputStrides());
    }

    [Theory]
    [InlineData(SqueezeExcite.None, 0)]
    [InlineData(SqueezeExcite.Expanded, 72)]
    [InlineData(SqueezeExcite.Output, 24)]
    public void Squeeze_excite_is_as_wide_as_the_map_it_scales(SqueezeExcite place, int channels) =>
        Assert.Equal(channels, new BlockSpec(BlockKind.Dw, 3, 16, 72, 24, Activation.ReLU, place, 1).SqueezeExciteChannels);
}
