namespace XSepConv.Training;

/// <summary>Where a user's programs keep what they can make again.</summary>
internal static class UserCache
{
    public static string Folder(string name, DatasetOptions options) =>
        Path.Combine(options.CacheDirectory ?? Path.Combine(Root(), "xsepconv"), name);

    /// <summary>By the XDG rules an XDG_CACHE_HOME that is not absolute is ignored.</summary>
    private static string Root()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg && Path.IsPathFullyQualified(xdg)) return xdg;
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        return (OperatingSystem.IsWindows() || home.Length == 0, OperatingSystem.IsMacOS()) switch
        {
            (true, _) =>
                Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            (_, true) => Path.Combine(home, "Library", "Caches"),
            _ => Path.Combine(home, ".cache"),
        };
    }
}
