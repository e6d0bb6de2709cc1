using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>
/// A normalisation's eps and momentum are part of what was trained: they are saved, loaded and compiled. The reference is libtorch in float64, layer by layer.
/// </summary>
public sealed class NormSettingsTests : IDisposable
{
    private const double Eps = 0.07, LargeEps = 0.5;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("network.safetensors");

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(double.NaN, 0.1, "eps")]
    [InlineData(-1e-3, 0.1, "eps")]
    [InlineData(1e-3, double.PositiveInfinity, "momentum")]
    public void What_no_reader_takes_is_not_written(double epsilon, double momentum, string name)
    {
        using var block = new DwBlock(3, 4, 8, 4);
        block.SaveSafeTensors(FilePath);
        var before = File.ReadAllBytes(FilePath);
        var norm = block.modules().OfType<BatchNorm2d>().First();
        (norm.eps, norm.momentum) = (epsilon, momentum);
        var refused = Assert.Throws<InvalidDataException>(() => block.SaveSafeTensors(FilePath));
        Assert.StartsWith($"The module can't be saved: the {name} of 'bn1' is ", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(FilePath));
    }

    [Fact]
    public void A_network_keeps_them_through_a_file_and_through_compiling()
    {
        using var network = Network();
        var images = randn(2, 3, 16, 16);
        var expected = Reference(network, images);
        network.SaveSafeTensors(FilePath);

        using var loaded = MobileNet.FromSafeTensors(FilePath);
        Assert.Equal(Numbers(network), Numbers(loaded));
        loaded.eval();
        using var noGrad = no_grad();
        AssertClose(expected, loaded.call(images).data<float>().ToArray());
        AssertClose(expected, Run(CompiledModel.Load(FilePath), images));
        AssertClose(expected, Run(network.Compile(), images));

        using var into = new MobileNet(network.Spec);
        Assert.Contains("'bn1' has eps 0.07 instead of 1E-05", into.LoadSafeTensors(FilePath).ChangedSettings);
        Assert.Equal(Numbers(network), Numbers(into));
    }

    [Fact]
    public void A_network_s_file_without_them_means_the_defaults()
    {
        using var network = Network();
        SafeTensors.Write(FilePath, ModuleState.Tensors(network), new Dictionary<string, string> { [NetworkSpec.MetadataKey] = network.Spec.ToJson() });
        using var plain = MobileNet.FromSafeTensors(FilePath);
        Assert.All(Numbers(plain), number => Assert.Equal((1e-5, (double?)0.1), (number.Eps, number.Momentum)));
        var images = randn(2, 3, 16, 16);
        AssertClose(Reference(plain, images), Run(CompiledModel.Load(FilePath), images));
        network.LoadSafeTensors(FilePath);
        Assert.All(Numbers(network), number => Assert.Equal((1e-5, (double?)0.1), (number.Eps, number.Momentum)));
    }

    [Fact]
    public void A_file_of_other_tools_leaves_them_to_the_module()
    {
        using var module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, eps: 1e-3, momentum: 0.01));
        SafeTensors.Write(FilePath, ModuleState.Tensors(module), new Dictionary<string, string> { ["format"] = "pt" });
        Assert.Empty(module.LoadSafeTensors(FilePath).ChangedSettings);
        Assert.Equal([("1", 1e-3, 0.01)], Numbers(module));
    }

    [Fact]
    public void Every_normalisation_of_any_module_keeps_them()
    {
        using var module = Norms(Eps, null, 0.25);
        module.SaveSafeTensors(FilePath);
        using var into = Norms(LargeEps, 0.9, 0.9);
        into.LoadSafeTensors(FilePath);
        Assert.Equal(Numbers(module), Numbers(into));
        Assert.Contains(Numbers(module), number => number.Momentum is null);

        // What a file of our own does not name has the defaults.
        using var plain = Norms(1e-5, 0.1, 0.1);
        plain.SaveSafeTensors(FilePath);
        into.LoadSafeTensors(FilePath);
        Assert.Equal(Numbers(plain), Numbers(into));
        Assert.Equal("{}", Metadata());
    }

    [Fact]
    public void Only_what_differs_is_written()
    {
        using var module = nn.Sequential(nn.BatchNorm2d(4, eps: 1e-3), nn.BatchNorm2d(4), nn.BatchNorm1d(4, momentum: 0.01));
        ((BatchNorm2d)module[1]).momentum = null;
        module.SaveSafeTensors(FilePath);
        Assert.Equal("""{"0":{"eps":"0.001"},"1":{"momentum":null},"2":{"momentum":"0.01"}}""", Metadata());
    }

    [Fact]
    public void Without_strict_only_normalisations_of_the_file_change()
    {
        using var part = nn.Sequential(("a", nn.BatchNorm2d(4, eps: Eps)));
        part.SaveSafeTensors(FilePath);
        using var whole = nn.Sequential(("a", nn.BatchNorm2d(4)), ("b", nn.BatchNorm2d(4, eps: LargeEps)));
        whole.LoadSafeTensors(FilePath, strict: false);
        Assert.Equal([("a", Eps, 0.1), ("b", LargeEps, 0.1)], Numbers(whole));
    }

    [Theory]
    [InlineData("""{"bn1":{"eps":"-1"}}""", "eps of 'bn1'")]
    [InlineData("""{"bn1":{"eps":"NaN"}}""", "eps of 'bn1'")]
    [InlineData("""{"bn1":{"eps":null}}""", "eps of 'bn1'")]
    [InlineData("""{"bn1":{"eps":0.001}}""", "can't be read")]
    [InlineData("""{"bn1":{"momentum":"∞"}}""", "momentum of 'bn1'")]
    [InlineData("""{"bn1":null}""", "'bn1' has null")]
    [InlineData("null", "null")]
    [InlineData("[", "can't be read")]
    [InlineData("""{"bn1":{"eps":"1"},"bn1":{"eps":"2"}}""", "can't be read")]
    [InlineData("""{"conv1":{"eps":"0.001"}}""", "'conv1' has the setting 'eps'")]
    [InlineData("""{"bn1":{"moment":"0.001"}}""", "'bn1' has the setting 'moment'")]
    [InlineData("""{"nobody":{"momentum":"0.001"}}""", "'nobody' has the setting 'momentum'")]
    public void What_can_t_be_honoured_is_refused_by_name(string json, string because)
    {
        using var network = Network();
        var metadata = new Dictionary<string, string> { [NetworkSpec.MetadataKey] = network.Spec.ToJson(), [ModuleSettings.MetadataKey] = json };
        SafeTensors.Write(FilePath, ModuleState.Tensors(network), metadata);
        foreach (var load in new Action[] { () => MobileNet.FromSafeTensors(FilePath), () => CompiledModel.Load(FilePath), () => network.LoadSafeTensors(FilePath) })
        {
            var message = Assert.Throws<InvalidDataException>(load).Message;
            Assert.Contains(FilePath, message);
            Assert.Contains(because, message);
        }
    }

    [Fact]
    public void Renamed_modules_keep_them()
    {
        using var inner = nn.Sequential(("bn", nn.BatchNorm2d(4, eps: Eps)), ("op", new XSepConv2d(4, 3, padding: PaddingDirection.LeftTop)));
        using var wrapped = nn.Sequential(("module", inner));
        wrapped.SaveSafeTensors(FilePath);
        using var into = nn.Sequential(("bn", nn.BatchNorm2d(4)), ("op", new XSepConv2d(4, 3, padding: PaddingDirection.LeftTop)));
        into.LoadSafeTensors(FilePath, new SafeTensorsLoadOptions { Prefix = "module." });
        Assert.Equal(Numbers(inner), Numbers(into));

        using var other = nn.Sequential(("bn", nn.BatchNorm2d(4)), ("op", new XSepConv2d(4, 3)));
        Assert.Contains("'op' has padding 'LeftTop'", Assert.Throws<InvalidDataException>(() => other.LoadSafeTensors(FilePath, new SafeTensorsLoadOptions { Prefix = "module." })).Message);
    }

    [Fact]
    public void What_has_no_tensors_goes_where_the_module_around_it_goes()
    {
        // An instance norm has neither weights nor statistics unless it is asked for them: no key of the file tells where it is.
        using var inner = nn.Sequential(("conv", nn.Conv2d(3, 4, 1)), ("norm", nn.InstanceNorm2d(4, eps: Eps, momentum: 0.25)));
        using var wrapped = nn.Sequential(("module", inner));
        wrapped.SaveSafeTensors(FilePath);
        using var into = nn.Sequential(("conv", nn.Conv2d(3, 4, 1)), ("norm", nn.InstanceNorm2d(4, eps: LargeEps)));
        into.LoadSafeTensors(FilePath, new SafeTensorsLoadOptions { Prefix = "module." });
        Assert.Equal([("norm", Eps, 0.25)], Numbers(into));
    }

    [Fact]
    public void Renamed_tensors_take_the_numbers_of_their_module_along()
    {
        using var module = nn.Sequential(("bn", nn.BatchNorm2d(4, eps: Eps)));
        var metadata = new Dictionary<string, string> { [ModuleSettings.MetadataKey] = ModuleState.Settings(module).ToJson() };
        SafeTensors.Write(
            FilePath,
            [
                new("bn.gamma", SafeTensorType.F32, [4], new byte[16]), new("bn.beta", SafeTensorType.F32, [4], new byte[16]),
                new("bn.moving_mean", SafeTensorType.F32, [4], new byte[16]),
            ],
            metadata);
        using var into = nn.Sequential(("norm", nn.BatchNorm2d(4, track_running_stats: false)));
        into.LoadSafeTensors(FilePath, new SafeTensorsLoadOptions
        {
            Rename = key => key switch { "bn.gamma" => "norm.weight", "bn.beta" => "norm.bias", _ => null },
        });
        Assert.Equal([("norm", Eps, 0.1)], Numbers(into));
    }

    [Fact]
    public void Numbers_that_can_t_follow_a_renaming_are_refused_and_those_of_what_is_left_out_are_not_missed()
    {
        using var module = nn.Sequential(
            ("head", nn.Sequential(("fc", nn.Linear(3, 4)), ("bn", nn.BatchNorm1d(4, eps: Eps)))),
            ("op", new XSepConv2d(4, 3, padding: PaddingDirection.LeftTop)));
        module.SaveSafeTensors(FilePath);
        using var op = new XSepConv2d(4, 3, padding: PaddingDirection.LeftTop);
        op.LoadSafeTensors(FilePath, new SafeTensorsLoadOptions { Prefix = "op.", Rename = key => IsHead(key) ? null : key });

        // Its layers go to several places, so there is no one place for its padding.
        using var apart = nn.Sequential(
            ("one", (nn.Module<Tensor, Tensor>)nn.Conv2d(4, 4, 2, groups: 4, bias: false)), ("two", nn.BatchNorm2d(4)),
            ("three", nn.Conv2d(4, 4, (1L, 3L), groups: 4, bias: false)), ("four", nn.BatchNorm2d(4)),
            ("five", nn.Conv2d(4, 4, (3L, 1L), groups: 4, bias: false)), ("six", nn.BatchNorm2d(4)));
        Dictionary<string, string> names = new()
        {
            ["conv1"] = "one",
            ["bn1"] = "two",
            ["conv2"] = "three",
            ["bn2"] = "four",
            ["conv3"] = "five",
            ["bn3"] = "six",
        };
        var options = new SafeTensorsLoadOptions
        {
            Prefix = "op.",
            Rename = key => IsHead(key) ? null : names[key.Split('.')[0]] + key[key.IndexOf('.', StringComparison.Ordinal)..],
        };
        var e = Assert.Throws<InvalidDataException>(() => apart.LoadSafeTensors(FilePath, options));
        Assert.Contains("'op' has the setting 'padding'", e.Message);

        static bool IsHead(string key) => key.StartsWith("head", StringComparison.Ordinal);
    }

    private static XSepMobileNetV3Small Network()
    {
        manual_seed(1);
        var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 5, Preset = ImagePreset.Cifar, Width = 0.25 });
        using var noGrad = no_grad();
        foreach (var (key, tensor) in network.state_dict())
        {
            if (key.EndsWith("running_var", StringComparison.Ordinal)) tensor.uniform_(0.02, 0.5);
            else if (key.Contains("bn", StringComparison.Ordinal) && tensor.dim() == 1) tensor.uniform_(-0.5, 1);
        }

        var next = 0;
        foreach (var norm in network.modules().OfType<NormBase>())
        {
            (norm.eps, norm.momentum) = (Eps * (1 + (next % 3)), next % 4 == 3 ? null : 0.01 * (1 + next));
            next++;
        }

        return network;
    }

    private static Sequential Norms(double eps, double? momentum, double instanceMomentum) => nn.Sequential(
        ("one", (nn.Module<Tensor, Tensor>)With(nn.BatchNorm1d(4, eps: eps), momentum)),
        ("two", With(nn.BatchNorm2d(4, eps: eps), momentum)),
        ("three", With(nn.BatchNorm3d(4, eps: eps), momentum)),
        ("instance", nn.InstanceNorm2d(4, eps: eps, momentum: instanceMomentum, affine: true)),
        ("layer", nn.LayerNorm(4, eps: eps)),
        ("group", nn.GroupNorm(2, 4, eps: eps)));

    private static T With<T>(T norm, double? momentum)
        where T : NormBase
    {
        norm.momentum = momentum;
        return norm;
    }

    private static List<(string Path, double Eps, double? Momentum)> Numbers(nn.Module module) =>
    [
        .. module.named_modules().Select(at => at.module switch
        {
            NormBase norm => (at.name, norm.eps, norm.momentum),
            LayerNorm norm => (at.name, norm.eps, 0.1),
            GroupNorm norm => (at.name, norm.eps, 0.1),
            _ => ("", 0.0, (double?)null),
        }).Where(number => number.Item1.Length > 0).DistinctBy(number => number.Item1),
    ];

    // The network once more in float64, its norms' numbers set by hand.
    private static double[] Reference(MobileNet network, Tensor images)
    {
        using var reference = new MobileNet(network.Spec, dtype: ScalarType.Float64);
        using var noGrad = no_grad();
        foreach (var (key, tensor) in reference.state_dict()) tensor.copy_(network.state_dict()[key]);
        foreach (var (from, to) in network.modules().OfType<NormBase>().Zip(reference.modules().OfType<NormBase>())) (to.eps, to.momentum) = (from.eps, from.momentum);
        reference.eval();
        return reference.call(images.to(ScalarType.Float64)).data<double>().ToArray();
    }

    private static float[] Run(CompiledModel model, Tensor images)
    {
        using var session = model.CreateSession((int)images.size(0), height: (int)images.size(2), width: (int)images.size(3));
        var logits = new float[images.size(0) * model.Spec.NumClasses];
        session.Run(images.data<float>().ToArray(), logits);
        return logits;
    }

    // Thirty layers of float32: their roundings are 2⁻²⁴ each, and add up to less than 1e-5 of the largest logit. Another eps is some per cent.
    private static void AssertClose(double[] expected, float[] actual)
    {
        var largest = expected.Max(Math.Abs);
        Assert.True(largest > 0);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second - pair.First, -1e-5 * largest, 1e-5 * largest));
    }

    private string Metadata()
    {
        using var file = SafeTensors.Open(FilePath);
        return file.Metadata[ModuleSettings.MetadataKey];
    }
}
