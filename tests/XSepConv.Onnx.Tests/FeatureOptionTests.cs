using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>An option that a module of features has no use for is refused, not left aside.</summary>
public sealed class FeatureOptionTests
{
    [Theory]
    [InlineData("Size", "which is for images; the module takes [N, 12]")]
    [InlineData("Normalization", "Normalisation is for images [N, C, H, W]; the module takes [N, 12]")]
    [InlineData("ClassNames", "There are 2 class names; the module's output is [N, 5]")]
    [InlineData("Channels", "gets [N, 3, H, W]")]
    public void Each_option_for_images_is_refused(string option, string message)
    {
        using var module = nn.Sequential(nn.Linear(12, 5), nn.ReLU());
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module, Of(option))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Every_other_option_changes_the_file()
    {
        using var module = Randomised.Eval(nn.Sequential(nn.Linear(12, 5), nn.BatchNorm1d(5), nn.ReLU()), 3);
        var plain = OnnxRuntime.Export(module);
        string[] others = ["BatchNorm", "Opset", "Metadata", "Translators"];
        Assert.All(others, option => Assert.NotEqual(plain, OnnxRuntime.Export(module, Of(option))));
        string[] images = ["Size", "Normalization", "ClassNames", "Channels"];
        Assert.Equal(
            typeof(OnnxExportOptions).GetProperties().Select(property => property.Name).Where(name => name != "EqualityContract").Order(),
            others.Concat(images).Order());
    }

    [Fact]
    public void A_module_that_flattens_images_takes_them_by_size_and_channels()
    {
        using var module = Randomised.Eval(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), 3);
        Agreement.Check(module, new() { Size = (2, 3), Channels = 2 }, "flattened", [1, 2, 2, 3], [3, 2, 2, 3]);
        Agreement.Check(module, new(), "flat", [3, 12]);
        Assert.Contains(
            nameof(OnnxExportOptions.Channels),
            Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module, new() { Size = (2, 3) })).Message, StringComparison.Ordinal);
    }

    private static OnnxExportOptions Of(string option) => option switch
    {
        "Size" => new() { Size = (3, 4) },
        "Channels" => new() { Channels = 3 },
        "Normalization" => new() { Normalization = new([0.5], [0.5]) },
        "ClassNames" => new() { ClassNames = ["a", "b"] },
        "BatchNorm" => new() { BatchNorm = OnnxBatchNorm.Kept },
        "Opset" => new() { Opset = 11 },
        "Metadata" => new() { Metadata = new Dictionary<string, string> { ["a"] = "b" } },
        _ => new()
        {
            Translators = new Dictionary<Type, OnnxTranslator>
            {
                [typeof(TorchSharp.Modules.ReLU)] = (graph, _, x) => graph.Node("Tanh", [x]),
            },
        },
    };
}
