using Spectre.Console;
using XSepConv.Cli.Profiling;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Screen;

/// <summary>The time of each layer as a table, and below it what the machine would allow.</summary>
internal static class TimeTable
{
    private const string Between = " + ";

    public static void Write(IAnsiConsole console, NetworkSession session, NetworkTimes times, MachineRates rates)
    {
        var model = session.Model;
        var table = new Table { Border = TableBorder.Simple, ShowFooters = true };
        table.AddColumn(Column("layers", "total", right: false));
        table.AddColumn(Column("MACs", ProfileTable.Number(times.Macs)));
        table.AddColumn(Column("ms", Ms(times.Sum)));
        table.AddColumn(Column("GMAC/s", Rate(times.Macs, times.Sum)));
        table.AddColumn(Column("of peak", OfPeak(times.Macs, times.Sum)));
        table.AddColumn(Column("share", "100 %"));
        foreach (var step in times.Steps)
        {
            var (rate, ofPeak) = (Rate(step.Macs, step.Time), OfPeak(step.Macs, step.Time));
            string[] cells = [Short(step.Name), ProfileTable.Number(step.Macs), Ms(step.Time), rate, ofPeak,
                $"{100 * (step.Time / times.Sum):0.0} %"];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        var threads = session.Threads == 1 ? "thread" : "threads";
        var shape = $"{session.MaxBatch}×{model.Spec.InputChannels}×{session.Height}×{session.Width}";
        console.WriteLine();
        console.WriteLine(
            $"{Printable.Line(model.Spec.Name)}, {ProfileTable.Number(model.Spec.NumClasses)} classes, {shape}, kernels {model.Kernel}, "
            + $"medians of {times.Runs} runs, layers on one thread");
        console.Write(table);
        Facts.Write(
            console,
            ("a whole run",
                $"{Ms(times.Run)} ms on {session.Threads} {threads}: {session.MaxBatch / times.Run.TotalSeconds:N0} images a second"),
            ("arithmetic",
                $"{rates.GigaMacs:0} GMAC/s is one thread's peak (fused multiply-adds in registers): "
                + $"{rates.MacsMs(times.Macs):0.000} ms at least"),
            ("weights",
                $"{model.WeightBytes / 1e6:0.0} MB packed, read at {rates.Weights:0} GB/s: {rates.WeightsMs(model):0.000} ms "
                + "at least, whatever the batch"),
            ("memory", $"copied at {rates.SecondLevel:0} GB/s in the second-level cache, at {rates.Memory:0} GB/s outside the caches; "
                + $"buffers of {session.MemoryBytes / 1e6:0.0} MB"));

        string OfPeak(long macs, TimeSpan time) =>
            macs == 0 || time == TimeSpan.Zero ? "" : $"{100 * macs / time.TotalSeconds / 1e9 / rates.GigaMacs:0} %";
    }

    /// <summary>Layers of one block without repeating its name.</summary>
    internal static string Short(string name)
    {
        var layers = name.Split(Between);
        var prefix = layers[0][..(layers[0].LastIndexOf('.') + 1)];
        return string.Join(Between, layers.Select((layer, i) => i > 0 ? Without(layer, prefix) : layer));

        static string Without(string layer, string prefix) =>
            layer.StartsWith(prefix, StringComparison.Ordinal) ? layer[prefix.Length..] : layer;
    }

    private static TableColumn Column(string header, string footer, bool right = true) =>
        ProfileTable.Column(header, footer, right, whole: right);

    private static string Rate(long macs, TimeSpan time) =>
        macs == 0 || time == TimeSpan.Zero ? "" : $"{macs / time.TotalSeconds / 1e9:0.0}";

    private static string Ms(TimeSpan time) => $"{time.TotalMilliseconds:0.000}";

}
