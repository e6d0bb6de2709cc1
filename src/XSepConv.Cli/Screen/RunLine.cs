using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>What a run of a comparison came to, on one line where there is room.</summary>
internal static class RunLine
{
    public static IEnumerable<string> For(
        int width, int done, int runs, ComparedRun run, RunOutcome outcome, double? imagesPerSecond)
    {
        return Phrases.Lines(
            width,
            $" run {done}/{runs}  ",
            $"{run.Network.Label}, ",
            $"seed {run.Seed}: ",
            $"test top-1 {ReportText.Percent(outcome.Test.Top1)}, ",
            $"best epoch {outcome.BestEpoch}, ",
            $"{ReportText.PerSecond(imagesPerSecond)} images/s");
    }
}
