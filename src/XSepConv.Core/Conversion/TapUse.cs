namespace XSepConv;

/// <summary>
/// How often the taps of a kernel meet the map, along one axis: a 31×31 on 14×14 pixels has taps that do seldom or never, and a fit that
/// gave them equal weight would spend its few values on them.
/// </summary>
internal static class TapUse
{
    // Taps that no output of this map reaches decide nothing here; with a little weight they still follow the old ones, for larger maps.
    private const double Least = 1e-6;

    /// <summary>The share of outputs, and for taps that none reaches a millionth.</summary>
    /// <param name="size">Pixels of the map along the axis.</param>
    /// <param name="taps">K + 1: what 2×2 and 1×K (or K×1) cover.</param>
    /// <param name="own">The tap on the output's own pixel.</param>
    public static double[] Of(int size, int stride, int taps, int own)
    {
        var outputs = ((size - 1) / stride) + 1;
        var use = new double[taps];
        for (var tap = 0; tap < taps; tap++)
        {
            var inside = 0;
            for (var output = 0; output < outputs; output++)
            {
                if ((output * stride) + tap - own is var pixel && pixel >= 0 && pixel < size) inside++;
            }

            use[tap] = Math.Max((double)inside / outputs, Least);
        }

        return use;
    }
}
