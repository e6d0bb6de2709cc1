using System.Globalization;

namespace XSepConv.Benchmarks.Serving;

/// <summary>What clients got.</summary>
/// <param name="Clients">How many sent.</param>
/// <param name="Time">From the first request to the last answer.</param>
/// <param name="Milliseconds">Of each answer with classes, ascending.</param>
/// <param name="Codes">How many answers of each status.</param>
/// <param name="Refused">Requests without an answer.</param>
/// <param name="Wrong">Answers that are not those of <c>predict</c>.</param>
internal sealed record LoadResult(
    int Clients, TimeSpan Time, IReadOnlyList<double> Milliseconds, IReadOnlyDictionary<int, int> Codes, int Refused,
    IReadOnlyList<string> Wrong)
{
    private const int Ok = 200, TooMany = 429, MostShown = 3;

    /// <summary>Bytes that the service kept resident: before the first request, and evenly over all.</summary>
    public IReadOnlyList<long> Memory { get; init; } = [];

    /// <summary>Classes or a rejection, and classes at least once.</summary>
    /// <param name="toTheEnd">Whether the service was to end meanwhile.</param>
    public bool IsAsExpected(bool toTheEnd) =>
        Wrong.Count == 0 && Milliseconds.Count > 0 && Codes.Keys.All(code => code is Ok or TooMany) && Refused > 0 == toTheEnd;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Clients} clients: "
        + $"{Milliseconds.Count / Time.TotalSeconds:0} requests/s, p50 {Percentile(50):0.00} ms, p99 {Percentile(99):0.00} ms; ")
        + string.Join(", ", [.. Codes.OrderBy(pair => pair.Key).Select(pair => $"{pair.Value} × {pair.Key}"),
            $"{Refused} refused", $"{Wrong.Count} wrong"])
        + string.Concat(Wrong.Take(MostShown).Select(wrong => $"\n{wrong}"));

    // The smallest that so many percent do not exceed.
    private double Percentile(int percent) => Milliseconds.Count == 0
        ? double.NaN : Milliseconds[(int)Math.Ceiling(percent / 100.0 * Milliseconds.Count) - 1];
}
