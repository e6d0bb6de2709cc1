using System.Globalization;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>What a run of a comparison came to, on one line where there is room.</summary>
internal static class RunLine
{
    public static IEnumerable<string> For(int width, int done, int runs, ComparedRun run, RunOutcome outcome)
    {
        var culture = CultureInfo.InvariantCulture;
        return Phrases.Lines(
            width,
            string.Create(culture, $" run {done}/{runs}  "),
            $"{run.Network.Label}, ",
            string.Create(culture, $"seed {run.Seed}: "),
            $"test top-1 {ReportText.Percent(outcome.Test.Top1)}, ",
            string.Create(culture, $"best epoch {outcome.BestEpoch}"));
    }
}
