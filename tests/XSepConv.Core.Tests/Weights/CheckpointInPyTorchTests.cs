using TorchSharp;
using XSepConv.Core.Tests.Parity;
using XSepConv.Training;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>A run's last checkpoint, with the optimizer's state, in PyTorch as it is.</summary>
public sealed class CheckpointInPyTorchTests : IDisposable
{
    // As docs/interop.md reads a file that C# wrote.
    private const string Script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import torch
        from xsepconv_torch import MobileNet, load_safetensors
        again = MobileNet.from_safetensors(sys.argv[2]).eval()
        values, _ = load_safetensors(sys.argv[3])
        with torch.no_grad():
            logits = again.double()(values["x"])
        print(((logits - values["logits"]).abs().max() / logits.abs().max()).item())
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_computes_what_it_computes_here()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var spec = MobileNetV3SmallSpec.XSep(new() { NumClasses = 10, Preset = ImagePreset.Cifar, Width = 0.1 });
        var cancel = TestContext.Current.CancellationToken;
        new Trainer(
            new()
            {
                Network = spec,
                OutputDirectory = _folder.File("run"),
                Recipe = new() { Epochs = 1, BatchSize = 16, Optimizer = OptimizerKind.AdamW, LearningRate = 1e-3 },
                Device = "cpu",
                Threads = 1,
            },
            DatasetCatalog.Open("shapes", new() { Limit = 32 }, cancel: cancel)).Run(cancel: cancel);
        var last = Path.Combine(_folder.File("run"), Checkpoint.LastFileName);
        using (var file = SafeTensors.Open(last))
        {
            Assert.Contains(file.Tensors.Keys, name => name.StartsWith("training/", StringComparison.Ordinal));
        }

        SaveValues(last, _folder.File("values"));
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        var said = await PythonWithTorch.RunAsync(
            python!, ["-c", Script, interop, last, _folder.File("values")], TestContext.Current.CancellationToken);

        // Float64 in another order of adding.
        Assert.InRange(double.Parse(said, System.Globalization.CultureInfo.InvariantCulture), 0, 1e-10);
    }

    /// <summary>Images, and the checkpoint's logits for them in float64.</summary>
    private static void SaveValues(string checkpoint, string path)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var loaded = Checkpoint.Load(checkpoint);
        loaded.Network.SetXSepBackend(XSepBackend.Composed);
        loaded.Network.to(float64);
        loaded.Network.eval();
        random.manual_seed(4);
        var x = randn(2, 3, 32, 32, dtype: float64);
        using var values = new Values(x, loaded.Network.call(x));
        values.SaveSafeTensors(path);
    }

    private sealed class Values : nn.Module
    {
        public Values(Tensor x, Tensor logits)
            : base(nameof(Values))
        {
            register_buffer("x", x);
            register_buffer("logits", logits);
        }
    }
}
