namespace XSepConv.Training;

/// <summary>An image that is being changed, and room for as much again.</summary>
/// <param name="pixels">[channels, height, width].</param>
/// <param name="channels">1 for grey, 3 for red, green and blue; others have no colours.</param>
internal readonly ref struct PixelImage(Span<byte> pixels, Span<byte> scratch, int channels, int height, int width)
{
    public Span<byte> Pixels { get; } = pixels;

    public Span<byte> Scratch { get; } = scratch;

    public int Channels { get; } = channels;

    public int Height { get; } = height;

    public int Width { get; } = width;

    public int Plane => Height * Width;

    public Span<byte> Channel(int channel) => Pixels.Slice(channel * Plane, Plane);
}
