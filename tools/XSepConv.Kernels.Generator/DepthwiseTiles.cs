using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>Tiles of P pixels of one block of channels: K×K convolutions, and those that no sweep serves.</summary>
internal static class DepthwiseTiles
{
    public static string Write()
    {
        const int MaxPixels = 14;
        var code = new Code();
        code.OpenKernel(
            "A depthwise convolution of one block of channels on P pixels of each of some rows, in registers.",
            "DepthwiseTiles", "TStride", "IStride");
        code.Line($"public const int MaxPixels = {MaxPixels};");
        code.Blank();
        code.Line("/// <param name=\"column\">The first pixel's place in the rows of the output, in floats.</param>");
        code.Line("public static void Run(int pixels, DepthwiseTile* tile, nint column)");
        code.Dispatch("pixels", Enumerable.Range(1, MaxPixels).Select(p => $"{p}: Tile{p}(tile, column)"), "pixels");
        for (var pixels = 1; pixels <= MaxPixels; pixels++)
        {
            code.Blank();
            code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            code.Line($"private static void Tile{pixels}(DepthwiseTile* tile, nint column)");
            code.Open();
            code.Line("var lanes = TLanes.Count;");
            code.Line("var step = (nint)TStride.Value * lanes;");
            code.Line("var first = column / lanes * step;");
            code.Line("var taps = (nint)tile->KernelWidth * lanes;");
            code.Line("var pitch = tile->WeightRow;");
            code.Line("var source = tile->Source;");
            code.Line("var destination = tile->Destination;");
            code.Line("for (var rows = tile->Rows; rows > 0; rows--)");
            code.Open();
            code.Line("var a0 = TLanes.Load(tile->Bias);");
            for (var p = 1; p < pixels; p++) code.Line($"var a{p} = a0;");
            code.Line("var weights = tile->Weights;");
            code.Line("for (var row = 0; row < tile->KernelHeight; row++)");
            code.Open();
            code.Line("var x = source[row] + first;");
            code.Line("for (nint tap = 0; tap < taps; tap += lanes)");
            code.Open();
            code.Line("var w = TLanes.Load(weights + tap);");
            for (var p = 0; p < pixels; p++) code.Line($"a{p} = TLanes.MultiplyAdd(w, TLanes.Load(x{Plus(p, "step")}), a{p});");
            code.Line("x += lanes;");
            code.Close();
            code.Line("weights += pitch;");
            code.Close();
            code.Line("var output = *destination + column;");
            code.Line("switch (tile->Activation)");
            code.Open();
            foreach (var (label, body) in new[]
            {
                ("case TileActivation.HSwish:", "HSwishActivation.Apply<TLanes, TVector>({0})"),
                ("case TileActivation.ReLU:", "ReluActivation.Apply<TLanes, TVector>({0})"),
                ("case TileActivation.ReLU6:", "Relu6Activation.Apply<TLanes, TVector>({0})"),
                ("default:", "{0}"),
            })
            {
                code.Line(label);
                code.Open();
                for (var p = 0; p < pixels; p++) code.Line($"TLanes.Store(output{Plus(p, "lanes")}, {string.Format(body, $"a{p}")});");
                if (label == "default:") code.Line($"TileActivations<TLanes, TVector>.Finish(tile->Activation, output, {pixels}, 1, 0);");
                code.Line("break;");
                code.Close();
            }

            code.Close();
            code.Line("source += tile->RowStride;");
            code.Line("destination++;");
            code.Close();
            code.Close();
        }

        code.Close();
        return code.ToString();
    }
}
