namespace XSepConv.Core.Tests.Parity;

/// <summary>Blocks, operators and small networks drawn at random.</summary>
internal sealed class RandomCases(int seed)
{
    private readonly Random _random = new(seed);

    public ParityCase Block(int i)
    {
        var kind = Pick<BlockKind>();
        var row = Row(kind, Between(1, 12));
        return Filled(new()
        {
            Name = $"block-{i}",
            Block = row,
            Padding = kind is BlockKind.XSep or BlockKind.XSepInvertedResidual ? Pick<PaddingDirection>() : null,
            Placement = Pick<PaddingPlacement>(),
            Input = Map(row.In),
        });
    }

    public ParityCase Operator(int i)
    {
        var channels = Between(1, 24);
        return Filled(new()
        {
            Name = $"operator-{i}",
            Operator = new(channels, Kernel(), Between(1, 2), Pick<Activation>(), Pick<PaddingDirection>()),
            Input = Map(channels),
        });
    }

    public ParityCase Network(int i)
    {
        var stem = Between(4, 12);
        var rows = new List<BlockSpec>();
        var count = Between(2, 6);
        while (rows.Count < count) rows.Add(Row(Pick<BlockKind>(), rows.Count == 0 ? stem : rows[^1].Out));
        var spec = new NetworkSpec
        {
            Name = $"random-{seed}-{i}",
            InputChannels = Between(1, 4),
            NumClasses = Between(0, 3) == 0 ? 0 : Between(2, 12),
            StemChannels = stem,
            StemStride = Between(1, 2),
            Blocks = [.. rows],
            LastChannels = Between(4, 24),
            HiddenFeatures = Between(0, 3) == 0 ? 0 : Between(4, 32),
            HiddenNorm = Between(0, 1) == 0,
            PaddingPlacement = Pick<PaddingPlacement>(),
            PaddingStrategy = Pick<PaddingStrategy>(),
            Activation = Pick<Activation>(),
            NormEpsilon = Between(0, 1) == 0 ? 1e-5 : 1e-3,
            NormMomentum = Between(0, 1) == 0 ? 0.1 : 0.01,
        };

        // At least 2×2 at the end: one pixel from few images leaves batch norm with near-constant channels, which amplify rounding.
        var span = spec.InputStrides()[^1] * rows[^1].Stride;
        long[] input = [5, spec.InputChannels, (span * 2) + Between(0, 5), (span * 2) + Between(0, 5)];
        return Filled(new() { Name = $"network-{i}", Network = spec, Input = input });
    }

    private ParityCase Filled(ParityCase which) => which with { Prefix = $"live/{seed}/{which.Name}" };

    private BlockSpec Row(BlockKind kind, int inChannels)
    {
        // The networks' XSep rows have squeeze-excite on the expanded map or none; it takes four channels.
        var squeeze = kind == BlockKind.Dw ? Pick<SqueezeExcite>() : (SqueezeExcite)Between(0, 1);
        var expand = (kind is BlockKind.InvertedResidual or BlockKind.XSepInvertedResidual) && squeeze == SqueezeExcite.None && Between(0, 2) == 0
            ? inChannels
            : Between(squeeze == SqueezeExcite.Expanded ? 4 : 1, 24);
        var outputs = Between(0, 2) == 0 && inChannels >= 4 ? inChannels : Between(4, 12);
        return new(kind, Kernel(), inChannels, expand, outputs, Pick<Activation>(), squeeze, Between(1, 2))
        {
            SqueezeChannels = squeeze != SqueezeExcite.None && Between(0, 1) == 0 ? Between(1, 8) : null,
        };
    }

    private long[] Map(int channels) => [Between(3, 6), channels, Between(2, 12), Between(2, 12)];

    // Small ones mostly; any odd one up to 63.
    private int Kernel() => (2 * (Between(0, 3) == 0 ? Between(5, 31) : Between(0, 4))) + 1;

    private int Between(int least, int most) => _random.Next(least, most + 1);

    private T Pick<T>()
        where T : struct, Enum
    {
        var values = Enum.GetValues<T>();
        return values[_random.Next(values.Length)];
    }
}
