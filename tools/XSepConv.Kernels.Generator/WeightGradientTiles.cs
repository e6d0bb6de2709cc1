using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>Tiles of R channels of the narrower side × V vectors of the wider: the weights' gradients of 1×1 convolutions.</summary>
internal static class WeightGradientTiles
{
    public static string Write()
    {
        (int Rows, int Vectors)[] sizes = [(1, 1), (4, 1), (8, 1), (1, 2), (4, 2), (8, 2), (1, 3), (4, 3), (8, 3)];
        var code = new Code();
        code.OpenKernel("The weights' gradient of a 1×1 convolution for R channels × V vectors, in registers.", "WeightGradientTiles");
        code.Line("/// <summary>The best number of channels for so many vectors; it divides a vector's lanes.</summary>");
        code.Line("public static int Rows(int vectors) =>");
        code.Line("    TLanes.Count < 4 ? 1 : TLanes.Count > 4 && (vectors == 1 || PointwisePlan.Registers(TLanes.Count) == 32) ? 8 : 4;");
        code.Blank();
        code.Line("public static void Run(int rows, int vectors, WeightGradientTile* tile)");
        code.Dispatch(
            "(vectors * 16) + rows",
            from size in sizes
            let condition = Condition(size.Rows * size.Vectors)
            select $"{(size.Vectors * 16) + size.Rows}{condition}: Tile{size.Rows}x{size.Vectors}(tile)",
            "rows");
        foreach (var (rows, vectors) in sizes)
        {
            code.Blank();
            code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            code.Line($"private static void Tile{rows}x{vectors}(WeightGradientTile* tile)");
            code.Open();
            code.Line("var lanes = TLanes.Count;");
            code.Line("var narrow = tile->Narrow;");
            for (var v = 0; v < vectors; v++) code.Line($"var wide{v} = {(v == 0 ? "tile->Wide" : $"wide{v - 1} + tile->WideBlock")};");
            for (var v = 0; v < vectors; v++)
            {
                for (var r = 0; r < rows; r++) code.Line($"var a{r}_{v} = TLanes.Splat(0);");
            }

            code.Line("for (var pixels = tile->Pixels; pixels > 0; pixels--)");
            code.Open();
            for (var v = 0; v < vectors; v++) code.Line($"var w{v} = TLanes.Load(wide{v});");
            for (var r = 0; r < rows; r++)
            {
                code.Line($"var n{r} = TLanes.Broadcast(narrow{(r == 0 ? "" : $" + {r}")});");
                for (var v = 0; v < vectors; v++) code.Line($"a{r}_{v} = TLanes.MultiplyAdd(n{r}, w{v}, a{r}_{v});");
            }

            code.Line("narrow += lanes;");
            for (var v = 0; v < vectors; v++) code.Line($"wide{v} += lanes;");
            code.Close();
            code.Line("var sums = tile->Sums;");
            for (var v = 0; v < vectors; v++)
            {
                for (var r = 0; r < rows; r++)
                {
                    var place = $"sums{Plus(r, "lanes")}";
                    code.Line($"TLanes.Store({place}, TLanes.Add(TLanes.Load({place}), a{r}_{v}));");
                }

                if (v < vectors - 1) code.Line("sums += tile->SumBlock;");
            }

            code.Close();
        }

        code.Close();
        return code.ToString();

        // Tiles of 32 registers are not even compiled where there are 16.
        static string Condition(int sums) => sums > 12 ? " when PointwisePlan.Registers(TLanes.Count) == 32" : "";
    }
}
