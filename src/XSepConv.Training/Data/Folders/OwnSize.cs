namespace XSepConv.Training;

/// <summary>The size that the pictures of a folder are taken in where none was asked for: their own, if it is one.</summary>
/// <param name="Side">Rows and columns.</param>
/// <param name="Note">What the user ought to know of it; null where every picture is taken as it is.</param>
internal sealed record OwnSize(int Side, string? Note)
{
    /// <summary>Where pictures have several sizes, or a large one.</summary>
    public const int Fallback = 64;

    // Of a file; what cameras write before the size is mostly shorter.
    private const int UsuallyEnough = 1 << 16;

    // Networks for larger images than ImageNet's are rare, and photographs are far larger.
    private const int Largest = 224;

    public static OwnSize Of(ImageFolder folder, CancellationToken cancel)
    {
        (int Long, int Short)? first = null;
        foreach (var file in folder.Files.SelectMany(split => split))
        {
            cancel.ThrowIfCancellationRequested();

            // A picture that lies turned has the same middle square. One that can't be read is refused or left out when it is decoded.
            if (SizeOf(file.File.RealPath) is not var (width, height)) continue;
            var size = (Math.Max(width, height), Math.Min(width, height));
            first ??= size;
            if (size != first) return Scaled($"pictures have several sizes, such as {Text(first.Value)} and {Text(size)}");
        }

        if (first is not var (longSide, shortSide)) return new(Fallback, null);
        if (shortSide is < DatasetOptions.SmallestImageSize or > Largest) return Scaled($"pictures are {Text((longSide, shortSide))}");
        return new(shortSide, longSide == shortSide ? null
            : $"pictures are {Text((longSide, shortSide))}: their middle squares are taken, {shortSide}×{shortSide}.");

        static string Text((int Long, int Short) size) => $"{size.Long}×{size.Short}";
        static OwnSize Scaled(string why) => new(
            Fallback, $"{why}: their middle squares are scaled to {Fallback}×{Fallback}, where no other image size is asked for.");
    }

    /// <summary>As the file says and stores it; null where it can't be read.</summary>
    internal static (int Width, int Height)? SizeOf(string path)
    {
        try
        {
            using var stream = RegularFile.OpenRead(path, bufferSize: 1);
            var most = Math.Min(stream.Length, ImageDecoder.MaxFileBytes);
            var start = new byte[Math.Min(most, UsuallyEnough)];
            stream.ReadExactly(start);
            if (SizeIn(start, path) is { } size) return size;

            // A PNG says it at once. A JPEG may have previews before it.
            if (start.Length == most || !start.AsSpan().StartsWith(JpegFile.Magic)) return null;
            var whole = new byte[most];
            start.CopyTo(whole, 0);
            stream.ReadExactly(whole.AsSpan(start.Length));
            return SizeIn(whole, path);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static (int Width, int Height)? SizeIn(byte[] start, string path)
    {
        try
        {
            return ImageDecoder.ReadSize(start, path);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
