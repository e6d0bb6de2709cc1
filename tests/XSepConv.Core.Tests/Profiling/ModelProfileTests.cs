using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Profiling;

public class ModelProfileTests
{
    [Fact]
    public void The_default_network_has_the_parameters_and_MACs_of_the_design()
    {
        using var network = new XSepMobileNetV3Small();
        var profile = ModelProfile.Of(network, 1, 3, 224, 224);

        Assert.Equal(2_889_512, profile.Parameters);
        Assert.Equal(58_004_384, profile.Macs);
    }

    [Fact]
    public void The_large_network_has_the_MACs_counted_by_hand()
    {
        // Pixels that a layer computes times channels in times out (depthwise: times the kernel's area), resolution by resolution; squeeze-excite runs on one pixel.
        const int P112 = 112 * 112, P56 = 56 * 56, P28 = 28 * 28, P14 = 14 * 14, P7 = 7 * 7;
        const long Stem = (3 * 16 * 9 * P112) + (P112 * ((16 * 16) + (9 * 16) + (16 * 16)));
        const long At56 = (P112 * 16 * 64) + (P56 * ((9 * 64) + (64 * 24) + (24 * 72) + (9 * 72) + (72 * 24)));
        const long At28 = (P56 * 24 * 72) + (P28 * ((25 * 72) + (72 * 40))) + (2 * 40 * 10) + (2 * ((P28 * ((40 * 120) + (120 * 40))) + (2 * 120 * 30)));
        const long At14 = (P28 * 40 * 240) + (P14 * ((9 * 240) + (240 * 80) + (80 * 200) + (9 * 200) + (200 * 80) + (2 * ((80 * 184) + (9 * 184) + (184 * 80)))))
            + (P14 * ((80 * 480) + (9 * 480) + (480 * 112) + (80 * 112) + (112 * 672) + (9 * 672) + (672 * 112))) + (2 * 2 * 112 * 28);
        const long At7 = (P14 * 112 * 672) + (P7 * ((25 * 672) + (672 * 160))) + (2 * 160 * 40) + (2 * ((P7 * ((160 * 960) + (960 * 160))) + (2 * 960 * 240)));
        const long End = (P7 * 160 * 960) + (960 * 1280) + (1280 * 1000);
        const long Others = Stem + At56 + At28 + At14 + At7 + End, Rows = (2 * 120 * P28) + (2 * 960 * P7);
        Assert.Equal(217_907_488, Others + (14 * Rows));
        using var network = new MobileNet(MobileNetV3LargeSpec.XSep());
        using var twin = new MobileNet(MobileNetV3LargeSpec.Twin());
        Assert.Equal((4_936_268, Others + ((4 + 5 + 5) * Rows)), (ModelProfile.Of(network, 1, 3, 224, 224).Parameters, ModelProfile.Of(network, 1, 3, 224, 224).Macs));
        Assert.Equal((4_951_388, Others + (25 * Rows)), (ModelProfile.Of(twin, 1, 3, 224, 224).Parameters, ModelProfile.Of(twin, 1, 3, 224, 224).Macs));
    }

    [Fact]
    public void The_large_kernel_network_has_the_MACs_of_the_papers_arithmetic()
    {
        // Of a channel at stride 1 on P pixels: 4P + 2KP. At stride 2, from P to P/4: 4P + K·P/2 + K·P/4. The twin: K² a pixel that it computes.
        const int P112 = 112 * 112, P56 = 56 * 56, P28 = 28 * 28, P14 = 14 * 14, P7 = 7 * 7;
        const long Pointwise = (3 * 16 * 9 * P112) + (P112 * 16 * 16) + (P56 * 16 * 16)
            + (2 * P56 * 16 * 16)
            + (P56 * 16 * 40) + (P28 * 40 * 24)
            + (2 * P28 * 24 * 64)
            + (P28 * 24 * 96) + (2 * 96 * 24) + (P14 * 96 * 40)
            + (2 * P14 * 40 * 160) + (2 * 160 * 40)
            + (P14 * 40 * 240) + (2 * 240 * 60) + (P7 * 240 * 96)
            + (2 * P7 * 96 * 480) + (2 * 480 * 120)
            + (P7 * 96 * 576) + (576 * 1280) + (1280 * 1000);
        const long XSep = (16 * ((4 * P112) + (31 * P112 / 2) + (31 * P56)))
            + (16 * P56 * (4 + 62))
            + (40 * ((4 * P56) + (29 * P56 / 2) + (29 * P28)))
            + (64 * P28 * (4 + 58))
            + (96 * ((4 * P28) + (27 * P28 / 2) + (27 * P14)))
            + (160 * P14 * (4 + 54))
            + (240 * ((4 * P14) + (13 * P14 / 2) + (13 * P7)))
            + (480 * P7 * (4 + 26));
        const long Depthwise = (31 * 31 * (16 + 16) * P56) + (29 * 29 * (40 + 64) * P28) + (27 * 27 * (96 + 160) * P14)
            + (13 * 13 * (240 + 480) * P7);
        using var network = new MobileNet(LargeKernelSmallSpec.XSep());
        using var twin = new MobileNet(LargeKernelSmallSpec.Twin());
        Assert.Equal(Pointwise + XSep, ModelProfile.Of(network, 1, 3, 224, 224).Macs);
        Assert.Equal(Pointwise + Depthwise, ModelProfile.Of(twin, 1, 3, 224, 224).Macs);
    }

    [Fact]
    public void A_network_says_that_evaluation_is_compiled_also_inside_another_module_and_where_it_is_not()
    {
        using var network = new XSepMobileNetV3Small(new MobileNetV3Options { Width = 0.25, NumClasses = 3, Preset = ImagePreset.Cifar });
        using var module = nn.Sequential(("network", network), ("head", nn.Linear(3, 2)));
        var layers = ModelProfile.Of(module, 1, 3, 32, 32).Layers;
        Assert.All(layers, layer => Assert.Equal(layer.Name != "head", layer.IsCompiled));
        Assert.Contains("compiled", ModelProfile.Of(network, 1, 3, 32, 32).ToString(), StringComparison.Ordinal);
        Assert.True(network.training);
        var hook = network.modules().OfType<TorchSharp.Modules.Conv2d>().Last().register_forward_hook(_ => { });
        Assert.All(ModelProfile.Of(network, 1, 3, 32, 32).Layers, layer => Assert.False(layer.IsCompiled));
        hook.remove();
        network.SetXSepBackend(XSepBackend.Composed);
        Assert.All(ModelProfile.Of(network, 1, 3, 32, 32).Layers, layer => Assert.False(layer.IsCompiled));
        using var block = new XSepBlock(5, 4, 8, 4, PaddingDirection.LeftTop);
        Assert.All(ModelProfile.Of(block, 1, 4, 6, 6).Layers, layer => Assert.False(layer.IsCompiled));
    }

    [Fact]
    public void The_first_XSep_row_has_the_parameters_counted_by_hand()
    {
        using var block = new XSepBlock(5, 40, 240, 40, PaddingDirection.RightBottom);
        var profile = ModelProfile.Of(block, 1, 40, 14, 14);

        // expand 40·240, 2×2 4·240, 1×5 and 5×1 5·240 each, project 240·40, four BN of 240 and one of 40, SE 240·60·2 with BN of 60 and 240.
        const long Expected = (40 * 240) + (4 * 240) + (2 * 5 * 240) + (240 * 40) + (2 * ((4 * 240) + 40)) + (2 * 240 * 60) + (2 * (60 + 240));
        Assert.Equal(53_960, Expected);
        Assert.Equal(Expected, profile.Parameters);

        // At 14×14: expand and project 40·240 each, XSepConv (4 + 2·5)·240, per pixel; SE once an image.
        const long Macs = (14 * 14 * ((2 * 40 * 240) + (14 * 240))) + (2 * 240 * 60);
        Assert.Equal(Macs, profile.Macs);
    }

    [Fact]
    public void Layers_have_paths_kinds_shapes_and_paddings()
    {
        using var network = new XSepMobileNetV3Small();
        var layers = ModelProfile.Of(network, 2, 3, 224, 224).Layers.ToDictionary(layer => layer.Name);

        var padded = layers["bneck.5.conv2"];
        Assert.Equal("depthwise 2×2", padded.Kind);
        Assert.Equal([2L, 240, 14, 14], padded.Output);
        Assert.Equal(PaddingDirection.LeftTop, padded.Padding);
        Assert.Equal("depthwise 1×5", layers["bneck.5.conv3"].Kind);
        Assert.Equal("depthwise 5×1", layers["bneck.5.conv4"].Kind);
        Assert.Null(layers["bneck.5.conv3"].Padding);
        Assert.Equal("linear", layers["linear4"].Kind);
        Assert.Equal([2L, 1000], layers["linear4"].Output);
        Assert.Equal(2L * 1280 * 1000, layers["linear4"].Macs);
        Assert.Equal((1280L * 1000) + 1000, layers["linear4"].Parameters);
    }

    [Fact]
    public void Padding_before_the_expand_costs_its_extra_row_and_column()
    {
        using var block = new XSepBlock(5, 8, 16, 8, PaddingDirection.LeftTop, squeezeExcite: false, placement: PaddingPlacement.BeforeExpand);
        var expand = ModelProfile.Of(block, 1, 8, 6, 9).Layers.Single(layer => layer.Name == "conv1");

        Assert.Equal(7 * 10 * 8 * 16, expand.Macs);
    }

    [Fact]
    public void Profiling_changes_neither_mode_nor_statistics()
    {
        using var block = new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop);
        block.train();
        ModelProfile.Of(block, 1, 4, 5, 5);

        Assert.All(block.modules(), module => Assert.True(module.training));
        Assert.All(block.named_buffers().Where(entry => entry.name.EndsWith("num_batches_tracked", StringComparison.Ordinal)), entry => Assert.Equal(0, entry.buffer.item<long>()));
    }

    [Fact]
    public void A_frozen_child_of_a_network_in_training_stays_frozen()
    {
        using var network = nn.Sequential(("conv", nn.Conv2d(3, 4, 3)), ("frozen", nn.BatchNorm2d(4)));
        network.train();
        ((nn.Module)network[1]).eval();
        ModelProfile.Of(network, 1, 3, 8, 8);

        Assert.True(network.training);
        Assert.True(((nn.Module)network[0]).training);
        Assert.False(((nn.Module)network[1]).training);
    }

    [Fact]
    public void A_layer_that_cannot_be_counted_is_named_with_its_path()
    {
        using var network = nn.Sequential(("ok", nn.Conv2d(3, 4, 3)), ("odd", nn.ConvTranspose2d(4, 4, 2)));

        var error = Assert.Throws<NotSupportedException>(() => ModelProfile.Of(network, 1, 3, 8, 8));
        Assert.Contains("'odd'", error.Message);
        Assert.Contains("ConvTranspose2d", error.Message);
    }

    [Fact]
    public void The_table_ends_with_the_totals()
    {
        using var network = new XSepMobileNetV3Small();
        var lines = ModelProfile.Of(network, 1, 3, 224, 224).ToString().TrimEnd('\n').Split('\n');

        Assert.StartsWith("total", lines[^1]);
        Assert.Contains("2,889,512", lines[^1]);
        Assert.Contains("58,004,384", lines[^1]);
    }
}
