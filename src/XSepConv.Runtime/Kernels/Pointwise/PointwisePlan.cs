using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;

namespace XSepConv.Kernels;

/// <summary>Vectors of output channels that are computed together, and the tiles of pixels for them.</summary>
/// <param name="IsLastHalf">Whether the last vector has channels in its lower half alone.</param>
internal readonly record struct PointwiseGroup(int Block, int Vectors, TileRun[] Runs, bool IsLastHalf = false);

/// <summary>
/// How a 1×1 convolution is cut into register tiles. The cut changes no result: every output is one sum over its channels, in their order.
/// </summary>
internal static class PointwisePlan
{
    /// <summary>Vectors of a group, at most.</summary>
    public const int MaxVectors = 3;

    // In cycles: two multiply-adds and two loads in each, four until a result can be added to again; entering a tile, storing a vector.
    private const double PerMultiplyAdd = 0.5;
    private const double PerLoad = 0.5;
    private const double Latency = 4;
    private const double Entering = 20;
    private const double Storing = 1.5;

    /// <summary>Vector registers of that width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Registers(int lanes) => lanes == 16 || AdvSimd.Arm64.IsSupported ? 32 : 16;

    /// <summary>The most pixels for a number of vectors: accumulators, the weights and one input fit the registers.</summary>
    public static int MaxPixels(int vectors, int registers) => registers == 32
        ? vectors switch { 1 or 2 => 14, _ => 9 }
        : vectors switch { 1 => 12, 2 => 6, _ => 4 };

    /// <summary>The same for the stem, which has tiles of one and two vectors, and a long one where registers allow.</summary>
    public static PointwiseGroup[] ForStem(int blocks, int pixels, int taps, int registers)
    {
        const int Long = 28;
        var groups = new List<PointwiseGroup>();
        for (var block = 0; block < blocks; block += 2)
        {
            var vectors = Math.Min(2, blocks - block);
            var longTiles = vectors == 1 && registers == 32 ? pixels / Long : 0;
            var rest = pixels - (longTiles * Long);
            var runs = rest == 0 ? [] : Runs(vectors, rest, taps, registers);
            groups.Add(new(block, vectors, longTiles == 0 ? runs
                : [new(0, Long, longTiles), .. runs.Select(run => run with { Offset = run.Offset + (longTiles * Long) })]));
        }

        return [.. groups];
    }

    /// <summary>
    /// The best groups for <paramref name="outputs"/> channels in vectors of <paramref name="lanes"/> on <paramref name="pixels"/>
    /// neighbouring pixels.
    /// </summary>
    public static PointwiseGroup[] Create(int outputs, int lanes, int pixels, int channels)
    {
        var registers = Registers(lanes);
        var blocks = BlockedMap.Blocks(outputs, lanes);
        var runs = new TileRun[MaxVectors + 1][];
        var costs = new double[MaxVectors + 1];
        for (var vectors = 1; vectors <= MaxVectors; vectors++)
        {
            runs[vectors] = Runs(vectors, pixels, channels, registers);
            costs[vectors] = runs[vectors].Sum(run => run.Count * Cost(run.Pixels, vectors, channels));
        }

        var groups = new List<PointwiseGroup>();
        var block = 0;
        foreach (var vectors in TilePlan.Pieces(blocks, MaxVectors, size => costs[size]))
        {
            groups.Add(new(block, vectors, runs[vectors]));
            block += vectors;
        }

        if (outputs <= (blocks * lanes) - (lanes / 2)) groups[^1] = groups[^1] with { IsLastHalf = true };
        return [.. groups];
    }

    /// <summary>The best tiles of pixels for a number of vectors.</summary>
    public static TileRun[] Runs(int vectors, int pixels, int channels, int registers) =>
        TilePlan.Runs(pixels, MaxPixels(vectors, registers), size => Cost(size, vectors, channels));

    private static double Cost(int pixels, int vectors, int channels) =>
        Entering + (Storing * pixels * vectors)
        + (channels * Math.Max(Latency, Math.Max(PerMultiplyAdd * pixels * vectors, PerLoad * (pixels + vectors))));
}
