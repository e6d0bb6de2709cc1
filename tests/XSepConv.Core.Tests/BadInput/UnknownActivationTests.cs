using static TorchSharp.torch;

namespace XSepConv.Core.Tests.BadInput;

/// <summary>Whoever takes an activation refuses one that it does not know, by its name: none takes it for another.</summary>
public sealed class UnknownActivationTests
{
    private const Activation Unknown = (Activation)99;

    private static readonly BlockSpec Row = new(BlockKind.Dw, 3, 8, 16, 8, Unknown, SqueezeExcite.None, 1);

    private static readonly NetworkSpec Network = new()
    {
        Name = "test",
        StemChannels = 8,
        Blocks = [Row with { Activation = Activation.ReLU }],
        LastChannels = 8,
        HiddenFeatures = 8,
        Activation = Unknown,
    };

    private static readonly Dictionary<string, Action> Actions = new()
    {
        ["function"] = () => Unknown.Apply(zeros(1)),
        ["DwBlock"] = () => new DwBlock(Row),
        ["SepBlock"] = () => new SepBlock(Row with { Kind = BlockKind.Sep }),
        ["XSepBlock"] = () => new XSepBlock(Row with { Kind = BlockKind.XSep }, PaddingDirection.LeftTop),
        ["XSepConv2d"] = () => new XSepConv2d(8, 3, activation: Unknown),
        ["MobileNet"] = () => new MobileNet(Network),
        ["XSepMobileNetV3Small"] = () => new XSepMobileNetV3Small(new MobileNetV3Options { Activation = Unknown }),
        ["conversion"] = () => new ConversionOptions { Activation = Unknown }.Validate(),
        ["drawing"] = () => NetworkDrawing.Mermaid(Network),
    };

    public static TheoryData<string> Consumers => [.. Actions.Keys];

    [Theory]
    [MemberData(nameof(Consumers))]
    public void It_is_refused_by_name(string consumer)
    {
        var e = Assert.ThrowsAny<ArgumentException>(Actions[consumer]);
        Assert.Contains("99", e.Message, StringComparison.Ordinal);
        Assert.Contains("known are ReLU", e.Message, StringComparison.Ordinal);
    }
}
