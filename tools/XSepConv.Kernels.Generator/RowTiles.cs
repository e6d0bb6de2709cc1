using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>Tiles of R rows × V vectors of outputs: linear layers.</summary>
internal static class RowTiles
{
    public static string Write()
    {
        const int MaxRows = 4, MaxVectors = 4;
        var code = new Code();
        code.OpenKernel("A linear layer on R rows × V vectors of outputs, in registers.", "RowTiles");
        code.Line($"public const int MaxRows = {MaxRows};");
        code.Line($"public const int MaxVectors = {MaxVectors};");
        code.Blank();
        code.Line("public static void Run(int rows, int vectors, RowTile* tile)");
        code.Dispatch(
            "(vectors * 16) + rows",
            from v in Enumerable.Range(1, MaxVectors) from r in Enumerable.Range(1, MaxRows) select $"{(v * 16) + r}: Tile{r}x{v}(tile)",
            "rows");
        for (var vectors = 1; vectors <= MaxVectors; vectors++)
        {
            for (var rows = 1; rows <= MaxRows; rows++)
            {
                code.Blank();
                code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
                code.Line($"private static void Tile{rows}x{vectors}(RowTile* tile)");
                code.Open();
                code.Line("var lanes = TLanes.Count;");
                for (var v = 0; v < vectors; v++)
                {
                    code.Line($"var a0_{v} = TLanes.Load(tile->Bias{Plus(v, "lanes")});");
                    for (var r = 1; r < rows; r++) code.Line($"var a{r}_{v} = a0_{v};");
                }

                code.Line("var weights = tile->Weights;");
                code.Line("var r0 = tile->Input;");
                for (var r = 1; r < rows; r++) code.Line($"var r{r} = r{r - 1} + tile->InputRow;");
                code.Line("nint channels = tile->Channels;");
                code.Line("for (nint k = 0; k < channels; k++)");
                code.Open();
                for (var v = 0; v < vectors; v++) code.Line($"var w{v} = TLanes.Load(weights{Plus(v, "lanes")});");
                for (var r = 0; r < rows; r++)
                {
                    code.Line($"var x{r} = TLanes.Broadcast(r{r} + k);");
                    for (var v = 0; v < vectors; v++) code.Line($"a{r}_{v} = TLanes.MultiplyAdd(x{r}, w{v}, a{r}_{v});");
                }

                code.Line($"weights += {(vectors == 1 ? "lanes" : $"{vectors} * lanes")};");
                code.Close();
                code.Line("var output = tile->Output;");
                for (var r = 0; r < rows; r++)
                {
                    for (var v = 0; v < vectors; v++) code.Line($"TLanes.Store(output{Plus(v, "lanes")}, a{r}_{v});");
                    if (r < rows - 1) code.Line("output += tile->OutputRow;");
                }

                code.Line($"TileActivations<TLanes, TVector>.Finish(tile->Activation, tile->Output, {vectors}, {rows}, tile->OutputRow);");
                code.Close();
            }
        }

        // One row is a multiply-add for every weight: two groups at once keep twice the reads under way.
        code.Blank();
        code.Line($"/// <summary>One row × two groups of {MaxVectors} vectors.</summary>");
        code.Line("/// <param name=\"nextGroup\">From the weights of the first group to those of the second.</param>");
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line("public static void RunPair(RowTile* tile, nint nextGroup)");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        for (var v = 0; v < 2 * MaxVectors; v++) code.Line($"var a{v} = TLanes.Load(tile->Bias{Plus(v, "lanes")});");
        code.Line("var weights = tile->Weights;");
        code.Line("var next = weights + nextGroup;");
        code.Line("var row = tile->Input;");
        code.Line("nint channels = tile->Channels;");
        code.Line("for (nint k = 0; k < channels; k++)");
        code.Open();
        code.Line("var x = TLanes.Broadcast(row + k);");
        for (var v = 0; v < 2 * MaxVectors; v++)
        {
            var weight = (v < MaxVectors ? "weights" : "next") + Plus(v % MaxVectors, "lanes");
            code.Line($"a{v} = TLanes.MultiplyAdd(x, TLanes.Load({weight}), a{v});");
        }

        code.Line($"weights += {MaxVectors} * lanes;");
        code.Line($"next += {MaxVectors} * lanes;");
        code.Close();
        for (var v = 0; v < 2 * MaxVectors; v++) code.Line($"TLanes.Store(tile->Output{Plus(v, "lanes")}, a{v});");
        code.Line($"TileActivations<TLanes, TVector>.Finish(tile->Activation, tile->Output, {2 * MaxVectors}, 1, 0);");
        code.Close();
        code.Close();
        return code.ToString();
    }
}
