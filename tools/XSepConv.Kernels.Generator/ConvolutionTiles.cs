using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>Tiles of P pixels × V vectors of output channels: the 1×1 convolutions and the stem.</summary>
internal static class ConvolutionTiles
{
    // Pixels of the tiles whose last vector of 16 lanes may be half: smaller ones are left to the whole tiles.
    private const int SmallestOfHalf = 7;

    // The largest tiles are those that 32 registers hold; PointwisePlan and DepthwisePlan ask for no larger ones where there are 16.
    public static string WritePointwise() => Convolution(
        "PointwiseTiles", "A 1×1 convolution on P pixels × V vectors of output channels, in registers.", "PointwiseTile", hasStep: false,
        [[.. Enumerable.Range(1, 14)], [.. Enumerable.Range(1, 14)], [.. Enumerable.Range(1, 9)]],
        (code, pixels, vectors, isHalf) =>
        {
            code.Line("var outer = input;");
            code.Line("var remaining = tile->Channels;");
            code.Line("while (remaining > 0)");
            code.Open();
            code.Line("var x = outer;");
            code.Line("var end = x + Math.Min(remaining, lanes);");
            code.Line("do");
            code.Open();
            MultiplyAdd(code, pixels, vectors, isHalf, p => $"x{Plus(p, "lanes")}");
            code.Line("x++;");
            code.Close();
            code.Line("while (x < end);");
            code.Line("outer += tile->Outer;");
            code.Line("remaining -= lanes;");
            code.Close();
        });

    // Three columns of the kernel at a time.
    public static string WriteStem() => Convolution(
        "StemTiles", "A 3×3 convolution of planes on P pixels × V vectors of output channels, in registers.", "StemTile", hasStep: true,
        [[.. Enumerable.Range(1, 14), 28], [.. Enumerable.Range(1, 14)]],
        (code, pixels, vectors, _) =>
        {
            code.Line("var x = input;");
            code.Line("for (var rows = tile->Rows; rows > 0; rows--)");
            code.Open();
            for (var column = 0; column < 3; column++)
            {
                code.Open();
                MultiplyAdd(code, pixels, vectors, isHalf: false, p => $"x{Plus(p, "step")}{(column == 0 ? "" : $" + {column}")}");
                code.Close();
            }

            code.Line("x += tile->Row;");
            code.Close();
        });

    private static void MultiplyAdd(Code code, int pixels, int vectors, bool isHalf, Func<int, string> input)
    {
        for (var v = 0; v < vectors; v++) code.Line($"var w{v} = TLanes.Load(weights{(v == 0 ? "" : $" + block{v}")});");
        for (var p = 0; p < pixels; p++)
        {
            code.Line($"var x{p} = TLanes.Broadcast({input(p)});");
            for (var v = 0; v < vectors; v++)
            {
                code.Line($"a{p}_{v} = TLanes.MultiplyAdd{(isHalf && v == vectors - 1 ? "Lower" : "")}(x{p}, w{v}, a{p}_{v});");
            }

        }

        code.Line("weights += lanes;");
    }

    private static string Convolution(
        string name, string summary, string argument, bool hasStep, int[][] sizes, Action<Code, int, int, bool> sum)
    {
        var code = new Code();
        code.OpenKernel(summary, name, hasStep ? "TStride" : null, "IStride");
        code.Line("/// <summary>Runs tiles of one size, one after the other.</summary>");
        code.Line($"public static void Run(int pixels, int vectors, {argument}* tile)");

        // Where the condition is false it is a constant, and the tiles of 32 registers or 16 lanes are not even compiled.
        var halves =
            from v in Enumerable.Range(1, hasStep ? 0 : sizes.Length)
            from p in sizes[v - 1]
            where p >= SmallestOfHalf
            select $"{(v * 32) + p} when TLanes.Count == 16 && tile->IsLastHalf: Tile{p}x{v}Half(tile)";
        var wholes =
            from v in Enumerable.Range(1, sizes.Length)
            from p in sizes[v - 1]
            let condition = p > LargestOf16Registers(v) ? " when PointwisePlan.Registers(TLanes.Count) == 32" : ""
            select $"{(v * 32) + p}{condition}: Tile{p}x{v}(tile)";
        code.Dispatch("(vectors * 32) + pixels", halves.Concat(wholes), "pixels");
        for (var v = 1; v <= sizes.Length; v++)
        {
            foreach (var p in sizes[v - 1])
            {
                ConvolutionTile(code, argument, hasStep, p, v, isHalf: false, sum);
                if (!hasStep && p >= SmallestOfHalf) ConvolutionTile(code, argument, hasStep, p, v, isHalf: true, sum);
            }
        }

        code.Close();
        return code.ToString();
    }

    private static void ConvolutionTile(
        Code code, string argument, bool hasStep, int pixels, int vectors, bool isHalf, Action<Code, int, int, bool> sum)
    {
        code.Blank();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line($"private static void Tile{pixels}x{vectors}{(isHalf ? "Half" : "")}({argument}* tile)");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        if (hasStep) code.Line("var step = (nint)TStride.Value;");
        code.Line("var input = tile->Input;");
        code.Line("var output = tile->Output;");
        if (!hasStep) code.Line("var residual = tile->Residual;");
        code.Line("var nextBlock = tile->OutputBlock;");
        if (vectors > 1) code.Line("var block1 = tile->WeightBlock;");
        for (var v = 2; v < vectors; v++) code.Line($"var block{v} = block{v - 1} + block1;");
        if (hasStep) code.Line("var prefetch = tile->Prefetch;");
        code.Line("for (var count = tile->Count; count > 0; count--)");
        code.Open();
        for (var v = 0; v < vectors; v++)
        {
            code.Line($"var a0_{v} = TLanes.Load(tile->Bias{Plus(v, "lanes")});");
            for (var p = 1; p < pixels; p++) code.Line($"var a{p}_{v} = a0_{v};");
        }

        if (!hasStep)
        {
            code.Line("if (tile->Continues)");
            code.Open();
            Results((place, result) => $"{result} = TLanes.Load(output{place});");
            code.Close();
        }

        code.Line("var weights = tile->Weights;");
        sum(code, pixels, vectors, isHalf);
        if (hasStep) code.Line($"prefetch = prefetch.Lines({pixels});");
        code.Line("switch (tile->Activation)");
        code.Open();
        Case("case TileActivation.HSwish:", "HSwishActivation.Apply<TLanes, TVector>({0})");
        Case("case TileActivation.ReLU6:", "Relu6Activation.Apply<TLanes, TVector>({0})");
        if (!hasStep)
        {
            Case("case TileActivation.ReLU:", "ReluActivation.Apply<TLanes, TVector>({0})");
            Case("case TileActivation.None when residual != null:", "TLanes.Add({0}, TLanes.Load(residual{1}))",
                "residual += tile->OutputStep;");
        }

        Case("default:", "{0}", $"TileActivations<TLanes, TVector>.Finish(tile->Activation, output, {pixels}, {vectors}, nextBlock);");
        code.Close();
        code.Line("input += tile->InputStep;");
        code.Line("output += tile->OutputStep;");
        code.Close();
        code.Close();

        void Case(string label, string value, string? then = null)
        {
            code.Line(label);
            code.Open();
            Store(value);
            if (then is not null) code.Line(then);
            code.Line("break;");
            code.Close();
        }

        void Store(string value) => Results((place, result) => $"TLanes.Store(output{place}, {string.Format(value, result, place)});");

        void Results(Func<string, string, string> line)
        {
            for (var v = 0; v < vectors; v++)
            {
                for (var p = 0; p < pixels; p++)
                {
                    code.Line(line((v == 0 ? "" : v == 1 ? " + nextBlock" : $" + ({v} * nextBlock)") + Plus(p, "lanes"), $"a{p}_{v}"));
                }
            }
        }
    }

    private static int LargestOf16Registers(int vectors) => vectors switch { 1 => 12, 2 => 6, _ => 4 };
}
