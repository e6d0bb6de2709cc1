using System.Diagnostics;
using XSepConv.Training;

namespace XSepConv.Cli.Profiling;

/// <summary>How a part of a network is computed in training.</summary>
internal enum RunsAs
{
    /// <summary>Every layer is an operator of libtorch.</summary>
    Composed,

    /// <summary>The spatial stage is one operator, the other layers are libtorch's.</summary>
    FusedStage,

    /// <summary>All is one operator.</summary>
    Fused,
}

/// <summary>A row of a training step.</summary>
/// <param name="Name">The block, or the layers before or after the blocks; <c>loss</c> last.</param>
/// <param name="Macs">Of forward; backward has twice as many, or as many where no gradient of its input is wanted.</param>
/// <param name="TrainingMacs">Of forward and backward.</param>
/// <param name="KeptBytes">Allocated by its forward and kept until backward, its output among it; null where that can't be known.</param>
internal sealed record TrainingRow(
    string Name, RunsAs RunsAs, TimeSpan Forward, TimeSpan Backward, long Macs, long TrainingMacs, long? KeptBytes)
{
    public TimeSpan Time => Forward + Backward;

    /// <summary>10⁹ multiply-accumulates a second, of forward and backward.</summary>
    public double GigaMacsPerSecond => Time > TimeSpan.Zero ? TrainingMacs / Time.TotalSeconds / 1e9 : 0;
}

/// <summary>Where the time of a training step goes: forward, cross-entropy, backward.</summary>
/// <param name="Rows">Medians over the steps that were cut into parts.</param>
/// <param name="Step">The median of whole steps, which took turns with those.</param>
/// <param name="Steps">How many of each.</param>
internal sealed record TrainingTimes(IReadOnlyList<TrainingRow> Rows, TimeSpan Step, int Steps)
{
    private const int Warmup = 3, LeastSteps = 5, MostSteps = 101;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>All rows one after the other.</summary>
    public TimeSpan Sum => Forward + Backward;

    public TimeSpan Forward => Total(row => row.Forward);

    public TimeSpan Backward => Total(row => row.Backward);

    /// <summary>What a whole step takes beside the rows: autograd's own work. Below zero where the cuts cost more.</summary>
    public TimeSpan Outside => Step - Sum;

    public long Macs => Rows.Sum(row => row.Macs);

    public long TrainingMacs => Rows.Sum(row => row.TrainingMacs);

    public long? KeptBytes => Rows.Aggregate((long?)0, (sum, row) => sum + row.KeptBytes);

    /// <summary>10⁹ multiply-accumulates a second of one thread in registers.</summary>
    public double PeakGigaMacs { get; } = Roofline.MacsPerSecond();

    /// <summary>10⁹ bytes a second, read and written, that one thread copies in memory.</summary>
    public double MemoryGigabytes { get; } = Roofline.CopyBytesPerSecond(MachineRates.InMemory);

    /// <summary>Takes steps for about three seconds and at least five times.</summary>
    /// <param name="layers">Of the network, for the same input.</param>
    public static TrainingTimes Measure(PartwiseStep step, IReadOnlyList<LayerProfile> layers)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Warmup; i++)
        {
            // The first steps load code.
            start = Stopwatch.GetTimestamp();
            step.Whole();
            step.PartByPart();
        }

        var steps = (int)Math.Clamp(Patience / Stopwatch.GetElapsedTime(start), LeastSteps, MostSteps) | 1;
        var (wholes, cuts) = (new TimeSpan[steps], new PartTime[steps][]);
        for (var i = 0; i < steps; i++) (wholes[i], cuts[i]) = (step.Whole(), step.PartByPart());

        var rows = step.Parts.Select((part, i) =>
        {
            LayerProfile[] own = [.. layers.Where(layer => part.Has(layer.Name))];
            var macs = own.Sum(layer => layer.Macs);
            return new TrainingRow(
                part.Name, Kind(own), Median.Middle(cuts.Select(cut => cut[i].Forward)),
                Median.Middle(cuts.Select(cut => cut[i].Backward)), macs, (i == 0 ? 2 : 3) * macs,
                Median.Middle(cuts.Select(cut => cut[i].KeptBytes)));
        });
        return new([.. rows], Median.Middle(wholes), steps);
    }

    private static RunsAs Kind(LayerProfile[] layers)
    {
        var fused = layers.Count(layer => layer.Backend == XSepBackend.Fused);
        return fused == 0 ? RunsAs.Composed : fused == layers.Length ? RunsAs.Fused : RunsAs.FusedStage;
    }

    private TimeSpan Total(Func<TrainingRow, TimeSpan> time) => Rows.Aggregate(TimeSpan.Zero, (sum, row) => sum + time(row));
}
