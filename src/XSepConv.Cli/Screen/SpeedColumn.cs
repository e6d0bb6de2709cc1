using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>Images a second, loss and remaining time beside a training bar, in a width that does not jump.</summary>
internal sealed class SpeedColumn : ProgressColumn
{
    protected override bool NoWrap => true;

    public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
        new Text(task.Tag as string ?? "");

    public static string Text(TrainingProgress value, TimeSpan? left)
    {
        var eta = left is { } time ? EpochLine.Duration(time) : "–";
        var loss = double.IsFinite(value.Loss) ? value.Loss.ToString("0.000", CultureInfo.InvariantCulture) : "–";
        return string.Create(CultureInfo.InvariantCulture, $"{value.ImagesPerSecond,6:N0} images/s  loss {loss,6}  ETA {eta,7}");
    }
}
