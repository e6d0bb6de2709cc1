using System.Runtime.InteropServices;
using static System.FormattableString;

namespace XSepConv.Kernels;

/// <summary>Memory of the system, zeros at first, on a cache line's start; freed when nothing refers to it any more.</summary>
/// <remarks>
/// From 2 MB on it asks Linux for large pages: weights and maps have more pages of 4 KB than a core keeps the addresses of, and one image
/// of 224×224 meets each only once.
/// </remarks>
internal sealed unsafe class NativeBuffer
{
    private const int CacheLine = 64;

    // Bytes of all buffers that are not yet freed.
    private static long s_held;

    private readonly void* _allocated;

    /// <param name="floats">How many it holds.</param>
    /// <exception cref="OutOfMemoryException">The machine, or what the process may take of it, has no room for them.</exception>
    public NativeBuffer(long floats)
    {
        Floats = floats;
        var isLarge = Bytes >= LargePages.Size;
        if (isLarge) RequireMemory(Bytes);
        var alignment = isLarge ? LargePages.Size : CacheLine;
        _allocated = NativeMemory.AllocZeroed(checked((nuint)(Bytes + alignment)));
        Start = (float*)(((nuint)_allocated + (nuint)alignment - 1) & ~(nuint)(alignment - 1));
        GC.AddMemoryPressure(Bytes);
        Interlocked.Add(ref s_held, Bytes);
        if (isLarge) LargePages.AskFor(Start, (nuint)Bytes);
    }

    ~NativeBuffer()
    {
        if (_allocated == null) return;
        NativeMemory.Free(_allocated);
        GC.RemoveMemoryPressure(Bytes);
        Interlocked.Add(ref s_held, -Bytes);
    }

    public float* Start { get; }

    public long Floats { get; }

    private long Bytes => Math.Max(1, Floats * sizeof(float));

    // Linux promises more than it has, and ends the process that touches it.
    private static void RequireMemory(long bytes)
    {
        var most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes <= most - Interlocked.Read(ref s_held)) return;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var held = Interlocked.Read(ref s_held);
        if (bytes <= most - held) return;
        throw new InsufficientMemoryException(
            Invariant($"Buffers would take {bytes:N0} bytes, with {held:N0} in use; this process may have {most:N0} in all."));
    }
}
