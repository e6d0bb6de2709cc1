using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>What a contestant's result is held to.</summary>
/// <param name="Value">In float64.</param>
/// <param name="Tolerance">The most that ‖result − value‖ / ‖value‖ may be.</param>
/// <param name="LeastNorm">What stands for ‖value‖ where that is less: of a value that is 0 but for rounding.</param>
/// <param name="Name">What it is; empty where there is but one.</param>
/// <param name="IsGradient">Whether it is a parameter's gradient.</param>
internal sealed record Expected(
    Tensor Value, double Tolerance = Correctness.Tolerance, double LeastNorm = 1e-30, string Name = "", bool IsGradient = false);

/// <summary>Keeps contestants whose results are right.</summary>
internal static class Correctness
{
    /// <summary>
    /// Largest ‖result − reference‖ / ‖reference‖ of a contestant. Float32 chains of a few thousand additions stay three orders below; a
    /// layout that computes some channels wrongly (libtorch 2.10's channels-last 1×1 does, where vectors have 512 bits) is far above.
    /// </summary>
    public const double Tolerance = 1e-3;

    /// <summary>Those that agree with the float64 reference; the others are named on the console.</summary>
    /// <inheritdoc cref="Keep(IReadOnlyList{Contestant}, IReadOnlyList{Expected})" path="/exception"/>
    public static List<Contestant> Keep(IReadOnlyList<Contestant> contestants, IReadOnlyList<Tensor> reference) =>
        Keep(contestants, [.. reference.Select(value => new Expected(value))]);

    /// <summary>The same, each result within its own tolerance.</summary>
    /// <exception cref="InvalidOperationException">
    /// A name has no correct contestant, or a contestant hands out more or fewer results than there are to compare.
    /// </exception>
    public static List<Contestant> Keep(IReadOnlyList<Contestant> contestants, IReadOnlyList<Expected> reference)
    {
        var kept = new List<Contestant>();
        foreach (var contestant in contestants)
        {
            using var scope = NewDisposeScope();
            var results = contestant.Results();
            if (results.Count != reference.Count)
            {
                throw new InvalidOperationException(
                    $"{contestant.Name} hands out {results.Count} results, {reference.Count} are compared.");
            }

            var distances = reference.Zip(results, (expected, result) => (Expected: expected, Distance: Distance(result, expected)))
                .ToList();
            var (expected, distance) = distances.MaxBy(one => one.Distance / one.Expected.Tolerance);
            double[] gradients = [.. distances.Where(one => one.Expected.IsGradient).Select(one => one.Distance).Order()];
            if (distance <= contestant.Slack * expected.Tolerance)
            {
                kept.Add(contestant with { GradientDistance = gradients.Length == 0 ? null : gradients[gradients.Length / 2] });
            }
            else
            {
                var of = expected.Name.Length == 0 ? "" : $" in {expected.Name}";
                var way = contestant.Layout is { } layout ? $"as {layout}" : "in one way";
                Console.Error.WriteLine($"{contestant.Name} is left out {way}: {distance:0.0e+0} from float64{of}.");
            }
        }

        foreach (var name in contestants.Select(contestant => contestant.Name).Distinct())
        {
            if (kept.All(contestant => contestant.Name != name))
            {
                throw new InvalidOperationException($"{name} computes wrong results in every layout.");
            }
        }

        return kept;
    }

    private static double Distance(Tensor result, Expected expected)
    {
        var exact = expected.Value.to_type(ScalarType.Float64);
        var distance = ((result.to_type(ScalarType.Float64) - exact).norm() / exact.norm().clamp_min(expected.LeastNorm)).item<double>();
        return double.IsNaN(distance) ? double.PositiveInfinity : distance;
    }
}
