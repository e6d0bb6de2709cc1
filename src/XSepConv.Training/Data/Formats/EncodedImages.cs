namespace XSepConv.Training;

/// <summary>An image file in memory.</summary>
/// <param name="What">Its name, for errors.</param>
internal sealed record EncodedImage(string What, byte[] Bytes, int Label)
{
    /// <summary>Its name in a list of those that can't be read.</summary>
    public string Name { get; init; } = What;

    /// <summary>Why there are no bytes; null where there are.</summary>
    public string? Problem { get; private init; }

    /// <summary>Whether that may pass without a change of the file: rights, a disk, another process.</summary>
    public bool IsPassing { get; private init; }

    public static EncodedImage Unreadable(string what, string name, string problem, bool isPassing = false) =>
        new(what, [], 0) { Name = name, Problem = problem, IsPassing = isPassing };
}

/// <summary>Takes what can't be decoded, and which files are equal, instead of an end with the first that is damaged.</summary>
internal sealed class DamageList
{
    public List<UnreadableFile> Files { get; } = [];

    /// <summary>The names of those that may be read another time, as they are.</summary>
    public List<string> Passing { get; } = [];

    /// <summary>Among those that could be read.</summary>
    public EqualImages Equal { get; } = new();
}

/// <summary>Decodes image files on all cores, into an image file in their order.</summary>
internal static class EncodedImages
{
    // So many files, or so many bytes of them or of what they become, are decoded before any is written.
    private const int BlockFiles = 256;
    private const long BlockBytes = 64 << 20;

    /// <summary>Adds the images to a split.</summary>
    /// <param name="images">Read one at a time.</param>
    /// <param name="background">What see-through pixels are laid on; null drops alpha.</param>
    /// <param name="scaling">As torchvision and timm do it; null for the middle square by a triangle.</param>
    /// <param name="exact">Whether an image of another size is refused instead of scaled.</param>
    /// <param name="damage">Takes the images that are none, which are left out then.</param>
    /// <exception cref="InvalidDataException">One is no image, or damaged, and there is no list for it; the message names it.</exception>
    public static void Decode(
        IEnumerable<EncodedImage> images, SplitKind split, ImageFileWriter writer, Rgb? background, PictureScaling? scaling = null,
        bool exact = false, DamageList? damage = null)
    {
        var block = new List<EncodedImage>();
        long bytes = 0;
        foreach (var image in images)
        {
            block.Add(image);
            bytes += image.Bytes.Length;
            if (block.Count == BlockFiles || bytes >= BlockBytes || (long)block.Count * writer.ImageBytes >= BlockBytes) DecodeBlock();
        }

        DecodeBlock();

        void DecodeBlock()
        {
            var decoded = new byte[block.Count * writer.ImageBytes];
            var errors = new Exception?[block.Count];
            var digests = new UInt128[block.Count];
            Parallel.For(0, block.Count, new ParallelOptions { CancellationToken = writer.Cancel }, i =>
            {
                try
                {
                    if (block[i].Problem is { } problem) throw new InvalidDataException(problem);
                    DecodeOne(
                        block[i], writer.Shape, background, scaling, exact, decoded.AsSpan(i * writer.ImageBytes, writer.ImageBytes));
                    if (damage is not null) digests[i] = EqualImages.DigestOf(block[i].Bytes);
                }
                catch (InvalidDataException e)
                {
                    // The first in the files' order is reported, whichever thread came upon one first.
                    errors[i] = e;
                }
            });
            if (damage is null && Array.Find(errors, error => error is not null) is { } first)
            {
                throw new InvalidDataException(first.Message, first);
            }

            for (var i = 0; i < block.Count; i++)
            {
                if (errors[i] is { } error)
                {
                    damage!.Files.Add(new(block[i].Name, Reason(error.Message, block[i].What)));
                    if (block[i].IsPassing) damage.Passing.Add(block[i].Name);
                    continue;
                }

                damage?.Equal.Add(digests[i], writer.Count);
                writer.Add(split, decoded.AsSpan(i * writer.ImageBytes, writer.ImageBytes), block[i].Label);
            }

            block.Clear();
            bytes = 0;
        }
    }

    /// <summary>The message without the file's name, which stands before it.</summary>
    private static string Reason(string message, string what) =>
        message.StartsWith(what + ": ", StringComparison.Ordinal) ? message[(what.Length + 2)..] : message;

    private static void DecodeOne(
        EncodedImage image, (int Channels, int Height, int Width) shape, Rgb? background, PictureScaling? scaling, bool exact,
        Span<byte> target)
    {
        var side = shape.Height;
        if (!exact && shape.Channels == 1)
        {
            ImageDecoder.Decode(image.Bytes, image.What, side, channels: 1, background, scaling).CopyTo(target);
            return;
        }

        if (!exact)
        {
            ImageDecoder.DecodePlanes(image.Bytes, image.What, background, scaling, side, target);
            return;
        }

        var (pixels, width, height) = ImageDecoder.DecodeWhole(image.Bytes, image.What, background);
        if (width != side || height != side)
        {
            throw new InvalidDataException($"{image.What}: is {width}×{height} pixels; {side}×{side} are right.");
        }

        for (var i = 0; i < side * side; i++)
        {
            for (var channel = 0; channel < 3; channel++) target[(channel * side * side) + i] = pixels[(i * 3) + channel];
        }
    }
}
