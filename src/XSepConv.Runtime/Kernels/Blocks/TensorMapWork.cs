namespace XSepConv.Kernels;

/// <summary>A whole tensor to a blocked map, or back. Items are chunks.</summary>
internal unsafe struct TensorMapWork<TLanes, TVector> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private TensorPanel _tensor;
    private PixelChunks _chunks;
    private BlockedMap _map;
    private bool _isBack;

    /// <summary>Writes a tensor's values to a map.</summary>
    public static void ToMap(in TensorPanel tensor, in PixelChunks chunks, in BlockedMap map, int threads) => Run(
        new() { _tensor = tensor, _chunks = chunks, _map = map }, threads);

    /// <summary>Writes a map, which it may overwrite, to where the tensor's gradient goes.</summary>
    public static void ToTensor(in TensorPanel tensor, in PixelChunks chunks, in BlockedMap map, int threads) => Run(
        new() { _tensor = tensor, _chunks = chunks, _map = map, _isBack = true }, threads);

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        if (!layout.HasMemory) return;
        for (var i = first; i < end; i++)
        {
            var chunk = _chunks[i];
            var values = _map.At(0, chunk.First, TLanes.Count);
            if (_isBack) _tensor.Store<TLanes, TVector>(chunk, values, _map.Block);
            else _tensor.Fill<TLanes, TVector>(chunk, values, _map.Block);
        }
    }

    private static void Run(in TensorMapWork<TLanes, TVector> work, int threads) =>
        KernelThreads.Run(work, work._chunks.Count, threads, TLanes.Count);
}
