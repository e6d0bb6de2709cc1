namespace XSepConv.Benchmarks;

/// <summary>Where the repository is that this program was built in.</summary>
internal static class Repository
{
    /// <summary>Its folder; null where the program was copied elsewhere.</summary>
    public static string? Root
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "XSepConv.sln"))) return folder.FullName;
            }

            return null;
        }
    }

    public static string Results =>
        Root is { } root ? Path.Combine(root, "benchmarks", "results") : Path.Combine(Environment.CurrentDirectory, "benchmark-results");
}
