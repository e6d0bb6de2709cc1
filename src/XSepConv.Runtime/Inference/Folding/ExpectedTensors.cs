using XSepConv.Layers;
using static System.FormattableString;

namespace XSepConv.Inference;

/// <summary>The state dict that a <see cref="NetworkSpec"/> asks for: keys and shapes.</summary>
internal static class ExpectedTensors
{
    /// <summary>Tensors whose names start so belong to a trainer.</summary>
    public const string TrainingPrefix = "training/";

    // Half of a network may be missing and is then listed by name.
    private const long SmallNetwork = 1_000_000;

    /// <summary>
    /// Holds a description to the file it is in, by counts alone: a few bytes of it must not make a list of every tensor of a giant.
    /// </summary>
    /// <exception cref="InvalidDataException">The network is far larger than what the source holds.</exception>
    public static void RequireSize(NetworkSpec spec, WeightSource source)
    {
        Int128 held = 0;
        foreach (var tensor in source.Tensors.Values) held += tensor.ElementCount;
        var described = spec.ParameterCount();
        if (described > SmallNetwork + (2 * held))
        {
            throw new InvalidDataException(
                Invariant($"{source.Name} describes a network of {described:N0} parameters but holds only {held:N0} values."));
        }
    }

    public static IEnumerable<(string Key, long[] Shape)> Of(NetworkSpec spec) =>
        NetworkLayers.Of(spec).All.SelectMany(layer => layer.Tensors());

    /// <summary>
    /// Whether a state-dict key is that of a batch norm's counter, which files of old versions of PyTorch and of converters lack.
    /// </summary>
    public static bool IsCounter(string key) => key.Split('.')[^1] == Layer.BatchCounter;

    /// <summary>
    /// Holds a source to the spec before anything is read or allocated for it. Counters may be missing: they change no output.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// Tensors are missing, unexpected, of a wrong shape or type, or too large for an array, or settings are of no layer; the first ten are
    /// listed and the rest counted.
    /// </exception>
    public static void Verify(NetworkSpec spec, WeightSource source)
    {
        var problems = new List<string>();
        var missing = new List<string>();
        var expected = new HashSet<string>();
        foreach (var (key, shape) in Of(spec))
        {
            expected.Add(key);
            if (!source.Tensors.TryGetValue(key, out var info))
            {
                if (!IsCounter(key)) missing.Add(key);
            }
            else if (!info.Shape.AsSpan().SequenceEqual(shape))
            {
                problems.Add($"'{key}' has shape {Listing.Shape(info.Shape)}, the network's is {Listing.Shape(shape)}");
            }
            else if (!IsCounter(key) && !info.Type.IsFloatingPoint())
            {
                problems.Add(
                    $"'{key}' has type {info.Type}, weights are F64, F32, F16 or BF16"
                    + (info.Type == SafeTensorType.I8 ? $", or I8 where the metadata '{Int8Weights.MetadataKey}' says so" : ""));
            }
            else if (info.ByteLength > Array.MaxLength)
            {
                problems.Add(Invariant($"'{key}' takes {info.ByteLength:N0} bytes, at most {Array.MaxLength:N0} are read"));
            }
        }

        List<string> unexpected =
        [
            .. source.Tensors.Keys.Where(key => !expected.Contains(key) && !key.StartsWith(TrainingPrefix, StringComparison.Ordinal)),
        ];
        problems.AddRange(missing.Select(key => $"'{key}' is missing"));
        problems.AddRange(unexpected.Select(key => $"{SafeTensorsHeader.Quote(key)} is unexpected"));
        if (source.Settings is { } settings) problems.AddRange(SettingProblems(settings, expected));
        if (problems.Count == 0) return;
        var prefix = KeyPrefix.Find(missing, unexpected) is { } found
            ? $" Its keys begin with {KeyPrefix.Named(found)}: take that off, as LoadSafeTensors and FromSafeTensors do with "
                + "SafeTensorsLoadOptions.Prefix."
            : "";
        throw new InvalidDataException(
            $"{source.Name} does not fit the network {SafeTensorsHeader.Quote(spec.Name)} that it describes: "
            + $"{Listing.Of(problems)}.{prefix}");
    }

    // The spec says what the blocks are; only the batch norms' numbers are beside it.
    private static IEnumerable<string> SettingProblems(ModuleSettings settings, HashSet<string> expected)
    {
        foreach (var (path, values) in settings.ByPath)
        {
            var isNorm = expected.Contains($"{path}.running_var");
            foreach (var name in values.Keys)
            {
                if (!isNorm || name is not (ModuleSettings.Epsilon or ModuleSettings.Momentum))
                {
                    yield return $"{ModuleSettings.Place(path)} has the setting {SafeTensorsHeader.Quote(name)}, which is not known there";
                }
            }
        }
    }
}
