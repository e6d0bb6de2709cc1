using XSepConv.Core.Tests.Documentation;

namespace XSepConv.Core.Tests.Parity;

/// <summary>Files of the repository that the comparison reads.</summary>
internal static class RepositoryFiles
{
    public static string Fixture(string name) => Path.Combine(Repository.Root, "tests", "XSepConv.Core.Tests", "Fixtures", name);

    public static string Script(string name) => Path.Combine(Repository.Root, "tests", "XSepConv.Core.Tests", "Parity", name);
}
