namespace XSepConv.Training;

/// <summary>
/// Whether a run has the images that its comparison began with. Each run opens them anew, perhaps hours later: pictures that were added or
/// changed meanwhile would be learned by the later runs alone, and reported with the counts of the earlier ones.
/// </summary>
internal static class RunData
{
    // Drawn by the seed, so that of another seed's only number and size can be compared.
    private static readonly string[] DrawnBySeed = ["training images", "validation images"];

    /// <param name="images">The data, as opened for the run's seed.</param>
    /// <exception cref="TrainingRefusedException">They are others; all differences are listed.</exception>
    public static void RequireSame(ComparisonFolder folder, ComparisonManifest manifest, ComparedRun run, ImageDataset images)
    {
        var now = ComparisonManifest.SettingsOfRuns(manifest.Training, manifest.Networks, images);
        var began = new SortedDictionary<string, string>(manifest.Settings, StringComparer.Ordinal);
        foreach (var key in manifest.Settings.Keys.Where(ComparisonManifest.IsOwnSetting)) began.Remove(key);

        // The test images are those of every seed; where images are kept decoded, their digest is that of the training images too.
        Require(run.Seed == 0 ? began : Counted(began), run.Seed == 0 ? now : Counted(now), run, images);
        if (run.Seed == 0) return;

        foreach (var network in manifest.Networks)
        {
            var pair = new ComparedRun(network, run.Seed);
            if (pair == run || folder.Outcome(manifest, pair) is null) continue;
            var there = RunDirectory.ForReading(manifest.Training with { OutputDirectory = folder.RunPath(pair) }).ReadState().Settings;
            Require(Drawn(there), Drawn(now), run, images);
        }
    }

    private static void Require(
        SortedDictionary<string, string> began, SortedDictionary<string, string> now, ComparedRun run, ImageDataset images)
    {
        var differences = RunSettings.Differences(began, now);
        if (differences.Count == 0) return;
        throw new TrainingRefusedException(
            $"{images.Source}: the images have changed since the comparison began, so {run.Id} would not learn what the runs before it "
            + "learned. Put back what was there, or start anew elsewhere."
            + string.Concat(differences.Select(difference => $"\n- {difference}")));
    }

    /// <summary>Without the digests of what is drawn by the seed.</summary>
    private static SortedDictionary<string, string> Counted(SortedDictionary<string, string> settings) => new(
        settings.ToDictionary(
            setting => setting.Key, setting => DrawnBySeed.Contains(setting.Key) ? setting.Value.Split(',')[0] : setting.Value),
        StringComparer.Ordinal);

    private static SortedDictionary<string, string> Drawn(SortedDictionary<string, string> settings) => new(
        settings.Where(setting => DrawnBySeed.Contains(setting.Key)).ToDictionary(), StringComparer.Ordinal);
}
