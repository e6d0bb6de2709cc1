using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Shapes that the stage's kernels are tried on.</summary>
internal static class XSepStageCases
{
    /// <summary>Chosen: tails of every width of vector, maps smaller than the kernel, each grouping of planes, each padding.</summary>
    public static IReadOnlyList<XSepStageShape> Chosen { get; } =
    [
        new(2, 1, 1, 1, 3, 1, PaddingDirection.RightBottom, Activation.ReLU),
        new(40, 3, 1, 1, 5, 1, PaddingDirection.LeftTop, Activation.HSwish),
        new(1, 5, 1, 7, 7, 1, PaddingDirection.LeftBottom, Activation.HSwish),
        new(1, 2, 33, 1, 5, 2, PaddingDirection.RightTop, Activation.ReLU),
        new(2, 50, 4, 4, 5, 1, PaddingDirection.Symmetric, Activation.HSwish),
        new(1, 48, 7, 7, 3, 1, PaddingDirection.LeftTop, Activation.HSwish),
        new(3, 17, 5, 6, 5, 1, PaddingDirection.LeftBottom, Activation.ReLU),
        new(16, 2, 14, 14, 5, 1, PaddingDirection.RightTop, Activation.HSwish),
        new(17, 3, 7, 7, 3, 1, PaddingDirection.RightBottom, Activation.HSwish),
        new(33, 4, 7, 5, 7, 1, PaddingDirection.Symmetric, Activation.ReLU),
        new(40, 2, 6, 9, 5, 2, PaddingDirection.LeftTop, Activation.HSwish),
        new(8, 16, 4, 5, 1, 1, PaddingDirection.RightBottom, Activation.HSwish),
        new(4, 6, 8, 9, 9, 1, PaddingDirection.LeftTop, Activation.ReLU),
        new(2, 9, 12, 11, 11, 2, PaddingDirection.Symmetric, Activation.HSwish),
        new(5, 7, 10, 6, 7, 2, PaddingDirection.RightTop, Activation.HSwish) { ActivateOutput = true },
        new(32, 2, 9, 8, 5, 1, PaddingDirection.RightBottom, Activation.ReLU) { ActivateOutput = true },
        new(20, 3, 6, 7, 5, 1, PaddingDirection.RightBottom, Activation.HSwish) { Prepadded = true },
        new(2, 33, 7, 4, 3, 2, PaddingDirection.LeftTop, Activation.ReLU) { Prepadded = true },
        new(1, 40, 1, 2, 5, 1, PaddingDirection.Symmetric, Activation.HSwish) { Prepadded = true, ActivateOutput = true },
        new(1, 2, 33, 29, 7, 1, PaddingDirection.LeftBottom, Activation.HSwish),
        new(3, 17, 9, 8, 5, 1, PaddingDirection.LeftTop, Activation.SiLU) { ActivateOutput = true },
        new(18, 2, 7, 5, 7, 2, PaddingDirection.RightTop, Activation.ReLU6) { ActivateOutput = true },
        .. RowsThatFillVectors,
        .. LargeKernels,
    ];

    /// <summary>
    /// Chosen: inference with neighbouring pixels in the lanes, at one to three vectors a row, whichever width they have.
    /// </summary>
    public static IReadOnlyList<XSepStageShape> RowsThatFillVectors =>
    [
        new(2, 20, 14, 14, 5, 1, PaddingDirection.Symmetric, Activation.HSwish),
        new(1, 33, 5, 13, 7, 1, PaddingDirection.LeftTop, Activation.HSwish),
        new(3, 18, 6, 28, 3, 1, PaddingDirection.RightBottom, Activation.ReLU),
        new(2, 5, 8, 29, 9, 1, PaddingDirection.RightTop, Activation.HSwish) { ActivateOutput = true },
        new(2, 17, 6, 15, 5, 1, PaddingDirection.LeftTop, Activation.HSwish) { Prepadded = true },
        new(1, 3, 2, 16, 3, 1, PaddingDirection.LeftBottom, Activation.ReLU) { ActivateOutput = true },
        new(20, 4, 5, 12, 7, 1, PaddingDirection.LeftBottom, Activation.HSwish),
        new(1, 1, 4, 32, 7, 1, PaddingDirection.RightTop, Activation.HSwish) { Prepadded = true },
        new(2, 9, 7, 45, 5, 1, PaddingDirection.LeftTop, Activation.HSwish),
        new(1, 21, 5, 7, 9, 1, PaddingDirection.Symmetric, Activation.HSwish),
        new(2, 5, 6, 29, 5, 1, PaddingDirection.LeftTop, Activation.SiLU) { ActivateOutput = true },
        new(1, 18, 5, 14, 7, 1, PaddingDirection.RightBottom, Activation.ReLU6),
    ];

    /// <summary>Chosen: every map meets every tap, some do, lines of one tile and of several, phases of a stride with one value.</summary>
    public static IReadOnlyList<XSepStageShape> LargeKernels =>
    [
        new(2, 9, 14, 14, 31, 1, PaddingDirection.Symmetric, Activation.HSwish),
        new(1, 3, 28, 25, 31, 1, PaddingDirection.LeftTop, Activation.HSwish),
        new(18, 2, 7, 7, 63, 1, PaddingDirection.RightTop, Activation.ReLU6) { ActivateOutput = true },
        new(1, 2, 64, 40, 63, 1, PaddingDirection.RightBottom, Activation.SiLU),
        new(2, 5, 14, 20, 31, 2, PaddingDirection.LeftBottom, Activation.HSwish),
        new(1, 5, 2, 33, 21, 2, PaddingDirection.RightTop, Activation.ReLU) { Prepadded = true },
        new(3, 4, 17, 1, 11, 2, PaddingDirection.LeftTop, Activation.HSwish),
        new(2, 3, 16, 15, 13, 1, PaddingDirection.LeftTop, Activation.ReLU) { Prepadded = true },
        new(1, 3, 9, 8, 65, 1, PaddingDirection.Symmetric, Activation.HSwish),
        new(2, 2, 12, 17, 127, 2, PaddingDirection.LeftTop, Activation.ReLU),
        new(1, 2, 7, 9, 255, 1, PaddingDirection.RightBottom, Activation.HSwish),
    ];

    /// <summary>Drawn from a seed.</summary>
    public static XSepStageShape Random(int seed)
    {
        var random = new Random(seed);
        var largest = seed % 2 == 0 ? 11 : 63;
        while (true)
        {
            var shape = new XSepStageShape(
                random.Next(1, 41), random.Next(1, 51), random.Next(1, 65), random.Next(1, 65), 1 + (2 * random.Next((largest + 1) / 2)),
                random.Next(1, 3),
                (PaddingDirection)random.Next(5), (Activation)random.Next(4))
            {
                Prepadded = random.Next(4) == 0,
                ActivateOutput = random.Next(4) == 0,
            };
            var values = (long)shape.Batch * shape.Channels * shape.InputPlane;
            if (values <= 6000 && shape.Batch * shape.OutputPlane > 1) return shape;
        }
    }

    /// <summary>
    /// Data on which float32 and float64 see the same slopes: no value within 1e-5, a hundred roundings, of a kink. And with enough values,
    /// or epsilon, in a channel that dividing by the deviation does not blow rounding up.
    /// </summary>
    public static (XSepStageData Data, XSepStageReference Reference, Map64 Output) Draw(XSepStageShape shape, int seed, bool frozen = false)
    {
        double[] epsilons = shape.Batch * shape.OutputPlane < 64 ? [0.1] : [1e-5, 1e-3, 0.1];
        for (var attempt = 0; ; attempt++)
        {
            var data = new XSepStageData(shape, seed + (attempt * 7919), epsilons[seed % epsilons.Length]);
            var reference = new XSepStageReference(shape, data);
            for (var i = 0; frozen && i < 3; i++)
            {
                reference.Norms[i].Frozen = true;
                reference.Norms[i].Mean = [.. data.RunningMeans[i].Select(x => (double)x)];
                reference.Norms[i].Variance = [.. data.RunningVariances[i].Select(x => (double)x)];
            }

            var output = reference.Forward(data.Input64);
            if (reference.NearestKink > 1e-5) return (data, reference, output);
        }
    }
}
