using Spectre.Console;
using Spectre.Console.Rendering;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Screen;

/// <summary>
/// Progress bars that stay one line each, however narrow the terminal is or becomes: first the bar's neighbours get shorter, then the bar
/// goes, then names.
/// </summary>
internal static class LiveBars
{
    /// <summary>Columns of a terminal that has room for everything, and for a bar.</summary>
    public const int Whole = 80, Medium = 56;

    public static Progress On(IAnsiConsole console) =>
        console.Progress().AutoClear(true).Columns(new NameColumn(), new BarColumn(), new PercentageColumn(), new SpeedColumn());

    private sealed class NameColumn : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            var room = Math.Max(1, options.ConsoleSize.Width - BesideName(options.ConsoleSize.Width));
            var name = Printable.Line(task.Description);
            return new Text(name.Length <= room ? name : $"{name[..(room - 1)]}…");
        }

        // The longest that stands beside it: a bar of four, the percentage and the speed, with what is between.
        private static int BesideName(int width) => width switch
        {
            >= Whole => 54,
            >= Medium => 34,
            _ => 20,
        };
    }

    private sealed class BarColumn : ProgressColumn
    {
        private readonly ProgressBarColumn bar = new() { Width = null };

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            options.ConsoleSize.Width < Medium ? new Text("") : bar.Render(options, task, deltaTime);
    }
}
