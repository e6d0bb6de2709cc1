using Spectre.Console;
using Spectre.Console.Rendering;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>What stands beside a training bar, in widths that do not jump.</summary>
internal sealed record Speed(string ImagesPerSecond, string Loss, string Left)
{
    /// <summary>As much of it as a terminal of that width has room for; the remaining time always.</summary>
    public string For(int width) => width switch
    {
        >= LiveBars.Whole => $"{ImagesPerSecond,6} images/s  loss {Loss,6}  ETA {Left,7}",
        >= LiveBars.Medium => $"{ImagesPerSecond,6}/s  ETA {Left,7}",
        _ => $"ETA {Left}",
    };
}

/// <summary>Images a second, loss and remaining time beside a training bar.</summary>
internal sealed class SpeedColumn : ProgressColumn
{
    protected override bool NoWrap => true;

    public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
        new Text(task.Tag is Speed speed ? speed.For(options.ConsoleSize.Width) : task.Tag as string ?? "");

    public static Speed Text(TrainingProgress value, TimeSpan? left) => new(
        $"{value.ImagesPerSecond:N0}",
        double.IsFinite(value.Loss) ? $"{value.Loss:0.000}" : "–",
        left is { } time ? EpochLine.Duration(time) : "–");
}
