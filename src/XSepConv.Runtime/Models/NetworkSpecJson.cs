using System.Text.Json;
using System.Text.Json.Serialization;

namespace XSepConv;

public sealed partial record NetworkSpec
{
    private const int LongestJson = 1 << 20;

    /// <summary>The spec as JSON, as checkpoints carry it.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, NetworkSpecJson.Default.NetworkSpec);

    /// <summary>Reads what <see cref="ToJson"/> wrote, and checks it.</summary>
    /// <param name="json">At most 1 MiB of text.</param>
    /// <exception cref="FormatException">The text is not such JSON, or describes a network that can't be built.</exception>
    public static NetworkSpec FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (json.Length > LongestJson) throw new FormatException($"The network's description has {json.Length:N0} characters, at most {LongestJson:N0} are read.");
        try
        {
            var spec = JsonSerializer.Deserialize(json, NetworkSpecJson.Default.NetworkSpec)
                ?? throw new FormatException("The network's description is JSON null.");
            return spec.Validate();
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NotSupportedException)
        {
            throw new FormatException($"The network's description can't be read: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(NetworkSpec))]
internal sealed partial class NetworkSpecJson : JsonSerializerContext;
