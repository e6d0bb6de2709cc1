using System.Diagnostics;

namespace XSepConv.Kernels;

/// <summary>
/// The memory that kernels may touch, in debug builds: every vector that they load or store must lie inside one of the ranges entered here.
/// A release build calls nothing of this.
/// </summary>
/// <remarks>
/// Tensors, packed weights and a session's maps are known to all threads. Each buffer that a thread cuts out of its scratch, or has on its
/// stack, is a range of its own: running from one into the next is found too.
/// </remarks>
internal static unsafe class KernelMemory
{
    private static readonly Lock s_lock = new();
    private static Range[] s_shared = [];

    [ThreadStatic]
    private static List<Range>? s_own;

    [ThreadStatic]
    private static Range s_last;

    /// <summary>Lets all threads touch so many floats; null is nothing.</summary>
    [Conditional("DEBUG")]
    public static void Enter(float* start, long floats)
    {
        if (start == null) return;
        lock (s_lock) s_shared = [.. s_shared.Append(new Range((nuint)start, floats)).OrderBy(range => range.Start)];
    }

    /// <summary>Takes back what <see cref="Enter"/> gave.</summary>
    [Conditional("DEBUG")]
    public static void Leave(float* start, long floats)
    {
        s_last = default;
        lock (s_lock)
        {
            var index = Array.IndexOf(s_shared, new Range((nuint)start, floats));
            if (index >= 0) s_shared = [.. s_shared[..index], .. s_shared[(index + 1)..]];
        }
    }

    /// <summary>Lets this thread touch so many floats.</summary>
    [Conditional("DEBUG")]
    public static void EnterOwn(float* start, long floats) => (s_own ??= []).Add(new Range((nuint)start, floats));

    /// <summary>Takes back what <see cref="EnterOwn"/> gave last.</summary>
    [Conditional("DEBUG")]
    public static void LeaveOwn()
    {
        s_last = default;
        s_own!.RemoveAt(s_own.Count - 1);
    }

    /// <summary>Takes back everything that <see cref="EnterOwn"/> gave this thread.</summary>
    [Conditional("DEBUG")]
    public static void LeaveAllOwn()
    {
        s_last = default;
        s_own?.Clear();
    }

    /// <summary>Fails where the floats do not lie inside one range.</summary>
    [Conditional("DEBUG")]
    public static void AssertInside(void* start, long floats) =>
        Debug.Assert(Contains((nuint)start, floats),
            $"{floats} floats at {(nuint)start:X} are not inside of any memory that kernels may touch.");

    /// <summary>Fails where one of so many rows does not lie inside one range.</summary>
    [Conditional("DEBUG")]
    public static void AssertInside(float* start, nint stride, int rows, int floats)
    {
        for (var row = 0; row < rows; row++) AssertInside(start + (row * stride), floats);
    }

    private static bool Contains(nuint start, long floats)
    {
        if (floats <= 0 || s_last.Contains(start, floats)) return true;
        foreach (var range in s_own ?? [])
        {
            if (!range.Contains(start, floats)) continue;
            s_last = range;
            return true;
        }

        // Ranges may overlap: the nearest one that begins before is tried first.
        var shared = Volatile.Read(ref s_shared);
        int low = 0, high = shared.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (shared[middle].Start <= start) low = middle + 1;
            else high = middle;
        }

        for (var i = low - 1; i >= 0; i--)
        {
            if (!shared[i].Contains(start, floats)) continue;
            s_last = shared[i];
            return true;
        }

        return false;
    }

    private readonly record struct Range(nuint Start, long Floats)
    {
        public bool Contains(nuint start, long floats) =>
            start >= Start && start + (nuint)(floats * sizeof(float)) <= Start + (nuint)(Floats * sizeof(float));
    }
}

/// <summary>What one call of a kernel may touch; see <see cref="KernelMemory"/>.</summary>
internal readonly unsafe struct CallMemory() : IDisposable
{
#if DEBUG
    private readonly List<(nint Start, long Floats)>? _ranges = [];
#else
    private readonly List<(nint Start, long Floats)>? _ranges = null;
#endif

    /// <summary>So many floats; null is nothing.</summary>
    [Conditional("DEBUG")]
    public void Add(float* start, long floats)
    {
        KernelMemory.Enter(start, floats);
        _ranges?.Add(((nint)start, floats));
    }

    public void Dispose()
    {
        if (_ranges is null) return;
        foreach (var (start, floats) in _ranges) KernelMemory.Leave((float*)start, floats);
    }
}
