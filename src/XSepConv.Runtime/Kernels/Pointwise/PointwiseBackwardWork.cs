using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Backward of a 1×1 convolution: the gradients of its input and of its weights, a chunk of pixels at a time.</summary>
/// <remarks>
/// Items are runs of chunks, each with sums of its own for the weights; they are added up in their order afterwards
/// (<see cref="PointwiseSumWork{TLanes, TVector}"/>).
/// </remarks>
internal unsafe struct PointwiseBackwardWork<TLanes, TVector, TPanel> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TPanel : struct, IInputPanel
{
    public TPanel Input;
    public PixelChunks Chunks;
    public PointwiseSums Sums;

    /// <summary>Packed for the inputs' gradients.</summary>
    public float* TransposedWeights;

    /// <summary>What the convolution gave, with the gradient after the norm.</summary>
    public PendingMap Output;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var gradient = BlockedMap.Take(ref layout, Sums.Outputs, Chunks.Largest);
        var inputGradient = Input.HasGradient ? BlockedMap.Take(ref layout, Sums.Inputs, Chunks.Largest) : default;
        var values = BlockedMap.Take(ref layout, Sums.Inputs, Chunks.Largest);
        var zeros = layout.Zeros(PointwisePlan.MaxVectors);
        if (!layout.HasMemory) return;
        for (var i = first; i < end; i++)
        {
            var sums = Sums.Of(i, TLanes.Count);
            new Span<float>(sums, checked((int)Sums.Floats(TLanes.Count))).Clear();
            var last = (int)((long)Chunks.Count * (i + 1) / Sums.Parts);
            for (var c = (int)((long)Chunks.Count * i / Sums.Parts); c < last; c++)
            {
                var chunk = Chunks[c];
                FillGradient(chunk, gradient);
                if (Input.HasGradient)
                {
                    PointwiseChunk<TLanes, TVector>.Run(
                        chunk, gradient.At(0, 0, TLanes.Count), gradient.Block, Sums.Outputs, TransposedWeights, zeros,
                        inputGradient.At(0, 0, TLanes.Count), inputGradient.Block, Sums.Inputs);
                }

                Input.Backward<TLanes, TVector>(
                    chunk, inputGradient.At(0, 0, TLanes.Count), values.At(0, 0, TLanes.Count), values.Block);
                if (Sums.InputsAreNarrow) AddWeights(chunk.Pixels, values, gradient, sums);
                else AddWeights(chunk.Pixels, gradient, values, sums);
            }
        }
    }

    private readonly void FillGradient(in PixelChunk chunk, in BlockedMap gradient)
    {
        for (var k = 0; k < BlockedMap.Blocks(Sums.Outputs, TLanes.Count); k++)
        {
            for (var s = 0; s < chunk.Segments; s++)
            {
                var pixel = chunk.First + ((nint)s * chunk.SegmentPixels);
                var at = Output.Coefficients(k, chunk.Image + s);
                PendingSweeps<TLanes, TVector>.RawGradient(
                    Output.Raw.At(k, pixel, TLanes.Count), Output.Gradient.At(k, pixel, TLanes.Count), chunk.SegmentPixels,
                    Output.Direct + at, Output.Slope + (k * TLanes.Count), Output.Offset + at,
                    gradient.At(k, (nint)s * chunk.SegmentPixels, TLanes.Count));
            }
        }
    }

    private readonly void AddWeights(int pixels, in BlockedMap narrow, in BlockedMap wide, float* sums)
    {
        var lanes = TLanes.Count;
        var tile = new WeightGradientTile { WideBlock = wide.Block, Pixels = pixels, SumBlock = (nint)Sums.Narrow(lanes) * lanes };
        var blocks = Sums.WideBlocks(lanes);
        for (var block = 0; block < blocks;)
        {
            var vectors = (blocks - block) switch { 1 => 1, 2 or 4 => 2, _ => 3 };
            var rows = WeightGradientTiles<TLanes, TVector>.Rows(vectors);
            tile.Wide = wide.At(block, 0, lanes);
            for (var c = 0; c < Sums.NarrowChannels; c += rows)
            {
                tile.Narrow = narrow.At(c / lanes, 0, lanes) + (c % lanes);
                tile.Sums = sums + (block * tile.SumBlock) + ((nint)c * lanes);
                WeightGradientTiles<TLanes, TVector>.Run(rows, vectors, &tile);
            }

            block += vectors;
        }
    }
}
