using static XSepConv.BlockKind;
using static XSepConv.SqueezeExcite;

namespace XSepConv.Tests;

/// <summary>
/// The blocks of two papers as rows of tables. What is around them is this library's: MobileNetV2 has no hidden layer, MobileNetV3 no batch
/// norm in it.
/// </summary>
internal static class PaperNetworks
{
    public static IReadOnlyList<string> Names => ["MobileNetV2", "MobileNetV3-Small"];

    /// <param name="name">One of the names.</param>
    /// <param name="width">Multiplies all channels.</param>
    /// <param name="small">For small images: nothing is halved before the second row that halves.</param>
    public static NetworkSpec Of(string name, double width = 1, bool small = false)
    {
        var spec = name == Names[0] ? V2 : V3;
        var halvings = 0;
        return spec with
        {
            StemChannels = Scale(spec.StemChannels),
            StemStride = small ? 1 : 2,
            LastChannels = Scale(spec.LastChannels),
            HiddenFeatures = Scale(spec.HiddenFeatures),
            Blocks =
            [
                .. spec.Blocks.Select(row => row with
                {
                    In = Scale(row.In),
                    Expand = row.Expand == row.In ? Scale(row.In) : Scale(row.Expand),
                    Out = Scale(row.Out),
                    SqueezeChannels = row.SqueezeChannels is { } channels ? Scale(channels) : null,
                    Stride = row.Stride == 2 && ++halvings == 1 && small ? 1 : row.Stride,
                }),
            ],
        };

        int Scale(int channels) => Math.Max(4, (int)(channels * width));
    }

    // Sandler et al. 2018, arXiv 1801.04381, table 2: expansion t, output channels, repetitions, stride of the first of them.
    private static NetworkSpec V2
    {
        get
        {
            var (rows, channels) = (new List<BlockSpec>(), 32);
            foreach (var (t, outputs, count, stride) in new[]
            {
                (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
            })
            {
                for (var i = 0; i < count; i++)
                {
                    rows.Add(new(InvertedResidual, 3, channels, channels * t, outputs, Activation.ReLU6, None, i == 0 ? stride : 1));
                    channels = outputs;
                }
            }

            return Network(Names[0], rows, stem: 32, last: 1280) with { Activation = Activation.ReLU6 };
        }
    }

    // Howard et al. 2019, arXiv 1905.02244, table 2. Squeeze-excite narrows to a quarter, rounded to multiples of 8 and not down by more
    // than a tenth.
    private static NetworkSpec V3
    {
        get
        {
            var (relu, hswish) = (Activation.ReLU, Activation.HSwish);
            var spec = Network(
                Names[1],
                [
                    new(InvertedResidual, 3, 16, 16, 16, relu, Expanded, 2) { SqueezeChannels = 8 },
                    new(InvertedResidual, 3, 16, 72, 24, relu, None, 2),
                    new(InvertedResidual, 3, 24, 88, 24, relu, None, 1),
                    new(InvertedResidual, 5, 24, 96, 40, hswish, Expanded, 2) { SqueezeChannels = 24 },
                    new(InvertedResidual, 5, 40, 240, 40, hswish, Expanded, 1) { SqueezeChannels = 64 },
                    new(InvertedResidual, 5, 40, 240, 40, hswish, Expanded, 1) { SqueezeChannels = 64 },
                    new(InvertedResidual, 5, 40, 120, 48, hswish, Expanded, 1) { SqueezeChannels = 32 },
                    new(InvertedResidual, 5, 48, 144, 48, hswish, Expanded, 1) { SqueezeChannels = 40 },
                    new(InvertedResidual, 5, 48, 288, 96, hswish, Expanded, 2) { SqueezeChannels = 72 },
                    new(InvertedResidual, 5, 96, 576, 96, hswish, Expanded, 1) { SqueezeChannels = 144 },
                    new(InvertedResidual, 5, 96, 576, 96, hswish, Expanded, 1) { SqueezeChannels = 144 },
                ],
                stem: 16,
                last: 576);
            return spec with { NormEpsilon = 1e-3, NormMomentum = 0.01 };
        }
    }

    private static NetworkSpec Network(string name, IEnumerable<BlockSpec> rows, int stem, int last) => new()
    {
        Name = name,
        NumClasses = 10,
        StemChannels = stem,
        Blocks = [.. rows],
        LastChannels = last,
        HiddenFeatures = 64,
    };
}
