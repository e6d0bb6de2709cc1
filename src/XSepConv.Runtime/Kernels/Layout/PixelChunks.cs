namespace XSepConv.Kernels;

/// <summary>
/// The pixels of a batch's maps, cut into chunks whose channels fit the nearer caches: parts of an image, or several whole images.
/// </summary>
/// <remarks>
/// A chunk's segments lie in one image each, so that sums can be kept by image. The cut follows from the shape alone: what is summed over
/// chunks does not depend on the number of threads.
/// </remarks>
internal readonly struct PixelChunks
{
    // Pixels of a chunk; half as many where the channels of both sides are so many that their panels would leave the second cache.
    private const int Most = 128;
    private const int ManyChannels = 320;

    private readonly int _images;
    private readonly int _parts;
    private readonly int _segment;

    public PixelChunks(int images, int plane, int channels)
    {
        var most = channels > ManyChannels ? Most / 2 : Most;
        (_images, Plane) = (images, plane);
        _parts = (plane + most - 1) / most;
        _segment = (plane + _parts - 1) / _parts;

        // Rounding up may leave nothing for the last part.
        _parts = (plane + _segment - 1) / _segment;
        ImagesTogether = _parts > 1 ? 1 : Math.Min(images, most / plane);
    }

    /// <summary>Pixels of one image.</summary>
    public int Plane { get; }

    public int Count => _parts > 1 ? _images * _parts : (_images + ImagesTogether - 1) / ImagesTogether;

    /// <summary>Parts of images in all.</summary>
    public int Segments => _images * _parts;

    /// <summary>Parts of one image.</summary>
    public int SegmentsOfImage => _parts;

    /// <summary>Pixels of all images.</summary>
    public long Pixels => (long)_images * Plane;

    /// <summary>Pixels of the largest chunk.</summary>
    public int Largest => _segment * ImagesTogether;

    private int ImagesTogether { get; }

    public PixelChunk this[int index]
    {
        get
        {
            if (_parts == 1)
            {
                var first = index * ImagesTogether;
                return new(first, 0, Math.Min(ImagesTogether, _images - first), Plane, first, Plane);
            }

            var offset = index % _parts * _segment;
            return new(index / _parts, offset, 1, Math.Min(_segment, Plane - offset), index, Plane);
        }
    }

    /// <summary>Pixels of a segment.</summary>
    public int SegmentPixels(int segment) => _parts == 1 ? _segment : Math.Min(_segment, Plane - (segment % _parts * _segment));
}

/// <summary>Some pixels that follow each other.</summary>
/// <param name="Image">The image of the first one.</param>
/// <param name="Offset">Its place in the image.</param>
/// <param name="Segments">How many segments, one to an image.</param>
/// <param name="SegmentPixels">Pixels of each.</param>
/// <param name="FirstSegment">The first one's number.</param>
/// <param name="Plane">Pixels of an image.</param>
internal readonly record struct PixelChunk(int Image, int Offset, int Segments, int SegmentPixels, int FirstSegment, int Plane)
{
    public int Pixels => Segments * SegmentPixels;

    /// <summary>The first one's place among the pixels of all images.</summary>
    public nint First => ((nint)Image * Plane) + Offset;
}
