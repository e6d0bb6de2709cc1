namespace XSepConv.Benchmarks;

/// <summary>Where the repository is that this program was built in.</summary>
internal static class Repository
{
    public static string Results
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "XSepConv.sln")))
                    return Path.Combine(folder.FullName, "benchmarks", "results");
            }
            return Path.Combine(Environment.CurrentDirectory, "benchmark-results");
        }
    }
}
