using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>Training's backward of act → one-dimensional convolution → batch norm at stride 1.</summary>
internal static class GradientSweeps
{
    public static string Write()
    {
        int[] kernelSizes = [3, 5, 7, 9];
        var code = new Code();
        code.OpenKernel(
            "Backward of act → 1×K or K×1 → batch norm, stride 1, as sweeps along the rows or down the columns: "
            + "the gradient before the batch norm is made once and slides through registers.",
            "GradientSweeps", "TActivation", "IActivation");
        code.DispatchSweeps(kernelSizes, _ => "in GradientSweep");
        foreach (var k in kernelSizes) Sweep(code, k, "Across", "Width");
        foreach (var k in kernelSizes) Sweep(code, k, "Down", "Height");
        code.Close();
        return code.ToString();
    }

    // g0 … g(K−1) are the gradients of the position's neighbours, K/2 on either side: tap k of the convolution reached the one K − 1 − k.
    private static void Sweep(Code code, int k, string name, string length)
    {
        var border = k / 2;
        code.Blank();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line($"private static void {name}{k}(in GradientSweep sweep)");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        foreach (var field in new[] { "Direct", "Slope", "Offset" }) code.Line($"var {Local(field)} = TLanes.Load(sweep.After.{field});");
        foreach (var field in new[] { "Scale", "Shift", "Mean" }) code.Line($"var {Local(field)} = TLanes.Load(sweep.Before.{field});");
        for (var i = 0; i < k; i++) code.Line($"var w{i} = TLanes.Load(sweep.Weights{Plus(i, "lanes")});");
        code.Line($"new Span<float>(sweep.Sums, {k + 2} * lanes).Clear();");
        code.Line("var prefetch = sweep.Prefetch;");
        code.Line("nint vector = 0;");
        code.Steps(name);
        code.Line($"nint lines = {Lines(name)}, few = VectorSums<TLanes, TVector>.Lines(sweep.{length});");
        code.Line("for (nint line = 0; line < lines;)");
        code.Open();
        for (var i = 0; i < k; i++) code.Line($"var s{i} = TLanes.Splat(0);");
        code.Line("var total = TLanes.Splat(0);");
        code.Line("var product = TLanes.Splat(0);");
        code.Line("for (var end = Math.Min(lines, line + few); line < end; line++)");
        code.Open();
        foreach (var map in new[] { "Gradient", "Result", "Given", "Destination" })
        {
            code.Line($"var {Local(map)} = sweep.{map} + (line * next);");
        }

        for (var i = 0; i < k - 1; i++)
        {
            if (i < border) code.Line($"var g{i} = TLanes.Splat(0);");
            else Load($"var g{i}");
        }

        code.Line($"for (var i = {border}; i < sweep.{length}; i++)");
        code.Open();
        Load($"var g{k - 1}");
        Step(true);
        code.Close();
        code.Blank();
        code.Line($"for (var i = 0; i < {border}; i++)");
        code.Open();
        Step(false);
        code.Close();
        code.Close();
        code.Blank();
        code.Line("VectorSums<TLanes, TVector>.Add(sweep.Sums, total);");
        code.Line("VectorSums<TLanes, TVector>.Add(sweep.Sums + lanes, product);");
        for (var i = 0; i < k; i++) code.Line($"VectorSums<TLanes, TVector>.Add(sweep.Sums{Plus(i + 2, "lanes")}, s{i});");
        code.Close();
        code.Close();

        static string Local(string field) => field.ToLowerInvariant();

        void Load(string target)
        {
            code.Line($"{target} = TLanes.MultiplyAdd(TLanes.Load(result), slope, "
                + "TLanes.MultiplyAdd(TLanes.Load(gradient), direct, offset));");
            code.Line("gradient += step;");
            code.Line("result += step;");
        }

        // Past the line's end the newest gradient is zero.
        void Step(bool isInside)
        {
            var first = isInside ? 0 : 1;
            code.Line("if (prefetch.IsOn) prefetch.Line(vector++);");
            code.Line("var x = TLanes.Load(given);");
            code.Line($"var d = TLanes.Multiply(w{first}, g{k - 1 - first});");
            for (var i = first + 1; i < k; i++) code.Line($"d = TLanes.MultiplyAdd(w{i}, g{k - 1 - i}, d);");
            code.Line("d = TActivation.Backward<TLanes, TVector>(TLanes.MultiplyAdd(x, scale, shift), d, out var u);");
            code.Line("TLanes.Store(destination, d);");
            code.Line("total = TLanes.Add(total, d);");
            code.Line("product = TLanes.MultiplyAdd(d, TLanes.Subtract(x, mean), product);");
            for (var i = first; i < k; i++) code.Line($"s{i} = TLanes.MultiplyAdd(g{k - 1 - i}, u, s{i});");
            code.Line("given += step;");
            code.Line("destination += step;");
            for (var i = 0; i < k - 2; i++) code.Line($"g{i} = g{i + 1};");
            code.Line(isInside ? $"g{k - 2} = g{k - 1};" : $"g{k - 2} = TLanes.Splat(0);");
        }
    }
}
