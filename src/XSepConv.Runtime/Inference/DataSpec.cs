using System.Text.Json;
using System.Text.Json.Serialization;
using static System.FormattableString;

namespace XSepConv;

/// <summary>
/// What a checkpoint says about the data its network was trained on: enough to prepare a picture and to name the classes without the data
/// set.
/// </summary>
/// <param name="Name">The data set's name.</param>
/// <param name="Synthetic">Whether its images are generated.</param>
/// <param name="Classes">The name of each class, in the order of the logits.</param>
/// <param name="Mean">Mean of each channel, where a byte is a number from 0 to 1.</param>
/// <param name="Std">Standard deviation of each channel, above 0.</param>
/// <param name="Channels">Channels of its images.</param>
/// <param name="Height">Height of its images, in pixels.</param>
/// <param name="Width">Width of its images, in pixels.</param>
public sealed record DataSpec(
    string Name, bool Synthetic, IReadOnlyList<string> Classes, IReadOnlyList<double> Mean, IReadOnlyList<double> Std, int Channels,
    int Height, int Width)
{
    /// <summary>
    /// What see-through pixels were laid on before the network saw them. Null where that is not known, as in files from before it was kept:
    /// then alpha was dropped, and whoever prepares a picture drops it.
    /// </summary>
    public Rgb? Background { get; init; }

    /// <summary>How pictures were scaled; null where their middle square was, by a triangle.</summary>
    public PictureScaling? Scaling { get; init; }

    /// <summary>
    /// A digest of the names and contents of the test images, where they come from a folder: whoever measures the network sees whether it
    /// is on those that were kept from it. Null where that is not known.
    /// </summary>
    public string? TestImages { get; init; }

    /// <summary>The metadata entry of a safetensors file that holds <see cref="ToJson"/>.</summary>
    public const string MetadataKey = "xsepconv.data";

    // 1 GiB of float32; a few bytes of description must not ask for more.
    private const long MostValues = 1L << 28;

    /// <summary>As checkpoints carry it.</summary>
    /// <exception cref="InvalidOperationException">It contradicts itself: no file that says so can be read.</exception>
    public string ToJson() => Problem() is { } problem
        ? throw new InvalidOperationException($"The description of the data can't be used: {problem}.")
        : JsonSerializer.Serialize(this, DataSpecJson.Default.DataSpec);

    /// <summary>Reads what <see cref="ToJson"/> wrote, and checks it.</summary>
    /// <exception cref="FormatException">The text is not such JSON, or contradicts itself.</exception>
    public static DataSpec FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        DataSpec? data;
        try
        {
            data = JsonSerializer.Deserialize(json, DataSpecJson.Default.DataSpec);
        }
        catch (JsonException e)
        {
            throw new FormatException($"The description of the data can't be read: {e.Message}", e);
        }

        return data?.Problem() is null && data is not null
            ? data
            : throw new FormatException($"The description of the data can't be used: {data?.Problem() ?? "it is null"}.");
    }

    /// <summary>How a file contradicts itself that holds this and a network; null where it does not.</summary>
    internal string? Misfit(NetworkSpec network) => network.InputChannels == Channels && network.NumClasses == Classes.Count
        ? null
        : $"the network takes {network.InputChannels} channels and tells {network.NumClasses} classes apart, "
            + $"the data has {Channels} and {Classes.Count}; the file contradicts itself.";

    /// <summary>How it contradicts itself; null where it does not.</summary>
    internal string? Problem() =>
        Name is null || Classes is null || Mean is null || Std is null ? "it lacks something"
        : Classes.Any(name => name is null) ? "a class has no name"
        : Channels < 1 || Height < 1 || Width < 1 ? $"its images are {Channels}×{Height}×{Width}"
        : (Int128)Channels * Height * Width > MostValues
            ? Invariant($"its images are {Channels}×{Height}×{Width}, more than {MostValues:N0} values")
        : Mean.Count != Channels || Std.Count != Channels
            ? $"it has {Mean.Count} means and {Std.Count} standard deviations for {Channels} channels"
        : Scaling?.Problem() is { } problem ? problem
        : !Mean.All(double.IsFinite) ? "a mean is not a finite number"
        : !Std.All(std => double.IsFinite(std) && std > 0) ? "a standard deviation is not a finite number above 0"
        : null;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(DataSpec))]
internal sealed partial class DataSpecJson : JsonSerializerContext;
