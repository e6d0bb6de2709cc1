using System.Runtime.InteropServices;

namespace XSepConv.Kernels;

/// <summary>Cuts a thread's scratch into buffers of whole vectors. With no memory behind it, it only counts.</summary>
internal unsafe struct ScratchLayout(float* memory, int lanes)
{
    public readonly int Lanes => lanes;

    public readonly bool HasMemory => memory != null;

    /// <summary>Floats taken so far.</summary>
    public long Taken { get; private set; }

    public float* Vectors(long count)
    {
        var start = memory + Taken;
        Taken += count * lanes;
        if (memory != null) KernelMemory.EnterOwn(start, count * lanes);
        return start;
    }

    public float* Zeros(long count)
    {
        var start = Vectors(count);
        if (memory != null) NativeMemory.Clear(start, checked((nuint)(count * lanes * sizeof(float))));
        return start;
    }

    /// <summary>A map whose rows have <paramref name="border"/> zeros at either end.</summary>
    public VectorMap Bordered(int height, int width, int border)
    {
        var row = width + (2 * border);
        return new VectorMap(Zeros((long)height * row) + (border * lanes), (nint)row * lanes, height);
    }

    /// <summary>A table of row pointers.</summary>
    public float** Rows(int count) => (float**)Bytes((long)count * sizeof(float*));

    /// <summary>Whole vectors with room for a table of so many bytes.</summary>
    public void* Bytes(long count)
    {
        var vectorBytes = lanes * sizeof(float);
        return Vectors((count + vectorBytes - 1) / vectorBytes);
    }

    /// <summary>A table of offsets.</summary>
    public nint* Offsets(int count) => (nint*)Rows(count);
}
