namespace XSepConv.Inference;

/// <summary>Where a value of one image's run through the network is kept.</summary>
internal enum Slot
{
    /// <summary>Maps between blocks that follow each other on one image at once.</summary>
    LocalA,
    LocalB,

    /// <summary>The map between a block's spatial operator and its projection.</summary>
    Middle,

    /// <summary>A block's input with the border that is added before its expansion.</summary>
    Padded,

    /// <summary>Means of a map's channels, for squeeze-excite.</summary>
    Pooled,

    /// <summary>What squeeze-excite's first layer gives.</summary>
    Squeezed,

    /// <summary>
    /// Maps that every image of the batch has its own of: a layer's weights serve all images before the next layer's are needed.
    /// </summary>
    SharedA,
    SharedB,

    /// <summary>The pooled features, one row for each image.</summary>
    Features,
}

/// <summary>
/// One image's values, and its pixels: planes of floats, or bytes with the channels of a pixel together and a table of 256 floats for each
/// channel.
/// </summary>
internal unsafe struct ImageMaps
{
    public const int SlotCount = (int)Slot.Features + 1;

    private SlotPointers _slots;

    public float* Planes;
    public byte* Bytes;
    public float* ByteTables;

    /// <summary>Which image of the batch it is.</summary>
    public int Image;

    /// <summary>Where the first image's maps go that the caller gets.</summary>
    public float** Outputs;

    public float* this[Slot slot]
    {
        readonly get => (float*)_slots[(int)slot];
        set => _slots[(int)slot] = (nint)value;
    }

    [System.Runtime.CompilerServices.InlineArray(SlotCount)]
    private struct SlotPointers
    {
        private nint _first;
    }
}
