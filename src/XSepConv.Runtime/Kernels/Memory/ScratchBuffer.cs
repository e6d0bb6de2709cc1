using System.Runtime.InteropServices;

namespace XSepConv.Kernels;

/// <summary>Aligned native memory that a thread keeps between calls; freed when the thread is gone, or at once where it is large.</summary>
internal readonly unsafe ref struct ScratchBuffer
{
    private const long LargestKept = 64L << 20;
    private const int Alignment = 64;

    [ThreadStatic]
    private static Block? s_kept;

    private readonly Block _block;

    private ScratchBuffer(Block block) => _block = block;

    public float* Pointer => _block.Pointer;

    /// <summary>At least <paramref name="floats"/> floats, contents undefined.</summary>
    public static ScratchBuffer Rent(long floats)
    {
        var bytes = checked(floats * sizeof(float));
        var block = s_kept;
        s_kept = null;
        if (block is null || block.Bytes < bytes)
        {
            block?.Dispose();
            block = new Block(bytes);
        }

        return new ScratchBuffer(block);
    }

    public void Dispose()
    {
        if (s_kept is null && _block.Bytes <= LargestKept) s_kept = _block;
        else _block.Dispose();
    }

    private sealed class Block(long bytes) : IDisposable
    {
        public float* Pointer { get; private set; } = (float*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);

        public long Bytes => bytes;

        ~Block() => Release();

        public void Dispose()
        {
            Release();
            GC.SuppressFinalize(this);
        }

        private void Release()
        {
            NativeMemory.AlignedFree(Pointer);
            Pointer = null;
        }
    }
}
