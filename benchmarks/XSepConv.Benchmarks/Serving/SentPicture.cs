using System.Text.Json;

namespace XSepConv.Benchmarks.Serving;

/// <summary>A picture, and what the service must say of it.</summary>
/// <param name="File">Its path.</param>
/// <param name="Bytes">What is sent.</param>
/// <param name="Top">The classes that <c>predict</c> named.</param>
internal sealed record SentPicture(string File, byte[] Bytes, JsonElement Top)
{
    /// <summary>Those of a report of <c>predict --json</c>, in whose folder this must run if paths in it are relative.</summary>
    /// <exception cref="InvalidDataException">It is no such report, or has an error in it.</exception>
    public static IReadOnlyList<SentPicture> Of(string report)
    {
        try
        {
            var images = JsonDocument.Parse(System.IO.File.ReadAllText(report)).RootElement.GetProperty("images").EnumerateArray().ToList();
            return [.. images.Select(image => image.GetProperty("file").GetString()!).Zip(images, (file, image) =>
                new SentPicture(file, System.IO.File.ReadAllBytes(file), image.GetProperty("top")))];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"{report} is no report of 'xsepconv predict --json' without errors: {e.Message}", e);
        }
    }
}
