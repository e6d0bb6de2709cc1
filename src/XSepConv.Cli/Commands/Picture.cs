using XSepConv.Imaging;

namespace XSepConv.Cli.Commands;

/// <summary>A picture as a network takes it, or why it can't be.</summary>
/// <param name="File">As it was typed.</param>
/// <param name="Pixels">[rows, columns, channels]; null where the file is no picture.</param>
internal sealed record Picture(string File, byte[]? Pixels, string? Error)
{
    /// <summary>Reads a PNG or JPEG file, and cuts and scales it as the images of <c>folder</c> are for evaluation.</summary>
    /// <param name="data">How they are prepared.</param>
    public static Picture Open(string file, DataSpec data)
    {
        try
        {
            return new(file, ImageDecoder.ReadFile(file, data), null);
        }
        catch (Exception e) when (
            e is InvalidDataException or IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return new(file, null, Explain(e, file));
        }
    }

    private static string Explain(Exception e, string file) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException when file.Contains(
            '\uFFFD') => $"{file}: has a name that is not UTF-8; rename it.",
        FileNotFoundException or DirectoryNotFoundException => $"{file}: there is no such file.",
        UnauthorizedAccessException when Directory.Exists(file) => $"{file}: is a folder; name the images in it.",
        UnauthorizedAccessException => $"{file}: may not be read.",
        InvalidDataException when Directory.Exists(file) => $"{file}: is a folder; name the images in it.",
        InvalidDataException => e.Message,
        _ => $"{file}: {e.Message}",
    };
}
