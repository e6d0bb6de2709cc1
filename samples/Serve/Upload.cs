using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Serve;

/// <summary>The picture in a request: its body, or the one file of a form.</summary>
internal static class Upload
{
    // What a form has around a file: boundaries, the file's name, small fields beside it.
    private const int FormBytes = 64 << 10;

    private static readonly string[] Raw = ["image/png", "image/jpeg", "application/octet-stream"];

    /// <exception cref="BadHttpRequestException">There is none, it is larger or slower than allowed, or in another form.</exception>
    public static async Task<byte[]> Read(HttpRequest request, ServeOptions options)
    {
        var type = request.ContentType is null ? Raw[^1]
            : MediaTypeHeaderValue.TryParse(request.ContentType, out var parsed) ? parsed.MediaType.Value!.ToLowerInvariant() : "";
        if (type == "multipart/form-data") return await ReadForm(request, options);
        if (!Raw.Contains(type))
        {
            throw new BadHttpRequestException(
                $"The Content-Type is '{request.ContentType}'; send {string.Join(", ", Raw)}, or a file in multipart/form-data.", 415);
        }

        using var body = await ReadBody(request, options.MaxSeconds);
        return body.ToArray();
    }

    private static async Task<byte[]> ReadForm(HttpRequest request, ServeOptions options)
    {
        var most = options.MaxBytes + FormBytes;
        request.HttpContext.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = most;
        using var body = await ReadBody(request, options.MaxSeconds);
        try
        {
            // A body in memory is not copied once more, nor to the disk.
            request.Body = body;
            var limits = new FormOptions { MultipartBodyLengthLimit = most, ValueCountLimit = 16 };
            var files = (await request.ReadFormAsync(limits)).Files;
            if (files.Count != 1) throw new BadHttpRequestException($"The form has {files.Count} files; send one picture.", 400);
            if (files[0].Length > options.MaxBytes)
            {
                throw new BadHttpRequestException(
                    $"The file has {files[0].Length} bytes; the most are {options.MaxBytes} (--max-bytes).", 413);
            }

            using var file = files[0].OpenReadStream();
            var bytes = new byte[file.Length];
            await file.ReadExactlyAsync(bytes);
            return bytes;
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new BadHttpRequestException($"The form can't be read: {e.Message}", 400, e);
        }
    }

    // Grows with what comes: a length that is only claimed takes no memory.
    private static async Task<MemoryStream> ReadBody(HttpRequest request, int maxSeconds)
    {
        var bytes = new MemoryStream();
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(maxSeconds));

        // A token would leave Kestrel in the middle of a read: it would reset the connection before the answer is read.
        using var end = late.Token.UnsafeRegister(reader => ((PipeReader)reader!).CancelPendingRead(), request.BodyReader);
        try
        {
            await request.BodyReader.CopyToAsync(bytes);
        }
        catch (OperationCanceledException e) when (late.IsCancellationRequested)
        {
            throw new BadHttpRequestException($"The picture was not there after {maxSeconds} seconds (--max-seconds).", 408, e);
        }

        bytes.Position = 0;
        return bytes;
    }
}
