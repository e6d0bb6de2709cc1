using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Shapes that the depthwise stage's kernels are tried on.</summary>
internal static class DepthwiseStageCases
{
    /// <summary>
    /// Chosen: every width of tile with and without a rest, tails of every width of vector, maps smaller than the kernel, each grouping of
    /// planes.
    /// </summary>
    public static IReadOnlyList<DepthwiseStageShape> Chosen { get; } =
    [
        new(2, 1, 1, 1, 3, 1, Activation.ReLU),
        new(40, 3, 1, 1, 5, 2, Activation.HSwish),
        new(1, 5, 1, 7, 7, 1, Activation.HSwish),
        new(1, 2, 33, 1, 5, 2, Activation.ReLU),
        new(2, 50, 4, 4, 5, 1, Activation.HSwish),
        new(1, 48, 7, 7, 3, 1, null),
        new(3, 17, 5, 6, 5, 1, Activation.ReLU),
        new(16, 2, 14, 14, 5, 1, Activation.HSwish),
        new(17, 3, 7, 7, 7, 1, Activation.HSwish),
        new(33, 4, 7, 5, 7, 1, Activation.ReLU),
        new(40, 2, 6, 9, 5, 2, Activation.HSwish),
        new(8, 16, 4, 5, 1, 1, Activation.HSwish),
        new(20, 2, 5, 4, 1, 2, Activation.HSwish),
        new(4, 6, 8, 9, 9, 1, Activation.ReLU),
        new(2, 9, 12, 11, 11, 2, Activation.HSwish),
        new(5, 7, 10, 6, 7, 2, null),
        new(18, 2, 16, 16, 3, 1, Activation.ReLU),
        new(18, 2, 16, 16, 3, 2, Activation.ReLU),
        new(32, 1, 9, 32, 3, 2, Activation.HSwish),
        new(1, 2, 33, 29, 7, 1, Activation.HSwish),
        new(1, 2, 29, 33, 3, 2, Activation.ReLU),
        new(2, 17, 3, 3, 11, 2, Activation.ReLU),
        new(16, 1, 2, 17, 5, 1, Activation.ReLU),
        new(7, 3, 15, 13, 3, 2, Activation.ReLU),
        new(7, 18, 9, 8, 5, 1, Activation.SiLU),
        new(19, 3, 8, 7, 3, 2, Activation.ReLU6),

        // Every map meets every tap, some do; beyond the kernels of networks.
        new(2, 9, 14, 14, 31, 1, Activation.HSwish),
        new(1, 3, 28, 25, 31, 1, Activation.HSwish),
        new(2, 5, 14, 20, 31, 2, Activation.ReLU),
        new(1, 2, 20, 17, 63, 1, Activation.SiLU),
        new(18, 2, 7, 7, 63, 2, Activation.ReLU6),
        new(1, 3, 9, 8, 65, 1, Activation.HSwish),
        new(2, 2, 12, 17, 127, 2, Activation.ReLU),
        new(1, 2, 7, 9, 255, 1, Activation.HSwish),
    ];

    /// <summary>Drawn from a seed.</summary>
    public static DepthwiseStageShape Random(int seed)
    {
        var random = new Random(seed);
        var largest = seed % 2 == 0 ? 11 : 63;
        while (true)
        {
            var shape = new DepthwiseStageShape(
                random.Next(1, 41), random.Next(1, 51), random.Next(1, 65), random.Next(1, 65), 1 + (2 * random.Next((largest + 1) / 2)),
                random.Next(1, 3),
                random.Next(5) is var drawn and > 0 ? (Activation)(drawn - 1) : null);
            var work = (long)shape.Batch * shape.Channels * shape.OutputPlane * shape.Kernel * shape.Kernel;
            if (work <= 200_000 && shape.Batch * shape.OutputPlane > 1) return shape;
        }
    }

    /// <summary>
    /// Data on which float32 and float64 see the same slopes: no value within 1e-5, a hundred roundings, of a kink. And with enough values,
    /// or epsilon, in a channel that dividing by the deviation does not blow rounding up.
    /// </summary>
    public static (DepthwiseStageData Data, DepthwiseStageReference Reference, Map64 Output) Draw(DepthwiseStageShape shape, int seed,
        bool frozen = false)
    {
        double[] epsilons = shape.Batch * shape.OutputPlane < 64 ? [0.1] : [1e-5, 1e-3, 0.1];
        for (var attempt = 0; ; attempt++)
        {
            var data = new DepthwiseStageData(shape, seed + (attempt * 7919), epsilons[seed % epsilons.Length]);
            var reference = new DepthwiseStageReference(shape, data);
            if (frozen) reference.Freeze(data.RunningMean, data.RunningVariance);
            var output = reference.Forward(data.Input64);
            if (reference.Norm.NearestKink > 1e-5) return (data, reference, output);
        }
    }
}
