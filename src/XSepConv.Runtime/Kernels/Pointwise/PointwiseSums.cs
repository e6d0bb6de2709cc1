namespace XSepConv.Kernels;

/// <summary>
/// Where the gradient of a 1×1 convolution's weights is added up: in parts, each [block of the wider side][channel of the other][lane].
/// </summary>
internal readonly unsafe struct PointwiseSums
{
    private const int MostParts = 16;

    // Fewer would be added up for longer than they take to compute.
    private const int LeastPixels = 512;

    private readonly float* _memory;

    public PointwiseSums(ref ScratchLayout layout, int inputs, int outputs, in PixelChunks chunks)
    {
        (Inputs, Outputs) = (inputs, outputs);
        Parts = (int)Math.Clamp(chunks.Pixels / LeastPixels, 1, Math.Min(MostParts, chunks.Count));
        _memory = layout.Vectors(Parts * Floats(layout.Lanes) / layout.Lanes);
    }

    public int Inputs { get; }

    public int Outputs { get; }

    /// <summary>How many parts, from the shape alone.</summary>
    public int Parts { get; }

    /// <summary>The channels that are fewer stand in the rows of a tile, the others in its vectors.</summary>
    public bool InputsAreNarrow => Inputs <= Outputs;

    public int NarrowChannels => Math.Min(Inputs, Outputs);

    public int WideBlocks(int lanes) => BlockedMap.Blocks(Math.Max(Inputs, Outputs), lanes);

    /// <summary>The narrower side's channels, with those that fill its last vector.</summary>
    public int Narrow(int lanes) => BlockedMap.Blocks(NarrowChannels, lanes) * lanes;

    /// <summary>Of a part.</summary>
    public long Floats(int lanes) => (long)WideBlocks(lanes) * Narrow(lanes) * lanes;

    public float* Of(int part, int lanes) => _memory + (part * Floats(lanes));
}

/// <summary>Adds up the parts and writes the weights' gradient. Items are blocks of the wider side.</summary>
internal unsafe struct PointwiseSumWork<TLanes, TVector> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public PointwiseSums Sums;

    /// <summary>[outputs, inputs].</summary>
    public float* Gradient;

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        if (!layout.HasMemory) return;
        var narrow = Sums.Narrow(TLanes.Count);
        var block = (nint)narrow * TLanes.Count;
        for (var k = first; k < end; k++)
        {
            var total = Sums.Of(0, TLanes.Count) + (k * block);
            for (var part = 1; part < Sums.Parts; part++)
            {
                PendingSweeps<TLanes, TVector>.Add(Sums.Of(part, TLanes.Count) + (k * block), narrow, total);
            }

            PointwiseWeights<TLanes, TVector>.Unpack(Sums.Of(0, TLanes.Count), k, Sums.Inputs, Sums.Outputs, narrow, Gradient);
        }
    }
}
