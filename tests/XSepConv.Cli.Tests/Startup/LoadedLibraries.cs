namespace XSepConv.Cli.Tests;

/// <summary>The loader's own log of every library that a process of the tool opens.</summary>
internal static class LoadedLibraries
{
    public static void SkipWhereUnknown() => Assert.SkipUnless(File.Exists("/lib64/ld-linux-x86-64.so.2"), "glibc's loader is asked.");

    /// <summary>Runs the tool, and gives what its processes logged.</summary>
    public static async Task<string> Of(params string[] args)
    {
        var folder = Directory.CreateTempSubdirectory("xsepconv-");
        try
        {
            var (exitCode, _, error) = await ToolProcess.RunWith(
                [("LD_DEBUG", "files"), ("LD_DEBUG_OUTPUT", Path.Combine(folder.FullName, "loader"))], args);
            Assert.Equal("", error);
            Assert.Equal(0, exitCode);
            return string.Concat(folder.EnumerateFiles().Select(file => File.ReadAllText(file.FullName)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
