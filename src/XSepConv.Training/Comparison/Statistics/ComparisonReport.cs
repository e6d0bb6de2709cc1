namespace XSepConv.Training;

/// <summary>What a comparison came to.</summary>
/// <param name="Tests">Each network that is tested against another.</param>
/// <param name="Machine">Where it was computed, and when.</param>
internal sealed record ComparisonReport(
    ComparisonManifest Manifest, IReadOnlyList<NetworkReport> Networks, IReadOnlyList<DifferenceReport> Tests, MachineReport Machine)
{
    public string Title => Manifest.Kind == "ablate" ? "What the 2×2 and its padding are worth" : "XSepConv against its depthwise twin";

    /// <summary>Whether an operator has several networks, by width or kernel size, of which one would choose.</summary>
    public bool IsGrid =>
        Manifest.Kind != "ablate" && Networks.GroupBy(network => network.Network.Family).Any(family => family.Count() > 1);

    /// <summary>Threads of a run.</summary>
    public int Threads => Manifest.Training.Threads ?? 1;

    /// <summary>
    /// Whether it is known of all how long they trained, and can be compared: one that had too few cores, or another machine than the
    /// others, took a time that is not the network's.
    /// </summary>
    public bool HasTrainingTimes =>
        Networks.All(network => network.Measured.TrainingSeconds is not null && network.Starved(Threads) == 0) && Machines.Count <= 1;

    /// <summary>
    /// Where runs were trained, with the time of the first there, and how many: one that was continued elsewhere counts twice.
    /// </summary>
    public IReadOnlyList<(MachineReport Machine, int Runs)> Machines =>
    [
        .. Networks.SelectMany(network => network.Measured.Runs).SelectMany(run => run.Machines ?? [])
            .GroupBy(machine => machine with { Time = default })
            .Select(same => (Machine: same.MinBy(machine => machine.Time)!, Runs: same.Count()))
            .OrderBy(entry => entry.Machine.Time),
    ];

    public static ComparisonReport Of(ComparisonFolder folder, ComparisonManifest manifest, IReadOnlyList<Latency> latencies)
    {
        var networks = manifest.Networks.Zip(
            latencies, (network, latency) => NetworkReport.Of(folder, manifest, network, latency)).ToList();
        var tests = networks.Where(report => report.Network.Against is not null)
            .Select(report => DifferenceReport.Of(report, networks.Single(other => other.Network.Id == report.Network.Against))).ToList();
        return new(manifest, networks, tests, MachineReport.Now());
    }
}

/// <summary>A network over all seeds.</summary>
/// <param name="Shift">
/// What is left of the half-pixel shifts of the 2×2 layers, in pixels of the input: to the right, to the bottom.
/// </param>
/// <param name="Top1">Test top-1, 0 … 1, over the seeds.</param>
/// <param name="Loss">Test cross-entropy over the seeds.</param>
/// <param name="Confusion">Test images by class and by what they were taken for, summed over the seeds.</param>
/// <param name="Measured">What clock and system said.</param>
internal sealed record NetworkReport(
    ComparedNetwork Network, long Parameters, long Macs, (double X, double Y) Shift, IReadOnlyList<RunOutcome> Outcomes,
    SampleStatistics Top1, SampleStatistics Loss, int[][] Confusion, NetworkMeasurements Measured)
{
    /// <summary>What always answering with the commonest class gets right, 0 … 1.</summary>
    public double Chance => Confusion.Max(row => row.Sum()) / (double)Confusion.Sum(row => row.Sum());

    /// <summary>
    /// Whether it is right no more often than that, or by no more than two standard errors of as many guesses as there are test images.
    /// </summary>
    public bool IsAtChance => Top1.Mean <= Chance + (2 * Math.Sqrt(Chance * (1 - Chance) / Outcomes[0].Labels.Count));

    /// <summary>How many of its runs had too few cores for their threads.</summary>
    public int Starved(int threads) => Measured.Runs.Count(run => run.Load is { } load && load.IsStarved(threads));

    public static NetworkReport Of(ComparisonFolder folder, ComparisonManifest manifest, ComparedNetwork network, Latency latency)
    {
        ComparedRun[] runs = [.. Enumerable.Range(0, manifest.Seeds).Select(seed => new ComparedRun(network, seed))];
        RunOutcome[] outcomes = [.. runs.Select(run => folder.Outcome(manifest, run)
            ?? throw new InvalidDataException($"The run {run.Id} in {folder.FullName} has no outcome."))];
        var (data, spec) = (manifest.Data, network.Spec);
        var profile = ModelProfile.Of(spec, data.Height, data.Width);
        return new(
            network, profile.Parameters, profile.Macs, ShiftOf(spec), outcomes,
            SampleStatistics.Of([.. outcomes.Select(outcome => outcome.Test.Top1)]),
            SampleStatistics.Of([.. outcomes.Select(outcome => outcome.Test.Loss)]),
            ConfusionOf(outcomes, data.ClassNames.Count),
            NetworkMeasurements.Of([.. runs.Select(folder.Measurements)], [.. runs.Select(folder.Log)], latency));
    }

    private static (double X, double Y) ShiftOf(NetworkSpec spec)
    {
        var (paddings, strides) = (spec.Paddings(), spec.InputStrides());
        int[] padded = [.. Enumerable.Range(0, paddings.Length).Where(i => paddings[i] is not null)];
        return PaddingPlan.ResidualShift([.. padded.Select(i => paddings[i]!.Value)], [.. padded.Select(i => strides[i])]);
    }

    private static int[][] ConfusionOf(IEnumerable<RunOutcome> outcomes, int classes)
    {
        var counts = Enumerable.Range(0, classes).Select(_ => new int[classes]).ToArray();
        foreach (var outcome in outcomes)
        {
            for (var i = 0; i < outcome.Labels.Count; i++) counts[outcome.Labels[i]][outcome.Predictions[i]]++;
        }

        return counts;
    }
}

/// <summary>What differs from one time to the next.</summary>
/// <param name="PeakBytes">
/// The most memory that a run's process had in training, the largest of the seeds; null where it is not known.
/// </param>
/// <param name="TrainingBytes">Of these, what came after the program, its libraries and the images; null likewise.</param>
/// <param name="ImagesPerSecond">In training, the median over all epochs; null where no log has times.</param>
/// <param name="TrainingSeconds">All seeds' training together; null where an epoch's time is not known.</param>
/// <param name="Latency">For one image.</param>
/// <param name="Runs">
/// Seed by seed: images a second, the median over its epochs, what it had of the machine, and which machines; null where that is not
/// known.
/// </param>
internal sealed record NetworkMeasurements(
    long? PeakBytes, long? TrainingBytes, double? ImagesPerSecond, double? TrainingSeconds, Latency Latency,
    IReadOnlyList<(double? ImagesPerSecond, RunLoad? Load, IReadOnlyList<MachineReport>? Machines)> Runs)
{
    /// <summary>Cores that a run had, the median over the seeds; null where it is not known.</summary>
    public double? Cores => Median.Of(Runs.Select(run => run.Load?.Cores));

    public static NetworkMeasurements Of(
        IReadOnlyList<RunMeasurements> memory, IReadOnlyList<IReadOnlyList<EpochResult>> logs, Latency latency)
    {
        return new(
            memory.Max(run => run.PeakBytes),
            memory.Max(run => run.PeakBytes - run.StartBytes),
            Speed(logs.SelectMany(log => log)),
            Sums.OfKnown(logs.SelectMany(log => log).Select(epoch => epoch.Seconds)),
            latency,
            [.. memory.Zip(logs, (run, log) => (Speed(log), run.Load, run.Machines))]);

        static double? Speed(IEnumerable<EpochResult> log) => Median.Of(log.Select(epoch => epoch.ImagesPerSecond));
    }
}

/// <summary>A network against another.</summary>
/// <param name="Top1">First − second over the seeds.</param>
/// <param name="Images">The same for single images, a test for each seed.</param>
internal sealed record DifferenceReport(NetworkReport First, NetworkReport Second, PairedTest Top1, IReadOnlyList<McNemarTest> Images)
{
    public static DifferenceReport Of(NetworkReport first, NetworkReport second) => new(
        first, second,
        PairedTest.Of(first.Top1.Values, second.Top1.Values),
        [.. first.Outcomes.Zip(second.Outcomes, McNemarTest.Of)]);
}
