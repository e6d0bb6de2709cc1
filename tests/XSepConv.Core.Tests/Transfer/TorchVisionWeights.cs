using System.Text.Json;
using XSepConv.Core.Tests.Documentation;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Transfer;

/// <summary>What <c>pretrained.py</c> writes: torchvision's networks with random weights, made while the tests run.</summary>
public sealed class TorchVisionWeights : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("xsepconv-pretrained-");
    private string? _missing = "a Python with torch and torchvision (apt-get install python3-torchvision)";

    public async ValueTask InitializeAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        if (await PythonWithTorch.FindAsync(cancellation) is not { } python) return;
        var script = Path.Combine(Repository.Root, "tests", "XSepConv.Core.Tests", "Transfer", "pretrained.py");
        try
        {
            await PythonWithTorch.RunAsync(python, [script, _folder.FullName], cancellation);
            _missing = null;
        }
        catch (InvalidOperationException e) when (e.Message.Contains("No module named 'torchvision'", StringComparison.Ordinal))
        {
            // Skipped.
        }
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    internal void Require() => Assert.SkipWhen(_missing is not null, $"This needs {_missing}.");

    internal string File(PretrainedSource source, string model, string extension = "safetensors") =>
        Path.Combine(_folder.FullName, $"{source}-{model}.{extension}");

    internal string New(string name) => Path.Combine(_folder.FullName, name);

    internal Dictionary<string, Tensor> Answers(PretrainedSource source, string model) => GoldenFile.Read(File(source, model, "answers"));

    /// <summary>Names and shapes of torchvision's tensors, by model and width.</summary>
    internal Dictionary<string, JsonElement[][]> Shapes() =>
        JsonSerializer.Deserialize<Dictionary<string, JsonElement[][]>>(System.IO.File.ReadAllText(New("shapes.json")))!;
}
