namespace XSepConv.Imaging;

/// <summary>What libraries throw over a damaged file, made into one exception that names the file.</summary>
internal static class Damage
{
    /// <summary>Calls a library that parses what may be hostile.</summary>
    /// <exception cref="InvalidDataException">The library did not like it.</exception>
    public static T AsInvalidData<T>(string what, string part, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (Is(e, what))
        {
            throw new InvalidDataException($"{what}: the {part} is damaged ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <inheritdoc cref="AsInvalidData{T}"/>
    public static void AsInvalidData(string what, string part, Action read) => AsInvalidData<object?>(what, part, () =>
    {
        read();
        return null;
    });

    /// <summary>
    /// Libraries stumble over hostile bytes in many ways, and document few: anything but an error of this machine (a disk that fails,
    /// memory that is used up) or of ours that is worded already is the file's fault.
    /// </summary>
    private static bool Is(Exception e, string what) => e switch
    {
        EndOfStreamException => true,

        // ZLibException, which is an IOException and internal: data that ask for a dictionary.
        IOException when e.GetType().Assembly == typeof(System.IO.Compression.ZLibStream).Assembly => true,
        InvalidDataException => !e.Message.StartsWith(what, StringComparison.Ordinal),
        IOException or UnauthorizedAccessException or OutOfMemoryException or OperationCanceledException => false,
        _ => true,
    };
}
