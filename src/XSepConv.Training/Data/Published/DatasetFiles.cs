namespace XSepConv.Training;

/// <summary>
/// Finds the files of a published data set: in the folder the user names, in Debian's, in the user's cache, else on the net.
/// </summary>
internal static class DatasetFiles
{
    /// <summary>The files, in the order of <see cref="PublishedDataset.Files"/>, and the folder they are in.</summary>
    /// <exception cref="DatasetNotFoundException">They are nowhere; the message names each place and why it failed.</exception>
    public static (IReadOnlyList<string> Paths, string Folder) Find(
        PublishedDataset info, DatasetOptions options, IProgress<DatasetProgress>? progress, CancellationToken cancel)
    {
        var failures = new List<string>();
        Exception? failed = null;
        foreach (var (place, folder) in Places(info, options))
        {
            var paths = info.Files.Select(file => InFolder(folder, file)).ToList();
            if (paths.TrueForAll(path => path is not null)) return (paths!, folder);
            var missing = info.Files.Where((_, i) => paths[i] is null).Select(file => file.Name).ToList();
            failures.Add($"{place} {folder}: {Reason(folder, missing, info.Files.Count)}");
        }

        if (options.DataRoot is null) failures.Insert(0, "a data root: none was given");
        var cache = UserCache.Folder(info.FolderName, options);
        if (!options.AllowDownload)
        {
            failures.Add("download: not allowed by the options");
        }
        else
        {
            try
            {
                return (DatasetDownload.Fetch(info, cache, options.Network, progress, cancel), cache);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or HttpRequestException)
            {
                failures.Add($"download to {cache}: {e.Message}");
                failed = e;
            }
        }

        throw new DatasetNotFoundException(
            $"The data set {info.Name} was not "
            + $"found:{string.Concat(failures.Select(failure => $"{Environment.NewLine}  - {failure}"))}{Environment.NewLine}"
            + (info.DebianPackage is { } package ? $"On Debian, 'apt install {package}' brings it; or p" : "P")
            + $"ut {string.Join(", ", info.Files.Select(file => file.Name))} in a folder and name that folder as the data root.",
            failed);
    }

    private static IEnumerable<(string Place, string Folder)> Places(PublishedDataset info, DatasetOptions options)
    {
        if (options.DataRoot is { } root)
        {
            yield return ("data root", root);
            yield return ("data root", Path.Combine(root, info.FolderName));
        }

        yield return ("system folder", Path.Combine(options.SystemDirectory, info.FolderName));
        yield return ("cache", UserCache.Folder(info.FolderName, options));
    }

    private static string? InFolder(string folder, PublishedFile file)
    {
        var published = Path.Combine(folder, file.Name);
        if (File.Exists(published)) return published;
        var unpacked = file.Unpacked is null ? null : Path.Combine(folder, file.Unpacked);
        return File.Exists(unpacked) || Directory.Exists(unpacked) ? unpacked : null;
    }

    private static string Reason(string folder, List<string> missing, int all) =>
        !Directory.Exists(folder) ? "no such folder"
        : missing.Count == all ? "has none of the files"
        : $"lacks {Listing.Of(missing, ", ")}";
}
