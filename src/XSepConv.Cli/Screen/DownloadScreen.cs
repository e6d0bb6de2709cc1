using Spectre.Console;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>Shows a download and the decoding: a line for each file, on a terminal with what has come of it.</summary>
internal sealed class DownloadScreen(IAnsiConsole console) : IProgress<DatasetProgress>, IDisposable
{
    private const long Unit = 1 << 20;

    private readonly bool live = Consoles.IsLive(console);
    private string? file;
    private long shown;

    public void Report(DatasetProgress value)
    {
        if (value is DownloadProgress download)
        {
            var whole = $"{(double)download.BytesTotal / Unit:0.0} MiB, from {download.Address.Host}";
            Report($"downloading {download.File}", download.BytesDone / Unit, whole);
        }
        else if (value is DecodeProgress decode)
        {
            var images = decode.ImagesTotal > 0 ? $"{decode.ImagesTotal:N0} images" : "images";
            Report($"decoding {decode.What}", decode.ImagesDone, $"{images}, once for all runs");
        }
    }

    private void Report(string what, long done, string whole)
    {
        if (what != file)
        {
            EndLine();
            (file, shown) = (what, -1);
            var line = Printable.Line($"{what}, {whole}");
            if (live) console.Write(line);
            else console.WriteLine(line);
        }

        if (!live || done == shown) return;
        shown = done;

        // Back to the start of the line, over the same text.
        console.Profile.Out.Writer.Write("\r" + Printable.Line($"{what}, {done:N0} of {whole}"));
    }

    public void Dispose() => EndLine();

    private void EndLine()
    {
        if (live && file is not null) console.WriteLine();
    }
}
