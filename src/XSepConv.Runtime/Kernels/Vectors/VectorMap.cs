namespace XSepConv.Kernels;

/// <summary>
/// A group of planes in memory, [row][column][lane]: its first element, the floats from one row to the next, and how many rows there are.
/// </summary>
internal readonly unsafe struct VectorMap(float* first, nint rowFloats, int height)
{
    public float* First => first;

    public nint RowFloats => rowFloats;

    public int Height => height;
}
