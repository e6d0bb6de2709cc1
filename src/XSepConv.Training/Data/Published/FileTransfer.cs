using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace XSepConv.Training;

/// <summary>Brings one file from one address, going on where an earlier transfer ended.</summary>
/// <param name="client">Without a time limit of its own.</param>
/// <param name="file">What it must be.</param>
/// <param name="target">What has come so far; the rest is added.</param>
internal sealed class FileTransfer(
    HttpClient client, Uri address, PublishedFile file, FileStream target, IProgress<DatasetProgress>? progress)
{
    private const int MostAttempts = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public Uri Address => address;

    /// <summary>Whether an error is the other side's, so that another source may help.</summary>
    public static bool IsRemote(Exception error) =>
        error is HttpRequestException or InvalidDataException or TimeoutException or HttpIOException
            or IOException { InnerException: SocketException };

    /// <summary>Asks until the file is complete, while every attempt brings something.</summary>
    /// <exception cref="InvalidDataException">What came is wrong; nothing of it is kept.</exception>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task CompleteAsync(CancellationToken cancel)
    {
        if (target.Length > file.Bytes) target.SetLength(0);
        for (var attempt = 1; ; attempt++)
        {
            var before = target.Length;
            try
            {
                if (before < file.Bytes) await ReceiveAsync(cancel).ConfigureAwait(false);
                if (target.Length == file.Bytes && CheckedOrCleared(wasKept: before > 0)) return;
            }
            catch (Exception e) when (IsRemote(e) && !cancel.IsCancellationRequested && attempt < MostAttempts && target.Length > before)
            {
                continue;
            }

            if (attempt >= MostAttempts)
            {
                throw new InvalidDataException($"sent {target.Length} bytes in {attempt} attempts, the file has {file.Bytes}");
            }
        }
    }

    private async Task ReceiveAsync(CancellationToken cancel)
    {
        // A server that stops sending is given up after a while without a byte, however long the whole takes.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (target.Length > 0) request.Headers.Range = new RangeHeaderValue(target.Length, null);
            using var response = await client.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
            if (target.Length > 0 && response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                target.SetLength(0);
                return;
            }

            response.EnsureSuccessStatusCode();

            // A server that knows no ranges sends the whole; one that sends another part than was asked for is not believed.
            var from = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange?.From : 0;
            if (from != target.Length) target.SetLength(0);
            if (from is not 0 && target.Length == 0) return;
            target.Position = target.Length;
            await CopyAsync(response.Content, patience).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException(FormattableString.Invariant($"sent nothing for {Patience.TotalSeconds:0} seconds"), e);
        }
    }

    private async Task CopyAsync(HttpContent content, CancellationTokenSource patience)
    {
        var stream = await content.ReadAsStreamAsync(patience.Token).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        var buffer = new byte[1 << 16];
        int got;
        while ((got = await stream.ReadAsync(buffer, patience.Token).ConfigureAwait(false)) > 0)
        {
            if (target.Length + got > file.Bytes)
            {
                target.SetLength(0);
                throw new InvalidDataException($"sends more than the {file.Bytes} bytes the file has");
            }

            await target.WriteAsync(buffer.AsMemory(0, got), patience.Token).ConfigureAwait(false);
            await target.FlushAsync(patience.Token).ConfigureAwait(false);
            progress?.Report(new DownloadProgress(file.Name, address, target.Length, file.Bytes));
            patience.CancelAfter(Patience);
        }

        if (target.Length != file.Bytes) throw new InvalidDataException($"sent {target.Length} bytes, the file has {file.Bytes}");
    }

    /// <summary>Compares the checksum; a wrong file is cleared away.</summary>
    /// <param name="wasKept">
    /// Whether its beginning was there before: then the rest may be right, and the whole is asked for once more.
    /// </param>
    private bool CheckedOrCleared(bool wasKept)
    {
        target.Flush();
        target.Position = 0;
        var (name, digest) = file.Checksum.Length == 64 ? ("SHA-256", SHA256.HashData(target)) : ("MD5", Md5());
        var text = Convert.ToHexStringLower(digest);
        if (text == file.Checksum) return true;
        target.SetLength(0);
        return wasKept ? false : throw new InvalidDataException($"sent a file with {name} {text}, right is {file.Checksum}");
    }

#pragma warning disable CA5351 // Some publishers give nothing better; it tells damage, not malice.
    private byte[] Md5() => MD5.HashData(target);
#pragma warning restore CA5351
}
