using System.Text.Json;
using System.Text.Json.Serialization;

namespace XSepConv.Training;

/// <summary>What was found while images were decoded.</summary>
/// <param name="Unreadable">Files that are not among the images because they can't be read.</param>
internal sealed record ImageFileNotes(IReadOnlyList<UnreadableFile> Unreadable, IReadOnlyList<int[]> Equal)
{
    public static ImageFileNotes None { get; } = new([], []);

    /// <summary>Class names and notes as they stand at the end of an image file.</summary>
    public byte[] ToBytes(IReadOnlyList<string> classes) => JsonSerializer.SerializeToUtf8Bytes(
        new Stored(classes, Unreadable.Count > 0 ? Unreadable : null, Equal.Count > 0 ? Equal : null), ImageFileNotesJson.Default.Stored);

    /// <summary>Reads them back; null when they are not what was written.</summary>
    /// <exception cref="JsonException">They are no JSON of that kind.</exception>
    public static (IReadOnlyList<string> Classes, ImageFileNotes Notes)? FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, ImageFileNotesJson.Default.Stored) is { Classes: { } classes } stored
            ? (classes, new(stored.Unreadable ?? [], stored.Equal ?? []))
            : null;

    internal sealed record Stored(IReadOnlyList<string> Classes, IReadOnlyList<UnreadableFile>? Unreadable, IReadOnlyList<int[]>? Equal);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ImageFileNotes.Stored))]
internal sealed partial class ImageFileNotesJson : JsonSerializerContext;
