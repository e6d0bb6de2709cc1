using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>One way of doing a piece of work.</summary>
/// <param name="Name">As in the JSON; several of the same name are layouts of one way, of which the faster correct one counts.</param>
/// <param name="Step">Does the work once.</param>
/// <param name="Results">Does the work once and hands out what it computed, for the comparison with float64.</param>
internal sealed record Contestant(string Name, Action Step, Func<IReadOnlyList<Tensor>> Results)
{
    /// <summary>
    /// <c>nchw</c> or <c>channels-last</c> where the way is measured in both; its milliseconds are then given beside the faster's.
    /// </summary>
    public string? Layout { get; init; }

    /// <summary>The same on so many of libtorch's threads, as <c>threads-N</c>.</summary>
    public Contestant With(int threads) => this with
    {
        Name = $"threads-{threads}",
        Step = () =>
        {
            set_num_threads(threads);
            Step();
        },
    };
}

/// <summary>Keeps contestants whose results are right.</summary>
internal static class Correctness
{
    /// <summary>
    /// Largest ‖result − reference‖ / ‖reference‖ of a contestant. Float32 chains of a few thousand additions stay three orders below; a
    /// layout that
    /// computes some channels wrongly (libtorch 2.10's channels-last 1×1 does) is far above.
    /// </summary>
    public const double Tolerance = 1e-3;

    /// <summary>Those that agree with the float64 reference; the others are named on the console.</summary>
    /// <exception cref="InvalidOperationException">A name has no correct contestant.</exception>
    public static List<Contestant> Keep(IReadOnlyList<Contestant> contestants, IReadOnlyList<Tensor> reference)
    {
        var kept = new List<Contestant>();
        foreach (var contestant in contestants)
        {
            using var scope = NewDisposeScope();
            var results = contestant.Results();
            var distance = results.Zip(reference, Distance).Max();
            if (distance <= Tolerance) kept.Add(contestant);
            else
            {
                var way = contestant.Layout is { } layout ? $"as {layout}" : "in one way";
                Console.Error.WriteLine($"{contestant.Name} is left out {way}: {distance:0.0e+0} from float64.");
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

    private static double Distance(Tensor result, Tensor reference)
    {
        var exact = reference.to_type(ScalarType.Float64);
        var distance = ((result.to_type(ScalarType.Float64) - exact).norm() / exact.norm().clamp_min(1e-30)).ToDouble();
        return double.IsNaN(distance) ? double.PositiveInfinity : distance;
    }
}
