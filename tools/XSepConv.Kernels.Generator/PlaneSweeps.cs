namespace XSepConv.Kernels.Generator;

/// <summary>XSepConv's last two convolutions at stride 1 on one plane, with neighbouring pixels in the lanes.</summary>
internal static class PlaneSweeps
{
    public static string Write()
    {
        int[] kernelSizes = [3, 5, 7, 9];
        var code = new Code();
        code.OpenKernel(
            "XSepConv's 1×K and K×1 at stride 1 on one plane, neighbouring pixels of a row in the lanes: "
            + "down the columns, what 1×K gives never leaves the registers.",
            "PlaneSweeps", "TActivation", "IActivation");
        code.Line("/// <summary>Whether there are sweeps for that kernel, and registers for most of their taps.</summary>");
        code.Line($"public static bool Has(int kernel) => kernel is {string.Join(" or ", kernelSizes)}");
        code.Line("    && (2 * kernel) + 4 <= PointwisePlan.Registers(TLanes.Count);");
        code.Blank();
        code.Line("public static void Run<TOutput>(int kernel, PlaneSweep* sweep)");
        code.Line("    where TOutput : struct, IActivation");
        code.Dispatch("kernel", kernelSizes.Select(k => $"{k}: Run{k}<TOutput>(sweep)"), "kernel", "sweep");
        foreach (var k in kernelSizes) Sweep(code, k);
        code.Close();
        return code.ToString();
    }

    // Sums that are not complete yet stay in registers: s0 lacks its last tap, s1 its last two, and so on.
    private static void Sweep(Code code, int k)
    {
        code.Blank();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line($"private static void Run{k}<TOutput>(PlaneSweep* sweep)");
        code.Line("    where TOutput : struct, IActivation");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        foreach (var (name, field) in new[] { ("h", "Horizontal"), ("v", "Vertical") })
        {
            for (var i = 0; i < k; i++)
            {
                code.Line($"var {name}{i} = TLanes.Multiply(TLanes.Broadcast(sweep->{field} + {i}), TLanes.Splat(sweep->{field}Scale));");
            }

            code.Line($"var {name}Bias = TLanes.Splat(sweep->{field}Bias);");
        }

        code.Line("var next = sweep->MiddleRow;");
        code.Line("for (nint column = (sweep->Width - 1) / lanes * lanes; column >= 0; column -= lanes)");
        code.Open();
        code.Line("var taps = sweep->Middle + column;");
        code.Line("var output = sweep->Output + column;");
        for (var i = 0; i < k - 1; i++) code.Line($"var s{i} = vBias;");
        foreach (var (from, to, stores) in new[] { ("0", $"{k / 2}", false), ($"{k / 2}", "sweep->Height", true) })
        {
            code.Line($"for (var row = {from}; row < {to}; row++)");
            code.Open();
            code.Line("var y = TLanes.MultiplyAdd(h0, TLanes.Load(taps), hBias);");
            for (var i = 1; i < k; i++) code.Line($"y = TLanes.MultiplyAdd(h{i}, TLanes.Load(taps + {i}), y);");
            code.Line("y = Scaled<TActivation>.Apply<TLanes, TVector>(y);");
            code.Line("taps += next;");
            if (stores) code.Line($"TLanes.Store(output, TOutput.Apply<TLanes, TVector>(TLanes.MultiplyAdd(v{k - 1}, y, s0)));");
            if (stores) code.Line("output += sweep->Width;");
            for (var i = 0; i < k - 2; i++) code.Line($"s{i} = TLanes.MultiplyAdd(v{k - 2 - i}, y, s{i + 1});");
            code.Line($"s{k - 2} = TLanes.MultiplyAdd(v0, y, vBias);");
            code.Close();
        }

        // Rows of zeros after the map: each completes one sum.
        for (var i = 0; i < k / 2; i++)
        {
            code.Line($"TLanes.Store(output, TOutput.Apply<TLanes, TVector>(s{i}));");
            if (i < (k / 2) - 1) code.Line("output += sweep->Width;");
        }

        code.Close();
        code.Close();
    }
}
