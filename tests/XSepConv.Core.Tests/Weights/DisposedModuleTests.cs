using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>A module that is disposed, or of which a part is, has lost its tensors without a word: nothing may be written over a file that still has them.</summary>
public sealed class DisposedModuleTests : IDisposable
{
    private static readonly MobileNetV3Options Small = new() { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.1 };

    // A whole module, what is done to it, and the place that the message names.
    private static readonly Dictionary<string, (Func<nn.Module> Make, Action<nn.Module> End, string Named)> Cases = new()
    {
        ["network"] = (() => new XSepMobileNetV3Small(Small), module => module.Dispose(), "XSepMobileNetV3Small"),
        ["block"] = (() => new DwBlock(3, 8, 16, 8), module => module.Dispose(), "DwBlock"),
        ["operator"] = (() => new XSepConv2d(8, 5), module => module.Dispose(), "XSepConv2d"),
        ["activation"] = (() => new HSwish(), module => module.Dispose(), "HSwish"),
        ["stock layer"] = (() => nn.Linear(3, 4), module => module.Dispose(), "Linear"),
        ["stock sequence"] = (() => nn.Sequential(nn.Linear(3, 4), nn.ReLU()), module => module.Dispose(), "Sequential"),
        ["layer of a network"] = (() => new XSepMobileNetV3Small(Small), module => Child(module, "bneck", "4", "bn2").Dispose(), "'bneck.4.bn2'"),
        ["layer of a block"] = (() => new SeModule(8), module => Child(module, "se", "4").Dispose(), "'se.4.weight'"),
        ["member of a sequence"] = (() => nn.Sequential(nn.Linear(3, 4), nn.ReLU()), module => Child(module, "1").Dispose(), "'1'"),
        ["parameter"] = (() => new XSepConv2d(8, 5), module => module.get_parameter("conv2.weight")!.Dispose(), "'conv2.weight'"),
        ["buffer"] = (() => new XSepConv2d(8, 5), module => module.get_buffer("bn2.running_mean")!.Dispose(), "'bn2.running_mean'"),
        ["parameter of the module itself"] = (() => nn.Linear(3, 4), module => ((Linear)module).weight.Dispose(), "'weight'"),
        ["parameter of one's own"] = (() => new Own(), module => module.get_parameter("scale")!.Dispose(), "'scale'"),
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. Cases.Keys];

    private string FilePath => _folder.File("weights.safetensors");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Neither_saved_nor_loaded(string name)
    {
        var (make, end, named) = Cases[name];
        using var module = make();
        module.SaveSafeTensors(FilePath);
        var whole = File.ReadAllBytes(FilePath);
        end(module);
        Assert.Contains(named, Assert.Throws<ObjectDisposedException>(() => module.SaveSafeTensors(FilePath)).Message);
        Assert.Equal(whole, File.ReadAllBytes(FilePath));
        Assert.Contains(named, Assert.Throws<ObjectDisposedException>(() => module.LoadSafeTensors(FilePath)).Message);
        Assert.Contains(named, Assert.Throws<ObjectDisposedException>(() => module.LoadSafeTensors(FilePath, strict: false)).Message);
    }

    [Theory]
    [InlineData("network")]
    [InlineData("layer of a network")]
    public void A_network_is_not_saved_compiled_or_loaded(string name)
    {
        var (make, end, named) = Cases[name];
        using var network = (MobileNet)make();
        network.SaveSafeTensors(FilePath);
        var whole = File.ReadAllBytes(FilePath);
        end(network);
        Assert.Contains(named, Assert.Throws<ObjectDisposedException>(() => network.SaveSafeTensors(FilePath)).Message);
        Assert.Equal(whole, File.ReadAllBytes(FilePath));
        Assert.Contains(named, Assert.Throws<ObjectDisposedException>(() => network.Compile()).Message);
    }

    [Fact]
    public void Modules_that_are_whole_are_saved_whatever_they_hold()
    {
        // Without a bias, without statistics, shared, empty: none of that is disposed.
        using var shared = nn.Linear(3, 3);
        using var module = nn.Sequential(
            ("plain", (nn.Module<Tensor, Tensor>)nn.Conv2d(3, 4, 1, bias: false)), ("norm", nn.BatchNorm2d(4, affine: false, track_running_stats: false)),
            ("a", shared), ("b", shared), ("nothing", nn.Sequential()), ("own", new Own()));
        module.SaveSafeTensors(FilePath);
        Assert.Empty(module.LoadSafeTensors(FilePath).MissingKeys);
    }

    private static nn.Module Child(nn.Module module, params string[] path) =>
        path.Aggregate(module, (at, name) => at.named_children().First(child => child.name == name).module);

    private sealed class Own : nn.Module<Tensor, Tensor>
    {
        public Own() : base(nameof(Own)) => register_parameter("scale", new Parameter(ones(3)));

        public override Tensor forward(Tensor input) => input * get_parameter("scale")!;
    }
}
