namespace XSepConv;

/// <summary>Kernel sizes chosen for a network, laid over the rows of its table (<see cref="MobileNetV3Options.Kernels"/>).</summary>
internal static class KernelChoice
{
    public const int Smallest = 3;
    public const int Largest = 63;
    public const int Stages = 4;

    /// <summary>From this K on XSepConv at stride 2 takes fewer multiply-accumulates than the depthwise convolution.</summary>
    private const int SmallestStrided = 7;

    public static bool IsKernel(int kernel) => kernel is >= Smallest and <= Largest && kernel % 2 == 1;

    /// <summary>The stage of each row, from 0: how often the map was halved up to and with it, where the stem is the first time.</summary>
    public static IReadOnlyList<int> StagesOf(IReadOnlyList<BlockSpec> rows)
    {
        var halvings = 0;
        return [.. rows.Select(row => Math.Max(0, (halvings += row.Stride - 1) - 1))];
    }

    /// <summary>K of each row of the table, which has its own strides, whatever the preset.</summary>
    public static IReadOnlyList<int> OfRows(IReadOnlyList<BlockSpec> rows, IReadOnlyList<int> kernels) => kernels.Count switch
    {
        0 => [.. rows.Select(row => row.Kernel)],
        1 => [.. rows.Select(_ => kernels[0])],
        Stages => [.. StagesOf(rows).Select(stage => kernels[stage])],
        _ => kernels,
    };

    /// <summary>The row with another K, and the operator that suits it.</summary>
    public static BlockSpec Give(int kernel, BlockSpec row)
    {
        if (kernel == row.Kernel) return row;
        var isXSep = row.Stride == 1 || kernel >= SmallestStrided;
        return row with
        {
            Kind = (row.Kind, isXSep) switch
            {
                (BlockKind.InvertedResidual or BlockKind.XSepInvertedResidual, true) => BlockKind.XSepInvertedResidual,
                (BlockKind.InvertedResidual or BlockKind.XSepInvertedResidual, false) => BlockKind.InvertedResidual,
                (_, true) => BlockKind.XSep,
                (_, false) => BlockKind.Dw,
            },
            Kernel = kernel,

            // Where an XSep row has it; a row that becomes depthwise keeps its place.
            SqueezeExcite = isXSep && row.SqueezeExcite == SqueezeExcite.Output ? SqueezeExcite.Expanded : row.SqueezeExcite,
        };
    }

    public static IEnumerable<string> Problems(IReadOnlyList<BlockSpec> rows, IReadOnlyList<int>? kernels)
    {
        if (kernels is null || (kernels.Count is not (0 or 1 or Stages) && kernels.Count != rows.Count))
        {
            yield return $"there are {kernels?.Count ?? 0} kernel sizes, it must be none, one for all rows, {Stages} for the stages, or "
                + $"{rows.Count} for the rows";
            yield break;
        }

        for (var i = 0; i < kernels.Count; i++)
        {
            if (IsKernel(kernels[i])) continue;
            var place = kernels.Count == 1 ? "" : kernels.Count == Stages ? $" of stage {i + 1}" : $" of row {i}";
            yield return $"the kernel size{place} is {kernels[i]}, it must be odd, from {Smallest} to {Largest}";
        }
    }
}
