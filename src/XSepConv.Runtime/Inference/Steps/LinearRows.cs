using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>A group of a linear layer's outputs on some rows.</summary>
internal static unsafe class LinearRows<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public static void Run(
        PackedLinear layer, int group, float* input, nint inputRow, float* output, nint outputRow, int rows, TileActivation activation)
    {
        var tile = Tile(layer, group, input, output, activation);
        tile.InputRow = inputRow;
        tile.OutputRow = outputRow;
        switch (layer.Format)
        {
            case WeightFormat.Float32:
                RowTiles<TLanes, TVector>.Run(rows, layer.Vectors(group), &tile);
                break;
            case WeightFormat.BFloat16:
                BFloat16RowTiles<TLanes, TVector>.Run(rows, layer.Vectors(group), &tile);
                break;
            case WeightFormat.Int8:
                Int8RowTiles<TLanes, TVector>.Run(rows, layer.Vectors(group), &tile);
                break;
            default:
                throw EnumValues.Unknown(layer.Format);
        }
    }

    /// <summary>One row: the group, and the next with it where there are two whole ones.</summary>
    /// <returns>The group after.</returns>
    public static int RunRow(PackedLinear layer, int group, int end, float* input, float* output, TileActivation activation)
    {
        if (group + 1 == end || layer.Vectors(group + 1) < PackedLinear.GroupVectors)
        {
            Run(layer, group, input, 0, output, 0, 1, activation);
            return group + 1;
        }

        var tile = Tile(layer, group, input, output, activation);
        var nextGroup = (nint)(layer.Weights(group + 1) - layer.Weights(group));
        switch (layer.Format)
        {
            case WeightFormat.Float32:
                RowTiles<TLanes, TVector>.RunPair(&tile, nextGroup);
                break;
            case WeightFormat.BFloat16:
                BFloat16RowTiles<TLanes, TVector>.RunPair(&tile, nextGroup);
                break;
            case WeightFormat.Int8:
                Int8RowTiles<TLanes, TVector>.RunPair(&tile, nextGroup);
                break;
            default:
                throw EnumValues.Unknown(layer.Format);
        }

        return group + 2;
    }

    private static RowTile Tile(PackedLinear layer, int group, float* input, float* output, TileActivation activation)
    {
        RowTile tile;
        tile.Input = input;
        tile.InputRow = 0;
        tile.Channels = layer.Inputs;
        tile.Weights = layer.Weights(group);
        tile.Scale = layer.Scale(group);
        tile.Bias = layer.Bias(group);
        tile.Output = output;
        tile.OutputRow = 0;
        tile.Activation = activation;
        return tile;
    }
}
