namespace XSepConv.Training.Tests.Comparison;

/// <summary>A comparison whose runs nobody trained: what they came to is written by hand.</summary>
internal static class HandMade
{
    /// <summary>The class of each of eight test images.</summary>
    public static int[] Labels { get; } = [0, 0, 0, 0, 1, 1, 1, 1];

    /// <summary>What the first network takes them for, by seed: 6, 7 and 5 of 8 are right.</summary>
    public static int[][] First { get; } = [[0, 0, 0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 1, 1, 1, 0]];

    /// <summary>What the second takes them for: 5, 4 and 5 are right.</summary>
    public static int[][] Second { get; } = [[0, 1, 1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 1, 0, 0, 0]];

    public static ComparisonManifest Manifest(
        int seeds = 3, string command = "xsepconv compare", string[]? classes = null, string kind = "compare")
    {
        var network = TorchTests.Spec(classes: 2);
        ComparedNetwork[] networks =
        [
            new("xsep", "XSepConv", "XSepConv", network, "depthwise"),
            new(
                "depthwise", "depthwise twin", "depthwise twin",
                network with { Blocks = [.. network.Blocks.Select(block => block with { Kind = BlockKind.Dw })] }, null),
        ];
        return new()
        {
            Kind = kind,
            Command = command,
            Data = new("by hand", null, 64, null, true, "by hand", classes ?? ["left", "right"], 3, 16, 16, 20, 10, 8),
            Training = new() { Network = network, OutputDirectory = "", Recipe = new() { Epochs = 2 }, Threads = 1 },
            Networks = networks,
            Seeds = seeds,
            Settings = new(StringComparer.Ordinal) { ["data"] = "by hand", ["seeds"] = $"{seeds}" },
        };
    }

    /// <summary>Writes the outcomes, logs and measurements of all runs; an epoch takes 2 seconds where nothing else is said.</summary>
    public static ComparisonFolder Write(
        string path, ComparisonManifest manifest, RunLoad? load = null, Func<ComparedRun, int, double?>? seconds = null,
        Func<ComparedRun, RunMeasurements>? measured = null)
    {
        var folder = new ComparisonFolder(path);
        Directory.CreateDirectory(path);
        folder.Begin(manifest);
        foreach (var run in manifest.Runs)
        {
            var outcome = Outcome(run);
            Directory.CreateDirectory(folder.RunPath(run));
            folder.Write(run, measured?.Invoke(run) ?? new(300_000_000 + run.Seed, 100_000_000, load));
            File.WriteAllLines(
                Path.Combine(folder.RunPath(run), "log.jsonl"),
                outcome.History.Select(
                    epoch => System.Text.Json.JsonSerializer.Serialize(
                        epoch with
                        {
                            Seconds = seconds is null ? 2 : seconds(run, epoch.Epoch),
                            ImagesPerSecond = 100 + (10 * run.Seed) + epoch.Epoch,
                        },
                        CheckpointJson.Default.EpochResult)));

            // Last: it is tied to the files beside it.
            folder.Write(manifest, run, outcome);
        }

        return folder;
    }

    /// <summary>What a run came to.</summary>
    public static RunOutcome Outcome(ComparedRun run)
    {
        var predictions = (run.Network.Family == "XSepConv" ? First : Second)[run.Seed];
        var right = predictions.Zip(Labels).Count(pair => pair.First == pair.Second);
        return new(
            2, new(right / 8.0, 1 + (0.5 * run.Seed), 8), Labels, predictions,
            [new(1, 2.5, 0.25, 2, 0.5, 0.01, Best: true), new(2, 1.5, 0.5, 1.25, 0.625, 0.005, Best: true)]);
    }

    public static ComparisonReport Report(string path, ComparisonManifest manifest) =>
        ComparisonReport.Of(Write(path, manifest), manifest, [new(4, 2, 1), new(8, 4, 2)]);
}
