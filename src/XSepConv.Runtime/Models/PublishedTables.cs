using static XSepConv.Activation;

namespace XSepConv;

/// <summary>The tables of the papers on MobileNetV2 and MobileNetV3, with what is around them, as torchvision has it.</summary>
internal static class PublishedTables
{
    /// <summary>Howard et al. 2019, arXiv 1905.02244, table 2.</summary>
    public static MobileNetV3Layout Small { get; } = V3(
        hidden: 1024,
        [
            //  K   in  expand out  activation  SE     stride   224 × 224 comes in at
            Row(3,  16,  16,  16,   ReLU,       true,  2),      // 112 × 112
            Row(3,  16,  72,  24,   ReLU,       false, 2),      //  56 ×  56
            Row(3,  24,  88,  24,   ReLU,       false, 1),      //  28 ×  28
            Row(5,  24,  96,  40,   HSwish,     true,  2),      //  28 ×  28
            Row(5,  40, 240,  40,   HSwish,     true,  1),      //  14 ×  14
            Row(5,  40, 240,  40,   HSwish,     true,  1),      //  14 ×  14
            Row(5,  40, 120,  48,   HSwish,     true,  1),      //  14 ×  14
            Row(5,  48, 144,  48,   HSwish,     true,  1),      //  14 ×  14
            Row(5,  48, 288,  96,   HSwish,     true,  2),      //  14 ×  14
            Row(5,  96, 576,  96,   HSwish,     true,  1),      //   7 ×   7
            Row(5,  96, 576,  96,   HSwish,     true,  1),      //   7 ×   7
        ]);

    /// <summary>Howard et al. 2019, table 1.</summary>
    public static MobileNetV3Layout Large { get; } = V3(
        hidden: 1280,
        [
            //  K   in  expand out  activation  SE     stride   224 × 224 comes in at
            Row(3,  16,  16,  16,   ReLU,       false, 1),      // 112 × 112
            Row(3,  16,  64,  24,   ReLU,       false, 2),      // 112 × 112
            Row(3,  24,  72,  24,   ReLU,       false, 1),      //  56 ×  56
            Row(5,  24,  72,  40,   ReLU,       true,  2),      //  56 ×  56
            Row(5,  40, 120,  40,   ReLU,       true,  1),      //  28 ×  28
            Row(5,  40, 120,  40,   ReLU,       true,  1),      //  28 ×  28
            Row(3,  40, 240,  80,   HSwish,     false, 2),      //  28 ×  28
            Row(3,  80, 200,  80,   HSwish,     false, 1),      //  14 ×  14
            Row(3,  80, 184,  80,   HSwish,     false, 1),      //  14 ×  14
            Row(3,  80, 184,  80,   HSwish,     false, 1),      //  14 ×  14
            Row(3,  80, 480, 112,   HSwish,     true,  1),      //  14 ×  14
            Row(3, 112, 672, 112,   HSwish,     true,  1),      //  14 ×  14
            Row(5, 112, 672, 160,   HSwish,     true,  2),      //  14 ×  14
            Row(5, 160, 960, 160,   HSwish,     true,  1),      //   7 ×   7
            Row(5, 160, 960, 160,   HSwish,     true,  1),      //   7 ×   7
        ]);

    /// <summary>Sandler et al. 2018, arXiv 1801.04381, table 2.</summary>
    public static MobileNetV3Layout V2 { get; } = new(RowsOfV2(), LastChannels: 1280)
    {
        StemChannels = 32,
        HiddenFeatures = 0,
        Activation = ReLU6,

        // The factor t is of the scaled channels, and the last convolution does not get narrower.
        Expansion = (row, width) => MobileNetV3Layout.ScaleChannels(row.In, width) * (row.Expand / row.In),
        Last = width => MobileNetV3Layout.ScaleChannels(1280, Math.Max(1, width)),
    };

    private static MobileNetV3Layout V3(int hidden, BlockSpec[] rows)
    {
        const int LastExpansion = 6;
        var channels = rows[^1].Out;
        return new(rows, LastExpansion * channels)
        {
            HiddenFeatures = hidden,
            HiddenNorm = false,
            NormEpsilon = 1e-3,
            NormMomentum = 0.01,
            Last = width => LastExpansion * MobileNetV3Layout.ScaleChannels(channels, width),
        };
    }

    private static List<BlockSpec> RowsOfV2()
    {
        var (rows, channels) = (new List<BlockSpec>(), 32);

        // Expansion t, output channels, repetitions, stride of the first of them.
        foreach (var (t, outputs, count, stride) in new[]
        {
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
        })
        {
            for (var i = 0; i < count; i++)
            {
                rows.Add(Row(3, channels, t * channels, outputs, ReLU6, squeeze: false, i == 0 ? stride : 1));
                channels = outputs;
            }
        }

        return rows;
    }

    private static BlockSpec Row(int kernel, int inputs, int expand, int outputs, Activation activation, bool squeeze, int stride) =>
        new(
            BlockKind.InvertedResidual, kernel, inputs, expand, outputs, activation,
            squeeze ? SqueezeExcite.Expanded : SqueezeExcite.None, stride)
        {
            SqueezeChannels = squeeze ? MobileNetV3Layout.SqueezedFrom(expand) : null,
        };
}
