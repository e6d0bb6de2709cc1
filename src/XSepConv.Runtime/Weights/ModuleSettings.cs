using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using static System.FormattableString;

namespace XSepConv;

/// <summary>
/// What decides the output of modules besides their tensors, by the module's path in the state dict (<c>bneck.4.bn1</c>, or nothing for the
/// module itself): a normalisation's <c>eps</c> and <c>momentum</c> where they are not the defaults, and what an XSepConv block was built
/// with.
/// </summary>
internal sealed class ModuleSettings
{
    /// <summary>The entry of a safetensors file's metadata that holds them.</summary>
    public const string MetadataKey = "xsepconv.settings";

    public const string Epsilon = "eps";
    public const string Momentum = "momentum";

    /// <summary>Torch's default, which a file that says nothing means.</summary>
    public const double DefaultEpsilon = 1e-5;

    /// <summary>Torch's default; null is the cumulative average.</summary>
    public const double DefaultMomentum = 0.1;

    private const int LongestJson = 16 << 20;

    private readonly Dictionary<string, Dictionary<string, string?>> _byPath;

    private ModuleSettings(Dictionary<string, Dictionary<string, string?>> byPath) => _byPath = byPath;

    public ModuleSettings() : this([])
    {
    }

    public IReadOnlyDictionary<string, Dictionary<string, string?>> ByPath => _byPath;

    /// <summary>Reads what a file says.</summary>
    /// <returns>Null where it says nothing at all.</returns>
    /// <exception cref="InvalidDataException">The entry is damaged.</exception>
    public static ModuleSettings? Read(SafeTensors file, string source)
    {
        if (!file.Metadata.TryGetValue(MetadataKey, out var json)) return null;
        if (json.Length > LongestJson)
        {
            throw new InvalidDataException(
                Invariant($"{source}: the metadata '{MetadataKey}' has {json.Length:N0} characters, at most {LongestJson:N0} are read."));
        }

        try
        {
            var settings = new ModuleSettings(
                JsonSerializer.Deserialize(json, ModuleSettingsJson.Default.Settings) ?? throw new JsonException("it is null"));
            foreach (var (path, values) in settings._byPath) Check(path, values);
            return settings;
        }
        catch (JsonException e)
        {
            // The reader's own words name .NET's types.
            var reason = e.Path is { } path
                ? $"it goes wrong at '{path}'; an object of paths, each with an object of texts, is right, such as "
                    + $"{{\"bn1\": {{\"{Epsilon}\": \"0.001\"}}}}."
                : e.Message;
            throw new InvalidDataException($"{source}: the metadata '{MetadataKey}' can't be read: {reason}", e);
        }
    }

    public string ToJson() => JsonSerializer.Serialize(_byPath, ModuleSettingsJson.Default.Settings);

    /// <summary>Says what is set at a path; later words replace earlier ones.</summary>
    public void Set(string path, string name, string? value)
    {
        if (!_byPath.TryGetValue(path, out var values)) _byPath.Add(path, values = []);
        values[name] = value;
    }

    /// <summary>Says what a normalisation has; the defaults need no word.</summary>
    public void SetNorm(string path, double epsilon, double? momentum)
    {
        if (epsilon != DefaultEpsilon) Set(path, Epsilon, Text(epsilon));
        if (momentum != DefaultMomentum) Set(path, Momentum, momentum is { } share ? Text(share) : null);
    }

    public double EpsilonOf(string path) => Find(path, Epsilon) is { } text ? Number(text) : DefaultEpsilon;

    public double? MomentumOf(string path) =>
        !_byPath.TryGetValue(path, out var values) || !values.TryGetValue(Momentum, out var text) ? DefaultMomentum
        : text is null ? null
        : Number(text);

    /// <summary>The same for modules that are called otherwise.</summary>
    /// <param name="paths">The new path of an old one; those without are left out.</param>
    public ModuleSettings Renamed(Func<string, string?> paths)
    {
        var renamed = new ModuleSettings();
        foreach (var (path, values) in _byPath)
        {
            if (paths(path) is not { } now) continue;
            foreach (var (name, value) in values) renamed.Set(now, name, value);
        }

        return renamed;
    }

    /// <summary>A path for messages.</summary>
    public static string Place(string path) => path.Length == 0 ? "the module itself" : SafeTensorsHeader.Quote(path);

    private static void Check(string path, Dictionary<string, string?>? values)
    {
        if (values is null) throw new JsonException($"{Place(path)} has null for settings");
        if (values.TryGetValue(Epsilon, out var epsilon) && !(TryNumber(epsilon, out var number) && number >= 0))
        {
            throw new JsonException(
                $"the eps of {Place(path)} is {SafeTensorsHeader.Quote(epsilon)}, it must be a finite number of at least 0");
        }

        if (values.TryGetValue(Momentum, out var momentum) && momentum is not null && !TryNumber(momentum, out _))
        {
            throw new JsonException(
                $"the momentum of {Place(path)} is {SafeTensorsHeader.Quote(momentum)}, it must be a finite number, or null for the "
                + "cumulative average");
        }
    }

    private string? Find(string path, string name) => _byPath.GetValueOrDefault(path)?.GetValueOrDefault(name);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static double Number(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static bool TryNumber(string? text, out double number) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
}

[JsonSourceGenerationOptions(AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Dictionary<string, Dictionary<string, string?>>), TypeInfoPropertyName = "Settings")]
internal sealed partial class ModuleSettingsJson : JsonSerializerContext;
