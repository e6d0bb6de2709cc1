namespace XSepConv.Training;

/// <summary>Finds the files of an IDX data set: in the folder the user names, in Debian's, in the user's cache, else on the net.</summary>
internal static class DatasetFiles
{
    /// <summary>The files, in the order of <see cref="IdxDatasetInfo.Files"/>, and the folder they are in.</summary>
    /// <exception cref="DatasetNotFoundException">They are nowhere; the message names each place and why it failed.</exception>
    public static (IReadOnlyList<string> Paths, string Folder) Find(
        IdxDatasetInfo info, DatasetOptions options, IProgress<DownloadProgress>? progress, CancellationToken cancel)
    {
        var failures = new List<string>();
        foreach (var (place, folder) in Places(info, options))
        {
            var paths = info.Files.Select(file => InFolder(folder, file.Name)).ToList();
            if (paths.TrueForAll(path => path is not null)) return (paths!, folder);
            var missing = info.Files.Where((_, i) => paths[i] is null).Select(file => file.Name + ".gz").ToList();
            failures.Add($"{place} {folder}: {Reason(folder, missing, info.Files.Count)}");
        }

        if (options.DataRoot is null) failures.Insert(0, "a data root: none was given");
        var cache = CacheFolder(info, options);
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
            }
        }

        throw new DatasetNotFoundException(
            $"The data set {info.Name} was not found:{string.Concat(failures.Select(failure => $"{Environment.NewLine}  - {failure}"))}{Environment.NewLine}"
            + $"On Debian, 'apt install dataset-{info.Name}' may bring it; or put {string.Join(", ", info.Files.Select(file => file.Name + ".gz"))} in a folder and name that folder as the data root.");
    }

    /// <summary>The user's cache of one data set.</summary>
    internal static string CacheFolder(IdxDatasetInfo info, DatasetOptions options) =>
        Path.Combine(options.CacheDirectory ?? Path.Combine(UserCache(), "xsepconv"), info.Name);

    /// <summary>By the XDG rules an XDG_CACHE_HOME that is not absolute is ignored.</summary>
    internal static string UserCache()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg && Path.IsPathFullyQualified(xdg)) return xdg;
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        return (OperatingSystem.IsWindows() || home.Length == 0, OperatingSystem.IsMacOS()) switch
        {
            (true, _) => Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            (_, true) => Path.Combine(home, "Library", "Caches"),
            _ => Path.Combine(home, ".cache"),
        };
    }

    private static IEnumerable<(string Place, string Folder)> Places(IdxDatasetInfo info, DatasetOptions options)
    {
        if (options.DataRoot is { } root)
        {
            yield return ("data root", root);
            yield return ("data root", Path.Combine(root, info.Name));
        }

        yield return ("system folder", Path.Combine(options.SystemDirectory, info.Name));
        yield return ("cache", CacheFolder(info, options));
    }

    private static string? InFolder(string folder, string name)
    {
        var zipped = Path.Combine(folder, name + ".gz");
        var plain = Path.Combine(folder, name);
        return File.Exists(zipped) ? zipped : File.Exists(plain) ? plain : null;
    }

    private static string Reason(string folder, List<string> missing, int all) =>
        !Directory.Exists(folder) ? "no such folder"
        : missing.Count == all ? "has none of the files"
        : $"lacks {string.Join(", ", missing)}";
}
