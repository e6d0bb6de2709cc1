using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Documentation;

public sealed class SnippetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;
    private readonly string _before = Directory.GetCurrentDirectory();

    public static TheoryData<string> Pages() =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md").Order().Select(path => $"docs/{Path.GetFileName(path)}").Prepend("README.md")];

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_CSharp_of_a_page_compiles_and_runs(string page)
    {
        Directory.SetCurrentDirectory(_folder);
        foreach (var snippet in Snippet.In(page))
        {
            random.manual_seed(1);
            using var images = randn(8, 3, 32, 32);
            using var labels = arange(8, dtype: ScalarType.Int64);
            snippet.Run(images, labels);
        }
    }

    [Fact]
    public void README_shows_CSharp() => Assert.NotEmpty(Snippet.In("README.md"));

    public void Dispose()
    {
        Directory.SetCurrentDirectory(_before);
        Directory.Delete(_folder, recursive: true);
    }
}
