namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Relative error of a tensor: the largest difference over the largest reference value.</summary>
internal static class Closeness
{
    /// <summary>
    /// About 300 roundings of float32 (6e-8 each): three convolutions, three normalisations and sums over a batch, with some cancellation.
    /// </summary>
    public const double Tolerance = 2e-5;

    public static void Check(string name, double[] expected, float[] actual) => Check(name, expected, actual, 0);

    /// <summary>
    /// Gradients that are sums are measured against the root of their terms' squares where that is larger: terms may cancel to nothing.
    /// </summary>
    public static void Check(string name, Sum64 expected, float[] actual) => Check(name, expected.Values, actual, expected.Noise);

    public static void Check(string name, double[] expected, float[] actual, double scale)
    {
        Assert.Equal(expected.Length, actual.Length);
        double worst = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(float.IsFinite(actual[i]), $"{name}[{i}] is {actual[i]}, expected {expected[i]}");
            worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
            scale = Math.Max(scale, Math.Abs(expected[i]));
        }

        Assert.True(worst <= Tolerance * scale, $"{name}: relative error {worst / scale:E2}, at most {Tolerance:E0}");
    }
}
