using static XSepConv.Kernels.Generator.Code;

namespace XSepConv.Kernels.Generator;

/// <summary>XSepConv's convolutions at stride 1, as sweeps along rows and columns.</summary>
internal static class SeparatedSweeps
{
    public static string Write()
    {
        int[] kernelSizes = [3, 5, 7, 9];
        var code = new Code();
        code.OpenKernel(
            "XSepConv's convolutions at stride 1 as sweeps: along the rows for 2×2 and 1×K in one, down the columns for K×1.",
            "SeparatedSweeps", "TActivation", "IActivation");
        code.Line("/// <summary>Whether there are sweeps for that kernel.</summary>");
        code.Line($"public static bool Has(int kernel) => kernel is {string.Join(" or ", kernelSizes)};");
        code.DispatchSweeps(kernelSizes, name => $"{name}Sweep*");
        foreach (var k in kernelSizes) Across(code, k);
        foreach (var k in kernelSizes) Down(code, k);
        code.Close();
        return code.ToString();
    }

    // Sums that are not complete yet stay in registers: s0 lacks its last tap, s1 its last two, and so on. Every input is loaded once.
    private static void Across(Code code, int k)
    {
        var border = k / 2;
        code.Blank();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line($"private static void Across{k}(AcrossSweep* sweep)");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        for (var i = 0; i < 4; i++) code.Line($"var q{i} = TLanes.Load(sweep->TwoByTwo{Plus(i, "lanes")});");
        code.Line("var shift = TLanes.Load(sweep->TwoByTwoBias);");
        for (var i = 0; i < k; i++) code.Line($"var w{i} = TLanes.Load(sweep->Horizontal{Plus(i, "lanes")});");
        code.Line("var bias = TLanes.Load(sweep->HorizontalBias);");
        code.Line("var edge = sweep->Edge;");
        code.Line("var whole = edge > 0 ? sweep->Width - 1 : sweep->Width;");
        code.Line("var prefetch = sweep->Prefetch;");
        code.Line("nint vector = 0;");
        code.Line("for (var row = 0; row < sweep->Rows; row++)");
        code.Open();
        code.Line("var upper = sweep->Source[row];");
        code.Line("var lower = sweep->Source[row + 1];");
        code.Line("var output = sweep->Destination[row];");
        code.Line("TVector a, c;");
        code.Line("if (edge < 0)");
        code.Open();
        code.Line("a = c = TLanes.Splat(0);");
        code.Line("upper -= lanes;");
        code.Line("lower -= lanes;");
        code.Close();
        code.Line("else");
        code.Open();
        code.Line("a = TLanes.Load(upper);");
        code.Line("c = TLanes.Load(lower);");
        code.Close();
        code.Blank();
        for (var i = 0; i < k - 1; i++) code.Line($"var s{i} = bias;");
        foreach (var (from, to, stores) in new[] { ("0", $"{border}", false), ($"{border}", "whole", true) })
        {
            code.Line($"for (var column = {from}; column < {to}; column++)");
            code.Open();
            code.Line("if (prefetch.IsOn) prefetch.Line(vector++);");
            code.Line("upper += lanes;");
            code.Line("lower += lanes;");
            code.Line("var b = TLanes.Load(upper);");
            code.Line("var d = TLanes.Load(lower);");
            code.Line("var y = TLanes.MultiplyAdd(q1, b, TLanes.MultiplyAdd(q0, a, shift));");
            code.Line("y = TLanes.MultiplyAdd(q3, d, TLanes.MultiplyAdd(q2, c, y));");
            code.Line("y = TActivation.Apply<TLanes, TVector>(y);");
            code.Line("a = b;");
            code.Line("c = d;");
            Push(stores);
            code.Close();
        }

        code.Blank();
        code.Line("if (edge > 0)");
        code.Open();
        code.Line("if (prefetch.IsOn) prefetch.Line(vector++);");
        code.Line("var y = TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(q2, c, TLanes.MultiplyAdd(q0, a, shift)));");
        Push(true);
        code.Close();
        code.Blank();
        for (var i = 0; i < border; i++) code.Line($"TLanes.Store(output{Plus(i, "lanes")}, TActivation.Apply<TLanes, TVector>(s{i}));");
        code.Close();
        code.Close();

        void Push(bool stores)
        {
            if (stores) code.Line($"TLanes.Store(output, TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(w{k - 1}, y, s0)));");
            if (stores) code.Line("output += lanes;");
            for (var i = 0; i < k - 2; i++) code.Line($"s{i} = TLanes.MultiplyAdd(w{k - 2 - i}, y, s{i + 1});");
            code.Line($"s{k - 2} = TLanes.MultiplyAdd(w0, y, bias);");
        }
    }

    private static void Down(Code code, int k)
    {
        code.Blank();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line($"private static void Down{k}(DownSweep* sweep)");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        for (var i = 0; i < k; i++) code.Line($"var w{i} = TLanes.Load(sweep->Vertical{Plus(i, "lanes")});");
        code.Line("var bias = TLanes.Load(sweep->VerticalBias);");
        code.Line($"var silent = {k - 1} - sweep->Before;");
        code.Line("var next = sweep->DestinationRow;");
        code.Line("var prefetch = sweep->Prefetch;");
        code.Line("nint vector = 0;");
        code.Line("for (nint column = 0; column < sweep->Width * (nint)lanes; column += lanes)");
        code.Open();
        code.Line("var output = sweep->Destination + column;");
        for (var i = 0; i < k - 1; i++) code.Line($"var s{i} = bias;");
        foreach (var (from, to, stores) in new[] { ("0", "silent", false), ("silent", "sweep->Rows", true) })
        {
            code.Line($"for (var row = {from}; row < {to}; row++)");
            code.Open();
            code.Line("if (prefetch.IsOn) prefetch.Line(vector++);");
            code.Line("var y = TLanes.Load(sweep->Source[row] + column);");
            if (stores) code.Line($"TLanes.Store(output, TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(w{k - 1}, y, s0)));");
            if (stores) code.Line("output += next;");
            for (var i = 0; i < k - 2; i++) code.Line($"s{i} = TLanes.MultiplyAdd(w{k - 2 - i}, y, s{i + 1});");
            code.Line($"s{k - 2} = TLanes.MultiplyAdd(w0, y, bias);");
            code.Close();
        }

        // Rows of zeros after the map: at most K/2, each completes one sum.
        for (var i = 0; i < k / 2; i++)
        {
            code.Line($"if (sweep->After > {i}) TLanes.Store(output{Plus(i, "next")}, TActivation.Apply<TLanes, TVector>(s{i}));");
        }

        code.Close();
        code.Close();
    }
}
