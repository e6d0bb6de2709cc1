namespace XSepConv.Training;

/// <summary>
/// Downloads the files of a data set, checks size and checksum, and puts each in place whole. What has come of a file is kept beside it
/// (<c>.part</c>): a download that breaks off goes on there, now or the next time.
/// </summary>
internal static class DatasetDownload
{
    private const int MostFailures = 4;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);

    /// <summary>Fetches what the folder lacks. A file appears there under its name only when it is complete and right.</summary>
    /// <returns>The paths, in the order of <see cref="PublishedDataset.Files"/>.</returns>
    /// <exception cref="IOException">
    /// No source gave a right file, or the folder can't be written; the message says why for each source.
    /// </exception>
    public static IReadOnlyList<string> Fetch(
        PublishedDataset info, string folder, HttpMessageHandler? network, IProgress<DatasetProgress>? progress, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        using var client = network is null ? new HttpClient() : new HttpClient(network, disposeHandler: false);
        client.Timeout = Timeout.InfiniteTimeSpan;
        var paths = new List<string>();
        foreach (var file in info.Files)
        {
            var path = Path.Combine(folder, file.Name);
            if (!File.Exists(path)) FetchFile(client, info, file, path, progress, cancel);
            paths.Add(path);
        }

        return paths;
    }

    private static void FetchFile(
        HttpClient client, PublishedDataset info, PublishedFile file, string path, IProgress<DatasetProgress>? progress,
        CancellationToken cancel)
    {
        var part = path + ".part";
        using (var target = OpenAlone(part, path, Show, cancel))
        {
            if (target is null) return;
            try
            {
                Receive(client, info, file, target, progress, cancel);
                target.Flush(flushToDisk: true);
            }
            catch (ArgumentOutOfRangeException e) when (AtomicFile.IsTooLong(e))
            {
                throw AtomicFile.TooLong(part, e);
            }
        }

        try
        {
            File.Move(part, path, overwrite: true);
        }
        catch (FileNotFoundException) when (File.Exists(path))
        {
            // Another process waited for the part, found it complete and moved it.
        }

        void Show(long done) => progress?.Report(new DownloadProgress(file.Name, new Uri(info.Sources[0], file.Name), done, file.Bytes));
    }

    private static void Receive(
        HttpClient client, PublishedDataset info, PublishedFile file, FileStream target, IProgress<DatasetProgress>? progress,
        CancellationToken cancel)
    {
        var failures = new List<string>();
        foreach (var source in info.Sources)
        {
            var transfer = new FileTransfer(client, new Uri(source, file.Name), file, target, progress);
            try
            {
                // The callers are synchronous programs; there is no synchronization context a wait could block.
                Task.Run(() => transfer.CompleteAsync(cancel), cancel).GetAwaiter().GetResult();
                return;
            }
            catch (Exception e) when (!cancel.IsCancellationRequested && FileTransfer.IsRemote(e))
            {
                failures.Add($"{transfer.Address}: {e.Message}");
            }
        }

        throw new IOException(Listing.Of(failures));
    }

    /// <summary>Opens the part for this process only, waiting while another one has it.</summary>
    /// <remarks>A part is never deleted while the file is missing: whoever waits for it would go on in one that has no name.</remarks>
    /// <param name="show">Gets the bytes that the other one has received.</param>
    /// <returns>Null when the other one has finished the file.</returns>
    private static FileStream? OpenAlone(string part, string path, Action<long> show, CancellationToken cancel)
    {
        for (var failures = 0; ;)
        {
            try
            {
                var stream = RegularFile.OpenWrite(part, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                if (!File.Exists(path)) return stream;
                stream.Dispose();
                File.Delete(part);
                return null;
            }
            catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException))
            {
                // Not held by another process: it may just have been moved, and then the next look finds the file.
                if (!RegularFile.IsHeld(e) && ++failures == MostFailures) throw;
                if (new FileInfo(part) is { Exists: true, Length: var done }) show(done);
                if (cancel.WaitHandle.WaitOne(BetweenLooks)) cancel.ThrowIfCancellationRequested();
            }
        }
    }
}
