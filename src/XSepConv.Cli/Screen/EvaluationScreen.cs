using Spectre.Console;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Screen;

/// <summary>A bar of images on a terminal, nothing elsewhere.</summary>
internal static class EvaluationScreen
{
    public static T Show<T>(IAnsiConsole console, int images, Func<IProgress<int>?, T> work)
    {
        if (!Consoles.IsLive(console)) return work(null);
        return console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var bar = context.AddTask("evaluating", maxValue: images);
                return work(new Follow(bar));
            });
    }

    private sealed class Follow(ProgressTask bar) : IProgress<int>
    {
        public void Report(int value) => bar.Value = value;
    }
}
