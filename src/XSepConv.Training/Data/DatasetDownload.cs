using System.Security.Cryptography;

namespace XSepConv.Training;

/// <summary>Downloads the files of a data set, checks their SHA-256, and puts each in place whole.</summary>
internal static class DatasetDownload
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Fetches what the folder lacks. A file appears there under its name only when it is complete and right.</summary>
    /// <returns>The paths, in the order of <see cref="IdxDatasetInfo.Files"/>.</returns>
    /// <exception cref="IOException">No source gave a right file, or the folder can't be written; the message says why for each source.</exception>
    public static IReadOnlyList<string> Fetch(
        IdxDatasetInfo info, string folder, HttpMessageHandler? network, IProgress<DownloadProgress>? progress, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        using var client = network is null ? new HttpClient() : new HttpClient(network, disposeHandler: false);
        client.Timeout = Timeout.InfiniteTimeSpan;
        var paths = new List<string>();
        foreach (var file in info.Files)
        {
            var path = Path.Combine(folder, file.Name + ".gz");
            if (!File.Exists(path)) FetchFile(client, info, file, path, progress, cancel);
            paths.Add(path);
        }

        return paths;
    }

    private static void FetchFile(
        HttpClient client, IdxDatasetInfo info, IdxEntry file, string path, IProgress<DownloadProgress>? progress, CancellationToken cancel)
    {
        var failures = new List<string>();
        foreach (var source in info.Sources)
        {
            var address = new Uri(source, file.Name + ".gz");
            var temporary = $"{path}.{Guid.NewGuid():N}.part";
            try
            {
                // The callers are synchronous programs; there is no synchronization context a wait could block.
                Task.Run(() => ReceiveAsync(client, address, file, temporary, progress, cancel), cancel).GetAwaiter().GetResult();
                File.Move(temporary, path, overwrite: true);
                return;
            }
            catch (Exception e) when (!cancel.IsCancellationRequested
                && e is HttpRequestException or InvalidDataException or TimeoutException or HttpIOException)
            {
                failures.Add($"{address}: {e.Message}");
            }
            finally
            {
                File.Delete(temporary);
            }
        }

        throw new IOException(string.Join("; ", failures));
    }

    private static async Task ReceiveAsync(
        HttpClient client, Uri address, IdxEntry file, string path, IProgress<DownloadProgress>? progress, CancellationToken cancel)
    {
        // A server that stops sending is given up after a while without a byte, however long the whole takes.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
            var content = await response.Content.ReadAsStreamAsync(patience.Token).ConfigureAwait(false);
            await using var _ = content.ConfigureAwait(false);
            var target = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            await using var __ = target.ConfigureAwait(false);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[1 << 16];
            long done = 0;
            int got;
            while ((got = await content.ReadAsync(buffer, patience.Token).ConfigureAwait(false)) > 0)
            {
                done += got;
                if (done > file.Bytes) throw new InvalidDataException($"sends more than the {file.Bytes} bytes the file has");
                hash.AppendData(buffer, 0, got);
                await target.WriteAsync(buffer.AsMemory(0, got), patience.Token).ConfigureAwait(false);
                progress?.Report(new DownloadProgress(file.Name + ".gz", address, done, file.Bytes));
                patience.CancelAfter(Patience);
            }

            if (done != file.Bytes) throw new InvalidDataException($"sent {done} bytes, the file has {file.Bytes}");
            var digest = Convert.ToHexStringLower(hash.GetHashAndReset());
            if (digest != file.Sha256) throw new InvalidDataException($"sent a file with SHA-256 {digest}, right is {file.Sha256}");
            target.Flush(flushToDisk: true);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"sent nothing for {Patience.TotalSeconds:0} seconds", e);
        }
    }
}
