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
        var file = Agreement.Check(module, new() { BatchNorm = norm, ClassNames = ["a", "b", "c"] }, "sequence", [1, 1, 31, 17],
            [7, 1, 9, 12]);
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

    [Theory]
    [InlineData("input", "act", "output")]
    [InlineData("output", "act", "input")]
    [InlineData("hidden", "output", "last")]
    public void Input_and_output_have_their_names_whatever_the_layers_are_called(params string[] names)
    {
        using var module = nn.Sequential((names[0], nn.Linear(4, 8)), (names[1], nn.ReLU()), (names[2], nn.Linear(8, 3)));
        var graph = OnnxFile.Parse(Agreement.Check(module, new(), "names", [2, 4])).Graph;
        Assert.Equal(("input", "output"), (graph.Input.Single().Name, graph.Output.Single().Name));
    }

    [Fact]
    public void A_module_that_cannot_be_exported_is_named_with_its_path()
    {
        using var module = nn.Sequential(("features", nn.Sequential(("0", nn.Conv2d(3, 4, 3)), ("1", nn.Mish()))));
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(module));
        Assert.Contains("'features.1' is a TorchSharp.Modules.Mish, which can't be exported", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_with_a_forward_of_its_own_is_not_exported_as_if_it_had_none()
    {
        using var network = new Halved();
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(network));
        Assert.Contains(
            "the module itself is a XSepConv.Onnx.Tests.SequentialTests.Halved, which can't be exported: it has a "
            + "forward of its own, which may do something else than that of XSepConv.MobileNet",
            error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_that_cannot_be_exported_are_refused_by_name()
    {
        foreach (var (module, message) in new (nn.Module<Tensor, Tensor>, string)[]
        {
            (nn.BatchNorm2d(3, track_running_stats: false), "'1' is a batch norm without running statistics"),
            (nn.Conv2d(3, 3, 3, padding: 1, padding_mode: PaddingModes.Circular),
                "'1' is a TorchSharp.Modules.Conv2d, which can't be exported: its padding mode is Circular"),
            (nn.Conv2d(3, 3, (3, 5), TorchSharp.Padding.Same, padding_mode: PaddingModes.Reflect),
                "its padding is Same and Reflect, and its kernel is not square"),
            (nn.AdaptiveAvgPool2d(2),
                "'1' is a TorchSharp.Modules.AdaptiveAvgPool2d, which can't be exported: it pools "
                + "[N, 3, H, W] to 2×2, which needs a size in OnnxExportOptions.Size"),
            (nn.Flatten(), "'1' is a TorchSharp.Modules.Flatten, which can't be exported: it flattens [N, 3, H, W] from dimension 1 to 3"),
            (nn.Flatten(0), "from dimension 0 to 3"),
            (nn.Flatten(1, 2), "from dimension 1 to 2"),
            (nn.MaxPool2d(2, 3, 1, ceil_mode: true),
                "what its ceil_mode does to [N, 3, H, W] depends on the size; give one in OnnxExportOptions.Size"),
            (nn.AvgPool2d(3, 2, ceil_mode: true, divisor_override: 2), "it has both ceil_mode and divisor_override"),
            (nn.Upsample(scale_factor: [1.5, 1.5]), "it scales [N, 3, H, W] by 1.5×1.5, which needs a size in OnnxExportOptions.Size"),
            (nn.Upsample(scale_factor: [1.2, 1.2]),
                "it scales [N, 3, H, W] by 1.2×1.2, and which pixels are the nearest depends on the size; give one in "
                + "OnnxExportOptions.Size"),
            (nn.Upsample(), "it has 0 factors and 0 sizes; two of the one or of the other can be, of height and width"),
            (nn.Upsample([4, 5, 6], mode: UpsampleMode.Bilinear), "it has 0 factors and 3 sizes"),
            (nn.Upsample(scale_factor: [2, 41]), "it scales [N, 3, H, W] by 2×41, and which pixels are the nearest"),
            (nn.Upsample([16, 32]), "it brings [N, 3, H, W] to 16×32, and which pixels are the nearest"),
            (nn.Upsample(scale_factor: [2, 2], mode: UpsampleMode.Trilinear),
                "its mode is Trilinear; Nearest, Bilinear and Bicubic can be"),
            (nn.ReflectionPad2d((-1, 0, 0, 0)), "it pads by -1; less than 0 can be with a constant only"),
            (nn.Softmax(0), "it is over dimension 0, the batch"),
            (torchvision.ops.Permute(1, 0, 2, 3), "it puts [N, 3, H, W] into the order 1, 0, 2, 3; the batch stays in front"),
        })
        {
            using var sequence = nn.Sequential(nn.Conv2d(3, 3, 1), module);
            Assert.Contains(message, Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(sequence)).Message,
                StringComparison.Ordinal);
        }
    }

    // Windows of 3 start every 4, from 1 before the map: the last at 11, which is in the padding of 11 rows, and in the map of 12 columns.
    [Fact]
    public void A_window_that_torch_leaves_out_in_one_direction_only_is_refused()
    {
        using var module = nn.Sequential(nn.Conv2d(3, 3, 1), nn.MaxPool2d(3, 4, 1, ceil_mode: true));
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(module, new() { Size = (11, 12) }));
        Assert.Contains("its ceil_mode adds a window to [N, 3, 11, 12] in one direction and not in the other", error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_a_layer_is_named()
    {
        foreach (var (module, message) in new (nn.Module<Tensor, Tensor>, string)[]
        {
            (nn.LayerNorm(5), "'1' is a layer norm over [5], it gets [N, 3, 8, 8]."),
            (nn.GroupNorm(2, 4), "'1' is a group norm of 4 channels in 2 groups, it gets [N, 3, 8, 8]."),
            (nn.MaxPool2d(9), "'1' gets a map [N, 3, 8, 8], smaller than its 9×9 kernel."),
            (nn.ReflectionPad2d(8), "'1' pads a map [N, 3, 8, 8] by 8, 8, 8, 8."),
            (nn.ZeroPad2d(-4), "'1' pads a map [N, 3, 8, 8] by -4, -4, -4, -4."),
            (nn.Softmax(4), "'1' is over dimension 4, it gets [N, 3, 8, 8]."),
        })
        {
            // TorchSharp leaves a group norm's weights as the memory was.
            using var sequence = Randomised.Eval(nn.Sequential(nn.Conv2d(3, 3, 1), module), 1);
            var error = Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(sequence, new() { Size = (8, 8) }));
            Assert.True(error.Message.Contains(message, StringComparison.Ordinal), error.Message);
        }
    }

    [Fact]
    public void Modules_that_do_not_fit_each_other_are_named()
    {
        using var channels = nn.Sequential(nn.Conv2d(3, 4, 1), new XSepConv2d(5, 3));
        Assert.Contains("'1' takes maps of 5 channels, it gets [N, 4, H, W]",
            Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(channels)).Message, StringComparison.Ordinal);
        using var features = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 2));
        Assert.Contains("'1' is a linear layer of 4 features, it gets [N, 4, H, W]",
            Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(features)).Message, StringComparison.Ordinal);
        using var unsized = nn.Sequential(nn.ReLU());
        Assert.Contains("does not say how many channels", Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(unsized)).Message,
            StringComparison.Ordinal);
    }

    private sealed class Halved() : MobileNet(MobileNetV3SmallSpec.XSep(new() { NumClasses = 2, Width = 0.1 }))
    {
        public override Tensor forward(Tensor x) => base.forward(x) / 2;
    }
}
