namespace XSepConv.Inference;

/// <summary>
/// The 2×2 of an XSep block. A block of channels that are all padded at the same sides runs as 2×2; one that mixes them, as
/// <see cref="PaddingDirection.Symmetric"/> does, as the 3×3 that it also is.
/// </summary>
internal sealed unsafe class PackedTwoByTwo
{
    private readonly PackedDepthwise _layer;
    private readonly PaddingDirection?[] _directions;

    public PackedTwoByTwo(FoldedLayer layer, PaddingDirection padding, WeightMemory memory)
    {
        var channels = layer.Outputs;
        _directions = new PaddingDirection?[memory.Blocks(channels)];
        for (var block = 0; block < _directions.Length; block++)
        {
            var first = block * memory.Lanes;
            var last = Math.Min(channels, first + memory.Lanes) - 1;
            var direction = padding.ForChannel(first, channels);
            _directions[block] = padding.ForChannel(last, channels) == direction ? direction : null;
        }

        _layer = new PackedDepthwise(layer, memory, 9, (channel, tap) =>
        {
            if (_directions[channel / memory.Lanes] is not null) return tap;
            var direction = padding.ForChannel(channel, channels);
            var row = (tap / 2) + (direction.IsTop() ? 0 : 1);
            var column = (tap % 2) + (direction.IsLeft() ? 0 : 1);
            return (3 * row) + column;
        });
    }

    /// <summary>Rows and columns of the kernel: 2, or 3 where directions mix.</summary>
    public int Size(int block) => _directions[block] is null ? 3 : 2;

    /// <summary>The first row that it reads for row 0 of the result, counted from the row above the map.</summary>
    public int FirstRow(int block) => _directions[block] is { } direction && !direction.IsTop() ? 1 : 0;

    /// <summary>The first column likewise.</summary>
    public int FirstColumn(int block) => _directions[block] is { } direction && !direction.IsLeft() ? 1 : 0;

    public float* Weights(int block) => _layer.Weights(block);

    public float* Bias(int block) => _layer.Bias(block);
}
