using Spectre.Console;
using XSepConv.Cli.Profiling;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Screen;

/// <summary>The time of each part of a training step as a table, and below it the whole step and what the machine would allow.</summary>
internal static class TrainingTimeTable
{
    public static void Write(IAnsiConsole console, ProfiledStep step, int threads, TrainingTimes times)
    {
        var spec = step.Network.Spec;
        var table = new Table { Border = TableBorder.Simple, ShowFooters = true };
        table.AddColumn(ProfileTable.Column("layers", "total", right: false, whole: false));
        table.AddColumn(ProfileTable.Column("runs as", "", right: false, whole: true));
        table.AddColumn(Number("forward", Ms(times.Forward)));
        table.AddColumn(Number("backward", Ms(times.Backward)));
        table.AddColumn(Number("share", "100 %"));
        table.AddColumn(Number("GMAC/s", $"{times.TrainingMacs / times.Sum.TotalSeconds / 1e9:0.0}"));
        table.AddColumn(Number("kept MB", Megabytes(times.KeptBytes)));
        foreach (var row in times.Rows)
        {
            string[] cells =
            [
                TimeTable.Short(row.Name), Word(row.RunsAs), Ms(row.Forward), Ms(row.Backward), $"{100 * (row.Time / times.Sum):0.0} %",
                row.Macs == 0 ? "" : $"{row.GigaMacsPerSecond:0.0}", Megabytes(row.KeptBytes),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        var on = threads == 1 ? "1 thread" : $"{threads} threads";
        var input = $"{step.Batch}×{spec.InputChannels}×{step.Height}×{step.Width}";
        console.WriteLine();
        console.WriteLine(
            $"{Printable.Line(spec.Name)}, {ProfileTable.Number(spec.NumClasses)} classes, {input}, training, medians of {times.Steps} "
            + $"steps on {on}, milliseconds");
        console.Write(table);
        Facts.Write(
            console,
            ("a whole step",
                $"{Ms(times.Step)} ms of forward, loss and backward: {step.Batch / times.Step.TotalSeconds:N0} images a second; "
                + "without the optimizer's part"),
            ("outside the layers", $"{Ms(times.Outside)} ms of it; below zero where cutting the step into parts costs more than that"),
            ("runs as", "block, stage: one operator on this project's kernels; composed: libtorch's, layer by layer"),
            ("arithmetic",
                $"{ProfileTable.Number(times.TrainingMacs)} MACs: outputs, gradients of weights and of inputs; the peak of a thread is "
                + $"{times.PeakGigaMacs:0} GMAC/s"),
            ("memory",
                "kept from forward to backward, the map that a row hands on included; copied at "
                + $"{times.MemoryGigabytes:0} GB/s outside the caches"));
    }

    /// <summary>As the table and the JSON have it.</summary>
    public static string Word(RunsAs runsAs) => runsAs switch
    {
        RunsAs.Composed => "composed",
        RunsAs.FusedStage => "stage",
        RunsAs.Fused => "block",
        _ => throw new ArgumentOutOfRangeException(nameof(runsAs), runsAs, "There is no such way."),
    };

    private static TableColumn Number(string header, string footer) => ProfileTable.Column(header, footer, right: true, whole: true);

    private static string Megabytes(long? bytes) => bytes is { } known ? $"{known / 1e6:0.0}" : "–";

    private static string Ms(TimeSpan time) => $"{time.TotalMilliseconds:0.00}";
}
