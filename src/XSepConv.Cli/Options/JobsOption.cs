using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary><c>--jobs</c>: how many runs of a comparison are at work side by side.</summary>
internal sealed class JobsOption
{
    // What a run's process may take on the way without the machine beginning to swap.
    private const long BytesOfARun = 1L << 30;

    public Option<int?> Option { get; } = CheckedOption.OptionalWhole(
        "--jobs", 1, 1024,
        "Runs side by side, each in a process of its own. Default: as many as there are cores for their threads, "
            + "with 1 GiB of memory each; "
        + "on CUDA 1. Results do not depend on it.").Or("-j");

    public int Value(ParseResult result, ComparisonManifest manifest)
    {
        var runs = manifest.Networks.Count * manifest.Seeds;
        var usual = TorchDevice.Parse(manifest.Training.Device).type == TorchSharp.DeviceType.CUDA
            ? 1
            : Usual(Environment.ProcessorCount, manifest.Training.Threads ?? 1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        return Math.Min(runs, result.GetValue(Option) ?? usual);
    }

    /// <summary>How many runs of so many threads a machine takes.</summary>
    internal static int Usual(int cores, int threads, long bytes) => (int)Math.Clamp(bytes / BytesOfARun, 1, Math.Max(1, cores / threads));
}
