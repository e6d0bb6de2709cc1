namespace XSepConv.Training;

/// <summary>What a run of a comparison came to: the same bits whenever and however often it was interrupted.</summary>
/// <param name="BestEpoch">The epoch that validated best, from 1.</param>
/// <param name="Test">Its weights on the test split.</param>
/// <param name="Predictions">What the network took it for.</param>
/// <param name="History">Every epoch, without times.</param>
internal sealed record RunOutcome(
    int BestEpoch, EvaluationResult Test, IReadOnlyList<int> Labels, IReadOnlyList<int> Predictions, IReadOnlyList<EpochResult> History);

/// <summary>What the system said about a run's process.</summary>
/// <param name="PeakBytes">
/// The most memory it had at once until the end of the first epoch's training; null where that can't be known.
/// </param>
/// <param name="StartBytes">Of these, what it had before the network was built: program, libraries, images; null likewise.</param>
/// <param name="Load">
/// While it was trained and tested, without the part of a process that was killed; null where it was not in a process of its own.
/// </param>
/// <param name="Machines">Where it was trained, in order, each with the time when it came there; null where nothing was measured.</param>
internal sealed record RunMeasurements(
    long? PeakBytes, long? StartBytes, RunLoad? Load = null, IReadOnlyList<MachineReport>? Machines = null);
