namespace XSepConv.Imaging;

/// <summary>Pixels as they are to be seen, upright, over bytes that may lie turned or mirrored.</summary>
/// <param name="Bytes">Red, green and blue of each pixel.</param>
/// <param name="Origin">Where the upper left pixel lies.</param>
/// <param name="Right">Bytes to the next pixel of a row.</param>
/// <param name="Down">Bytes to the next row.</param>
internal readonly record struct PixelView(byte[] Bytes, int Origin, int Right, int Down, int Width, int Height)
{
    private const int Channels = 3;

    /// <summary>Decoded pixels by EXIF's orientation.</summary>
    /// <param name="bytes">[height, width, 3], and maybe more.</param>
    /// <param name="size">Columns and rows as they lie.</param>
    public static PixelView Of(byte[] bytes, (int Width, int Height) size, int orientation)
    {
        var (width, height) = size;
        const int right = Channels;
        var down = width * Channels;
        var (lastColumn, lastRow) = ((width - 1) * right, (height - 1) * down);

        // By where the first row and the first column of the bytes are seen: top and left for 1, right and top for 6.
        return orientation switch
        {
            2 => new(bytes, lastColumn, -right, down, width, height),
            3 => new(bytes, lastColumn + lastRow, -right, -down, width, height),
            4 => new(bytes, lastRow, right, -down, width, height),
            5 => new(bytes, 0, down, right, height, width),
            6 => new(bytes, lastRow, -down, right, height, width),
            7 => new(bytes, lastColumn + lastRow, -down, -right, height, width),
            8 => new(bytes, lastColumn, down, -right, height, width),
            _ => new(bytes, 0, right, down, width, height),
        };
    }

    public PixelView Crop(int left, int top, int width, int height) =>
        this with { Origin = Origin + (left * Right) + (top * Down), Width = width, Height = height };

    /// <summary>[height, width, 3].</summary>
    public byte[] ToArray()
    {
        var all = new byte[Width * Height * Channels];
        var put = 0;
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                Bytes.AsSpan(Origin + (y * Down) + (x * Right), Channels).CopyTo(all.AsSpan(put));
                put += Channels;
            }
        }

        return all;
    }
}
