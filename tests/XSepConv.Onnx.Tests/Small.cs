using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>One module of each kind of this library, small, that takes maps of <see cref="In"/> channels.</summary>
internal static class Small
{
    public const int In = 6;

    public static IReadOnlyDictionary<string, Func<nn.Module<Tensor, Tensor>>> Modules { get; } = All().ToDictionary(
        entry => entry.Name, entry => entry.Make);

    private static IEnumerable<(string Name, Func<nn.Module<Tensor, Tensor>> Make)> All()
    {
        yield return ("squeeze-excite", () => new SeModule(In, 3));
        yield return ("depthwise block", () => new DwBlock(3, In, 10, 8));
        yield return ("separable block", () => new SepBlock(new(BlockKind.Sep, 5, In, 10, In, Activation.ReLU, SqueezeExcite.Expanded, 1)));
        yield return ("inverted residual", () => new InvertedResidualBlock(Row(BlockKind.InvertedResidual, 10, SqueezeExcite.Expanded)));
        foreach (var padding in new[] { PaddingDirection.LeftTop, PaddingDirection.Symmetric })
        {
            yield return ($"operator, {padding}", () => new XSepConv2d(In, 5, 2, padding));
            foreach (var placement in Enum.GetValues<PaddingPlacement>())
            {
                yield return ($"block, {padding}, {placement}", () => new XSepBlock(5, In, 10, 8, padding, placement: placement));
                yield return ($"inverted, {padding}, {placement}", () => new XSepInvertedResidualBlock(
                    Row(BlockKind.XSepInvertedResidual, In, SqueezeExcite.None), padding, placement));
            }
        }

        yield return ("network", () => new MobileNet(new()
        {
            Name = "small",
            InputChannels = In,
            NumClasses = 5,
            StemChannels = 8,
            StemStride = 1,
            Blocks =
            [
                new(BlockKind.Dw, 3, 8, 12, 8, Activation.HSwish, SqueezeExcite.Output, 2),
                new(BlockKind.XSep, 5, 8, 12, 12, Activation.HSwish, SqueezeExcite.Expanded, 1),
            ],
            LastChannels = 16,
            HiddenFeatures = 12,
        }));
    }

    private static BlockSpec Row(BlockKind kind, int expand, SqueezeExcite squeeze) =>
        new(kind, 5, In, expand, In, Activation.ReLU6, squeeze, 1);
}
