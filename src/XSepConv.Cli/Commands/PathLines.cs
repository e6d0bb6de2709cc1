using System.Text;
using System.Text.Unicode;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Commands;

/// <summary>A path, or why a line is none.</summary>
/// <param name="Path">As well as the line can be shown.</param>
internal readonly record struct PathLine(string Path, string? Error = null);

/// <summary>
/// Paths from a stream, one a line, in UTF-8. Lines that are not asked for stay where they are, but for those that the last read brought.
/// </summary>
internal sealed class PathLines(Stream input)
{
    /// <summary>Bytes; no system takes a longer path.</summary>
    public const int LongestLine = 1 << 16;

    /// <summary>Bytes of one read.</summary>
    public const int ReadSize = 1 << 12;

    private const int ShownOfLongLine = 200;

    private readonly byte[] chunk = new byte[ReadSize];

    // With room for a carriage return, and for a byte more than is allowed.
    private readonly byte[] line = new byte[LongestLine + 2];

    private int next;
    private int end;
    private int length;
    private long number;
    private bool ended;

    /// <summary>Waits for a line and gives it with those that have come with it; none at the end.</summary>
    /// <param name="most">Lines.</param>
    /// <param name="stop">Ends the waiting, not the read: the object is of no use then.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <exception cref="UserError">The stream can't be read.</exception>
    public List<PathLine> Next(int most, CancellationToken stop)
    {
        var lines = new List<PathLine>();
        while (lines.Count < most)
        {
            if (Take() is { } taken) lines.Add(taken);
            else if (lines.Count > 0 || ended) break;
            else if (!Read(stop))
            {
                // The last line may lack its end.
                ended = true;
                if (length > 0) lines.Add(Finish());
            }
        }

        return lines;
    }

    private bool Read(CancellationToken stop)
    {
        try
        {
            stop.ThrowIfCancellationRequested();
            (next, end) = (0, Task.Run(() => input.Read(chunk), CancellationToken.None).WaitAsync(stop).GetAwaiter().GetResult());
            return end > 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"Standard input can't be read: {e.Message}");
        }
    }

    private PathLine? Take()
    {
        var rest = chunk.AsSpan(next, end - next);
        var stop = rest.IndexOf((byte)'\n');
        var part = stop < 0 ? rest : rest[..stop];
        var kept = Math.Min(part.Length, line.Length - length);
        part[..kept].CopyTo(line.AsSpan(length));
        length += kept;
        next += stop < 0 ? rest.Length : stop + 1;
        return stop < 0 ? null : Finish();
    }

    private PathLine Finish()
    {
        number++;
        ReadOnlySpan<byte> bytes = line.AsSpan(0, length);
        length = 0;
        if (bytes.EndsWith("\r"u8)) bytes = bytes[..^1];
        if (number == 1 && bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        if (bytes.Length > LongestLine)
        {
            return new($"{Encoding.UTF8.GetString(bytes[..ShownOfLongLine])}…",
                $"line {number} has more than {LongestLine} bytes; no path is that long.");
        }

        var path = Encoding.UTF8.GetString(bytes);
        return !Utf8.IsValid(bytes) ? new(path, $"{path}: has a name that is not UTF-8; rename it.")
            : bytes.Contains((byte)0) ? new(path, $"{path}: has a zero byte, which no name has; names are read as UTF-8.")
            : string.IsNullOrWhiteSpace(path) ? new(path, $"line {number} is empty; a line is the name of a PNG or JPEG file.")
            : new(path);
    }
}
