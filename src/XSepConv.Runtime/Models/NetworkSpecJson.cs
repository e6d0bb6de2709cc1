using System.Text.Json;
using System.Text.Json.Serialization;
using static System.FormattableString;

namespace XSepConv;

public sealed partial record NetworkSpec
{
    /// <summary>The metadata entry of a safetensors file that holds <see cref="ToJson"/>.</summary>
    public const string MetadataKey = "xsepconv.network";

    private const int LongestJson = 1 << 20;

    /// <summary>The spec as JSON, as checkpoints carry it.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, NetworkSpecJson.Default.NetworkSpec);

    /// <summary>Reads what <see cref="ToJson"/> wrote, and checks it.</summary>
    /// <param name="json">At most 1 MiB of text.</param>
    /// <exception cref="FormatException">The text is not such JSON, or describes a network that can't be built.</exception>
    public static NetworkSpec FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (json.Length > LongestJson)
        {
            throw new FormatException(
                Invariant($"The network's description has {json.Length:N0} characters, at most {LongestJson:N0} are read."));
        }

        try
        {
            var spec = JsonSerializer.Deserialize(json, NetworkSpecJson.Default.NetworkSpec)
                ?? throw new FormatException("The network's description is JSON null.");
            return spec.Validate();
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NotSupportedException)
        {
            var place = e is JsonException { Path: { } path } && !e.Message.Contains(path, StringComparison.Ordinal)
                ? $" Path: {path}."
                : "";
            throw new FormatException($"The network's description can't be read. {e.Message}{place}", e);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters =
    [
        typeof(EnumNameConverter<BlockKind>), typeof(EnumNameConverter<Activation>), typeof(EnumNameConverter<SqueezeExcite>),
        typeof(EnumNameConverter<PaddingPlacement>), typeof(EnumNameConverter<PaddingStrategy>),
    ],
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(NetworkSpec))]
internal sealed partial class NetworkSpecJson : JsonSerializerContext;

/// <summary>Enums by their exact names: a number would mean another thing as soon as a member is added.</summary>
internal sealed class EnumNameConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private static readonly string[] Names = Enum.GetNames<T>();

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var name = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        var index = Array.IndexOf(Names, name);
        return index >= 0
            ? Enum.GetValues<T>()[index]
            : throw new JsonException(
                $"{SafeTensorsHeader.Quote(name ?? reader.TokenType.ToString())} is none of {string.Join(", ", Names)}.");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        EnumValues.Require(value);
        writer.WriteStringValue(value.ToString());
    }
}
