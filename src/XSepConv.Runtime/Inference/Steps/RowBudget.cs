namespace XSepConv.Inference;

/// <summary>How many rows are worked on at a time, at least one.</summary>
internal static class RowBudget
{
    /// <summary>Floats that a first-level cache holds beside weights and results.</summary>
    public const int FirstLevel = 8 * 1024;

    /// <summary>Floats that a second-level cache holds beside much else. Long sweeps make up for its distance.</summary>
    public const int SecondLevel = 48 * 1024;

    /// <param name="kernel">Input rows that an output row needs.</param>
    /// <param name="stride">Input rows from one output row to the next.</param>
    public static int OutputRows(int budget, int rowFloats, int kernel, int stride, int rows) =>
        Math.Clamp((((budget / rowFloats) - kernel) / stride) + 1, 1, rows);
}

/// <summary>Tables of pointers among floats.</summary>
internal static unsafe class PointerTable
{
    /// <summary>Floats that a table takes, in whole cache lines.</summary>
    public static long Floats(long pointers) => ((pointers * sizeof(float*) / sizeof(float)) + 15) / 16 * 16;
}
