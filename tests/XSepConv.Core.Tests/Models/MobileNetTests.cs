using System.Text.RegularExpressions;
using TorchSharp.Modules;
using XSepConv.Core.Tests.Documentation;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Models;

public partial class MobileNetV3Tests
{
    public static TheoryData<string, bool, int, int> Networks() => new()
    {
        // network, cifar preset, height, width: usual sizes, odd and not square ones, and a single pixel
        { "xsep", false, 224, 224 }, { "xsep", true, 32, 32 }, { "xsep", true, 28, 28 }, { "twin", true, 32, 32 }, { "twin", false, 97, 61 },
        { "xsep", false, 97, 61 }, { "xsep", true, 1, 1 }, { "before", true, 33, 17 },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void The_output_is_a_row_of_logits_for_each_image(string kind, bool cifar, int height, int width)
    {
        using var scope = NewDisposeScope();
        var network = Create(kind, cifar, classes: 7);
        network.eval();

        Assert.Equal([3L, 7], network.call(randn(3, 3, height, width)).shape);
    }

    [Theory]
    [InlineData("xsep")]
    [InlineData("twin")]
    [InlineData("before")]
    public void Every_parameter_gets_a_finite_gradient_that_is_somewhere_not_zero(string kind)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        var network = Create(kind, cifar: true, classes: 5);
        network.train();
        nn.functional.cross_entropy(network.call(randn(6, 3, 32, 32)), tensor(new long[] { 0, 1, 2, 3, 4, 0 })).backward();

        foreach (var (name, parameter) in network.named_parameters())
        {
            Assert.True(parameter.grad is not null, $"{name} has no gradient");
            Assert.True(parameter.grad.isfinite().all().item<bool>(), $"{name} has a gradient that is not finite");
            Assert.True(parameter.grad.abs().max().item<float>() > 0, $"{name} has a gradient of zeros");
        }
    }

    [Fact]
    public void It_starts_with_the_initialisation_of_the_notes()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(5);
        var network = new XSepMobileNetV3Small();
        var state = network.state_dict();

        // Kaiming normal by fan-out: variance 2 / (out channels × kernel area); 55,296 draws of 576 channels put the ratio within 5 σ = 3 %.
        Assert.InRange(state["conv2.weight"].var().item<float>() / (2.0 / 576), 0.97, 1.03);

        // A depthwise K×K has, in torch's count, fan-out out channels × K²: 288 · 25 draws, 5 σ = 8.4 %.
        Assert.InRange(state["bneck.8.conv2.weight"].var().item<float>() / (2.0 / (288 * 25)), 0.916, 1.084);

        // Normal with σ = 0.001: 1.28 million draws, 5 σ = 0.32 %.
        Assert.InRange(state["linear4.weight"].std().item<float>(), 0.000996, 0.001004);
        Assert.Equal(0, state["linear4.bias"].abs().max().item<float>());
        Assert.Equal(0, state["linear3.bias"].abs().max().item<float>());
        foreach (var module in network.modules().OfType<BatchNorm2d>())
        {
            Assert.Equal(1, module.weight!.min().item<float>());
            Assert.Equal(1, module.weight!.max().item<float>());
            Assert.Equal(0, module.bias!.abs().max().item<float>());
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits()
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 3, 32, 32);
        Assert.Equal(Logits(), Logits());

        float[] Logits()
        {
            random.manual_seed(11);
            var network = Create("xsep", cifar: true, classes: 4);
            network.eval();
            return network.call(x).data<float>().ToArray();
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1)]
    public void Channels_last_images_give_what_contiguous_ones_give(int channels)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 4, InputChannels = channels });
        network.eval();
        var pixels = randn(2, 64, 64, channels);

        var expected = network.call(pixels.permute(0, 3, 1, 2).contiguous().clone().view(-1).view(2, channels, 64, 64));
        Assert.Equal(expected.data<float>().ToArray(), network.call(pixels.permute(0, 3, 1, 2)).data<float>().ToArray());
    }

    [Fact]
    public void A_saved_network_comes_back_from_its_file_alone()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        random.manual_seed(4);
        var network = Create("twin", cifar: true, classes: 6);
        var x = randn(4, 3, 32, 32);
        network.train();
        network.call(x);
        network.eval();
        network.SaveSafeTensors(folder.File("network.safetensors"), new Dictionary<string, string> { ["note"] = "kept" });

        var loaded = MobileNet.FromSafeTensors(folder.File("network.safetensors"));
        loaded.eval();

        Assert.Equal(network.Spec, loaded.Spec);
        Assert.Equal(network.call(x).data<float>().ToArray(), loaded.call(x).data<float>().ToArray());
        using var file = SafeTensors.Open(folder.File("network.safetensors"));
        Assert.Equal("kept", file.Metadata["note"]);
        Assert.Equal("pt", file.Metadata["format"]);
    }

    [Fact]
    public void A_network_of_another_type_writes_counters_as_PyTorch_does_and_loads_them()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var options = new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.35 };
        var network = new XSepMobileNetV3Small(options, dtype: ScalarType.Float64);
        network.train();
        network.call(randn(2, 3, 8, 8, dtype: ScalarType.Float64));
        network.SaveSafeTensors(folder.File("network.safetensors"));

        using (var file = SafeTensors.Open(folder.File("network.safetensors")))
        {
            Assert.Equal(SafeTensorType.I64, file.Tensors["bn1.num_batches_tracked"].Type);
            Assert.Equal(SafeTensorType.F64, file.Tensors["bn1.running_mean"].Type);
        }

        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            var loaded = MobileNet.FromSafeTensors(folder.File("network.safetensors"), dtype: dtype);
            Assert.Equal(1, loaded.state_dict()["bn1.num_batches_tracked"].to(ScalarType.Int64).item<long>());
        }
    }

    [Fact]
    public void The_table_in_the_class_s_documentation_is_the_spec_s()
    {
        var source = File.ReadAllText(Path.Combine(Repository.Root, "src/XSepConv.Core/Models/XSepMobileNetV3Small.cs"));
        var imageNet = MobileNetV3SmallSpec.XSep();
        var cifar = MobileNetV3SmallSpec.XSep(new() { Preset = ImagePreset.Cifar });
        var rows = Rows().Matches(source);

        Assert.Equal(imageNet.Blocks.Length, rows.Count);
        foreach (var (row, i) in rows.Select((row, i) => (row, i)))
        {
            var block = imageNet.Blocks[i];
            var expected = $"{block.Kind} {block.Kernel} {block.In} {block.Expand} {block.Out} {block.Activation} "
                + $"{(block.SqueezeExcite == SqueezeExcite.None ? "-" : "SE")} s{block.Stride} {224 / imageNet.InputStrides()[i]} {32 / cifar.InputStrides()[i]}";
            Assert.Equal(expected, Blanks().Replace(row.Value.Replace("///", "").Replace("(stride 1)", "").Replace("hswish", "HSwish"), " ").Trim());
        }
    }

    private static MobileNet Create(string kind, bool cifar, int classes)
    {
        var options = new MobileNetV3Options
        {
            NumClasses = classes,
            Preset = cifar ? ImagePreset.Cifar : ImagePreset.ImageNet,
            PaddingPlacement = kind == "before" ? PaddingPlacement.BeforeExpand : PaddingPlacement.AfterExpand,
        };
        return kind == "twin" ? new MobileNet(MobileNetV3SmallSpec.Twin(options)) : new XSepMobileNetV3Small(options);
    }

    [GeneratedRegex(@"^/// (Dw|XSep) .*$", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
