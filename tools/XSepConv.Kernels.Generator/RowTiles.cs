using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>What the weights of a row tile are.</summary>
internal enum RowWeights
{
    Float32,

    /// <summary>In pairs of inputs, one in the lower and one in the upper half of a lane; each output's sum has a scale.</summary>
    BFloat16,

    /// <summary>A byte each; each output's sum has a scale.</summary>
    Int8,
}

/// <summary>Tiles of R rows × V vectors of outputs: linear layers.</summary>
internal sealed class RowTiles(RowWeights weights)
{
    private const int MaxRows = 4, MaxVectors = 4;

    private readonly Code _code = new();

    public string Write()
    {
        _code.OpenKernel(
            $"A linear layer of {weights} weights on R rows × V vectors of outputs, in registers.",
            weights == RowWeights.Float32 ? "RowTiles" : $"{weights}RowTiles");
        _code.Line($"public const int MaxRows = {MaxRows};");
        _code.Line($"public const int MaxVectors = {MaxVectors};");
        _code.Blank();
        _code.Line("public static void Run(int rows, int vectors, RowTile* tile)");
        _code.Dispatch(
            "(vectors * 16) + rows",
            from v in Enumerable.Range(1, MaxVectors) from r in Enumerable.Range(1, MaxRows) select $"{(v * 16) + r}: Tile{r}x{v}(tile)",
            "rows");
        for (var vectors = 1; vectors <= MaxVectors; vectors++)
        {
            for (var rows = 1; rows <= MaxRows; rows++)
            {
                _code.Blank();
                _code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
                _code.Line($"private static void Tile{rows}x{vectors}(RowTile* tile)");
                Tile(rows, vectors, vectors, $"tile->Activation, tile->Output, {vectors}, {rows}, tile->OutputRow");
            }
        }

        // One row is a multiply-add for every weight: two groups at once keep twice the reads under way.
        _code.Blank();
        _code.Line($"/// <summary>One row × two groups of {MaxVectors} vectors.</summary>");
        _code.Line("/// <param name=\"nextGroup\">From the weights of the first group to those of the second.</param>");
        _code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        _code.Line("public static void RunPair(RowTile* tile, nint nextGroup)");
        Tile(1, 2 * MaxVectors, MaxVectors, $"tile->Activation, tile->Output, {2 * MaxVectors}, 1, 0");
        _code.Close();
        return _code.ToString();
    }

    private void Tile(int rows, int vectors, int group, string finished)
    {
        var hasScale = weights != RowWeights.Float32;
        _code.Open();
        _code.Line("var lanes = TLanes.Count;");
        for (var v = 0; v < vectors; v++)
        {
            var start = hasScale ? "TLanes.Splat(0)" : $"TLanes.Load(tile->Bias{Plus(v, "lanes")})";
            _code.Line($"var a0_{v} = {start};");
            for (var r = 1; r < rows; r++) _code.Line($"var a{r}_{v} = a0_{v};");
        }

        var cast = weights == RowWeights.Int8 ? "(sbyte*)" : "";
        _code.Line($"var weights = {cast}tile->Weights;");
        if (vectors > group) _code.Line($"var next = {cast}(tile->Weights + nextGroup);");
        _code.Line("var r0 = tile->Input;");
        for (var r = 1; r < rows; r++) _code.Line($"var r{r} = r{r - 1} + tile->InputRow;");
        _code.Line("nint channels = tile->Channels;");
        if (weights == RowWeights.BFloat16)
        {
            _code.Line("nint k = 0;");
            _code.Line("for (; k + 1 < channels; k += 2)");
            _code.Open();
            MultiplyAdd("k", "TLanes.LowerBFloat16(TLanes.Load({0}))");
            MultiplyAdd("k + 1", "TLanes.UpperBFloat16(TLanes.Load({0}))");
            NextWeights();
            _code.Close();
            _code.Line("if (k < channels)");
            MultiplyAdd("k", "TLanes.LowerBFloat16(TLanes.Load({0}))");
        }
        else
        {
            _code.Line("for (nint k = 0; k < channels; k++)");
            _code.Open();
            MultiplyAdd("k", weights == RowWeights.Int8 ? "TLanes.LoadInt8({0})" : "TLanes.Load({0})");
            NextWeights();
            _code.Close();
        }

        _code.Line("var output = tile->Output;");
        for (var r = 0; r < rows; r++)
        {
            for (var v = 0; v < vectors; v++)
            {
                var (sum, at) = ($"a{r}_{v}", Plus(v, "lanes"));
                if (hasScale) sum = $"TLanes.MultiplyAdd({sum}, TLanes.Load(tile->Scale{at}), TLanes.Load(tile->Bias{at}))";
                _code.Line($"TLanes.Store(output{at}, {sum});");
            }

            if (r < rows - 1) _code.Line("output += tile->OutputRow;");
        }

        _code.Line($"TileActivations<TLanes, TVector>.Finish({finished});");
        _code.Close();

        void MultiplyAdd(string input, string load)
        {
            _code.Open();

            // A weight of one row goes into the multiply-add as it is read.
            var loads = Enumerable.Range(0, vectors).Select(v =>
                string.Format(load, (v < group ? "weights" : "next") + Plus(v % group, "lanes"))).ToArray();
            for (var v = 0; v < vectors && rows > 1; v++) _code.Line($"var w{v} = {loads[v]};");
            for (var r = 0; r < rows; r++)
            {
                _code.Line($"var x{r} = TLanes.Broadcast(r{r} + {input});");
                for (var v = 0; v < vectors; v++)
                {
                    _code.Line($"a{r}_{v} = TLanes.MultiplyAdd(x{r}, {(rows > 1 ? $"w{v}" : loads[v])}, a{r}_{v});");
                }
            }

            _code.Close();
        }

        void NextWeights()
        {
            _code.Line($"weights += {Times(group, "lanes")};");
            if (vectors > group) _code.Line($"next += {Times(group, "lanes")};");
        }
    }
}
