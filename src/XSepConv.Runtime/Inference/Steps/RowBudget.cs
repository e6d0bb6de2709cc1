namespace XSepConv.Inference;

/// <summary>How many rows are worked on at a time: as many as a first-level cache holds beside weights and results, at least one.</summary>
internal static class RowBudget
{
    private const int CacheFloats = 6 * 1024;

    /// <param name="rowFloats">Floats of a row of all that is kept by rows.</param>
    /// <param name="kernel">Input rows that an output row needs.</param>
    /// <param name="stride">Input rows from one output row to the next.</param>
    /// <param name="rows">Output rows in all.</param>
    public static int OutputRows(int rowFloats, int kernel, int stride, int rows) =>
        Math.Clamp((((CacheFloats / rowFloats) - kernel) / stride) + 1, 1, rows);
}

/// <summary>Tables of pointers among floats.</summary>
internal static unsafe class PointerTable
{
    /// <summary>Floats that a table takes, in whole cache lines.</summary>
    public static long Floats(long pointers) => ((pointers * sizeof(float*) / sizeof(float)) + 15) / 16 * 16;
}
