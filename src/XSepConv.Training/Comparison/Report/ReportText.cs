using System.Globalization;

namespace XSepConv.Training;

/// <summary>Numbers as every form of the report writes them.</summary>
internal static class ReportText
{
    private const string None = "–";
    private const double Significance = 0.05;

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public static string Subject(ComparisonReport report)
    {
        var (manifest, data, epochs) = (report.Manifest, report.Manifest.Data, report.Manifest.Training.Recipe.Epochs);
        var isLess = report.Networks.SelectMany(network => network.Outcomes).Any(outcome => outcome.History.Count < epochs);
        return $"{data.Name}{(data.Synthetic ? ", synthetic" : "")}: {data.ClassNames.Count} classes, "
            + $"{data.Channels}×{data.Height}×{data.Width}, "
            + $"{Whole(data.TrainImages)} images to train, {Whole(data.ValidationImages)} to validate, {Whole(data.TestImages)} to test. "
            + $"{Count(manifest.Seeds, "seed")}, {(isLess ? "at most " : "")}{Count(epochs, "epoch")} each.";
    }

    /// <summary>Where and when times were measured, and beside what.</summary>
    public static string Measured(ComparisonReport report)
    {
        var machines = report.Machines;
        var where = machines switch
        {
            [var (only, _)] when only with { Time = report.Machine.Time } == report.Machine => Where(report.Machine),
            [] => $"latencies {Where(report.Machine)}; runs on a machine that was not noted",
            [var (only, _)] => $"latencies {Where(report.Machine)}; runs {Where(only)}",
            _ => $"latencies {Where(report.Machine)}"
                + string.Concat(machines.Select(entry => $"; {Count(entry.Runs, "run")} {Where(entry.Machine)}")),
        };
        return $"{where}; {Runs(report.Manifest)}"
            + $"{(Busy(report) is var (busy, cores) ? $", {Cores(busy)} of {cores} cores busy meanwhile" : "")}";

        static string Where(MachineReport machine) =>
            $"{machine.Time.ToString("yyyy-MM-dd HH:mm 'UTC'", Culture)}, {machine.Processor}, {Count(machine.Cores, "core")}, "
            + $"{machine.System}; {machine.Versions}; kernels {machine.Kernel}";
    }

    /// <summary>Why there is no test, and what kind of test there is.</summary>
    public static IEnumerable<string> AboutTests(ComparisonReport report)
    {
        foreach (var why in report.Tests.Select(test => test.Top1.WhyNot).OfType<string>().Distinct()) yield return $"No test: {why}.";
        yield return "Differences of test top-1 in percentage points; two-sided t-test of pairs with the same seed"
            + $"{(report.Tests.Count > 1 ? "; the p-values are not corrected for there being several" : "")}.";
    }

    public static string Whole(long value) => value.ToString("N0", Culture);

    public static string Megabytes(long? bytes) => bytes is { } value ? string.Create(Culture, $"{value / 1e6:N0} MB") : None;

    public static string PerSecond(double? images) => images is { } value ? string.Create(Culture, $"{value:N0}") : None;

    public static string Cores(double? cores) => cores is { } value ? string.Create(Culture, $"{value:0.00}") : None;

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
    public static string Points(double difference) => Signed(100 * difference, "0.00");

    public static string Interval(PairedTest test) => test is { Low: { } low, High: { } high } ? $"{Points(low)} to {Points(high)}" : None;

    public static string T(double? t) => t is { } value ? string.Create(Culture, $"{value:0.000}") : None;

    public static string P(double? p) => p switch
    {
        null => None,
        < 0.0001 => "< 0.0001",
        { } value => string.Create(Culture, $"{value:0.0000}"),
    };

    /// <summary>The same in a sentence, with its sign.</summary>
    public static string PIs(double p) => p < 0.0001 ? "p < 0.0001" : $"p = {P(p)}";

    public static string Shift((double X, double Y) shift) =>
        shift == (0, 0) ? "none" : $"{Signed(shift.X, "0.#")}, {Signed(shift.Y, "0.#")} px";

    public static string Ratio(double? first, double? second) =>
        first is { } a && second is { } b && b != 0 ? string.Create(Culture, $"{a / b:0.00}×") : None;

    /// <summary>Whom no other network beats.</summary>
    public static string Unbeaten(Frontier frontier)
    {
        var families = frontier.Networks.GroupBy(network => network.Network.Family)
            .Select(family => $"{Whole(family.Count())} {family.Key}");
        return $"Best for their {frontier.Cost}, from the cheapest up: "
            + $"{string.Join(", ", frontier.Networks.Select(network => $"{network.Network.Label} with {Percent(network.Top1)}"))} "
            + $"({string.Join(", ", families)}).";
    }

    /// <summary>What the tests say, or once why there is none.</summary>
    public static IEnumerable<string> Verdicts(ComparisonReport report) =>
        report.Tests.Count > 1 && report.Tests.Select(test => test.Top1.WhyNot).Distinct().ToList() is [{ } why]
            ? [$"Not tested: {why}."] : report.Tests.Select(Verdict);

    /// <summary>What the test says: in words, then in numbers.</summary>
    public static string Verdict(DifferenceReport test)
    {
        var (first, second, top1) = (test.First.Network.Label, test.Second.Network.Label, test.Top1);
        var means = $"{first} reaches {Percent(test.First.Top1)} top-1, {second} {Percent(test.Second.Top1)}";
        if (top1 is not { P: { } p, Low: { } low, High: { } high }) return $"Not tested: {top1.WhyNot}. {means}: {Rounded(top1.Mean)}.";
        var words = p >= Significance ? "No difference shown" : $"{first} is {(top1.Mean > 0 ? "better" : "worse")} than {second}";
        return $"{words}: {Rounded(top1.Mean)}, could be {Signed(100 * low, "0.0")} to {Signed(100 * high, "0.0")}. "
            + $"{means} (95 % interval of the paired t-test over {Count(test.First.Outcomes.Count, "seed")}, {PIs(p)}).";
    }

    /// <summary>What keeps the numbers from saying much; nothing where nothing does.</summary>
    public static IEnumerable<string> Cautions(ComparisonReport report)
    {
        foreach (var test in report.Tests.Where(test => test.First.IsAtChance && test.Second.IsAtChance))
        {
            yield return $"{test.First.Network.Label} and {test.Second.Network.Label} are both at chance: "
                + $"{Percent(test.First.Chance)} are right when the "
                + "commonest class is always answered. They have learned nothing yet, so their difference says nothing; train longer, "
                + "or on more images.";
        }

        if (Crowded(report) is { } crowded) yield return crowded;
        if (Moved(report) is { } moved) yield return moved;
        var data = report.Manifest.Data;
        if (data.Synthetic)
        {
            yield return $"{data.Name} is synthetic: images that are made up can't tell which operator is better. "
                + "Use photographs for that.";
        }
    }

    /// <summary>Images that only one of two networks gets right, and what McNemar's test says of them.</summary>
    public static string OnlyOne(McNemarTest images) => $"{images.OnlyFirst} : {images.OnlySecond}, {PIs(images.P)}";

    /// <summary>What training times were measured beside.</summary>
    public static string Runs(ComparisonManifest manifest) =>
        $"runs of {Count(manifest.Training.Threads ?? 1, "thread")}, "
        + $"{((manifest.AtATime ?? 1) > 1 ? $"up to {Whole(manifest.AtATime ?? 1)} at a time" : "one at a time")}";

    public static string Count(int count, string what) => string.Create(Culture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");

    /// <summary>Cores of the machine that were busy while runs were at work, the median over them, and how many there are.</summary>
    private static (double Busy, int Cores)? Busy(ComparisonReport report)
    {
        RunLoad[] loads = [.. Loads(report).Where(load => load.BusyCores is not null)];
        return loads.Length == 0 ? null
            : (Median.Of([.. loads.Select(load => load.BusyCores!.Value)]), loads.Max(load => load.MachineCores!.Value));
    }

    private static string? Crowded(ComparisonReport report)
    {
        var threads = report.Threads;
        NetworkReport[] networks = [.. report.Networks.Where(network => network.Starved(threads) > 0)];
        if (networks.Length == 0) return null;
        RunLoad[] starved = [.. Loads(report).Where(load => load.IsStarved(threads))];
        var had = Median.Of([.. starved.Select(load => load.Cores)]);
        var busy = Median.Of([.. starved.Select(load => load.BusyCores!.Value)]);
        return $"{Whole(starved.Length)} of {Count(report.Networks.Sum(network => network.Measured.Runs.Count), "run")} had {Cores(had)} "
            + $"cores for {Count(threads, "thread")} where {Cores(busy)} of {starved.Max(load => load.MachineCores)} were busy "
            + $"({string.Join(", ", networks.Select(network => network.Network.Label))}): other programs were at work, or too many runs at "
            + "a time (--jobs). Images/s and latencies are those of a crowded machine, and times of training are not compared; no other "
            + "number depends on it.";
    }

    /// <summary>Where the runs were not all trained alike.</summary>
    private static string? Moved(ComparisonReport report)
    {
        var machines = report.Machines;
        return machines.Count <= 1 ? null
            : $"Runs were trained on {Whole(machines.Count)} machines, or with other versions or kernels: images/s and memory are not "
                + "those of one machine, and times of training are not compared.";
    }

    private static IEnumerable<RunLoad> Loads(ComparisonReport report) =>
        report.Networks.SelectMany(network => network.Measured.Runs).Select(run => run.Load).OfType<RunLoad>();

    private static string Rounded(double difference)
    {
        var text = Signed(100 * difference, "0.0");
        return text is "+1.0" or "−1.0" ? $"{text} point" : $"{text} points";
    }

    private static string Signed(double value, string format)
    {
        var text = Math.Abs(value).ToString(format, Culture);
        return double.Parse(text, Culture) == 0 ? text : $"{(value < 0 ? "−" : "+")}{text}";
    }
}
