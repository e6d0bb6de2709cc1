using System.Runtime.InteropServices;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Hands arrays to kernels as pointers to guarded copies, and copies them back: a write outside an array is an error.</summary>
/// <param name="atEnd">
/// Whether the page behind an array is guarded, or the one before it, so that a read ends the process too; null for canaries at both ends.
/// </param>
internal sealed unsafe class Pins(bool? atEnd = null) : IDisposable
{
    private const int Guard = 32;
    private const float Canary = -7.25e11f;

    private readonly List<(float[] Array, nint Memory)> _copies = [];
    private readonly List<(float[] Array, GuardedFloats Memory)> _pages = [];

    public float* Of(float[] array)
    {
        if (atEnd is { } end)
        {
            _pages.Add((array, new(array, end)));
            return _pages[^1].Memory.Pointer;
        }

        // Off by one float, so that nothing relies on alignment.
        var memory = (float*)NativeMemory.Alloc((nuint)(array.Length + (2 * Guard) + 1), sizeof(float));
        new Span<float>(memory, array.Length + (2 * Guard) + 1).Fill(Canary);
        array.CopyTo(new Span<float>(memory + Guard + 1, array.Length));
        _copies.Add((array, (nint)memory));
        return memory + Guard + 1;
    }

    public void Dispose()
    {
        foreach (var (array, memory) in _pages)
        {
            new Span<float>(memory.Pointer, array.Length).CopyTo(array);
            memory.Dispose();
        }

        var intact = true;
        foreach (var (array, address) in _copies)
        {
            var memory = (float*)address;
            var whole = new Span<float>(memory, array.Length + (2 * Guard) + 1);
            intact &= !whole[..(Guard + 1)].ContainsAnyExcept(Canary) && !whole[(Guard + 1 + array.Length)..].ContainsAnyExcept(Canary);
            whole.Slice(Guard + 1, array.Length).CopyTo(array);
            NativeMemory.Free(memory);
        }

        Assert.True(intact, "A kernel wrote outside one of its tensors.");
    }
}
