using System.Text.Json;
using System.Text.Json.Serialization;

namespace XSepConv.Training;

/// <summary>What is compared: all that its runs need, so that each of them, and a restart, does the same.</summary>
internal sealed record ComparisonManifest
{
    /// <summary><c>compare</c> or <c>ablate</c>.</summary>
    public required string Kind { get; init; }

    public required string Command { get; init; }

    public required ComparedData Data { get; init; }

    /// <summary>The recipe, for the network, seed and folder of no run yet.</summary>
    public required TrainingOptions Training { get; init; }

    public required IReadOnlyList<ComparedNetwork> Networks { get; init; }

    /// <summary>Each network is trained with the seeds 0 … this − 1.</summary>
    public required int Seeds { get; init; }

    /// <summary>
    /// The most runs that were at work side by side, since the beginning; 1 where nothing is said. It changes times only.
    /// </summary>
    public int? AtATime { get; init; }

    /// <summary>What decides the outcome, in words: a restart must have the same.</summary>
    public required SortedDictionary<string, string> Settings { get; init; }

    /// <summary>Seed by seed, so that what is there early can be compared.</summary>
    [JsonIgnore]
    public IEnumerable<ComparedRun> Runs =>
        Enumerable.Range(0, Seeds).SelectMany(seed => Networks.Select(network => new ComparedRun(network, seed)));

    /// <summary>Whether a run has this id.</summary>
    public bool Owns(string id) =>
        ComparedRun.SeedOf(id) is { } seed && seed < Seeds && Networks.Any(network => new ComparedRun(network, seed).Id == id);

    /// <summary>Puts one together.</summary>
    /// <param name="kind"><c>compare</c> or <c>ablate</c>.</param>
    /// <param name="images">The data as opened for the first seed.</param>
    /// <param name="training">The recipe; threads are given.</param>
    /// <param name="networks">The networks, with what the recipe says about them.</param>
    public static ComparisonManifest Of(
        string kind, string command, ImageDataset images, DatasetOptions opened, TrainingOptions training,
        IReadOnlyList<ComparedNetwork> networks, int seeds)
    {
        var settings = SettingsOfRuns(training, networks, images);
        settings["kind"] = kind;
        settings["seeds"] = $"{seeds}";
        settings["threads"] = $"{training.Threads}";
        settings["device"] = $"{TorchDevice.Parse(training.Device).type}";
        settings["networks"] = string.Join(", ", networks.Select(network => network.Id));
        foreach (var network in networks) settings[$"network {network.Id}"] = RunSettings.Digest(network.Spec);
        return new()
        {
            Kind = kind,
            Command = command,
            Data = ComparedData.Of(images, opened),
            Training = training,
            Networks = networks,
            Seeds = seeds,
            Settings = settings,
        };
    }

    /// <summary>The settings that all runs have in common; of images drawn by the seed, those of this data's.</summary>
    public static SortedDictionary<string, string> SettingsOfRuns(
        TrainingOptions training, IReadOnlyList<ComparedNetwork> networks, ImageDataset images)
    {
        var settings = RunSettings.Of(training with { Network = networks[0].Spec, OutputDirectory = "x" }, images);
        foreach (var key in new[] { "network", "network table", "seed" }) settings.Remove(key);
        return settings;
    }

    /// <summary>Whether a setting is the comparison's, not one of its runs.</summary>
    public static bool IsOwnSetting(string key) =>
        key is "kind" or "seeds" or "threads" or "device" or "networks" || key.StartsWith("network ", StringComparison.Ordinal);

    public string ToJson() => JsonSerializer.Serialize(this, ComparisonJson.Default.ComparisonManifest);

    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static ComparisonManifest Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(RegularFile.ReadAllBytes(path), ComparisonJson.Default.ComparisonManifest)
                ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"{path} can't be read: {e.Message}", e);
        }
    }
}

/// <summary>The data of a comparison, and how to open them again.</summary>
internal sealed record ComparedData(
    string Name, string? Root, int ImageSize, int? Limit, bool Synthetic, string Source, IReadOnlyList<string> ClassNames,
    int Channels, int Height, int Width, int TrainImages, int ValidationImages, int TestImages,
    FolderLayout Layout = FolderLayout.Auto, bool SkipDamaged = false)
{
    public Rgb? Background { get; init; }

    public PictureScaling? Scaling { get; init; }

    public static ComparedData Of(ImageDataset images, DatasetOptions opened) => new(
        images.Name, opened.DataRoot, images.Train.Height, opened.Limit, images.IsSynthetic, images.Source, images.ClassNames,
        images.Train.Channels, images.Train.Height, images.Train.Width, images.Train.Count, images.Validation.Count, images.Test.Count,
        opened.Layout, opened.SkipDamaged)
    {
        Background = opened.Background,
        Scaling = opened.Scaling,
    };

    /// <summary>The same data as a training run with that seed has them.</summary>
    public DatasetOptions Options(int seed) =>
        new()
        {
            DataRoot = Root,
            ImageSize = ImageSize,
            Limit = Limit,
            Background = Background,
            Scaling = Scaling,
            Seed = seed,
            Layout = Layout,
            SkipDamaged = SkipDamaged,
        };
}

/// <summary>A network as its own JSON, which says enums by name and is checked when read.</summary>
internal sealed class NetworkSpecConverter : JsonConverter<NetworkSpec>
{
    public override NetworkSpec Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        try
        {
            return NetworkSpec.FromJson(document.RootElement.GetRawText());
        }
        catch (FormatException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    public override void Write(Utf8JsonWriter writer, NetworkSpec value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.ToJson());
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    Converters = [typeof(NetworkSpecConverter)])]
[JsonSerializable(typeof(ComparisonManifest))]
[JsonSerializable(typeof(RunOutcome))]
[JsonSerializable(typeof(SealedOutcome))]
[JsonSerializable(typeof(RunMeasurements))]
internal sealed partial class ComparisonJson : JsonSerializerContext;
