using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>A 1×1 convolution in training: a chunk of pixels is made in cache, convolved and measured. Items are chunks.</summary>
internal unsafe struct PointwiseForwardWork<TLanes, TVector, TPanel> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TPanel : struct, IInputPanel
{
    public TPanel Input;
    public PixelChunks Chunks;
    public int Inputs;
    public int Outputs;

    /// <summary>Packed.</summary>
    public float* Weights;
    public BlockedMap Output;

    /// <summary>[block][segment], three vectors each; null where the statistics are known.</summary>
    public float* Records;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var panel = BlockedMap.Take(ref layout, Inputs, Chunks.Largest);
        var zeros = layout.Zeros(PointwisePlan.MaxVectors);
        if (!layout.HasMemory) return;
        var values = panel.At(0, 0, TLanes.Count);
        var record = (nint)SegmentStatistics<TLanes, TVector>.RecordVectors * TLanes.Count;
        for (var i = first; i < end; i++)
        {
            var chunk = Chunks[i];
            Input.Fill<TLanes, TVector>(chunk, values, panel.Block);
            PointwiseChunk<TLanes, TVector>.Run(
                chunk, values, panel.Block, Inputs, Weights, zeros, Output.At(0, chunk.First, TLanes.Count), Output.Block, Outputs,
                Records == null ? null : Records + (chunk.FirstSegment * record), Chunks.Segments * record);
        }
    }
}
