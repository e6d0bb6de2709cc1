namespace XSepConv.Training;

/// <summary>
/// The networks that no other of a comparison beats at some cost: none that costs as little is right more often, and none that is right as
/// often costs less.
/// </summary>
/// <param name="Cost">What is paid, in words: <c>MACs</c>.</param>
/// <param name="Measured">Whether a clock said it.</param>
/// <param name="Networks">By rising cost.</param>
internal sealed record Frontier(string Cost, bool Measured, IReadOnlyList<NetworkReport> Networks)
{
    /// <summary>By each cost that is known of all; none where each operator has one network, which leaves nothing to choose.</summary>
    public static IReadOnlyList<Frontier> Of(ComparisonReport report)
    {
        if (!report.IsGrid) return [];
        List<Frontier> frontiers =
        [
            new("MACs", false, Among(report.Networks, network => network.Macs)),
            new("latency in the runtime", true, Among(report.Networks, network => network.Measured.Latency.Runtime)),
        ];
        if (report.HasTrainingTimes)
        {
            frontiers.Add(new("time of training", true, Among(report.Networks, network => MeanTrainingSeconds(network)!.Value)));
        }

        return frontiers;
    }

    /// <summary>Those of some networks, by rising cost.</summary>
    public static IReadOnlyList<NetworkReport> Among(IEnumerable<NetworkReport> networks, Func<NetworkReport, double> cost)
    {
        List<NetworkReport> best = [];
        foreach (var network in networks.OrderBy(cost).ThenByDescending(network => network.Top1.Mean))
        {
            if (best.Count == 0 || network.Top1.Mean > best[^1].Top1.Mean) best.Add(network);
        }

        return best;
    }

    /// <summary>
    /// Seconds that a run trained, the mean over the seeds: one that stopped early took less. Null where an epoch's time is not known.
    /// </summary>
    public static double? MeanTrainingSeconds(NetworkReport network) => network.Measured.TrainingSeconds / network.Outcomes.Count;
}
