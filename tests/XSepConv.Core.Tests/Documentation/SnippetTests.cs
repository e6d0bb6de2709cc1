using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Documentation;

public sealed class SnippetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;
    private readonly string _before = Directory.GetCurrentDirectory();

    public static TheoryData<string> Pages() =>
        ["README.md", .. Repository.Pages("docs", "*.md"), .. Repository.Pages("src", "README.md")];

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_CSharp_of_a_page_runs_and_prints_what_the_page_shows(string page)
    {
        Directory.SetCurrentDirectory(_folder);
        File.Copy(Path.Combine(Repository.Root, "tests/XSepConv.Training.Tests/Data/Fixtures/kinds/420.jpg"), "photo.jpg");
        if (page.EndsWith("transfer.md", StringComparison.Ordinal)) WriteTorchVisions("mobilenet_v3_small");
        foreach (var snippet in Snippet.In(page))
        {
            random.manual_seed(1);
            using var images = randn(8, 3, 32, 32);
            using var labels = arange(8, dtype: ScalarType.Int64);
            var printed = snippet.Run(images, labels);
            if (snippet.Output is not null) Assert.Equal(snippet.Output, printed);
        }
    }

    // As torchvision publishes it, with random weights.
    private static void WriteTorchVisions(string model)
    {
        var spec = Pretrained.Spec(PretrainedSource.TorchVision, model);
        using var network = new MobileNet(spec);
        var tensors = ModuleState.Tensors(network).ToDictionary(tensor => tensor.Name);
        SafeTensors.Write($"{model}.safetensors", ForeignNames.Of(spec, PretrainedSource.TorchVision).Select(tensor =>
            tensors[tensor.Key] with { Name = tensor.Name, Shape = [.. tensor.Shape] }));
    }

    [Fact]
    public void README_shows_CSharp_and_what_it_prints() => Assert.True(Snippet.In("README.md").Count(snippet => snippet.Output is not null) >= 2);

    public void Dispose()
    {
        Directory.SetCurrentDirectory(_before);
        Directory.Delete(_folder, recursive: true);
    }
}
