using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>Compares named tensors with PyTorch's.</summary>
internal static class Agreement
{
    /// <summary>Two float64 runs of the same formulas differ by rounding alone: about 1e-16 an operation, over some hundred operations, times what
    /// batch norm in training mode amplifies.</summary>
    public const double Float64 = 1e-9;

    /// <summary>A few times the error that generate.py measured for a float32 run and for slightly wrong weights, as sums may run in another order
    /// here; and not below a few roundings (64 · 2⁻²⁴), where that error came out small by luck.</summary>
    public static double Float32(double measured) => Math.Max(8 * measured, 64.0 / (1 << 24));

    /// <summary>Says which tensors differ by more than <paramref name="tolerance"/> times their largest value.</summary>
    /// <param name="actual">Ours by name.</param>
    /// <param name="expected">PyTorch's by name.</param>
    /// <param name="tolerance">By name.</param>
    /// <param name="gradientFloor">
    /// A weight in front of batch norm has almost no gradient along itself and a bias none at all, only rounding: a gradient is measured against at
    /// least this part of the case's largest.
    /// </param>
    public static List<string> Problems(
        IReadOnlyDictionary<string, Tensor> actual, IReadOnlyDictionary<string, Tensor> expected, Func<string, double> tolerance, double gradientFloor)
    {
        using var scope = NewDisposeScope();
        var problems = new List<string>();
        var largest = expected.Where(entry => IsGradient(entry.Key)).Select(entry => Largest(entry.Value)).DefaultIfEmpty().Max();
        foreach (var (name, reference) in expected)
        {
            if (!actual.TryGetValue(name, out var ours))
            {
                problems.Add($"{name} is missing");
            }
            else if (!ours.shape.SequenceEqual(reference.shape))
            {
                problems.Add($"{name} has shape [{string.Join(", ", ours.shape)}], PyTorch's [{string.Join(", ", reference.shape)}]");
            }
            else
            {
                var scale = Math.Max(Largest(reference), IsGradient(name) ? gradientFloor * largest : 0);
                var difference = Largest(ours - reference.to(float64));
                var allowed = tolerance(name) * scale;
                if (!(difference <= allowed)) problems.Add($"{name} differs by {difference:E2} of {scale:E2}, allowed are {allowed:E2}");
            }
        }

        return problems;
    }

    public static void Require(IReadOnlyCollection<string> problems, string about = "") =>
        Assert.True(problems.Count == 0, $"{about}{string.Join("\n", problems)}");

    public static bool IsGradient(string name) => name.Contains("gradient", StringComparison.Ordinal);

    private static double Largest(Tensor x) => x.numel() == 0 ? 0 : x.to(float64).abs().max().item<double>();
}
