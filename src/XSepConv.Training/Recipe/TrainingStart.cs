using System.Globalization;
using System.Security.Cryptography;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>The weights that a run starts from: random ones, or those of a file, and which of them stay.</summary>
internal static class TrainingStart
{
    /// <summary>What tells a resumed run that the file is the one it began from.</summary>
    public static string Digest(string path)
    {
        using var file = RegularFile.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file))[..16];
    }

    /// <summary>The network as it is before the first step.</summary>
    /// <param name="classes">The names of the classes to learn.</param>
    /// <exception cref="InvalidDataException">The file is damaged or holds another network.</exception>
    public static MobileNet Build(TrainingOptions options, Device device, IReadOnlyList<string> classes)
    {
        var network = new MobileNet(options.Network, device);
        try
        {
            // A resumed run reads its weights from its own checkpoint.
            if (options is { InitialWeights: { } path, Resume: false })
            {
                using var weights = InitialWeights.Open(path);
                weights.LoadInto(network, classes);
            }

            network.Freeze(options.FrozenStages);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>What it starts from and what of that stays, in words.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or holds another network.</exception>
    public static IEnumerable<string> Describe(TrainingOptions options, ImageDataset data)
    {
        if (options.InitialWeights is not { } path) yield break;
        using var weights = InitialWeights.Open(path);
        weights.RequireSame(options.Network);
        var (there, here, known) = (weights.Spec, options.Network, weights.Data);
        yield return $"{path}{(known is null ? "" : $", trained on {known.Name}")}: {Kept(weights, here, data.ClassNames)}";
        if (there.InputChannels != here.InputChannels) yield return OtherChannels.Describe(there.InputChannels, here.InputChannels);
        if (options.FrozenStages > 0)
        {
            var parts = NetworkStages.Parts(here, options.FrozenStages);
            yield return $"{options.FrozenStages} of {NetworkStages.Maps(here).Count} stages frozen, {parts[0]} to {parts[^1]}";
        }

        var size = known is null ? "" : $"images there {known.Height}×{known.Width}, here {data.Train.Height}×{data.Train.Width}; ";
        if (data.Name == FolderDataset.Name && (known?.Scaling ?? data.Scaling) is not null)
        {
            size += known?.Scaling == data.Scaling ? $"scaled as there ({data.Scaling}); "
                : $"scaled otherwise: there {Scaled(known?.Scaling)}, here {Scaled(data.Scaling)}; ";
        }

        var normalization = options.NormalizationFor(data);
        var how = options.Normalization is null ? "normalised by the training images"
            : known is null || !OtherChannels.Of(known, here.InputChannels).Mean.SequenceEqual(normalization.Mean) ? "normalised as told"
            : "normalised as there";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{size}{how}: mean {Text(normalization.Mean)}, deviation {Text(normalization.Std)}");

        static string Scaled(PictureScaling? scaling) => scaling?.ToString() ?? "the middle square";
        static string Text(IEnumerable<double> values) =>
            string.Join(", ", values.Select(value => value.ToString("G4", CultureInfo.InvariantCulture)));
    }

    private static string Kept(InitialWeights weights, NetworkSpec here, IReadOnlyList<string> classes)
    {
        var (there, rows) = (weights.Spec.NumClasses, weights.ClassifierRows(here.NumClasses, classes));
        if (there == 0) return "all weights; the classifier is new";
        if (there != here.NumClasses)
        {
            return string.Create(CultureInfo.InvariantCulture, $"all weights but the classifier of {there:N0} classes, which is new");
        }

        return rows is null
            ? string.Create(CultureInfo.InvariantCulture, $"all weights but the classifier of {there:N0} other classes, which is new")
            : !rows.Index().All(row => row.Item == row.Index) ? "all weights, the classifier's in the order of the classes here"
            : weights.NamesThere is null ? "all weights; its classes have no names there, and are taken for those here in their order"
            : "all weights";
    }

    /// <summary>
    /// That the batch norms' statistics will be partly the file's at the end, as in a short run from published weights; null where they
    /// will not.
    /// </summary>
    /// <param name="batches">Of an epoch.</param>
    public static string? StatisticsNote(TrainingOptions options, int batches)
    {
        const double Few = 0.1;
        var (momentum, all) = (options.Network.NormMomentum, (long)options.Recipe.Epochs * batches);
        var left = Math.Pow(1 - momentum, all);
        return options.InitialWeights is null || left <= Few ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"The batch norms' averages move by {momentum:0.######} a batch: after {all:N0} batches {100 * left:0} % of them are still "
            + $"those of the file, and what is learned may not show in evaluation. Train for more epochs, or in smaller batches.");
    }

    /// <summary>What does not go together.</summary>
    public static IEnumerable<string> Problems(TrainingOptions options)
    {
        var stages = NetworkStages.Maps(options.Network).Count;
        var frozen = Array.Empty<string>() as IReadOnlyList<string>;
        if (options.FrozenStages < 0 || options.FrozenStages > stages)
        {
            yield return $"frozen stages is {options.FrozenStages}, {options.Network.Name} has {stages}; 0 freezes none";
        }
        else
        {
            frozen = NetworkStages.Parts(options.Network, options.FrozenStages);
        }

        if (options.FrozenStages > 0 && options.InitialWeights is null)
        {
            yield return $"frozen stages is {options.FrozenStages}, but there are no initial weights: random ones would stay as they are";
        }

        if (options.LearningRates.Count == 0) yield break;
        var learned = Inference.ExpectedTensors.Of(options.Network).Select(tensor => tensor.Key)
            .Where(key => !frozen.Any(part => key.StartsWith($"{part}.", StringComparison.Ordinal)));
        foreach (var problem in LayerLearningRate.Problems(options.LearningRates, [.. learned], options.Network.Name)) yield return problem;
    }
}
