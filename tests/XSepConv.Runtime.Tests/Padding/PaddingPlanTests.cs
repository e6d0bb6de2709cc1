using static XSepConv.PaddingDirection;

namespace XSepConv.Runtime.Tests.Padding;

public sealed class PaddingPlanTests
{
    // Written down from the paper's rules, N from 0 to 12: RB LT LB RT over and over, and an odd network's last layer Symmetric.
    private static readonly PaddingDirection[][] ByCount =
    [
        [],
        [Symmetric],
        [RightBottom, LeftTop],
        [RightBottom, LeftTop, Symmetric],
        [RightBottom, LeftTop, LeftBottom, RightTop],
        [RightBottom, LeftTop, LeftBottom, RightTop, Symmetric],
        [RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop],
        [RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, Symmetric],
        [RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, LeftBottom, RightTop],
        [RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, LeftBottom, RightTop, Symmetric],
        [RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop],
        [RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, Symmetric],
        [RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop, LeftBottom, RightTop],
    ];

    [Fact]
    public void Networks_of_0_to_12_layers_follow_the_paper()
    {
        for (var layers = 0; layers < ByCount.Length; layers++) Assert.Equal(ByCount[layers], PaddingPlan.ForNetwork(layers));
    }

    [Theory]
    [InlineData(1, RightBottom)]
    [InlineData(2, LeftTop)]
    [InlineData(3, LeftBottom)]
    [InlineData(4, RightTop)]
    [InlineData(5, RightBottom)]
    [InlineData(6, LeftTop)]
    [InlineData(7, LeftBottom)]
    [InlineData(8, RightTop)]
    [InlineData(int.MaxValue, LeftBottom)] // 2³¹ − 1 leaves 3 when divided by 4.
    public void A_layer_has_the_direction_that_its_number_modulo_4_has_in_the_listing(int layer, PaddingDirection expected) =>
        Assert.Equal(expected, PaddingPlan.ForLayer(layer));

    [Fact]
    public void Stages_restart_the_cycle()
    {
        Assert.Equal([RightBottom, LeftTop, LeftBottom, RightTop, RightBottom, LeftTop], PaddingPlan.ForStages(4, 2));
        Assert.Equal([RightBottom, LeftTop, RightBottom, LeftTop, LeftBottom, RightTop], PaddingPlan.ForStages(2, 4));
        Assert.Equal([RightBottom, LeftTop, RightBottom, LeftTop], PaddingPlan.ForStages(2, 2));
        Assert.Equal([Symmetric, Symmetric, Symmetric], PaddingPlan.ForStages(1, 1, 1));
        Assert.Equal([RightBottom, LeftTop, Symmetric, RightBottom, LeftTop, LeftBottom, RightTop, Symmetric], PaddingPlan.ForStages(3, 0, 5));
        Assert.Equal(ByCount[7], PaddingPlan.ForStages(7));
        Assert.Empty(PaddingPlan.ForStages());
        Assert.Empty(PaddingPlan.ForStages(0, 0));
        int[] counts = [4, 2];
        Assert.Equal(PaddingPlan.ForStages(4, 2), PaddingPlan.ForStages(counts));
    }

    [Theory]
    [InlineData(RightBottom, -0.5, -0.5)]
    [InlineData(LeftTop, 0.5, 0.5)]
    [InlineData(LeftBottom, 0.5, -0.5)]
    [InlineData(RightTop, -0.5, 0.5)]
    [InlineData(Symmetric, 0, 0)]
    public void A_layer_shifts_the_content_by_half_a_pixel_away_from_its_zeros(PaddingDirection direction, double x, double y) =>
        Assert.Equal((x, y), PaddingPlan.Shift(direction));

    [Theory]
    [InlineData(RightBottom, LeftTop)]
    [InlineData(LeftBottom, RightTop)]
    public void Opposite_directions_cancel(PaddingDirection one, PaddingDirection other)
    {
        Assert.Equal((0, 0), PaddingPlan.ResidualShift([one, other]));
        Assert.NotEqual((0, 0), PaddingPlan.ResidualShift([one, one]));
    }

    [Fact]
    public void A_residual_shift_is_the_sum_in_input_pixels()
    {
        // Half of 16 up and left, then half of 8 right and up; worked by hand.
        Assert.Equal((-8 + 4, -8 - 4), PaddingPlan.ResidualShift([RightBottom, LeftBottom], [16, 8]));

        // What the whole-network rule leaves for six layers when the last two run at stride 32 and their opposites are split by a stride:
        // RB LT LB | RT RB LT at 16 and 32: x = (−½ + ½ + ½)·16 + (−½ − ½ + ½)·32 = −8, y = (−½ + ½ − ½)·16 + (½ − ½ + ½)·32 = 8.
        Assert.Equal((-8, 8), PaddingPlan.ResidualShift(PaddingPlan.ForNetwork(6).AsSpan(), [16, 16, 16, 32, 32, 32]));
        Assert.Equal((0, 0), PaddingPlan.ResidualShift(PaddingPlan.ForStages(3, 3).AsSpan(), [16, 16, 16, 32, 32, 32]));
        Assert.Equal((0, 0), PaddingPlan.ResidualShift([]));
        Assert.Equal((-1.5, -1.5), PaddingPlan.ResidualShift([RightBottom, RightBottom, RightBottom]));
    }

    [Fact]
    public void No_network_of_any_size_keeps_a_shift()
    {
        for (var layers = 0; layers <= 300; layers++) Assert.Equal((0, 0), PaddingPlan.ResidualShift(PaddingPlan.ForNetwork(layers).AsSpan()));
    }

    [Fact]
    public void No_list_of_stages_keeps_a_shift_whatever_their_strides()
    {
        var random = new Random(2002);
        for (var i = 0; i < 2_000; i++)
        {
            var counts = Enumerable.Range(0, random.Next(0, 8)).Select(_ => random.Next(0, 12)).ToArray();
            var stride = 1;
            var strides = new List<int>();
            foreach (var count in counts)
            {
                strides.AddRange(Enumerable.Repeat(stride, count));
                stride *= random.Next(1, 4);
            }

            var plan = PaddingPlan.ForStages(counts);
            Assert.Equal(counts.Sum(), plan.Length);
            Assert.Equal((0, 0), PaddingPlan.ResidualShift(plan.AsSpan(), strides.ToArray()));

            // A stage by itself has the paper's plan for its size.
            var at = 0;
            foreach (var count in counts)
            {
                Assert.Equal(PaddingPlan.ForNetwork(count), plan.Slice(at, count));
                at += count;
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void Layers_below_1_are_refused(int layer)
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => PaddingPlan.ForLayer(layer));
        Assert.Equal("layer", e.ParamName);
        Assert.Equal(layer, e.ActualValue);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(65_537)]
    [InlineData(int.MaxValue)]
    public void Absurd_counts_are_refused_before_anything_is_allocated(int count)
    {
        var network = Assert.Throws<ArgumentOutOfRangeException>(() => PaddingPlan.ForNetwork(count));
        Assert.Equal("layers", network.ParamName);
        Assert.Equal(count, network.ActualValue);
        var stages = Assert.Throws<ArgumentOutOfRangeException>(() => PaddingPlan.ForStages(4, count));
        Assert.Equal("counts", stages.ParamName);
        Assert.Equal(count, stages.ActualValue);
    }

    [Fact]
    public void Strides_must_fit_the_plan()
    {
        Assert.Contains("1 strides for 2 layers", Assert.Throws<ArgumentException>(() => PaddingPlan.ResidualShift([RightBottom, LeftTop], [1])).Message);
        Assert.Contains("layer 2 is 0", Assert.Throws<ArgumentException>(() => PaddingPlan.ResidualShift([RightBottom, LeftTop], [1, 0])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => PaddingPlan.ResidualShift([(PaddingDirection)5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PaddingPlan.Shift((PaddingDirection)(-1)));
    }

    [Fact]
    public void The_largest_plan_is_made() => Assert.Equal(65_536, PaddingPlan.ForNetwork(65_536).Length);
}
