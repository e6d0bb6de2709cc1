namespace XSepConv.Core.Tests.Parity;

/// <summary>Files of the repository that the tests run from.</summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = Find();

    public static string Fixture(string name) => Path.Combine(Root, "tests", "XSepConv.Core.Tests", "Fixtures", name);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "XSepConv.sln"))) return folder.FullName;
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds XSepConv.sln.");
    }
}
