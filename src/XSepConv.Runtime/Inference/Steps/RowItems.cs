namespace XSepConv.Inference;

/// <summary>Items that are some rows of some group of channels; neighbours that belong to one group are done as one.</summary>
internal readonly struct RowItems(int groups, int rows, int threads)
{
    // Few enough that an item is worth handing out; enough that threads get equal shares.
    private const int ChunksPerThread = 4;

    private readonly int _chunks = threads == 1 ? 1 : Math.Min(rows, threads * ChunksPerThread);

    public int Count => groups * _chunks;

    /// <summary>The group of the first item, its rows up to the group's end or <paramref name="end"/>, and the item after them.</summary>
    public (int Group, int FirstRow, int EndRow, int Next) Take(int item, int end)
    {
        var group = item / _chunks;
        var next = Math.Min(end, (group + 1) * _chunks);
        return (group, Row(item - (group * _chunks)), Row(next - (group * _chunks)), next);
    }

    private int Row(int chunk) => (int)((long)rows * chunk / _chunks);
}
