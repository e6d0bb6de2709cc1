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
        using var module = Sequences.Mixed();
        var file = Agreement.Check(module, new() { BatchNorm = norm, ClassNames = ["a", "b", "c"] }, "sequence", [1, 1, 31, 17], [7, 1, 9, 12]);
        Assert.Equal(norm == OnnxBatchNorm.Folded ? 1 : 18, OnnxFile.Info(file).Operators["BatchNormalization"]);
    }

    [Theory]
    [InlineData(OnnxBatchNorm.Folded)]
    [InlineData(OnnxBatchNorm.Kept)]
    public void Every_layer_computes_the_same_in_the_operators_of_every_version(OnnxBatchNorm norm)
    {
        for (var opset = OnnxExporter.OldestOpsetVersion; opset <= OnnxExporter.NewestOpsetVersion; opset++)
        {
            foreach (var (what, module, shapes) in Sequences.All())
            {
                using var owned = module;
                Agreement.Check(module, new() { BatchNorm = norm, Opset = opset }, $"{what}, opset {opset}", shapes);
            }
        }
    }

    [Fact]
    public void A_module_that_cannot_be_exported_is_named_with_its_path()
    {
        using var module = nn.Sequential(("features", nn.Sequential(("0", nn.Conv2d(3, 4, 3)), ("1", nn.GELU()))));
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(module));
        Assert.Contains("'features.1' is a TorchSharp.Modules.GELU, which can't be exported", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_with_a_forward_of_its_own_is_not_exported_as_if_it_had_none()
    {
        using var network = new Halved();
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(network));
        Assert.Contains("the module itself is a XSepConv.Onnx.Tests.SequentialTests.Halved, which can't be exported: it has a forward of its own, which may do something else than that of XSepConv.MobileNet", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Batch_norm_without_statistics_padding_with_other_than_zeros_and_other_pooling_are_refused()
    {
        foreach (var (module, message) in new (nn.Module<Tensor, Tensor>, string)[]
        {
            (nn.BatchNorm2d(3, track_running_stats: false), "'1' is a batch norm without running statistics"),
            (nn.Conv2d(3, 3, 3, padding: 1, padding_mode: PaddingModes.Reflect), "'1' is a convolution with padding mode Reflect"),
            (nn.AdaptiveAvgPool2d(2), "'1' is a TorchSharp.Modules.AdaptiveAvgPool2d, which can't be exported: it pools to 2×2"),
            (nn.Flatten(), "'1' is a TorchSharp.Modules.Flatten, which can't be exported: it flattens [N, 3, H, W] from dimension 1 to -1"),
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

    private sealed class Halved() : MobileNet(MobileNetV3SmallSpec.XSep(new() { NumClasses = 2, Width = 0.1 }))
    {
        public override Tensor forward(Tensor x) => base.forward(x) / 2;
    }
}
