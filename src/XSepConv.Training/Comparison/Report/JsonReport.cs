using System.Text.Encodings.Web;
using System.Text.Json;

namespace XSepConv.Training;

/// <summary>
/// <c>report.json</c>. All that a clock or the system said is in objects called <c>measured</c>: without them the bits are the same each
/// time.
/// </summary>
internal static class JsonReport
{
    // The file is for programs, never for a page.
    private static readonly JsonSerializerOptions Options =
        new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(ComparisonReport report) => JsonSerializer.Serialize(Of(report), Options) + "\n";

    private static object Of(ComparisonReport report) => new
    {
        format = 1,
        report.Manifest.Kind,
        report.Manifest.Command,
        data = report.Manifest.Data with { Root = null },
        report.Manifest.Seeds,
        report.Manifest.Settings,
        networks = report.Networks.Select(Network),
        tests = report.Tests.Select(Test),
        frontiers = Frontiers(report, measured: false),
        measured = new
        {
            report.Machine.Time,
            report.Machine.Processor,
            report.Machine.Cores,
            report.Machine.System,
            report.Machine.Versions,
            report.Machine.Kernel,
            atATime = report.Manifest.AtATime ?? 1,
            trainingSeconds = Sums.OfKnown(report.Networks.Select(network => network.Measured.TrainingSeconds)),
            frontiers = Frontiers(report, measured: true),
        },
    };

    private static object Frontiers(ComparisonReport report, bool measured) =>
        Frontier.Of(report).Where(frontier => frontier.Measured == measured)
            .Select(frontier => new { frontier.Cost, networks = frontier.Networks.Select(network => network.Network.Id) });

    private static object Network(NetworkReport network) => new
    {
        network.Network.Id,
        network.Network.Label,
        network = network.Network.Spec.Name,
        network.Parameters,
        network.Macs,
        residualShift = new[] { network.Shift.X, network.Shift.Y },
        top1 = Statistics(network.Top1),
        loss = Statistics(network.Loss),
        seeds = network.Outcomes.Select((outcome, seed) => new
        {
            seed,
            outcome.BestEpoch,
            testTop1 = outcome.Test.Top1,
            testLoss = outcome.Test.Loss,
            epochs = outcome.History.Select(Epoch),
        }),
        network.Confusion,
        measured = new
        {
            peakMemoryBytes = network.Measured.PeakBytes,
            trainingMemoryBytes = network.Measured.TrainingBytes,
            network.Measured.ImagesPerSecond,
            network.Measured.TrainingSeconds,
            latencyMilliseconds = network.Measured.Latency,
            runs = network.Measured.Runs.Select((run, seed) => new
            {
                seed,
                run.ImagesPerSecond,
                cores = run.Load?.Cores,
                busyCores = run.Load?.BusyCores,
                machineCores = run.Load?.MachineCores,
                run.Machines,
            }),
        },
    };

    private static object Test(DifferenceReport test) => new
    {
        first = test.First.Network.Id,
        second = test.Second.Network.Id,
        pairedT = new
        {
            meanDifference = test.Top1.Mean,
            t = test.Top1.T,
            degreesOfFreedom = test.Top1.DegreesOfFreedom,
            p = test.Top1.P,
            confidence95 = test.Top1 is { Low: { } low, High: { } high } ? new[] { low, high } : null,
            whyNot = test.Top1.WhyNot,
        },
        mcNemar = test.Images.Select(
            (images, seed) => new { seed, onlyFirstRight = images.OnlyFirst, onlySecondRight = images.OnlySecond, p = images.P }),
    };

    private static object Epoch(EpochResult epoch) =>
        new { epoch.Epoch, epoch.TrainLoss, epoch.TrainTop1, epoch.ValidationLoss, epoch.ValidationTop1, epoch.LearningRate, epoch.Best };

    private static object Statistics(SampleStatistics statistics) =>
        new { statistics.Mean, sd = statistics.StandardDeviation, statistics.Values };
}
