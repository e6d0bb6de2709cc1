using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace XSepConv.Training;

/// <summary>
/// Hashes of what an outcome was made from: no figure is reported that the files beside it do not back. It finds what was edited, mixed up
/// or replaced; it is no signature, which would need a secret.
/// </summary>
/// <param name="Run">Network, data, recipe and seed.</param>
/// <param name="Best"><c>best.safetensors</c>; null where there was none, as below.</param>
/// <param name="Last"><c>last.safetensors</c>.</param>
/// <param name="Log"><c>log.jsonl</c>.</param>
/// <param name="Measured"><c>measured.json</c>.</param>
internal sealed record RunSeal(string Run, string Outcome, string? Best, string? Last, string? Log, string? Measured)
{
    /// <summary>What makes a run this one.</summary>
    public static string Identity(ComparisonManifest manifest, ComparedRun run)
    {
        var settings = manifest.Settings.Where(
            setting => setting.Key != "seeds" && !setting.Key.StartsWith("network", StringComparison.Ordinal))
            .OrderBy(setting => setting.Key, StringComparer.Ordinal);
        var lines = settings.Select(setting => $"{setting.Key}: {setting.Value}").Append(run.Network.Spec.ToJson()).Append(run.Id);
        return Digest(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
    }

    /// <summary>The seal of what is in a run's folder now.</summary>
    public static RunSeal Of(string identity, RunOutcome outcome, string folder) => new(
        identity, Digest(JsonSerializer.SerializeToUtf8Bytes(outcome, ComparisonJson.Default.RunOutcome)),
        OfFile(folder, Checkpoint.BestFileName), OfFile(folder, Checkpoint.LastFileName), OfFile(folder, RunDirectory.LogFileName),
        OfFile(folder, ComparisonFolder.MeasuredFileName));

    /// <summary>What is no longer as it was when the outcome was written; null where all is.</summary>
    public string? Broken(RunSeal now)
    {
        if (Run != now.Run) return "it is the outcome of another network, seed, recipe or data set";
        if (Outcome != now.Outcome) return "it was edited";
        (string Name, string? Then, string? Now)[] files =
        [
            (Checkpoint.BestFileName, Best, now.Best), (Checkpoint.LastFileName, Last, now.Last),
            (RunDirectory.LogFileName, Log, now.Log), (ComparisonFolder.MeasuredFileName, Measured, now.Measured),
        ];
        var changed = files.Where(file => file.Then != file.Now).Select(
            file => file.Now is null ? $"{file.Name} beside it is gone" : $"{file.Name} beside it is another one").ToList();
        return changed.Count == 0 ? null : string.Join(", ", changed);
    }

    private static string? OfFile(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        if (!File.Exists(path)) return null;
        using var stream = RegularFile.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}

/// <summary><c>outcome.json</c>.</summary>
internal sealed record SealedOutcome(RunSeal? Seal, RunOutcome? Outcome);
