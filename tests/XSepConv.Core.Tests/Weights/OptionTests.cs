using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>
/// Whatever a public module can be built with and that changes its output: a file of it goes back into such a module, and into none that was built otherwise.
/// The lists are held to the constructors and properties that there are, so that a new option is met here first.
/// </summary>
public sealed class OptionTests : IDisposable
{
    private static readonly BlockSpec Dw = new(BlockKind.Dw, 3, 8, 16, 16, Activation.HSwish, SqueezeExcite.Output, 1);
    private static readonly BlockSpec XSep = new(BlockKind.XSep, 5, 8, 16, 8, Activation.HSwish, SqueezeExcite.None, 1);

    private static readonly NetworkSpec Network = new()
    {
        Name = "small",
        NumClasses = 3,
        StemChannels = 8,
        StemStride = 2,
        Blocks = [Dw with { Out = 8 }, XSep, XSep with { Kernel = 3 }],
        LastChannels = 16,
        HiddenFeatures = 8,
    };

    // By type and option: a module with the option changed, and what the refusal says; null where no output depends on it.
    private static readonly Dictionary<string, (Func<nn.Module<Tensor, Tensor>> Changed, string Refusal)?> Options = new()
    {
        ["XSepConv2d.channels"] = (() => new XSepConv2d(9, 5), "has shape"),
        ["XSepConv2d.kernelSize"] = (() => new XSepConv2d(8, 3), "has shape"),
        ["XSepConv2d.stride"] = (() => new XSepConv2d(8, 5, stride: 2), "stride '2' in the file, '1' in the module"),
        ["XSepConv2d.padding"] = (() => new XSepConv2d(8, 5, padding: PaddingDirection.LeftTop), "padding 'LeftTop' in the file, 'RightBottom' in the module"),
        ["XSepConv2d.activation"] = (() => new XSepConv2d(8, 5, activation: Activation.ReLU), "activation 'ReLU' in the file, 'HSwish' in the module"),
        ["XSepConv2d.Backend"] = null,

        ["XSepBlock.block"] = (() => new XSepBlock(XSep with { Stride = 2 }, PaddingDirection.RightBottom), "stride '2'"),
        ["XSepBlock.kernelSize"] = (() => new XSepBlock(XSep with { Kernel = 3 }, PaddingDirection.RightBottom), "has shape"),
        ["XSepBlock.inChannels"] = (() => new XSepBlock(XSep with { In = 9 }, PaddingDirection.RightBottom), "has shape"),
        ["XSepBlock.expandChannels"] = (() => new XSepBlock(XSep with { Expand = 17 }, PaddingDirection.RightBottom), "has shape"),
        ["XSepBlock.outChannels"] = (() => new XSepBlock(XSep with { Out = 9 }, PaddingDirection.RightBottom), "has shape"),
        ["XSepBlock.padding"] = (() => new XSepBlock(XSep, PaddingDirection.Symmetric), "padding 'Symmetric'"),
        ["XSepBlock.activation"] = (() => new XSepBlock(XSep with { Activation = Activation.ReLU }, PaddingDirection.RightBottom), "activation 'ReLU'"),
        ["XSepBlock.squeezeExcite"] = (() => new XSepBlock(XSep with { SqueezeExcite = SqueezeExcite.Expanded }, PaddingDirection.RightBottom), "is unexpected"),
        ["XSepBlock.stride"] = (() => new XSepBlock(XSep with { Stride = 2 }, PaddingDirection.RightBottom), "stride '2'"),
        ["XSepBlock.placement"] = (() => new XSepBlock(XSep, PaddingDirection.RightBottom, PaddingPlacement.BeforeExpand), "placement 'BeforeExpand'"),
        ["XSepBlock.Backend"] = null,

        ["DwBlock.block"] = (() => new DwBlock(Dw with { Stride = 2 }), "stride '2'"),
        ["DwBlock.kernelSize"] = (() => new DwBlock(Dw with { Kernel = 5 }), "has shape"),
        ["DwBlock.inChannels"] = (() => new DwBlock(Dw with { In = 9 }), "has shape"),
        ["DwBlock.expandChannels"] = (() => new DwBlock(Dw with { Expand = 17 }), "has shape"),
        ["DwBlock.outChannels"] = (() => new DwBlock(Dw with { Out = 17 }), "has shape"),
        ["DwBlock.activation"] = (() => new DwBlock(Dw with { Activation = Activation.ReLU }), "activation 'ReLU'"),
        ["DwBlock.squeezeExcite"] = (() => new DwBlock(Dw with { SqueezeExcite = SqueezeExcite.Expanded }), "squeezeExcite 'Expanded' in the file, 'Output'"),
        ["DwBlock.stride"] = (() => new DwBlock(Dw with { Stride = 2 }), "stride '2'"),
        ["DwBlock.Backend"] = null,

        ["SepBlock.block"] = (() => new SepBlock(Sep with { Activation = Activation.ReLU }), "activation 'ReLU'"),
        ["SepBlock.Backend"] = null,
        ["InvertedResidualBlock.block"] = (() => new InvertedResidualBlock(Inverted with { Stride = 2 }), "stride '2'"),
        ["InvertedResidualBlock.Backend"] = null,
        ["XSepInvertedResidualBlock.block"] = (() => new XSepInvertedResidualBlock(XSepInverted with { Stride = 2 }, PaddingDirection.RightBottom), "stride '2'"),
        ["XSepInvertedResidualBlock.padding"] = (() => new XSepInvertedResidualBlock(XSepInverted, PaddingDirection.LeftTop), "padding 'LeftTop'"),
        ["XSepInvertedResidualBlock.placement"] = (() => new XSepInvertedResidualBlock(XSepInverted, PaddingDirection.RightBottom, PaddingPlacement.BeforeExpand), "placement 'BeforeExpand'"),
        ["XSepInvertedResidualBlock.Backend"] = null,

        ["SeModule.channels"] = (() => new SeModule(9), "has shape"),
        ["SeModule.reduction"] = (() => new SeModule(8, 2), "has shape"),

        ["XSepMobileNetV3Small.numClasses"] = (() => new XSepMobileNetV3Small(4, ImagePreset.Cifar), "has shape"),
        ["XSepMobileNetV3Small.preset"] = (() => new XSepMobileNetV3Small(3), "the module itself has stemStride '2' in the file, '1' in the module"),
        ["XSepMobileNetV3Small.options"] = (() => new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Kernels = [7] }), "has shape"),
        ["MobileNet.spec"] = (() => new MobileNet(Network with { PaddingPlacement = PaddingPlacement.BeforeExpand }), "placement 'BeforeExpand'"),
    };

    // By property of a network's description.
    private static readonly Dictionary<string, (NetworkSpec Changed, string? Refusal)> SpecOptions = new()
    {
        ["Name"] = (Network with { Name = "other" }, null),
        ["Dropout"] = (Network with { Dropout = 0.5 }, null),
        ["InputChannels"] = (Network with { InputChannels = 1 }, "has shape"),
        ["NumClasses"] = (Network with { NumClasses = 4 }, "has shape"),
        ["StemChannels"] = (Network with { StemChannels = 16, Blocks = [Dw with { In = 16, Out = 8 }, .. Network.Blocks.Skip(1)] }, "has shape"),
        ["StemStride"] = (Network with { StemStride = 1 }, "stemStride '1' in the file, '2' in the module"),
        ["Blocks"] = (Network with { Blocks = [.. Network.Blocks.Take(2), XSep with { Kernel = 3, Stride = 2 }] }, "'bneck.2' has stride '2'"),
        ["LastChannels"] = (Network with { LastChannels = 24 }, "has shape"),
        ["HiddenFeatures"] = (Network with { HiddenFeatures = 9 }, "has shape"),
        ["HiddenNorm"] = (Network with { HiddenNorm = false }, "'bn3.weight' is missing"),
        ["PaddingPlacement"] = (Network with { PaddingPlacement = PaddingPlacement.BeforeExpand }, "'bneck.1' has placement 'BeforeExpand'"),
        ["Activation"] = (Network with { Activation = Activation.ReLU6 }, "the module itself has activation 'ReLU6' in the file, 'HSwish'"),
        ["NormEpsilon"] = (Network with { NormEpsilon = 1e-3 }, null),
        ["NormMomentum"] = (Network with { NormMomentum = 0.01 }, null),
        ["PaddingStrategy"] = (Network with { PaddingStrategy = PaddingStrategy.Symmetric }, "'bneck.1' has padding 'Symmetric' in the file, 'RightBottom'"),
    };

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Changes => [.. Options.Where(option => option.Value is not null).Select(option => option.Key)];

    public static TheoryData<string> SpecChanges => [.. SpecOptions.Keys];

    private static BlockSpec Sep => XSep with { Kind = BlockKind.Sep };

    private static BlockSpec Inverted => XSep with { Kind = BlockKind.InvertedResidual };

    private static BlockSpec XSepInverted => XSep with { Kind = BlockKind.XSepInvertedResidual };

    private string FilePath => _folder.File("module.safetensors");

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Every_option_of_every_public_module_is_here()
    {
        var modules = typeof(XSepConv2d).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(nn.Module)));
        var options = modules.SelectMany(type => type.GetConstructors().SelectMany(constructor => constructor.GetParameters()).Select(parameter => parameter.Name!)
            .Concat(type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(property => property.SetMethod?.IsPublic == true).Select(property => property.Name))
            .Where(name => name is not ("device" or "dtype"))
            .Select(name => $"{type.Name}.{name}"));
        Assert.Equal(Options.Keys.Order(), options.Distinct().Order());

        // What can't be set is counted from the rest.
        Assert.Equal(SpecOptions.Keys.Order(), typeof(NetworkSpec).GetProperties().Where(property => property.CanWrite).Select(property => property.Name).Order());
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_file_goes_into_such_a_module_and_into_none_that_was_built_otherwise(string option)
    {
        var (make, refusal) = Options[option]!.Value;
        using var changed = make();
        changed.SaveSafeTensors(FilePath);
        using var plain = Plain(option.Split('.')[0]);
        var before = Values(plain);
        var e = Assert.Throws<InvalidDataException>(() => plain.LoadSafeTensors(FilePath));
        Assert.Contains(refusal, e.Message);
        Assert.Equal(before, Values(plain));

        using var same = make();
        Assert.Empty(same.LoadSafeTensors(FilePath).MissingKeys);
        Assert.Equal(Answer(changed), Answer(same));
    }

    [Theory]
    [MemberData(nameof(SpecChanges))]
    public void A_network_s_file_builds_that_network_and_fits_no_other(string property)
    {
        var (spec, refusal) = SpecOptions[property];
        using var changed = new MobileNet(spec);
        changed.SaveSafeTensors(FilePath);
        using var again = MobileNet.FromSafeTensors(FilePath);
        Assert.Equal(spec, again.Spec);
        Assert.Equal(Answer(changed), Answer(again));

        using var plain = new MobileNet(Network);
        if (refusal is null) plain.LoadSafeTensors(FilePath);
        else Assert.Contains(refusal, Assert.Throws<InvalidDataException>(() => plain.LoadSafeTensors(FilePath)).Message);
    }

    [Fact]
    public void A_prefix_hides_no_block_that_was_built_otherwise()
    {
        using var changed = new MobileNet(SpecOptions["PaddingStrategy"].Changed);
        SafeTensors.Write(
            FilePath, ModuleState.Tensors(changed).Select(tensor => tensor with { Name = "module." + tensor.Name }),
            new Dictionary<string, string> { [NetworkSpec.MetadataKey] = changed.Spec.ToJson() });
        using var plain = new MobileNet(Network);
        var options = new SafeTensorsLoadOptions { Prefix = "module." };
        var e = Assert.Throws<InvalidDataException>(() => plain.LoadSafeTensors(FilePath, options));
        Assert.Contains("'bneck.1' has padding 'Symmetric' in the file, 'RightBottom'", e.Message);
    }

    [Fact]
    public void Without_strict_what_was_built_otherwise_is_told()
    {
        using var changed = new XSepConv2d(8, 5, padding: PaddingDirection.LeftTop);
        changed.SaveSafeTensors(FilePath);
        using var plain = new XSepConv2d(8, 5);
        var difference = plain.LoadSafeTensors(FilePath, strict: false);
        Assert.Equal(["the module itself has padding 'LeftTop' in the file, 'RightBottom' in the module"], difference.DifferentSettings);
        Assert.Equal(Values(changed), Values(plain));
    }

    [Fact]
    public void A_file_that_says_nothing_about_blocks_loads_as_before()
    {
        using var changed = new XSepConv2d(8, 5, padding: PaddingDirection.LeftTop);
        SafeTensors.Write(FilePath, ModuleState.Tensors(changed));
        using var plain = new XSepConv2d(8, 5);
        Assert.Empty(plain.LoadSafeTensors(FilePath).DifferentSettings);
        Assert.Equal(Values(changed), Values(plain));
    }

    [Fact]
    public void Operators_inside_a_module_of_one_s_own_are_told_by_their_paths()
    {
        using var changed = nn.Sequential(("stem", nn.Conv2d(3, 8, 3)), ("op", new XSepConv2d(8, 5, padding: PaddingDirection.LeftBottom)));
        changed.SaveSafeTensors(FilePath);
        using var plain = nn.Sequential(("stem", nn.Conv2d(3, 8, 3)), ("op", new XSepConv2d(8, 5)));
        Assert.Contains("'op' has padding 'LeftBottom' in the file, 'RightBottom' in the module", Assert.Throws<InvalidDataException>(() => plain.LoadSafeTensors(FilePath)).Message);

        // Something else with the same keys does not know what a padding is.
        using var other = nn.Sequential(("stem", nn.Conv2d(3, 8, 3)), ("op", new Lookalike()));
        Assert.Contains("'op' has the setting 'padding' in the file, which the module lacks", Assert.Throws<InvalidDataException>(() => other.LoadSafeTensors(FilePath)).Message);
    }

    private static nn.Module<Tensor, Tensor> Plain(string type) => type switch
    {
        "XSepConv2d" => new XSepConv2d(8, 5),
        "XSepBlock" => new XSepBlock(XSep, PaddingDirection.RightBottom),
        "DwBlock" => new DwBlock(Dw),
        "SepBlock" => new SepBlock(Sep),
        "InvertedResidualBlock" => new InvertedResidualBlock(Inverted),
        "XSepInvertedResidualBlock" => new XSepInvertedResidualBlock(XSepInverted, PaddingDirection.RightBottom),
        "SeModule" => new SeModule(8),
        "XSepMobileNetV3Small" => new XSepMobileNetV3Small(3, ImagePreset.Cifar),
        _ => new MobileNet(Network),
    };

    private static float[] Answer(nn.Module<Tensor, Tensor> module)
    {
        module.eval();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var weight = module.parameters().First();
        long channels = module is XSepConv2d or SeModule ? module.state_dict().Values.First(tensor => tensor.dim() == 4).size(module is SeModule ? 1 : 0) : weight.size(1);
        manual_seed(4);
        return module.call(randn(2, channels, 13, 11)).data<float>().ToArray();
    }

    private static List<double> Values(nn.Module module) =>
        [.. module.state_dict().Values.SelectMany(tensor => tensor.to(float64).flatten().data<double>().ToArray())];

    private sealed class Lookalike : nn.Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Conv2d conv1 = nn.Conv2d(8, 8, 2, groups: 8, bias: false), conv2 = nn.Conv2d(8, 8, (1L, 5L), groups: 8, bias: false),
            conv3 = nn.Conv2d(8, 8, (5L, 1L), groups: 8, bias: false);

        private readonly TorchSharp.Modules.BatchNorm2d bn1 = nn.BatchNorm2d(8), bn2 = nn.BatchNorm2d(8), bn3 = nn.BatchNorm2d(8);

        public Lookalike() : base(nameof(Lookalike)) => RegisterComponents();

        public override Tensor forward(Tensor x) => bn3.call(conv3.call(bn2.call(conv2.call(bn1.call(conv1.call(x))))));
    }
}
