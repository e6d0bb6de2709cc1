using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XSepConv.Training;

/// <summary>What decides the outcome of a run, in words: a resumed run must have the same.</summary>
internal static class RunSettings
{
    public static SortedDictionary<string, string> Of(TrainingOptions options, ImageDataset data)
    {
        var (recipe, network, augmentation) = (options.Recipe, options.Recipe.Of(options.Network), options.AugmentationFor(data));
        (string Name, string? Value)[] settings =
        [
            ("network", network.Name),
            ("network table", Digest(network)),
            ("dropout", Text(network.Dropout)),
            ("epochs", Text(recipe.Epochs)),
            ("batch size", Text(recipe.BatchSize)),
            ("learning rate", Text(recipe.LearningRate)),
            ("weight decay", Text(recipe.WeightDecay)),
            ("label smoothing", Text(recipe.LabelSmoothing)),
            ("warm-up epochs", Text(recipe.WarmupEpochs)),
            ("seed", Text(options.Seed)),
            ("crop padding", Text(augmentation.CropPadding)),
            ("horizontal flip", YesNo(augmentation.HorizontalFlip)),
            ("data", data.Name),
            ("training images", Summary(data.Train)),
            ("validation images", Summary(data.Validation)),
            ("test images", Summary(data.Test)),

            // What a run does not use is not among its settings.
            .. OfOptimizer(recipe),
            ("initial weights", options.InitialWeights is { } path ? TrainingStart.Digest(path) : null),
            ("frozen stages", options.FrozenStages > 0 ? Text(options.FrozenStages) : null),
            ("normalisation", options.Normalization is { } own ? Digest(own) : null),
            .. options.LearningRates.Select(rate => ($"learning rate of {rate.Layers}", (string?)Text(rate.LearningRate))),
            ("background", data.Background == Rgb.White ? null : data.Background?.ToString() ?? "none"),
            ("scaling", data.Scaling?.ToString()),
            ("schedule", recipe.Schedule == ScheduleKind.Cosine ? null : $"{recipe.Schedule}"),
            ("clipped norm", recipe.ClipNorm is { } norm ? Text(norm) : null),
            ("weight average", Used(recipe.EmaDecay)),
            ("accumulated batches", recipe.AccumulateBatches > 1 ? Text(recipe.AccumulateBatches) : null),
            ("patience", recipe.Patience is { } patience ? Text(patience) : null),
            ("colour jitter", Used(augmentation.ColorJitter)),
            ("random erasing", Used(augmentation.Erasing)),
            ("mixup", Used(augmentation.Mixup)),
            .. augmentation.PolicyOperations == 0 ? NoSettings :
            [
                ("policy operations", Text(augmentation.PolicyOperations)), ("policy magnitude", Text(augmentation.PolicyMagnitude)),
                ("largest rotation", Text(augmentation.LargestRotation)),
            ],
            .. data.Settings.Select(setting => (setting.Name, (string?)setting.Value)),
        ];
        return new(
            settings.Where(setting => setting.Value is not null).ToDictionary(
                setting => setting.Name, setting => setting.Value!), StringComparer.Ordinal);
    }

    /// <exception cref="TrainingRefusedException">They differ; all differences are listed.</exception>
    public static void RequireSame(SortedDictionary<string, string> saved, SortedDictionary<string, string> now, string path)
    {
        var differences = Differences(saved, now);
        if (differences.Count > 0)
        {
            throw new TrainingRefusedException(
                $"{path} was made with other options, so it can't be resumed with these. Give the same options, or start anew elsewhere."
                + string.Concat(differences.Select(difference => $"\n- {difference}")));
        }
    }

    private static (string, string?)[] OfOptimizer(TrainingRecipe recipe) => recipe.Optimizer == OptimizerKind.Sgd
        ? [("momentum", Text(recipe.Momentum)), ("nesterov", YesNo(recipe.Nesterov))]
        : [("optimizer", $"{recipe.Optimizer}"), ("beta 1", Text(recipe.AdamBeta1)), ("beta 2", Text(recipe.AdamBeta2))];

    /// <summary>What differs, in words.</summary>
    public static IReadOnlyList<string> Differences(SortedDictionary<string, string> saved, SortedDictionary<string, string> now)
    {
        return [.. saved.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
            .Where(key => Value(saved, key) != Value(now, key))
            .Select(key => $"{key}: {Value(saved, key)} there, {Value(now, key)} now")];

        static string Value(SortedDictionary<string, string> settings, string key) => settings.GetValueOrDefault(key, "nothing");
    }

    private static (string, string?)[] NoSettings => [];

    private static string? Used(double value) => value > 0 ? Text(value) : null;

    private static string YesNo(bool value) => value ? "yes" : "no";

    private static string Summary(ImageSplit split) =>
        $"{split.Count} of {split.Channels}×{split.Height}×{split.Width}, {split.Fingerprint()[..16]}";

    /// <summary>Tells two networks of one name apart.</summary>
    internal static string Digest(NetworkSpec network) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(network.ToJson())))[..16];

    private static string Digest(ImageNormalization normalization) =>
        $"({string.Join(", ", normalization.Mean.Select(Text))}), ({string.Join(", ", normalization.Std.Select(Text))})";

    private static string Text<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
