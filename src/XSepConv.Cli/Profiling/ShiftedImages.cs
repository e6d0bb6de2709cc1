using XSepConv.Training;

namespace XSepConv.Cli.Profiling;

/// <summary>How well a network does where the images are moved to each of the four sides.</summary>
/// <param name="Pixels">How far.</param>
internal sealed record ShiftedImages(int Pixels, double Right, double Left, double Down, double Up)
{
    /// <summary>One to <paramref name="furthest"/> pixels.</summary>
    /// <param name="progress">Told the number of shifts done, of four for each pixel.</param>
    public static IReadOnlyList<ShiftedImages> Measure(
        LoadedCheckpoint loaded, ImageSplit images, int furthest, int batchSize, IProgress<int>? progress, CancellationToken cancel)
    {
        var done = 0;
        return [.. Enumerable.Range(1, furthest).Select(pixels =>
            new ShiftedImages(pixels, Top1(pixels, 0), Top1(-pixels, 0), Top1(0, pixels), Top1(0, -pixels)))];

        double Top1(int right, int down)
        {
            var result = Evaluator.EvaluateShifted(
                loaded.Network, images, loaded.Normalization, right, down, batchSize, cancel: cancel);
            progress?.Report(++done);
            return result.Top1;
        }
    }
}
