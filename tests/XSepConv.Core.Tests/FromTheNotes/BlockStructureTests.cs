using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.FromTheNotes;

/// <summary>Where our blocks do what the notes' listing does, and where they do not: each against the chain written out in torch functions.</summary>
public sealed class BlockStructureTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public BlockStructureTests() => random.manual_seed(7);

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Squeeze_excite_of_an_XSep_block_is_sized_to_the_expanded_channels_and_runs_before_the_projection()
    {
        var block = Calibrated(new XSepBlock(3, 8, 24, 8, PaddingDirection.RightBottom));
        var state = block.state_dict();
        Assert.Equal([6L, 24, 1, 1], state["se.se.1.weight"].shape);

        var x = Input();
        var y = XSep(state, DirectionalPadding.Pad(Act(Bn(state, "bn1", Conv(state, "conv1", x))), PaddingDirection.RightBottom), 1);
        y = Bn(state, "bn5", Conv(state, "conv5", Act(Squeeze(state, y))));
        Same(y + x, block.call(x));
    }

    [Fact]
    public void Squeeze_excite_of_a_Dw_block_is_sized_to_the_output_channels_and_runs_after_the_projection()
    {
        var block = Calibrated(new DwBlock(5, 8, 24, 12, stride: 2));
        var state = block.state_dict();
        Assert.Equal([3L, 12, 1, 1], state["se.se.1.weight"].shape);

        var y = Act(Bn(state, "bn1", Conv(state, "conv1", Input())));
        y = Act(Bn(state, "bn2", Conv(state, "conv2", y, (2, 2), (2, 2), groups: 24)));
        Same(Squeeze(state, Bn(state, "bn3", Conv(state, "conv3", y))), block.call(Input()));
    }

    [Theory]
    [InlineData(PaddingPlacement.AfterExpand)]
    [InlineData(PaddingPlacement.BeforeExpand)]
    public void The_expanded_map_is_padded_unless_the_listing_s_placement_is_asked_for(PaddingPlacement placement)
    {
        var block = Calibrated(new XSepBlock(5, 8, 16, 8, PaddingDirection.LeftTop, squeezeExcite: false, placement: placement));
        var state = block.state_dict();
        var x = Input();
        var before = placement == PaddingPlacement.BeforeExpand;
        var y = before ? DirectionalPadding.Pad(x, PaddingDirection.LeftTop) : x;
        y = Act(Bn(state, "bn1", Conv(state, "conv1", y)));
        if (!before) y = DirectionalPadding.Pad(y, PaddingDirection.LeftTop);
        else Assert.True(y[0, .., 0, 0].abs().max().item<double>() > 1e-3, "act(BN(0)) is zero here, so the two placements can't be told apart");

        Same(Bn(state, "bn5", Conv(state, "conv5", Act(XSep(state, y, 1)))) + x, block.call(x));
    }

    [Fact]
    public void The_activation_after_the_depthwise_stage_is_applied_without_squeeze_excite_too()
    {
        var block = Calibrated(new XSepBlock(3, 8, 16, 8, PaddingDirection.RightTop, squeezeExcite: false));
        var state = block.state_dict();
        var x = Input();
        var stage = XSep(state, DirectionalPadding.Pad(Act(Bn(state, "bn1", Conv(state, "conv1", x))), PaddingDirection.RightTop), 1);
        Same(Bn(state, "bn5", Conv(state, "conv5", Act(stage))) + x, block.call(x));
        var without = Bn(state, "bn5", Conv(state, "conv5", stage)) + x;
        Assert.True((without - block.call(x)).abs().max().item<double>() > 1e-3);
    }

    [Theory]
    [InlineData(1, 12)]
    [InlineData(2, 8)]
    public void A_Sep_block_is_an_XSep_block_without_its_2x2(int stride, int outChannels)
    {
        var block = Calibrated(new SepBlock(new(BlockKind.Sep, 5, 8, 24, outChannels, Activation.HSwish, SqueezeExcite.Expanded, stride)));
        var state = block.state_dict();
        Assert.Equal([24L, 1, 1, 5], state["conv2.weight"].shape);
        Assert.Equal([24L, 1, 5, 1], state["conv3.weight"].shape);

        var x = Input();
        var y = Act(Bn(state, "bn1", Conv(state, "conv1", x)));
        y = Act(Bn(state, "bn2", Conv(state, "conv2", y, (1, stride), (0, 2), groups: 24)));
        y = Bn(state, "bn3", Conv(state, "conv3", y, (stride, 1), (2, 0), groups: 24));
        y = Bn(state, "bn4", Conv(state, "conv4", Act(Squeeze(state, y))));
        if (stride == 1) y += Bn(state, "shortcut.1", Conv(state, "shortcut.0", x));
        Same(y, block.call(x));
    }

    [Fact]
    public void Stride_2_halves_each_side_once()
    {
        var block = Calibrated(new XSepBlock(7, 8, 16, 12, PaddingDirection.LeftBottom, squeezeExcite: false, stride: 2));
        var state = block.state_dict();
        var x = Input();
        var stage = XSep(state, DirectionalPadding.Pad(Act(Bn(state, "bn1", Conv(state, "conv1", x))), PaddingDirection.LeftBottom), 2);
        Assert.Equal([3L, 16, 5, 4], stage.shape);
        Same(Bn(state, "bn5", Conv(state, "conv5", Act(stage))), block.call(x));
    }

    [Fact]
    public void Activations_hold_no_state_so_that_sharing_one_makes_no_difference()
    {
        Assert.Empty(new HSwish().state_dict());
        Assert.Empty(new HSigmoid().state_dict());
        var x = tensor(new[] { -4.0, -3, -1, 0, 1, 3, 4 });
        Same(tensor(new[] { 0, 0, -1 / 3.0, 0, 2 / 3.0, 3, 4 }), new HSwish().call(x));
        Same(tensor(new[] { 0, 0, 1 / 3.0, 0.5, 2 / 3.0, 1, 1 }), new HSigmoid().call(x));
    }

    private static Tensor Input()
    {
        random.manual_seed(11);
        return randn(3, 8, 9, 8, dtype: float64);
    }

    // In float64, with statistics and shifts that are not those of a new batch norm.
    private static T Calibrated<T>(T block)
        where T : nn.Module<Tensor, Tensor>
    {
        block.to(float64);
        using (no_grad())
        {
            foreach (var (name, parameter) in block.named_parameters())
            {
                if (parameter.dim() == 1) parameter.copy_(name.EndsWith("bias", StringComparison.Ordinal) ? randn_like(parameter) : rand_like(parameter) + 0.5);
            }

            block.train();
            for (var i = 0; i < 5; i++) block.call(randn(4, 8, 9, 8, dtype: float64));
        }

        block.eval();
        return block;
    }

    private static Tensor XSep(Dictionary<string, Tensor> state, Tensor padded, long stride)
    {
        var channels = padded.shape[1];
        var k = state["conv3.weight"].shape[3];
        var y = Act(Bn(state, "bn2", Conv(state, "conv2", padded, groups: channels)));
        y = Act(Bn(state, "bn3", Conv(state, "conv3", y, (1, stride), (0, k / 2), channels)));
        return Bn(state, "bn4", Conv(state, "conv4", y, (stride, 1), (k / 2, 0), channels));
    }

    private static Tensor Squeeze(Dictionary<string, Tensor> state, Tensor x)
    {
        var gate = x.mean([2, 3], keepdim: true);
        gate = Bn(state, "se.se.2", Conv(state, "se.se.1", gate)).clamp(min: 0);
        gate = Bn(state, "se.se.5", Conv(state, "se.se.4", gate));
        return x * (gate + 3).clamp(0, 6) / 6;
    }

    private static Tensor Act(Tensor x) => x * (x + 3).clamp(0, 6) / 6;

    private static Tensor Conv(
        Dictionary<string, Tensor> state, string key, Tensor x, (long, long)? stride = null, (long, long)? padding = null, long groups = 1)
    {
        var ((sh, sw), (ph, pw)) = (stride ?? (1, 1), padding ?? (0, 0));
        return nn.functional.conv2d(x, state[$"{key}.weight"], null, [sh, sw], [ph, pw], [1, 1], groups);
    }

    private static Tensor Bn(Dictionary<string, Tensor> state, string key, Tensor x)
    {
        Tensor Of(string part) => state[$"{key}.{part}"].view(1, -1, 1, 1);
        return ((x - Of("running_mean")) / (Of("running_var") + 1e-5).sqrt() * Of("weight")) + Of("bias");
    }

    // float64 rounds at 2⁻⁵³; chains of some hundred operations stay far below 1e-10 of the largest value.
    private static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var error = ((actual - expected).abs().max() / expected.abs().max()).item<double>();
        Assert.InRange(error, 0, 1e-10);
    }
}
