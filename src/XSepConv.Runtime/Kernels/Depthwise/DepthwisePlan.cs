namespace XSepConv.Kernels;

/// <summary>How the pixels of a row are cut into register tiles of a depthwise convolution.</summary>
internal static class DepthwisePlan
{
    // In cycles, as in PointwisePlan; one load for each multiply-add.
    private const double PerPixel = 0.5;
    private const double Latency = 4;
    private const double Entering = 15;
    private const double Storing = 2;

    public static TileRun[] Runs(int pixels, int taps, int registers) =>
        TilePlan.Runs(pixels, registers == 32 ? 14 : 12, size =>
            Entering + (Storing * size) + (taps * Math.Max(Latency, PerPixel * (size + 1))));
}
