using Spectre.Console;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>
/// What a comparison shows: what it will do, a line for each run that has ended, a bar for each at work and one over all of them, and the
/// figures at the end.
/// </summary>
internal sealed class ComparisonScreen(IAnsiConsole console, ComparisonManifest manifest, string output, CancellationToken stopping)
{
    /// <summary>Says what is going to happen, before it happens.</summary>
    public void Introduce(string commandLine, string preset, string recipe, ImageDataset images, int atATime)
    {
        var (data, training) = (manifest.Data, manifest.Training);
        Consoles.Typed(console, commandLine);
        console.WriteLine();
        var name = "networks";
        List<(string, string)> facts = [];
        foreach (var network in manifest.Networks)
        {
            facts.Add((name, $"{network.Label}: {network.Spec.Name}, {network.Spec.ParameterCount():N0} parameters"));
            name = "";
        }

        Facts.Write(console, [
            .. facts,
            ("preset", preset),
            ("data", $"{data.Name}{(data.Synthetic ? ", SYNTHETIC" : "")} ({data.Source}): "
                + $"{data.ClassNames.Count} classes, {data.Channels}×{data.Height}×{data.Width}"),
            ("", $"{data.TrainImages:N0} images to train, {data.ValidationImages:N0} to validate, {data.TestImages:N0} to test at the end"),
            ("recipe", $"{recipe}: {ReportText.Count(training.Recipe.Epochs, "epoch")}, "
                + $"batches of {Math.Min(training.Recipe.BatchSize, data.TrainImages)}, {training.Recipe.Optimizer}, learning rate "
                    + $"{training.Recipe.LearningRate}"),
            ("", $"images {training.AugmentationFor(images).Describe()}; all values stand in the report"),
            ("runs",
                $"{manifest.Networks.Count} networks with {ReportText.Count(manifest.Seeds, "seed")} each, in processes of their own of "
                + $"{ReportText.Count(training.Threads ?? 1, "thread")}, {atATime} at a time"),
            .. Crowding(atATime),
            ("output", output),
        ]);
        DataTable.Write(console, images.CountByClass(), images.Findings);
        if (LearningRateSchedule.WarmupNote(training.Recipe, training.Recipe.StepsPerEpoch(images.Train)) is { } note)
        {
            console.WriteLine($" note: {note}");
        }

        console.WriteLine();
    }

    // Times only: no other number depends on how many run at a time.
    private IEnumerable<(string, string)> Crowding(int atATime)
    {
        var (threads, cores) = (manifest.Training.Threads ?? 1, Environment.ProcessorCount);
        if ((long)atATime * threads > cores)
        {
            yield return ("", $"more threads than {ReportText.Count(cores, "core")}: they wait for each other, and images/s are lower");
        }
    }

    public ComparisonReport? Show(Func<IProgress<ComparisonProgress>, ComparisonReport?> work)
    {
        if (!Consoles.IsLive(console)) return work(new ComparisonBars(console, null, stopping));
        return LiveBars.On(console).HideCompleted(true).Start(context => work(new ComparisonBars(console, context, stopping)));
    }

    /// <summary>The figures side by side, what the tests say, and where the report is; or how to go on.</summary>
    public void Conclude(ComparisonReport? report, string path, string resumeLine)
    {
        console.WriteLine();
        if (report is null)
        {
            console.WriteLine($"Stopped, saved in {output}. Continue with");
            Consoles.Typed(console, $"  {resumeLine}");
            return;
        }

        foreach (var figures in ReportTable.Figures(report))
        {
            FigureTable.Write(console, figures.Heads, [.. figures.Rows.Select(row => (row.Name, row.Cells))]);
        }

        foreach (var line in Frontier.Of(report).Select(ReportText.Unbeaten)) console.WriteLine(line);
        foreach (var line in ReportText.Verdicts(report).Concat(ReportText.Cautions(report))) console.WriteLine(line);
        console.WriteLine();
        Consoles.Typed(console, $"report: {path}");
    }
}
