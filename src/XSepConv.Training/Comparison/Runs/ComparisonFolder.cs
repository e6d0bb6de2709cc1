using System.Text.Json;

namespace XSepConv.Training;

/// <summary>The output directory of a comparison: its files, and that only one process writes them.</summary>
internal sealed class ComparisonFolder(string path)
{
    /// <summary>What the system said about a run's process.</summary>
    public const string MeasuredFileName = "measured.json";

    /// <summary>The file that tells a comparison from none.</summary>
    public const string ManifestName = "compare.json";

    public string FullName { get; } = Path.GetFullPath(path);

    public string Html => Path.Combine(FullName, "report.html");

    /// <summary>The report to paste.</summary>
    public string Markdown => Path.Combine(FullName, "report.md");

    /// <summary>The report to compute with.</summary>
    public string Json => Path.Combine(FullName, "report.json");

    /// <summary>The picture of accuracy against costs, where there are several networks to choose from.</summary>
    public string Picture => Path.Combine(FullName, "frontier.png");

    /// <summary>The file by which it holds a comparison; null where it holds none.</summary>
    public string? FileOfComparison => File.Exists(ManifestPath) ? ManifestName : null;

    private string Runs => Path.Combine(FullName, "runs");

    private string ManifestPath => Path.Combine(FullName, ManifestName);

    /// <summary>The output directory of a run, that of the trainer.</summary>
    public string RunPath(ComparedRun run) => Path.Combine(Runs, run.Id);

    /// <summary>Keeps other processes out until disposed of; the system lets go of it when the process is killed.</summary>
    /// <exception cref="TrainingRefusedException">The directory can't be written, or another process is at work there.</exception>
    public IDisposable Lock()
    {
        try
        {
            Directory.CreateDirectory(FullName);
            return RunDirectory.Lock(FullName, "comparison");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingRefusedException($"The output directory '{FullName}' can't be written: {e.Message}", e);
        }
    }

    /// <summary>Removes the comparison that is there, and its runs only; nothing where there is none.</summary>
    /// <exception cref="InvalidDataException">It is damaged: nobody knows which runs are its own.</exception>
    public void Clear()
    {
        if (!File.Exists(ManifestPath)) return;
        var manifest = Manifest();
        foreach (var report in new[] { Html, Markdown, Json, Picture }) File.Delete(report);
        if (Directory.Exists(Runs))
        {
            foreach (var run in OwnRuns(manifest)) Directory.Delete(run, recursive: true);
            if (!Directory.EnumerateFileSystemEntries(Runs).Any()) Directory.Delete(Runs);
        }

        // What tells a comparison from none goes last: a kill in between leaves one that can still be replaced.
        File.Delete(ManifestPath);
    }

    /// <summary>Begins a comparison, or goes on with the one that is there.</summary>
    /// <returns>
    /// The manifest to go by: the given one, with the command and the settings that began the comparison, and the most runs at a time of
    /// both.
    /// </returns>
    /// <exception cref="TrainingRefusedException">Another comparison, or something else, is there.</exception>
    /// <exception cref="InvalidDataException">What is there is damaged.</exception>
    public ComparisonManifest Begin(ComparisonManifest manifest)
    {
        if (File.Exists(ManifestPath))
        {
            var there = ComparisonManifest.Read(ManifestPath);
            RunSettings.RequireSame(there.Settings, manifest.Settings, ManifestPath);

            // Outcomes are sealed with the settings as they were written.
            manifest = manifest with
            {
                Command = there.Command,
                Settings = there.Settings,
                AtATime = Math.Max(there.AtATime ?? 1, manifest.AtATime ?? 1),
            };
        }
        else if (RunDirectory.FileOfRun(FullName) is not null || OwnRuns(manifest).Any())
        {
            throw new TrainingRefusedException(
                $"{FullName} holds training runs, but no comparison ({ManifestName}); choose another output directory.");
        }

        Directory.CreateDirectory(FullName);
        AtomicFile.WriteAllText(ManifestPath, manifest.ToJson());
        return manifest;
    }

    public ComparisonManifest Manifest() => ComparisonManifest.Read(ManifestPath);

    /// <summary>What a run came to; null before its end.</summary>
    /// <exception cref="InvalidDataException">
    /// It is not what this comparison's run came to: it, or a file that it was made from, was edited or replaced.
    /// </exception>
    public RunOutcome? Outcome(ComparisonManifest manifest, ComparedRun run)
    {
        var path = OutcomePath(run);
        if (!File.Exists(path)) return null;
        if (Read(path, ComparisonJson.Default.SealedOutcome) is not { Seal: { } seal, Outcome: { } outcome })
        {
            throw new InvalidDataException(
                $"{path} does not say which network, data and checkpoint it belongs to. Delete it, "
                + "and it is made again from the checkpoint.");
        }

        return seal.Broken(RunSeal.Of(RunSeal.Identity(manifest, run), outcome, RunPath(run))) is not { } broken
            ? outcome
            : throw new InvalidDataException(
                $"{path} can't be believed: {broken}. Put back what was there, or delete the folder {RunPath(run)}: "
                + "the run is then made again.");
    }

    /// <summary>Writes the outcome of a run that has ended, tied to its files as they are now.</summary>
    public void Write(ComparisonManifest manifest, ComparedRun run, RunOutcome outcome)
    {
        var written = new SealedOutcome(RunSeal.Of(RunSeal.Identity(manifest, run), outcome, RunPath(run)), outcome);
        AtomicFile.WriteAllText(OutcomePath(run), JsonSerializer.Serialize(written, ComparisonJson.Default.SealedOutcome));
    }

    /// <summary>What a clock and the system said about a run.</summary>
    public RunMeasurements Measurements(ComparedRun run)
    {
        var path = MeasurementsPath(run);
        return File.Exists(path) ? Read(path, ComparisonJson.Default.RunMeasurements) : new(null, null);
    }

    public void Write(ComparedRun run, RunMeasurements measured) =>
        AtomicFile.WriteAllText(MeasurementsPath(run), JsonSerializer.Serialize(measured, ComparisonJson.Default.RunMeasurements));

    /// <summary>The epochs of a run as its log has them, with their times.</summary>
    public IReadOnlyList<EpochResult> Log(ComparedRun run)
    {
        var path = Path.Combine(RunPath(run), RunDirectory.LogFileName);
        if (!File.Exists(path)) return [];
        return [.. RegularFile.ReadLines(path).Select(line =>
            JsonSerializer.Deserialize(line, CheckpointJson.Default.EpochResult)).OfType<EpochResult>()];
    }

    // What is there is looked through, not what a manifest of whatever content names.
    private IEnumerable<string> OwnRuns(ComparisonManifest manifest) =>
        !Directory.Exists(Runs) ? [] : Directory.GetDirectories(Runs).Where(path => manifest.Owns(Path.GetFileName(path)));

    private string OutcomePath(ComparedRun run) => Path.Combine(RunPath(run), "outcome.json");

    private string MeasurementsPath(ComparedRun run) => Path.Combine(RunPath(run), MeasuredFileName);

    private static T Read<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(RegularFile.ReadAllBytes(path), type) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} can't be read: {e.Message} Delete it, and it is made again.", e);
        }
    }
}
