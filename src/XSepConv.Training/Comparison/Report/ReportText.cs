using System.Globalization;

namespace XSepConv.Training;

/// <summary>Numbers as every form of the report writes them.</summary>
internal static class ReportText
{
    private const string None = "–";

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public static string Whole(long value) => value.ToString("N0", Culture);

    public static string Megabytes(long? bytes) => bytes is { } value ? string.Create(Culture, $"{value / 1e6:N0} MB") : None;

    public static string PerSecond(double? images) => images is { } value ? string.Create(Culture, $"{value:N0}") : None;

    public static string Milliseconds(double value) => string.Create(Culture, $"{value:0.000} ms");

    public static string Percent(double share) => string.Create(Culture, $"{100 * share:0.00} %");

    /// <summary>Mean ± standard deviation; the one value alone where there is one.</summary>
    public static string Percent(SampleStatistics statistics) => statistics.StandardDeviation is { } deviation
        ? string.Create(Culture, $"{100 * statistics.Mean:0.00} ± {100 * deviation:0.00} %")
        : Percent(statistics.Mean);

    public static string Loss(SampleStatistics statistics) => statistics.StandardDeviation is { } deviation
        ? string.Create(Culture, $"{statistics.Mean:0.000} ± {deviation:0.000}")
        : string.Create(Culture, $"{statistics.Mean:0.000}");

    /// <summary>A difference of shares, in percentage points, always with its sign.</summary>
    public static string Points(double difference)
    {
        var text = string.Create(Culture, $"{100 * Math.Abs(difference):0.00}");
        return text == "0.00" ? "0.00" : $"{(difference < 0 ? "−" : "+")}{text}";
    }

    public static string Interval(PairedTest test) => test is { Low: { } low, High: { } high } ? $"{Points(low)} to {Points(high)}" : None;

    public static string P(double? p) => p switch
    {
        null => None,
        < 0.0001 => "< 0.0001",
        { } value => string.Create(Culture, $"{value:0.0000}"),
    };

    /// <summary>The same in a sentence, with its sign.</summary>
    public static string PIs(double p) => p < 0.0001 ? "p < 0.0001" : $"p = {P(p)}";

    public static string Shift((double X, double Y) shift) => shift == (0, 0) ? "none" : string.Create(Culture, $"{Signed(shift.X)}, {Signed(shift.Y)} px");

    public static string Ratio(double? first, double? second) => first is { } a && second is { } b && b != 0 ? string.Create(Culture, $"{a / b:0.00}×") : None;

    /// <summary>What the test says, in a sentence.</summary>
    public static string Verdict(DifferenceReport test)
    {
        var (first, second, top1) = (test.First.Network.Label, test.Second.Network.Label, test.Top1);
        var means = $"{first} reaches {Percent(test.First.Top1)} top-1, {second} {Percent(test.Second.Top1)}: {Points(top1.Mean)} points";
        if (top1.P is not { } p) return $"{means}; {top1.WhyNot}.";
        var found = p < 0.05 ? "more than chance explains at the 5 % level" : "no more than chance explains at the 5 % level";
        return $"{means} (95 % interval {Interval(top1)}, {PIs(p)}), {found}.";
    }

    /// <summary>Images that only one of two networks gets right, and what McNemar's test says of them.</summary>
    public static string OnlyOne(McNemarTest images) => $"{images.OnlyFirst} : {images.OnlySecond}, {PIs(images.P)}";

    /// <summary>What training times were measured beside.</summary>
    public static string Runs(ComparisonManifest manifest) =>
        $"runs of {Count(manifest.Training.Threads ?? 1, "thread")}, {((manifest.AtATime ?? 1) > 1 ? $"up to {Whole(manifest.AtATime ?? 1)} at a time" : "one at a time")}";

    public static string Count(int count, string what) => string.Create(Culture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");

    private static string Signed(double value) => value == 0 ? "0" : string.Create(Culture, $"{(value < 0 ? "−" : "+")}{Math.Abs(value):0.#}");
}
