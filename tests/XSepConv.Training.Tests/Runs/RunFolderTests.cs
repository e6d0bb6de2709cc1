namespace XSepConv.Training.Tests;

/// <summary>Runs in a folder of their own, and what one leaves that is not interrupted.</summary>
public abstract class RunFolderTests : IDisposable
{
    private protected static readonly Lazy<(byte[] Last, byte[] Best, string[] Log, TrainingResult Result)> Uninterrupted = new(() =>
    {
        using var run = new RunFolder();
        var result = run.Run();
        return (File.ReadAllBytes(run.Last), File.ReadAllBytes(run.Best), File.ReadAllLines(run.Log), result);
    });

    private protected RunFolder Run { get; } = new();

    public void Dispose()
    {
        Run.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static void Refused(TrainingOptions options, params string[] parts)
    {
        var message = Assert.Throws<TrainingRefusedException>(() => new Trainer(options, RunFolder.Data)).Message;
        foreach (var part in parts) Assert.Contains(part, message, StringComparison.Ordinal);
    }

    private protected static void RefusedAsOld(Trainer trainer)
    {
        var error = Assert.Throws<TrainingRefusedException>(() => trainer.Run(cancel: TestContext.Current.CancellationToken));
        Assert.Contains("is no longer as this trainer read it", error.Message, StringComparison.Ordinal);
    }

    private protected void RequireSame(TrainingResult result)
    {
        var expected = Uninterrupted.Value;
        Assert.True(result.Completed);
        Assert.Equal(expected.Result.History, result.History);
        Assert.Equal(expected.Result.Test, result.Test);
        Assert.Equal(expected.Best, File.ReadAllBytes(Run.Best));
        Assert.Equal(expected.Last, File.ReadAllBytes(Run.Last));
        Assert.Equal(expected.Log.Select(WithoutTimes), File.ReadAllLines(Run.Log).Select(WithoutTimes));

        static string WithoutTimes(string line) =>
            System.Text.RegularExpressions.Regex.Replace(line, @",""(seconds|imagesPerSecond|dataWait)"":[0-9.E+-]+", "");
    }

    private protected sealed class Stop(Func<TrainingProgress, bool> moment, CancellationTokenSource cancel) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (moment(value)) cancel.Cancel();
        }
    }
}
