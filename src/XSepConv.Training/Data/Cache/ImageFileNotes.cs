using System.Text.Json;
using System.Text.Json.Serialization;

namespace XSepConv.Training;

/// <summary>What was found while images were decoded.</summary>
/// <param name="Unreadable">Files that are not among the images because they can't be read.</param>
internal sealed record ImageFileNotes(IReadOnlyList<UnreadableFile> Unreadable, IReadOnlyList<int[]> Equal)
{
    /// <summary>The names of those unreadable files that may be read another time, as they are.</summary>
    public IReadOnlyList<string> Passing { get; init; } = [];

    public static ImageFileNotes None { get; } = new([], []);

    /// <summary>Class names and notes as they stand at the end of an image file.</summary>
    public byte[] ToBytes(IReadOnlyList<string> classes) => JsonSerializer.SerializeToUtf8Bytes(
        new Stored(classes, OrNull(Unreadable), OrNull(Equal), OrNull(Passing)), ImageFileNotesJson.Default.Stored);

    /// <summary>Reads them back; null when they are not what was written.</summary>
    /// <exception cref="JsonException">They are no JSON of that kind.</exception>
    public static (IReadOnlyList<string> Classes, ImageFileNotes Notes)? FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, ImageFileNotesJson.Default.Stored) is { Classes: { } classes } stored
            ? (classes, new(stored.Unreadable ?? [], stored.Equal ?? []) { Passing = stored.Passing ?? [] })
            : null;

    private static IReadOnlyList<T>? OrNull<T>(IReadOnlyList<T> list) => list.Count > 0 ? list : null;

    internal sealed record Stored(
        IReadOnlyList<string> Classes, IReadOnlyList<UnreadableFile>? Unreadable, IReadOnlyList<int[]>? Equal,
        IReadOnlyList<string>? Passing);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ImageFileNotes.Stored))]
internal sealed partial class ImageFileNotesJson : JsonSerializerContext;
