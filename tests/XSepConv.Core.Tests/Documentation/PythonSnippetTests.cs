using System.Text.RegularExpressions;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Documentation;

public sealed partial class PythonSnippetTests
{
    [Fact]
    public async Task The_Python_of_the_docs_runs_and_its_weights_load_here()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var python = await PythonWithTorch.FindAsync(cancellation);
        Assert.SkipWhen(python is null,
            "No Python with torch here (Debian: apt-get install python3-torch), so the Python of the docs was not run.");

        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "interop.md"), cancellation);
        var code = string.Join('\n', Fences().Matches(page).Select(match => match.Groups[1].Value));
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(Repository.Root, "interop", "pytorch", "xsepconv_torch.py"), folder.File("xsepconv_torch.py"));
        Convert(folder);
        var script = folder.File("snippet.py");
        await File.WriteAllTextAsync(script, $"import os\nos.chdir(os.path.dirname(os.path.abspath(__file__)))\n{code}", cancellation);
        await PythonWithTorch.RunAsync(python, [script], cancellation);

        using var network = MobileNet.FromSafeTensors(folder.File("from_pytorch.safetensors"));
        Assert.Equal(MobileNetV3SmallSpec.XSep(new() { NumClasses = 10, Preset = ImagePreset.Cifar }), network.Spec);
    }

    // As the C# beside it does.
    private static void Convert(TemporaryFolder folder)
    {
        using var network = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 5, 1, 2, groups: 8), nn.BatchNorm2d(8));
        File.WriteAllText(folder.File("report.json"), XSepConverter.Convert(network, [1, 3, 32, 32]).ToJson());
        network.SaveSafeTensors(folder.File("converted.safetensors"));
    }

    [GeneratedRegex("^```python\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();
}
