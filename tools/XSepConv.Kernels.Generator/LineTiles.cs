using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>Tiles of P neighbouring results of a one-dimensional convolution, any number of taps.</summary>
internal static class LineTiles
{
    // With eight accumulators, the multiply-adds of one tap take as long as one multiply-add's latency; with four taps, there are
    // registers left for their weights and one value where there are 16.
    private const int MaxPixels = 8;
    private const int TapBlock = 4;

    public static string Write()
    {
        var code = new Code();
        code.OpenKernel(
            "One-dimensional convolutions of vectors, any number of taps: P neighbouring results in registers, and taps four at a time, "
            + "so that a value which was loaded serves up to four of them.",
            "LineTiles", "TFinish", "ILineFinish<TLanes, TVector>");
        code.Line("/// <summary>Runs tiles of one size, one after the other.</summary>");
        code.Line("public static void Run(int pixels, LineTile* tile, int count, LineOutput* output)");
        code.Dispatch("pixels", Enumerable.Range(1, MaxPixels).Select(p => $"{p}: Tile{p}(tile, count, output)"), "pixels");
        for (var pixels = 1; pixels <= MaxPixels; pixels++) Tile(code, pixels);
        code.Close();
        code.Blank();
        code.Line("internal partial struct LineTable");
        code.Open();
        code.Line("/// <summary>Results of a tile, at most.</summary>");
        code.Line($"public const int MaxPixels = {MaxPixels};");
        code.Close();
        return code.ToString();
    }

    private static void Tile(Code code, int pixels)
    {
        code.Blank();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line($"private static void Tile{pixels}(LineTile* tile, int count, LineOutput* output)");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        code.Line("var step = output->Step;");
        code.Line("var total = TLanes.Splat(0);");
        code.Line("var product = TLanes.Splat(0);");
        code.Line("for (; count > 0; count--)");
        code.Open();
        code.Line("var place = tile->First * step;");
        for (var p = 0; p < pixels; p++) code.Line($"var a{p} = TFinish.Start(output, place{Plus(p, "step")});");
        code.Line("var run = tile->Runs;");
        code.Line("for (var runs = tile->RunCount; runs > 0; runs--)");
        code.Open();
        code.Line("var weights = run->Weights;");
        code.Line("var next = run->WeightStep;");
        code.Line("var values = run->Values;");
        code.Line("var taps = run->Taps;");
        code.Line($"for (; taps >= {TapBlock}; taps -= {TapBlock})");
        code.Open();
        Taps(code, pixels, TapBlock);
        code.Close();
        code.Blank();
        code.Line("for (; taps > 0; taps--)");
        code.Open();
        Taps(code, pixels, 1);
        code.Close();
        code.Blank();
        code.Line("run++;");
        code.Close();
        code.Blank();
        code.Line("var line = (nint)tile->First * lanes;");
        for (var p = 0; p < pixels; p++)
        {
            code.Line($"TFinish.End(output, place{Plus(p, "step")}, line{Plus(p, "lanes")}, a{p}, ref total, ref product);");
        }

        code.Line("tile++;");
        code.Close();
        code.Blank();
        code.Line("VectorSums<TLanes, TVector>.Add(output->Sums, total);");
        code.Line("VectorSums<TLanes, TVector>.Add(output->Sums + lanes, product);");
        code.Close();
    }

    // Value i is what tap t of result i − t takes.
    private static void Taps(Code code, int pixels, int taps)
    {
        for (var t = 0; t < taps; t++) code.Line($"var w{t} = TLanes.Load(weights{Plus(t, "next")});");
        for (var i = 0; i < pixels + taps - 1; i++)
        {
            code.Line($"var x{i} = TLanes.Load(values{Plus(i, "lanes")});");
            for (var t = Math.Max(0, i - pixels + 1); t <= Math.Min(taps - 1, i); t++)
            {
                code.Line($"a{i - t} = TLanes.MultiplyAdd(w{t}, x{i}, a{i - t});");
            }
        }

        code.Line($"weights += {Times(taps, "next")};");
        code.Line($"values += {Times(taps, "lanes")};");
    }
}
