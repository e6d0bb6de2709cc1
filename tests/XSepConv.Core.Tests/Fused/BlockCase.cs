using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A block and the map that it is tried on.</summary>
internal sealed record BlockCase(BlockSpec Spec, PaddingDirection Padding, int Batch, int Height, int Width)
{
    private const int MostValues = 12_000;

    public PaddingPlacement Placement { get; init; }

    /// <summary>Draws one from a seed: channels to 200, batches to 64, sides to 64, K to 63 (mostly 11), all else that a row may have.</summary>
    public static BlockCase Draw(int seed)
    {
        var draw = new Random(seed);
        int[] size = [draw.Next(1, 65), draw.Next(1, 201), draw.Next(1, 65), draw.Next(1, 65)];
        var kept = draw.Next(4);
        while (size.Aggregate(1L, (product, n) => product * n) > MostValues)
        {
            var i = draw.Next(4);
            if (i != kept) size[i] = (size[i] + 1) / 2;
        }

        var kind = (BlockKind)draw.Next(5);
        var squeeze = (SqueezeExcite)draw.Next(3);
        if (kind != BlockKind.Dw && squeeze == SqueezeExcite.Output) squeeze = SqueezeExcite.Expanded;
        var stride = draw.Next(1, 3);
        if (squeeze != SqueezeExcite.None || size[0] * ((size[2] + 1) / 2) * ((size[3] + 1) / 2) < 2) size[0] = Math.Max(size[0], 2);
        var inputs = draw.Next(1, 25);
        if (squeeze == SqueezeExcite.Expanded) size[1] = Math.Max(4, size[1]);

        // Half of the rows that may have no expansion have none.
        if (kind is BlockKind.InvertedResidual or BlockKind.XSepInvertedResidual && draw.Next(2) == 0) inputs = size[1];
        var outputs = draw.Next(2) == 0 ? inputs : draw.Next(4, 25);
        if (squeeze == SqueezeExcite.Output) outputs = Math.Max(4, outputs);
        var kernel = 1 + (2 * (draw.Next(6) == 0 ? draw.Next(32) : draw.Next(6)));
        return new(
            new(kind, kernel, inputs, size[1], outputs, (Activation)draw.Next(4), squeeze, stride), (PaddingDirection)draw.Next(5), size[0], size[2], size[3])
        {
            Placement = (PaddingPlacement)draw.Next(2),
        };
    }

    public nn.Module<Tensor, Tensor> Create(ScalarType type) => Spec.Kind switch
    {
        BlockKind.XSep => new XSepBlock(Spec, Padding, Placement, dtype: type),
        BlockKind.Sep => new SepBlock(Spec, dtype: type),
        BlockKind.InvertedResidual => new InvertedResidualBlock(Spec, dtype: type),
        BlockKind.XSepInvertedResidual => new XSepInvertedResidualBlock(Spec, Padding, Placement, dtype: type),
        _ => new DwBlock(Spec, dtype: type),
    };

    public override string ToString() => $"{Batch}×{Spec.In}×{Height}×{Width}, {Spec}, {Padding}, {Placement}";
}
