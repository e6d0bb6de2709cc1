using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

public class XSepConverterTests
{
    private static readonly long[] Input = [2, 3, 32, 32];

    [Theory]
    [InlineData("mobilenet", 5)]
    [InlineData("convnext", 5)]
    [InlineData("sequential", 3)]
    public void A_network_of_a_user_converts_keeps_its_output_shape_and_trains(string name, int replaced)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        using var network = UserNetworks.Create(name);
        network.train();
        var report = XSepConverter.Convert(network, Input);

        Assert.Equal(replaced, report.Replaced.Count);
        Assert.Equal(replaced, network.modules().OfType<XSepConv2d>().Distinct().Count());
        Assert.All(network.modules(), module => Assert.True(module.training));
        Assert.Equal([4L, 8], network.call(randn(4, 3, 32, 32)).shape);
        Assert.Equal([3L, 8], network.call(randn(3, 3, 27, 41)).shape);

        var (x, labels) = (randn(16, 3, 32, 32), arange(16).remainder(8));
        using var optimizer = optim.Adam(network.parameters(), 0.01);
        var losses = new List<float>();
        for (var step = 0; step < 20; step++)
        {
            optimizer.zero_grad();
            var loss = functional.cross_entropy(network.call(x), labels);
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }

        // Sixteen images learned by heart: the loss starts near ln 8 = 2.08.
        Assert.True(losses[^1] < 0.7 * losses[0], string.Join(" ", losses));
    }

    [Theory]
    [InlineData("mobilenet")]
    [InlineData("convnext")]
    [InlineData("sequential")]
    public void A_second_conversion_finds_nothing_and_says_so(string name)
    {
        using var network = UserNetworks.Create(name);
        XSepConverter.Convert(network, Input);

        Assert.Empty(XSepConverter.Preview(network, Input).Replaced);
        var error = Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(network, Input));
        Assert.Contains("nothing to replace", error.Message);
    }

    [Theory]
    [InlineData("mobilenet")]
    [InlineData("convnext")]
    [InlineData("sequential")]
    public void The_shifts_cancel_within_each_resolution(string name)
    {
        using var network = UserNetworks.Create(name);
        var report = XSepConverter.Convert(network, Input, new() { MinKernelStride2 = 5 });

        foreach (var resolution in report.Replaced.GroupBy(layer => (layer.Height, layer.Width)))
        {
            var shift = resolution.Select(layer => PaddingPlan.Shift(layer.Padding)).Aggregate((X: 0.0, Y: 0.0), (sum, one) => (sum.X + one.X, sum.Y + one.Y));
            Assert.Equal((0.0, 0.0), shift);
        }

        // What the report says is what the modules do.
        var modules = network.named_modules().Where(entry => entry.module is XSepConv2d).ToDictionary(entry => entry.name, entry => ((XSepConv2d)entry.module).Padding);
        Assert.Equal(modules, report.Replaced.ToDictionary(layer => layer.Path, layer => layer.Padding));
    }

    [Fact]
    public void Paths_and_paddings_follow_the_order_of_execution()
    {
        using var network = new UserNetworks.MobileNetV2Like();
        var report = XSepConverter.Convert(network, Input);

        // At 16×16 run three of stride 1 and the 7×7 of stride 2, which pads its full-size input; at 8×8 one.
        Assert.Equal(
            [
                ("features.3.conv.3", "features.3.conv.4", 5, 1, 16, PaddingDirection.RightBottom),
                ("features.4.conv.3", "features.4.conv.4", 5, 1, 16, PaddingDirection.LeftTop),
                ("features.5.conv.3", "features.5.conv.4", 5, 1, 16, PaddingDirection.LeftBottom),
                ("features.6.conv.3", "features.6.conv.4", 7, 2, 16, PaddingDirection.RightTop),
                ("features.7.conv.3", "features.7.conv.4", 5, 1, 8, PaddingDirection.Symmetric),
            ],
            report.Replaced.Select(layer => (layer.Path, layer.BatchNormPath!, layer.KernelSize, layer.Stride, layer.Height, layer.Padding)));
        Assert.Empty(report.Left);
    }

    [Fact]
    public void The_report_counts_as_one_counts_by_hand_and_agrees_with_the_profile_of_the_result()
    {
        using var network = UserNetworks.PlainSequential();
        var before = ModelProfile.Of(network, 1, 3, 32, 32);
        var report = XSepConverter.Convert(network, [1, 3, 32, 32]);
        var after = ModelProfile.Of(network, 1, 3, 32, 32);

        // dw2: 12 channels, 5×5 with bias, batch norm, on 16×16 → (4 + 2·5) weights and three batch norms a channel.
        var layer = report.Replaced[1];
        Assert.Equal("dw2", layer.Path);
        Assert.Equal(12 * (25 + 1 + 2), layer.ParametersBefore);
        Assert.Equal(12 * (14 + 6), layer.ParametersAfter);
        Assert.Equal(12 * 16 * 16 * 25, layer.MacsBefore);
        Assert.Equal(12 * 16 * 16 * 14, layer.MacsAfter);

        Assert.Equal(before.Parameters, report.ParametersBefore);
        Assert.Equal(after.Parameters, report.ParametersAfter);
        Assert.Equal(before.Macs, report.MacsBefore);
        Assert.Equal(after.Macs, report.MacsAfter);
        Assert.Null(report.NotCounted);
    }

    [Fact]
    public void At_stride_2_the_MACs_are_those_of_the_full_and_the_half_maps()
    {
        using var network = Sequential(("dw", Conv2d(4, 4, 7, stride: 2, padding: 3, groups: 4)), ("bn", BatchNorm2d(4)));
        var layer = XSepConverter.Convert(network, [1, 4, 9, 6]).Replaced.Single();

        // 2×2 on 9×6; 1×7 on 9 rows and 3 columns; 7×1 on 5×3.
        Assert.Equal(4 * ((4 * 54) + (7 * 27) + (7 * 15)), layer.MacsAfter);
        Assert.Equal(4 * 49 * 15, layer.MacsBefore);
        Assert.Equal(ModelProfile.Of(network, 1, 4, 9, 6).Macs, layer.MacsAfter);
    }

    [Fact]
    public void What_cannot_be_counted_is_named_and_the_replaced_layers_are_counted_all_the_same()
    {
        using var network = new UserNetworks.ConvNeXtLike();
        var report = XSepConverter.Convert(network, [1, 3, 32, 32]);

        Assert.Null(report.MacsBefore);
        Assert.Null(report.MacsAfter);
        Assert.Contains("ConvNeXtBlock", report.NotCounted);
        Assert.Contains("not counted", report.ToString());
        Assert.Equal(16 * 16 * 16 * 49, report.Replaced[0].MacsBefore);
        Assert.Equal(16 * 16 * 16 * 18, report.Replaced[0].MacsAfter);
        Assert.Equal(network.parameters().Sum(parameter => parameter.numel()), report.ParametersAfter);
    }

    [Fact]
    public void A_preview_says_what_a_conversion_does_and_changes_nothing()
    {
        using var network = new UserNetworks.MobileNetV2Like();
        network.train();
        var modules = network.named_modules().ToList();
        var preview = XSepConverter.Preview(network, Input);

        Assert.Equal(modules, network.named_modules());
        Assert.All(network.modules(), module => Assert.True(module.training));
        Assert.Equal(preview.ToString(), XSepConverter.Convert(network, Input).ToString());
    }

    [Fact]
    public void Mode_dtype_epsilon_momentum_and_the_order_of_the_state_dict_are_kept()
    {
        using var scope = NewDisposeScope();
        var network = Sequential(
            ("a", new Pair(4, eps: 1e-3, momentum: 0.03)),
            ("b", new Pair(4, eps: 1e-5, momentum: 0.1)));
        network.to(ScalarType.Float64);
        network.train();
        network.modules().OfType<TorchSharp.Modules.BatchNorm2d>().First().eval();
        XSepConverter.Convert(network, [1, 4, 8, 8]);

        var (a, b) = ((XSepConv2d)((Pair)network[0]).Conv, (XSepConv2d)((Pair)network[1]).Conv);
        Assert.False(a.training);
        Assert.True(b.training);
        Assert.True(network.training);
        Assert.All(a.children().OfType<TorchSharp.Modules.BatchNorm2d>(), norm => Assert.Equal((1e-3, 0.03), (norm.eps, norm.momentum)));
        Assert.All(network.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
        Assert.Equal(ScalarType.Float64, network.call(randn(2, 4, 8, 8, dtype: ScalarType.Float64)).dtype);

        // The children keep their order: what was the first key starts with the first child still.
        Assert.Equal(["conv", "norm", "last"], ((Pair)network[0]).named_children().Select(child => child.name));
        Assert.Contains("a.conv.conv1.weight", network.state_dict().Keys);
        Assert.DoesNotContain(network.state_dict().Keys, key => key.StartsWith("a.norm", StringComparison.Ordinal));
    }

    private sealed class Pair : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv, norm, last;

        public Pair(int channels, double eps, double momentum) : base(nameof(Pair))
        {
            conv = Conv2d(channels, channels, 5, padding: 2, groups: channels, bias: false);
            norm = BatchNorm2d(channels, eps, momentum);
            last = Conv2d(channels, channels, 1);
            RegisterComponents();
        }

        public Module<Tensor, Tensor> Conv => conv;

        public override Tensor forward(Tensor x) => last.call(norm.call(conv.call(x)));
    }
}
