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
