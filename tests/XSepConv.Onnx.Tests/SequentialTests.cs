using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

public sealed class SequentialTests
{
    [Theory]
    [InlineData(OnnxBatchNorm.Folded)]
    [InlineData(OnnxBatchNorm.Kept)]
    public void A_sequence_of_blocks_and_stock_layers_computes_the_same(OnnxBatchNorm norm)
    {
        using var module = Randomised.Eval(
            nn.Sequential(
                ("stem", nn.Conv2d(1, 8, 5, stride: 2, padding: 1, bias: true)),
                ("norm", nn.BatchNorm2d(8)),
                ("act", nn.Hardswish()),
                ("same", nn.Conv2d(8, 8, 4, padding: TorchSharp.Padding.Same, groups: 2, dilation: 2)),
                ("relu", nn.ReLU()),
                ("blocks", nn.Sequential(
                    new XSepBlock(5, 8, 12, 8, PaddingDirection.RightBottom), nn.Identity(), new DwBlock(3, 8, 16, 12, stride: 2), new XSepConv2d(12, 5))),
                ("loneNorm", nn.BatchNorm2d(12)),
                ("gate", new HSigmoid()),
                ("pool", nn.AdaptiveAvgPool2d(1)),
                ("flatten", nn.Flatten()),
                ("drop", nn.Dropout(0.5)),
                ("hidden", nn.Linear(12, 9)),
                ("hiddenNorm", nn.BatchNorm1d(9)),
                ("hiddenAct", new HSwish()),
                ("classes", nn.Linear(9, 3, hasBias: false))),
            seed: 3);
        var file = Agreement.Check(module, new() { BatchNorm = norm, ClassNames = ["a", "b", "c"] }, "sequence", [1, 1, 31, 17], [7, 1, 9, 12]);
        Assert.Equal(norm == OnnxBatchNorm.Folded ? 1 : 18, OnnxFile.Info(file).Operators["BatchNormalization"]);
    }

    [Fact]
    public void Features_alone_are_an_input_too()
    {
        using var module = Randomised.Eval(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU()), 1);
        Agreement.Check(module, new(), "linear", [1, 6], [7, 6]);
    }

    [Fact]
    public void A_module_that_does_nothing_has_another_output_than_its_input()
    {
        using var module = Randomised.Eval(nn.Sequential(nn.Sequential(), nn.BatchNorm2d(2), nn.Identity()), 1);
        Agreement.Check(module, new(), "norm alone", [2, 2, 3, 3]);
    }

    [Fact]
    public void A_module_that_cannot_be_exported_is_named_with_its_path()
    {
        using var module = nn.Sequential(("features", nn.Sequential(("0", nn.Conv2d(3, 4, 3)), ("1", nn.GELU()))));
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(module));
        Assert.Contains("'features.1' is a GELU", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_with_a_forward_of_its_own_is_not_exported_as_if_it_had_none()
    {
        using var network = new Halved();
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(network));
        Assert.Contains("the module itself is a Halved", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Batch_norm_without_statistics_padding_with_other_than_zeros_and_other_pooling_are_refused()
    {
        foreach (var (module, message) in new (nn.Module<Tensor, Tensor>, string)[]
        {
            (nn.BatchNorm2d(3, track_running_stats: false), "'1' is a batch norm without running statistics"),
            (nn.Conv2d(3, 3, 3, padding: 1, padding_mode: PaddingModes.Reflect), "'1' is a convolution with padding mode Reflect"),
            (nn.AdaptiveAvgPool2d(2), "'1' is a AdaptiveAvgPool2d that can't be exported"),
            (nn.Flatten(), "'1' is a Flatten that can't be exported"),
        })
        {
            using var sequence = nn.Sequential(nn.Conv2d(3, 3, 1), module);
            Assert.Contains(message, Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(sequence)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Modules_that_do_not_fit_each_other_are_named()
    {
        using var channels = nn.Sequential(nn.Conv2d(3, 4, 1), new XSepConv2d(5, 3));
        Assert.Contains("'1' takes maps of 5 channels, it gets [N, 4, H, W]", Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(channels)).Message, StringComparison.Ordinal);
        using var features = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 2));
        Assert.Contains("'1' is a linear layer of 4 features, it gets [N, 4, H, W]", Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(features)).Message, StringComparison.Ordinal);
        using var unsized = nn.Sequential(nn.ReLU());
        Assert.Contains("does not say how many channels", Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(unsized)).Message, StringComparison.Ordinal);
    }

    private sealed class Halved() : MobileNetV3(MobileNetV3SmallSpec.XSep(new() { NumClasses = 2, Width = 0.1 }))
    {
        public override Tensor forward(Tensor x) => base.forward(x) / 2;
    }
}
