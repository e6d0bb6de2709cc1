namespace XSepConv.Inference;

/// <summary>
/// A kernel without the taps that never meet the map: from the output at one edge to the input at the other it is size − 1.
/// </summary>
internal readonly record struct KernelTrim(int Size, int Skipped)
{
    public int Border => Size / 2;

    public static KernelTrim Of(int kernel, int mapSize)
    {
        var size = (int)Math.Min(kernel, (2L * mapSize) - 1);
        return new(size, (kernel - size) / 2);
    }
}
