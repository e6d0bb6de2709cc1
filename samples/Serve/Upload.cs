using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Serve;

/// <summary>The picture in a request: its body, or the one file of a form.</summary>
internal static class Upload
{
    // What a form has around a file: boundaries, the file's name, small fields beside it.
    private const int FormBytes = 64 << 10;

    private static readonly string[] Raw = ["image/png", "image/jpeg", "application/octet-stream"];

    /// <exception cref="BadHttpRequestException">There is none, it is larger than allowed, or in another form.</exception>
    public static async Task<byte[]> Read(HttpRequest request, int maxBytes)
    {
        var type = request.ContentType is null ? Raw[^1]
            : MediaTypeHeaderValue.TryParse(request.ContentType, out var parsed) ? parsed.MediaType.Value!.ToLowerInvariant() : "";
        if (type == "multipart/form-data") return await ReadForm(request, maxBytes);
        if (!Raw.Contains(type))
        {
            throw new BadHttpRequestException(
                $"The Content-Type is '{request.ContentType}'; send {string.Join(", ", Raw)}, or a file in multipart/form-data.", 415);
        }

        return await ReadAll(request.Body);
    }

    private static async Task<byte[]> ReadForm(HttpRequest request, int maxBytes)
    {
        try
        {
            // In memory, not on the disk.
            var most = maxBytes + FormBytes;
            request.HttpContext.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = most;
            var limits = new FormOptions { MemoryBufferThreshold = most, MultipartBodyLengthLimit = most, ValueCountLimit = 16 };
            var files = (await request.ReadFormAsync(limits)).Files;
            if (files.Count != 1) throw new BadHttpRequestException($"The form has {files.Count} files; send one picture.", 400);
            if (files[0].Length > maxBytes)
            {
                throw new BadHttpRequestException($"The file has {files[0].Length} bytes; the most are {maxBytes} (--max-bytes).", 413);
            }

            using var file = files[0].OpenReadStream();
            return await ReadAll(file);
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException and not ConnectionResetException)
        {
            throw new BadHttpRequestException($"The form can't be read: {e.Message}", 400, e);
        }
    }

    // Grows with what comes: a length that is only claimed takes no memory.
    private static async Task<byte[]> ReadAll(Stream stream)
    {
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}
