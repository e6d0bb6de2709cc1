using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>Training's one-dimensional convolutions at stride 1, which normalise and activate what they load.</summary>
internal static class NormSweeps
{
    public static string Write()
    {
        int[] kernelSizes = [3, 5, 7, 9];
        var code = new Code();
        code.OpenKernel(
            "Training's 1×K and K×1 at stride 1 as sweeps along the rows and down the columns: "
            + "what they load is normalised and activated in registers, what they give is summed.",
            "NormSweeps", "TActivation", "IActivation");
        code.Line("/// <summary>Whether there are sweeps for the stage, and registers for their taps: else lines are faster.</summary>");
        code.Line("public static bool Fit(in XSepStageShape shape) =>");
        code.Line($"    shape.Kernel is {string.Join(" or ", kernelSizes)}");
        code.Line("    && (2 * shape.Kernel) + 4 <= PointwisePlan.Registers(TLanes.Count)");
        code.Line("    && shape.Stride == 1 && Math.Min(shape.Height, shape.Width) > shape.Kernel / 2;");
        code.DispatchSweeps(kernelSizes, _ => "in NormSweep");
        foreach (var k in kernelSizes) Sweep(code, k, "Across", "Width");
        foreach (var k in kernelSizes) Sweep(code, k, "Down", "Height");
        code.Close();
        return code.ToString();
    }

    // Sums that are not complete yet stay in registers: s0 lacks its last tap, s1 its last two, and so on. Every input is loaded once,
    // before the result that takes its place is stored.
    private static void Sweep(Code code, int k, string name, string length)
    {
        var border = k / 2;
        code.Blank();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line($"private static void {name}{k}(in NormSweep sweep)");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        code.Line("var before = TLanes.Splat(TActivation.InputScale);");
        code.Line("var after = TLanes.Splat(TActivation.OutputScale);");
        code.Line("var scale = TLanes.Multiply(TLanes.Load(sweep.Norm.Scale), before);");
        code.Line("var shift = TLanes.Multiply(TLanes.Load(sweep.Norm.Shift), before);");
        for (var i = 0; i < k; i++) code.Line($"var w{i} = TLanes.Multiply(TLanes.Load(sweep.Weights{Plus(i, "lanes")}), after);");
        code.Line("var total = TLanes.Splat(0);");
        code.Line("var prefetch = sweep.Prefetch;");
        code.Line("nint vector = 0;");
        code.Steps(name);
        code.Line($"for (nint line = 0; line < {Lines(name)}; line++)");
        code.Open();
        code.Line("var source = sweep.Source + (line * next);");
        code.Line("var destination = sweep.Destination + (line * next);");
        for (var i = 0; i < k - 1; i++) code.Line($"var s{i} = TLanes.Splat(0);");
        foreach (var (from, to, stores) in new[] { ("0", $"{border}", false), ($"{border}", $"sweep.{length}", true) })
        {
            code.Line($"for (var i = {from}; i < {to}; i++)");
            code.Open();
            code.Line("if (prefetch.IsOn) prefetch.Line(vector++);");
            code.Line("var y = Scaled<TActivation>.Apply<TLanes, TVector>(TLanes.MultiplyAdd(TLanes.Load(source), scale, shift));");
            code.Line("source += step;");
            if (stores)
            {
                code.Line($"s0 = TLanes.MultiplyAdd(w{k - 1}, y, s0);");
                code.Line("TLanes.Store(destination, s0);");
                code.Line("total = TLanes.Add(total, s0);");
                code.Line("destination += step;");
            }

            for (var i = 0; i < k - 2; i++) code.Line($"s{i} = TLanes.MultiplyAdd(w{k - 2 - i}, y, s{i + 1});");
            code.Line($"s{k - 2} = TLanes.Multiply(w0, y);");
            code.Close();
        }

        // Zeros after the line: each completes one sum.
        for (var i = 0; i < border; i++)
        {
            code.Line($"TLanes.Store(destination{Plus(i, "step")}, s{i});");
            code.Line($"total = TLanes.Add(total, s{i});");
        }

        code.Close();
        code.Blank();
        code.Line("TLanes.Store(sweep.Sum, total);");
        code.Close();
    }
}
