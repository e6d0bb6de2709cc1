using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XSepConv.Training;

/// <summary>What decides the outcome of a run, in words: a resumed run must have the same.</summary>
internal static class RunSettings
{
    public static SortedDictionary<string, string> Of(TrainingOptions options, ImageDataset data)
    {
        var augmentation = options.AugmentationFor(data);
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["network"] = options.Network.Name,
            ["network table"] = Digest(Encoding.UTF8.GetBytes(options.Network.ToJson())),
            ["dropout"] = Text(options.Network.Dropout),
            ["epochs"] = Text(options.Epochs),
            ["batch size"] = Text(options.BatchSize),
            ["learning rate"] = Text(options.LearningRate),
            ["momentum"] = Text(options.Momentum),
            ["nesterov"] = options.Nesterov ? "yes" : "no",
            ["weight decay"] = Text(options.WeightDecay),
            ["label smoothing"] = Text(options.LabelSmoothing),
            ["warm-up epochs"] = Text(options.WarmupEpochs),
            ["seed"] = Text(options.Seed),
            ["crop padding"] = Text(augmentation.CropPadding),
            ["horizontal flip"] = augmentation.HorizontalFlip ? "yes" : "no",
            ["data"] = data.Name,
            ["training images"] = Summary(data.Train),
            ["validation images"] = Summary(data.Validation),
            ["test images"] = Summary(data.Test),
        };

        // Only where they are used, so that a run from before they were known can still be resumed.
        if (options.Optimizer != OptimizerKind.Sgd)
        {
            settings["optimizer"] = options.Optimizer.ToString();
            settings["beta 1"] = Text(options.AdamBeta1);
            settings["beta 2"] = Text(options.AdamBeta2);
        }

        if (data.Background != Rgb.White) settings["background"] = data.Background?.ToString() ?? "none";
        if (options.Schedule != ScheduleKind.Cosine) settings["schedule"] = options.Schedule.ToString();
        if (options.ClipNorm is { } norm) settings["clipped norm"] = Text(norm);
        if (options.EmaDecay > 0) settings["weight average"] = Text(options.EmaDecay);
        if (options.AccumulateBatches > 1) settings["accumulated batches"] = Text(options.AccumulateBatches);
        if (options.Patience is { } patience) settings["patience"] = Text(patience);
        if (augmentation.ColorJitter > 0) settings["colour jitter"] = Text(augmentation.ColorJitter);
        if (augmentation.Erasing > 0) settings["random erasing"] = Text(augmentation.Erasing);
        if (augmentation.Mixup > 0) settings["mixup"] = Text(augmentation.Mixup);
        if (augmentation.PolicyOperations > 0)
        {
            settings["policy operations"] = Text(augmentation.PolicyOperations);
            settings["policy magnitude"] = Text(augmentation.PolicyMagnitude);
            settings["largest rotation"] = Text(augmentation.LargestRotation);
        }

        foreach (var (name, value) in data.Settings) settings[name] = value;
        return settings;
    }

    /// <exception cref="TrainingRefusedException">They differ; all differences are listed.</exception>
    public static void RequireSame(SortedDictionary<string, string> saved, SortedDictionary<string, string> now, string path)
    {
        var differences = saved.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
            .Where(key => Value(saved, key) != Value(now, key))
            .Select(key => $"{key}: {Value(saved, key)} there, {Value(now, key)} now")
            .ToList();
        if (differences.Count > 0)
        {
            throw new TrainingRefusedException(
                $"{path} was made with other options, so it can't be resumed with these ({string.Join("; ", differences)}). Give the same options, or start anew elsewhere.");
        }

        static string Value(SortedDictionary<string, string> settings, string key) => settings.GetValueOrDefault(key, "nothing");
    }

    private static string Summary(ImageSplit split) => $"{split.Count} of {split.Channels}×{split.Height}×{split.Width}, {split.Fingerprint()[..16]}";

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes))[..16];

    private static string Text<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
