namespace XSepConv.Kernels;

/// <summary>
/// A blocked map that is not computed: whoever needs its values makes them of the raw map, value = act(raw · scale + shift), where scale
/// and shift may be of each image its own, with squeeze-excite's gates in them. Gates after the activation stand apart.
/// </summary>
internal unsafe struct PendingMap
{
    public int Channels;
    public int Images;

    /// <summary>Pixels of an image.</summary>
    public int Plane;

    /// <summary>What the convolution gave.</summary>
    public BlockedMap Raw;

    /// <summary>
    /// Before the activation, after gates before that. The raw map's is gradient · direct + raw · slope + offset, of direct and offset
    /// again one an image.
    /// </summary>
    public BlockedMap Gradient;

    public float* Scale;
    public float* Shift;
    public float* Direct;
    public float* Offset;

    /// <summary>Of those four, from one block to the next, and from one image to the next.</summary>
    public nint CoefficientBlock;
    public nint CoefficientImage;

    /// <summary>What the activated values are multiplied by, [block][image][lane]; null for nothing.</summary>
    public float* Gates;

    /// <summary>A vector a block, like the slope.</summary>
    public float* Mean;
    public float* Slope;

    /// <summary>The coefficients are those of a norm.</summary>
    public static PendingMap Of(in BlockedMap raw, in MapNorm norm, int images, int plane, int lanes) => new()
    {
        Channels = norm.Channels,
        Images = images,
        Plane = plane,
        Raw = raw,
        Scale = norm.Scale,
        Shift = norm.Shift,
        Direct = norm.Direct,
        Offset = norm.Offset,
        CoefficientBlock = lanes,
        Mean = norm.Mean,
        Slope = norm.Slope,
    };

    /// <summary>Where the coefficients of a block and an image are, in each of the four.</summary>
    public readonly nint Coefficients(int block, int image) => (block * CoefficientBlock) + (image * CoefficientImage);

    /// <summary>The gate of a block and an image.</summary>
    public readonly float* Gate(int block, int image, int lanes) => Gates + ((((nint)block * Images) + image) * lanes);
}
