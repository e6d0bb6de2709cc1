namespace XSepConv.Kernels;

/// <summary>
/// A map as [block of channels][pixel of the batch][lane]: every 1×1 convolution is a product of matrices then, and a block's images follow
/// each other.
/// </summary>
/// <param name="first">The first pixel of the first block.</param>
/// <param name="block">Floats from one block to the next.</param>
internal readonly unsafe struct BlockedMap(float* first, nint block)
{
    // Blocks a power of two apart would share the sets of the first cache.
    private const int ApartFloats = 16;

    public bool IsThere => first != null;

    public nint Block => block;

    /// <summary>A map in a layout's memory.</summary>
    public static BlockedMap Take(ref ScratchLayout layout, int channels, long pixels)
    {
        var vectors = pixels + Apart(layout.Lanes);
        return new(layout.Vectors(vectors * Blocks(channels, layout.Lanes)), checked((nint)(vectors * layout.Lanes)));
    }

    /// <summary>Vectors that hold so many values, such as channels.</summary>
    public static int Blocks(int count, int lanes) => (count + lanes - 1) / lanes;

    /// <summary>Vectors between two blocks.</summary>
    public static int Apart(int lanes) => Blocks(ApartFloats, lanes);

    public float* At(int index, nint pixel, int lanes) => first + (index * block) + (pixel * lanes);
}
