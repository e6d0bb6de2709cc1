namespace XSepConv.Training;

/// <summary>Where the bytes of images are: in memory, or in a mapped file.</summary>
internal abstract class ImageStore
{
    /// <summary>Names the content where that is known without reading it; null where it must be read.</summary>
    public virtual string? Digest => null;

    /// <summary>The bytes of one image, [channels, height, width].</summary>
    public abstract ReadOnlySpan<byte> Image(int index);
}

/// <summary>Images one after the other in ordinary memory.</summary>
internal sealed class MemoryImageStore(ReadOnlyMemory<byte> pixels, int imageBytes) : ImageStore
{
    public override ReadOnlySpan<byte> Image(int index) => pixels.Span.Slice(index * imageBytes, imageBytes);
}
