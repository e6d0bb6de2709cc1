using System.Globalization;
using Spectre.Console;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>Shows a download: a line for each file, on a terminal with the megabytes that have come.</summary>
internal sealed class DownloadScreen(IAnsiConsole console) : IProgress<DownloadProgress>, IDisposable
{
    private const long Unit = 1 << 20;

    private readonly bool live = Consoles.IsLive(console);
    private string? file;
    private long shown;

    public void Report(DownloadProgress value)
    {
        var done = value.BytesDone / Unit;
        if (value.File != file)
        {
            EndLine();
            (file, shown) = (value.File, -1);
            var line = string.Create(CultureInfo.InvariantCulture, $"downloading {value.File}, {(double)value.BytesTotal / Unit:0.0} MiB, from {value.Address.Host}");
            if (live) console.Write(line);
            else console.WriteLine(line);
        }

        if (!live || done == shown) return;
        shown = done;
        // Back to the start of the line, over the same text.
        console.Profile.Out.Writer.Write(string.Create(CultureInfo.InvariantCulture, $"\rdownloading {value.File}, {done} of {(double)value.BytesTotal / Unit:0.0} MiB, from {value.Address.Host}"));
    }

    public void Dispose() => EndLine();

    private void EndLine()
    {
        if (live && file is not null) console.WriteLine();
    }
}
