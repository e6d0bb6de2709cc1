using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Whoever takes an activation refuses one that it does not know, by its name: none takes it for another.</summary>
public sealed class UnknownActivationTests
{
    private const Activation Unknown = (Activation)99;

    public static TheoryData<string> Consumers => [.. Actions.Keys];

    private static Dictionary<string, Action> Actions => new()
    {
        ["kernels"] = () => ActivationTypes.Run(Unknown, new Nothing()),
        ["tiles"] = () => ActivationTypes.Run((TileActivation)99, new Nothing()),
        ["tile of"] = () => ActivationTypes.OfTile(Unknown),
        ["XSepConv stage"] = () => new XSepStageShape(1, 1, 4, 4, 3, 1, PaddingDirection.LeftTop, Unknown).Validate(),
        ["depthwise stage"] = () => new DepthwiseStageShape(1, 1, 4, 4, 3, 1, Unknown).Validate(),
        ["row"] = () => Spec(Unknown, Activation.ReLU).Validate(),
        ["network"] = () => Spec(Activation.ReLU, Unknown).Validate(),
        ["options"] = () => MobileNetV3SmallSpec.XSep(new() { Activation = Unknown }),
        ["JSON of a row"] = () => Spec(Unknown, Activation.ReLU).ToJson(),
        ["JSON of a network"] = () => Spec(Activation.ReLU, Unknown).ToJson(),
    };

    [Theory]
    [MemberData(nameof(Consumers))]
    public void It_is_refused_by_name(string consumer)
    {
        var e = Assert.ThrowsAny<ArgumentException>(Actions[consumer]);
        Assert.Contains("99", e.Message, StringComparison.Ordinal);
        Assert.Contains("known are", e.Message, StringComparison.Ordinal);
        Assert.Contains("SiLU", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_value_is_known_everywhere()
    {
        foreach (var activation in Enum.GetValues<Activation>())
        {
            ActivationTypes.Run(activation, new Nothing());
            ActivationTypes.Run(ActivationTypes.OfTile(activation), new Nothing());
            Assert.Equal(Spec(activation, activation), NetworkSpec.FromJson(Spec(activation, activation).ToJson()));
        }

        foreach (var activation in Enum.GetValues<TileActivation>()) ActivationTypes.Run(activation, new Nothing());
    }

    private static NetworkSpec Spec(Activation row, Activation outside) => new()
    {
        Name = "test",
        StemChannels = 8,
        Blocks = [new(BlockKind.Dw, 3, 8, 16, 8, row, SqueezeExcite.None, 1)],
        LastChannels = 8,
        HiddenFeatures = 8,
        Activation = outside,
    };

    private readonly struct Nothing : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
        }
    }
}
