namespace XSepConv.Training.Tests;

/// <summary>A small run in a folder of its own.</summary>
internal sealed class RunFolder : IDisposable
{
    public static ImageDataset Data { get; } = Sets.Open("shapes", new() { Limit = 96, Seed = 4 });

    private readonly TemporaryFolder _folder = new();

    public string Path => _folder.At("run");

    public string Last => System.IO.Path.Combine(Path, "last.safetensors");

    public string Best => System.IO.Path.Combine(Path, "best.safetensors");

    public string Log => System.IO.Path.Combine(Path, "log.jsonl");

    /// <summary>6 steps an epoch.</summary>
    public TrainingOptions Options => new()
    {
        Network = TorchTests.Spec(),
        OutputDirectory = Path,
        Recipe = new() { Epochs = 3, BatchSize = 16 },
        Seed = 11,
        Device = "cpu",
        Threads = 1,
    };

    public TrainingResult Run(TrainingOptions? options = null, Action<TrainingProgress>? progress = null) =>
        Start(options ?? Options, progress, TestContext.Current.CancellationToken);

    /// <summary>Trains until a moment, and cancels there.</summary>
    public TrainingResult RunUntil(Func<TrainingProgress, bool> moment, bool resume = false) =>
        RunUntil(moment, Options with { Resume = resume });

    /// <summary>The same with other options.</summary>
    public static TrainingResult RunUntil(Func<TrainingProgress, bool> moment, TrainingOptions options)
    {
        using var cancel = new CancellationTokenSource();
        var result = Start(options, report =>
        {
            if (moment(report)) cancel.Cancel();
        }, cancel.Token);
        Assert.False(result.Completed);
        return result;
    }

    /// <summary>Trains until the given moment, and resumes until the next, until the end.</summary>
    public TrainingResult RunInterrupted(params (int Epoch, int Step, string Phase)[] moments)
    {
        foreach (var (epoch, step, phase) in moments)
        {
            RunUntil(report => report.Epoch == epoch && report.Step >= step && report.Phase == phase, resume: File.Exists(Last));
        }

        return Run(Options with { Resume = true });
    }

    /// <summary>Trains until the first step of an epoch.</summary>
    public void RunInterruptedAt(int epoch) => RunUntil(report => report.Epoch == epoch && report.Phase == "train");

    private static TrainingResult Start(TrainingOptions options, Action<TrainingProgress>? progress, CancellationToken cancel) =>
        new Trainer(options, Data).Run(progress is null ? null : new Reporter(progress), cancel);

    public void Dispose() => _folder.Dispose();

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

internal static class ChangedRecipe
{
    /// <summary>The options with another recipe.</summary>
    public static TrainingOptions By(this TrainingOptions options, Func<TrainingRecipe, TrainingRecipe> change) =>
        options with { Recipe = change(options.Recipe) };
}
